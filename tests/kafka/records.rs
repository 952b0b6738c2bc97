//! Records written and read by a test itself.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedHeaders, Headers};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::broker::Broker;
use crate::harness::{DEADLINE, wait_until};

/// A record to be written.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) key: Option<Vec<u8>>,
    /// None is a tombstone.
    pub(crate) value: Option<Vec<u8>>,
    /// The record's own time, milliseconds; none is now.
    pub(crate) time_ms: Option<i64>,
}

impl Record {
    /// A value for a partition, and nothing more.
    pub(crate) fn new(partition: i32, value: impl Into<Vec<u8>>) -> Record {
        Record { partition, key: None, value: Some(value.into()), time_ms: None }
    }
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Read {
    pub(crate) fn key(&self) -> &str {
        std::str::from_utf8(self.key.as_deref().unwrap()).unwrap()
    }

    pub(crate) fn value(&self) -> &[u8] {
        self.value.as_deref().unwrap()
    }
}

/// Names and values.
fn headers(all: &BorrowedHeaders) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    all.iter().map(|one| (one.key.to_owned(), text(one.value.unwrap()))).collect()
}

impl Broker {
    /// Writes records, in order; each is there when this returns.
    pub(crate) fn write(&self, topic: &str, records: &[Record]) {
        let producer: BaseProducer = self.producer(&[]);
        send(&producer, topic, records);
        flush(&producer);
    }

    /// Writes records of one codec, as far as can be in one batch.
    pub(crate) fn write_batch(&self, topic: &str, records: &[Record], codec: &str) {
        let settings = [("compression.type", codec), ("linger.ms", "200")];
        let producer: BaseProducer = self.producer(&settings);
        send(&producer, topic, records);
        flush(&producer);
    }

    /// Writes frames to a topic's first partition, in order.
    pub(crate) fn write_frames<F: AsRef<[u8]>>(
        &self,
        topic: &str,
        frames: impl IntoIterator<Item = F>,
    ) {
        let record = |frame: F| Record::new(0, frame.as_ref());
        self.write(topic, &frames.into_iter().map(record).collect::<Vec<_>>());
    }

    /// Writes partitions' frames, all of one partition after all of another.
    pub(crate) fn write_partitions<F: AsRef<[u8]>>(&self, topic: &str, partitions: &[Vec<F>]) {
        let records = (0..).zip(partitions).flat_map(|(partition, frames)| {
            frames.iter().map(move |frame| Record::new(partition, frame.as_ref()))
        });
        self.write(topic, &records.collect::<Vec<_>>());
    }

    /// The same, a hundred frames of each partition at a time: what is drawn of one is a batch at least.
    pub(crate) fn write_in_batches<F: AsRef<[u8]>>(&self, topic: &str, partitions: &[Vec<F>]) {
        let most = partitions.iter().map(Vec::len).max().unwrap_or(0);
        for from in (0..most).step_by(100) {
            let part = |frames: &Vec<F>| {
                let frames = frames.iter().skip(from).take(100);
                frames.map(|frame| frame.as_ref().to_vec()).collect()
            };
            self.write_partitions(topic, &partitions.iter().map(part).collect::<Vec<Vec<_>>>());
        }
    }

    /// Writes records in one transaction, and commits or aborts it.
    pub(crate) fn write_transaction(&self, topic: &str, records: &[Record], commit: bool) {
        let open = self.begin_transaction(topic, records);
        if commit {
            open.commit_transaction(DEADLINE).unwrap();
        } else {
            open.abort_transaction(DEADLINE).unwrap();
        }
        // The markers are written after the answer.
        let ends = |isolation| {
            let mut config = self.config();
            config.set("isolation.level", isolation);
            let consumer: BaseConsumer = config.create().unwrap();
            let end = |record: &Record| {
                consumer.fetch_watermarks(topic, record.partition, DEADLINE).unwrap().1
            };
            records.iter().map(end).collect::<Vec<_>>()
        };
        wait_until("the markers", || ends("read_committed") == ends("read_uncommitted"));
    }

    /// Writes records in a transaction, which stays open.
    pub(crate) fn begin_transaction(&self, topic: &str, records: &[Record]) -> BaseProducer {
        let id = self.free_name();
        let producer: BaseProducer = self.producer(&[("transactional.id", &id)]);
        producer.init_transactions(DEADLINE).unwrap();
        producer.begin_transaction().unwrap();
        send(&producer, topic, records);
        flush(&producer);
        producer
    }

    /// The same, of an offset that a group commits of a topic's first partition.
    pub(crate) fn begin_commit(&self, topic: &str, group: &str, offset: i64) -> BaseProducer {
        let mut config = self.config();
        config.set("group.id", group);
        let consumer: BaseConsumer = config.create().unwrap();
        let group = consumer.group_metadata().unwrap();
        let producer = self.begin_transaction(topic, &[]);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
        producer.send_offsets_to_transaction(&list, &group, DEADLINE).unwrap();
        producer
    }

    fn producer(&self, settings: &[(&str, &str)]) -> BaseProducer {
        let mut config = self.config();
        config.set("enable.idempotence", "true").set("message.max.bytes", "33554432");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let producer: BaseProducer = config.create().unwrap();
        // Without a connection it would wait half a second for one before it even asks for its id.
        producer.client().fetch_metadata(None, DEADLINE).unwrap();
        producer
    }

    /// All records of a topic as a `read_committed` reader sees them, by partition and offset, once it is known
    /// of all in the first whether they are committed: the markers are written after the answer.
    pub(crate) fn read(&self, topic: &str) -> Vec<Read> {
        wait_until("the markers", || self.end(topic) == self.written(topic));
        let mut config = self.config();
        config.set("group.id", "none").set("enable.auto.commit", "false");
        config.set("enable.partition.eof", "true").set("isolation.level", "read_committed");
        config.set("fetch.wait.max.ms", "10");
        let consumer: BaseConsumer = config.create().unwrap();
        // The same wait as a producer's.
        consumer.fetch_metadata(Some(topic), DEADLINE).unwrap();
        let partitions = self.partitions(topic).unwrap();
        let mut all = TopicPartitionList::new();
        for partition in 0..partitions {
            let partition = i32::try_from(partition).unwrap();
            all.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&all).unwrap();
        let (mut read, mut ended) = (Vec::new(), HashMap::new());
        while ended.len() < partitions {
            match consumer.poll(DEADLINE).expect("an answer in time") {
                Ok(message) => read.push(Read {
                    partition: message.partition(),
                    offset: message.offset(),
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: message.headers().map(headers).unwrap_or_default(),
                }),
                Err(KafkaError::PartitionEOF(partition)) => drop(ended.insert(partition, ())),
                Err(error) => panic!("{error}"),
            }
        }
        read.sort_by_key(|one| (one.partition, one.offset));
        read
    }

    /// The values of a topic as lines.
    pub(crate) fn read_lines(&self, topic: &str) -> String {
        let lines = self.read(topic).into_iter().map(|one| one.value.unwrap());
        lines.map(|line| String::from_utf8(line).unwrap() + "\n").collect()
    }

    /// What kcat prints of a topic, from its beginning to its end: another client than ours.
    pub(crate) fn kcat(&self, topic: &str, format: &str) -> Vec<u8> {
        let mut command = std::process::Command::new("kcat");
        command.args(["-b", self.bootstrap(), "-C", "-e", "-q", "-o", "beginning"]);
        let output = command.args(["-t", topic, "-f", format]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }
}

/// Waits until all is there; rdkafka's own `flush` waits in steps of 100 ms.
fn flush(producer: &BaseProducer) {
    wait_until("the end of the queue", || {
        producer.poll(Duration::from_millis(1));
        producer.in_flight_count() == 0
    });
}

fn send(producer: &BaseProducer, topic: &str, records: &[Record]) {
    for Record { partition, key, value, time_ms } in records {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(*partition);
        record.key = key.as_deref();
        record.payload = value.as_deref();
        record.timestamp = *time_ms;
        while let Err((error, same)) = producer.send(record) {
            assert_eq!(
                error.rdkafka_error_code(),
                Some(rdkafka::types::RDKafkaErrorCode::QueueFull)
            );
            producer.poll(Duration::from_millis(1));
            record = same;
        }
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_a_test_writes_it_reads() {
    let broker = Broker::shared();
    let topic = broker.topic(1, &[]);
    let tombstone =
        Record { key: Some(b"key".to_vec()), value: None, time_ms: Some(1), ..Record::new(0, "") };
    broker.write(&topic, &[Record::new(0, "0"), tombstone]);
    broker.write_transaction(&topic, &[Record::new(0, "aborted")], false);
    broker.write_transaction(&topic, &[Record::new(0, "committed")], true);
    broker.grow(&topic, 2);
    wait_until("the partition", || broker.partitions(&topic) == Some(2));
    broker.write(&topic, &[Record::new(1, "new")]);
    let read: Vec<_> = broker
        .read(&topic)
        .into_iter()
        .map(|one| (one.partition, one.offset, one.key, one.value))
        .collect();
    let key = Some(b"key".to_vec());
    let value = |text: &str| Some(text.as_bytes().to_vec());
    let expected = [
        (0, 0, None, value("0")),
        (0, 1, key, None),
        // An aborted record, the marker behind it; then the same of a commit.
        (0, 4, None, value("committed")),
        (1, 0, None, value("new")),
    ];
    assert_eq!(read, expected);
}
