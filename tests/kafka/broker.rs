//! Brokers of `scripts/kafka`: the one that all tests share, or one of a test's own; their topics.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::{Client, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::metadata::MetadataPartition;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use crate::harness::{DEADLINE, Ran};

/// A running broker, or several that are one cluster.
pub(crate) struct Broker {
    bootstrap: String,
    folder: PathBuf,
    admin: AdminClient<DefaultClientContext>,
    /// A client that sees what is not committed, too.
    sees_all: BaseConsumer,
    /// What [`Broker::has_lost_ends`] found before.
    lost_ends: AtomicBool,
    /// Removes it all when dropped, where it is a test's own.
    own: Option<tempfile::TempDir>,
}

impl Broker {
    /// The one that all tests share: it has a secure listener, and is never stopped.
    pub(crate) fn shared() -> Broker {
        let variable = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        Broker::new(variable("HEADCOUNT_BROKERS"), variable("HEADCOUNT_KAFKA_DIR").into(), None)
    }

    /// One of the test's own, started with these flags: to be stopped and started.
    pub(crate) fn own(flags: &str) -> Broker {
        let own = tempfile::tempdir().unwrap();
        let folder = own.path().join("broker");
        let up = format!("up --for {} {flags}", std::process::id());
        let bootstrap = script(&folder, &up).exits(0).stdout.trim().to_owned();
        Broker::new(bootstrap, folder, Some(own))
    }

    fn new(bootstrap: String, folder: PathBuf, own: Option<tempfile::TempDir>) -> Broker {
        let admin = config(&bootstrap).create().unwrap();
        let sees_all =
            config(&bootstrap).set("isolation.level", "read_uncommitted").create().unwrap();
        Broker { bootstrap, folder, admin, sees_all, lost_ends: AtomicBool::new(false), own }
    }

    /// A verb of `scripts/kafka`, like `stop --kill` or `start`.
    pub(crate) fn script(&self, words: &str) -> Ran {
        if words.starts_with("stop") {
            self.has_lost_ends();
        }
        script(&self.folder, words).exits(0)
    }

    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Flags for the secure listener, as `secure` (who may do all) or `stranger` (nothing).
    pub(crate) fn secure_flags(&self, user: &str) -> String {
        format!("-F {}/{user}.properties", self.folder.display())
    }

    /// A client's settings, to begin with.
    pub(crate) fn config(&self) -> ClientConfig {
        config(&self.bootstrap)
    }

    /// A topic's name that nobody else has; the topic is not there.
    pub(crate) fn free_name(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Makes a topic with these settings, and gives its name.
    pub(crate) fn topic(&self, partitions: i32, settings: &[(&str, &str)]) -> String {
        let name = self.free_name();
        self.make(&name, partitions, settings);
        name
    }

    /// Makes a topic that is kept by three nodes, and gives its name.
    pub(crate) fn replicated(&self, partitions: i32) -> String {
        let name = self.free_name();
        self.make_of(&name, partitions, 3, &[]);
        name
    }

    /// Makes a topic of this name.
    pub(crate) fn make(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        self.make_of(name, partitions, 1, settings);
    }

    fn make_of(&self, name: &str, partitions: i32, replicas: i32, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
        for (key, value) in settings {
            new = new.set(key, value);
        }
        let made = wait(self.admin.create_topics(&[new], &options())).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        crate::harness::wait_until("the topic", || {
            self.partitions(name) == Some(usize::try_from(partitions).unwrap())
        });
    }

    /// A topic fit for results.
    pub(crate) fn results_topic(&self) -> String {
        self.topic(1, &[("cleanup.policy", "compact")])
    }

    /// Which nodes lead a topic's partitions.
    pub(crate) fn leaders(&self, topic: &str) -> Vec<i32> {
        let metadata =
            self.admin.inner().fetch_metadata(Some(topic), Duration::from_secs(30)).unwrap();
        metadata.topics()[0].partitions().iter().map(MetadataPartition::leader).collect()
    }

    /// How many partitions a topic has, all with a leader; none if it is not there.
    pub(crate) fn partitions(&self, topic: &str) -> Option<usize> {
        let metadata =
            self.admin.inner().fetch_metadata(Some(topic), Duration::from_secs(30)).unwrap();
        let found = metadata.topics().iter().find(|found| found.name() == topic)?;
        let partitions = found.partitions();
        let ready = !partitions.is_empty() && partitions.iter().all(|one| one.leader() >= 0);
        (found.error().is_none() && ready).then_some(partitions.len())
    }

    /// Replicas of a topic's first partition.
    pub(crate) fn replicas(&self, topic: &str) -> usize {
        let metadata =
            self.admin.inner().fetch_metadata(Some(topic), Duration::from_secs(30)).unwrap();
        metadata.topics()[0].partitions()[0].replicas().len()
    }

    /// A topic's setting.
    pub(crate) fn setting(&self, topic: &str, key: &str) -> String {
        let resource = [ResourceSpecifier::Topic(topic)];
        let described = wait(self.admin.describe_configs(&resource, &options())).unwrap();
        let described = described.into_iter().next().unwrap().unwrap();
        described.get(key).unwrap().value.clone().unwrap()
    }

    /// The first bytes of the log of a topic's first partition, as they lie on the broker's disk.
    pub(crate) fn segment(&self, topic: &str) -> Vec<u8> {
        let name = format!("node-1/data/{topic}-0/00000000000000000000.log");
        let mut bytes = vec![0; 64];
        let mut file = std::fs::File::open(self.folder.join(name)).unwrap();
        std::io::Read::read_exact(&mut file, &mut bytes).unwrap();
        bytes
    }

    /// Offset of the next record of a topic's first partition, for who reads what is committed: no further
    /// than the first open transaction.
    pub(crate) fn end(&self, topic: &str) -> i64 {
        end_of(self.admin.inner(), topic, 0)
    }

    /// Offset of the first record there is.
    pub(crate) fn beginning(&self, topic: &str) -> i64 {
        ends_of(self.admin.inner(), topic, 0).0
    }

    /// The same for who reads all, committed or not.
    pub(crate) fn written(&self, topic: &str) -> i64 {
        end_of(self.sees_all.client(), topic, 0)
    }

    /// Offsets of the next record of each of a topic's partitions.
    pub(crate) fn ends(&self, topic: &str) -> Vec<i64> {
        let partitions = i32::try_from(self.partitions(topic).unwrap()).unwrap();
        let client = self.admin.inner();
        (0..partitions).map(|at| end_of(client, topic, at)).collect()
    }

    /// What a group committed of each of a topic's partitions, and what stands beside it.
    pub(crate) fn committed(&self, topic: &str, group: &str) -> Vec<(Option<i64>, String)> {
        let mut config = self.config();
        config.set("group.id", group);
        let consumer: BaseConsumer = config.create().unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions(topic).unwrap() {
            list.add_partition(topic, i32::try_from(partition).unwrap());
        }
        let list = consumer.committed_offsets(list, Duration::from_secs(30)).unwrap();
        let place = |one: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            (one.offset().to_raw().filter(|&offset| offset >= 0), one.metadata().to_owned())
        };
        list.elements().iter().map(place).collect()
    }

    /// Ends every transaction that is open in a topic's first partition, as an administrator does (docs/kafka.md);
    /// how many there were.
    pub(crate) fn end_open_transactions(&self, topic: &str) -> usize {
        let of = format!("--topic {topic} --partition 0");
        let transactions = |words: &str| {
            let tool = format!("run transactions --bootstrap-server {}", self.bootstrap);
            self.script(&format!("{tool} {words} {of}")).stdout
        };
        let said = transactions("describe-producers");
        let mut rows = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let title = rows.next().expect("a row of titles");
        let column = title.iter().position(|&title| title == "CurrentTransactionStartOffset");
        let column = column.unwrap_or_else(|| panic!("no such column: {said}"));
        // Of a producer without one it says `None`.
        let open = rows.filter_map(|row| row.get(column)?.parse::<u64>().ok());
        open.inspect(|start| drop(transactions(&format!("abort --start-offset {start}")))).count()
    }

    /// Whether the first node ever took partitions without a leader for deleted, and so may have ended
    /// transactions without a word to them (docs/kafka.md).
    pub(crate) fn has_lost_ends(&self) -> bool {
        // With each start it begins a new log.
        let log = std::fs::read(self.folder.join("node-1/log")).unwrap();
        let now = String::from_utf8_lossy(&log).contains("likely deleted already");
        self.lost_ends.fetch_or(now, Ordering::Relaxed) || now
    }

    /// Deletes the records of a topic's first partition that lie before this offset.
    pub(crate) fn delete_before(&self, topic: &str, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
        let deleted = wait(self.admin.delete_records(&list, &options())).unwrap();
        assert_eq!(deleted.elements()[0].error(), Ok(()));
    }

    /// Commits offsets of a topic's first partition as other programs do: nothing beside them.
    pub(crate) fn commit(&self, topic: &str, group: &str, offset: i64) {
        let mut config = self.config();
        config.set("group.id", group);
        let consumer: BaseConsumer = config.create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
        consumer.commit(&list, CommitMode::Sync).unwrap();
    }

    /// Gives a topic so many partitions.
    pub(crate) fn grow(&self, topic: &str, partitions: usize) {
        let new = [NewPartitions::new(topic, partitions)];
        let made = wait(self.admin.create_partitions(&new, &options())).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    /// Deletes a topic, and waits until it is gone.
    pub(crate) fn delete(&self, topic: &str) {
        let deleted = wait(self.admin.delete_topics(&[topic], &options())).unwrap();
        assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
        crate::harness::wait_until("the end of the topic", || self.partitions(topic).is_none());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.own.is_some() {
            script(&self.folder, "down");
        }
    }
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("allow.auto.create.topics", "false");
    config
}

/// Offset of the next record of a partition. A topic just made, or a broker just back, may be asked too soon.
fn end_of<C: ClientContext>(client: &Client<C>, topic: &str, partition: i32) -> i64 {
    ends_of(client, topic, partition).1
}

/// Offsets of the first record and of the next one.
fn ends_of<C: ClientContext>(client: &Client<C>, topic: &str, partition: i32) -> (i64, i64) {
    let began = Instant::now();
    loop {
        match client.fetch_watermarks(topic, partition, Duration::from_secs(30)) {
            Ok(ends) => return ends,
            Err(error) if began.elapsed() > DEADLINE => panic!("{topic}[{partition}]: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn options() -> AdminOptions {
    let timeout = Some(Duration::from_secs(30));
    AdminOptions::new().request_timeout(timeout).operation_timeout(timeout)
}

/// Runs a verb of `scripts/kafka`.
fn script(folder: &Path, words: &str) -> Ran {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/kafka"));
    command.arg(verb).arg("--dir").arg(folder).args(rest.split_whitespace());
    Ran::of(command.output().unwrap())
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for what rdkafka's admin client promises.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
