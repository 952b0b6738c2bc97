//! Transactions: what goes to topics goes with the offsets it was made of, all or nothing.
//!
//! One producer with a `transactional.id` that stays the same from run to run: beginning with it
//! ([`Transactions::begin_with`]) ends whatever an earlier instance has left open, and from then on that
//! instance can commit nothing: it is *fenced*.
//!
//! A transaction is made from what is at hand, so it is short, and can be made again: what librdkafka says
//! may be tried again is tried again, what it says must be aborted is aborted and made anew, and both end
//! after `--give-up`. Errors that trying again does not change end the run.
//!
//! Belongs to one thread, and waits there. Deliveries come as events on the client's main queue; they are
//! served before a commit is asked for, as librdkafka would wait for that in steps of 100 ms.

use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as c;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Client, Queue, TxnError, c_name};
use super::errors;
use super::event::{Delivery, Trouble};
use super::notices::{About, Notices};
use super::settings::{Fixed, Settings};
use super::topic_handle::TopicHandle;
use crate::error::Error;
use crate::input::messages::Partition;
use crate::output::outbox::Letter;

/// What exactly-once rests on, not the user's to choose.
const FIXED: [Fixed; 3] = [
    Fixed {
        key: "enable.idempotence",
        value: "true",
        why: "without it a message could be there twice, or out of order",
    },
    Fixed { key: "acks", value: "all", why: "a message is delivered once all replicas have it" },
    Fixed {
        key: "partitioner",
        value: "murmur2_random",
        why: "a window's results would not all be in one partition",
    },
];
/// Given by the program, so that the next run knows it.
const NOT_HERE: [&str; 1] = ["transactional.id"];

/// How long messages wait for company: not at all, as all of a transaction are given at once, and then
/// waited for.
const LINGER_MS: &str = "0";
/// How soon what a broker could not do is tried again, milliseconds: right after a commit the next
/// transaction is refused until its markers are written, which takes a few.
const RETRY_BACKOFF_MS: &str = "5";
/// Larger messages the topic has to refuse, not the client.
const MESSAGE_BYTES_MAX: &str = "1000000000";
/// Brokers keep no transaction open longer than this, as they come, seconds.
const OPEN_S_MAX: u32 = 900;
/// How long one call or one wait for a word of the client takes at most, milliseconds.
const STEP_MS: i32 = 100;
/// How long until a transaction that was aborted is made anew.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicIndex(usize);

/// The offsets that go with a transaction.
#[derive(Clone, Debug)]
pub struct Offsets {
    /// The topic that is read.
    pub topic: String,
    /// The group under whose name they are kept.
    pub group: String,
    /// By partition.
    pub next: Vec<(Partition, u64)>,
    /// What stands beside each of them.
    pub note: String,
}

/// What a transaction consists of.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// Messages, and where they go.
    pub messages: &'a [(TopicIndex, &'a [Letter])],
    /// The offsets, if any go with it.
    pub offsets: Option<&'a Offsets>,
}

/// Why a transaction did not come about.
enum Failed {
    /// It has to be aborted, and may be made anew.
    Abort(Trouble),
    /// It cannot be.
    ForGood(Error),
}

/// The transactional producer. See the module's header.
pub struct Transactions {
    topics: Vec<TopicHandle>,
    names: Vec<String>,
    events: Queue,
    id: String,
    give_up: Duration,
    notices: Notices,
    in_flight: usize,
    failed: Option<Code>,
    /// The first offset of the messages delivered to this topic in the last transaction.
    watched: Option<TopicIndex>,
    first_offset: Option<u64>,
}

impl Transactions {
    /// Begins with this id: waits until no earlier instance has anything open, and fences it.
    ///
    /// # Errors
    /// A setting cannot be, no broker answers, or it is not allowed.
    pub fn begin_with(
        settings: &Settings,
        id: &str,
        give_up_s: u32,
    ) -> Result<Transactions, Error> {
        if let Some(key) = NOT_HERE.iter().find(|key| settings.given(key).is_some()) {
            return Err(Error::usage(format!(
                "-X: {key} cannot be set: it is made of --group and the topics"
            )));
        }
        let open_ms = (give_up_s.clamp(1, OPEN_S_MAX) * 1000).to_string();
        let defaults = [
            ("transactional.id", id.to_owned()),
            ("partitioner", "murmur2_random".to_owned()),
            ("message.timeout.ms", open_ms.clone()),
            ("transaction.timeout.ms", open_ms),
            ("linger.ms", LINGER_MS.to_owned()),
            ("retry.backoff.ms", RETRY_BACKOFF_MS.to_owned()),
            ("message.max.bytes", MESSAGE_BYTES_MAX.to_owned()),
        ];
        let client = Client::producer(&settings.client(&defaults, &FIXED)?, settings.wants_log())?;
        let mut transactions = Transactions {
            topics: Vec::new(),
            names: Vec::new(),
            events: Queue::of_producer(&client),
            id: id.to_owned(),
            give_up: Duration::from_secs(give_up_s.max(1).into()),
            notices: Notices::default(),
            in_flight: 0,
            failed: None,
            watched: None,
            first_offset: None,
        };
        let deadline = transactions.deadline();
        transactions
            .call(deadline, |client, step_ms| {
                // SAFETY: the client is alive, and a producer.
                unsafe { c::rd_kafka_init_transactions(client, step_ms) }
            })
            .map_err(|failed| transactions.explain(failed))?;
        Ok(transactions)
    }

    /// A topic to write to.
    ///
    /// # Errors
    /// No topic has such a name.
    pub fn topic(&mut self, name: &str) -> Result<TopicIndex, Error> {
        self.topics.push(TopicHandle::new(self.events.client(), name)?);
        self.names.push(name.to_owned());
        Ok(TopicIndex(self.topics.len() - 1))
    }

    /// Tells of this topic's messages where they are.
    pub fn watch(&mut self, topic: TopicIndex) {
        self.watched = Some(topic);
    }

    /// The first offset of the watched topic's messages in the last transaction, if it had any.
    pub fn first_offset(&self) -> Option<u64> {
        self.first_offset
    }

    /// A queue for answers to questions by this client.
    pub(super) fn answers(&self) -> Queue {
        Queue::new(self.events.client())
    }

    /// Says what is of note to people.
    pub(super) fn say(&mut self, about: About<'_>, text: &str) {
        self.notices.say(about, text);
    }

    /// Makes a transaction. It is committed when this returns; if it fails, nothing of it is to be seen,
    /// or, where the brokers went away at its very end, all of it.
    ///
    /// # Errors
    /// Another instance has taken over, the brokers do not answer, or do not take it.
    pub fn commit(&mut self, load: &Load<'_>) -> Result<(), Error> {
        let deadline = self.deadline();
        loop {
            let trouble = match self.attempt(load, deadline) {
                Ok(()) => return Ok(()),
                Err(Failed::Abort(trouble)) => trouble,
                Err(failed) => return Err(self.explain(failed)),
            };
            let aborted = self.abort(deadline);
            // What was delivered of it would hold up whoever reads what is committed until it times out; why it
            // failed says more than why it could not be aborted either.
            if !is_passing(trouble.code) || Instant::now() >= deadline {
                return Err(self.explain(Failed::Abort(trouble)));
            }
            aborted?;
            self.notices.trouble(trouble);
            std::thread::sleep(AGAIN_AFTER);
        }
    }

    fn attempt(&mut self, load: &Load<'_>, deadline: Instant) -> Result<(), Failed> {
        self.first_offset = None;
        self.call(deadline, |client, _| {
            // SAFETY: the client is alive, and a producer with a transactional id.
            unsafe { c::rd_kafka_begin_transaction(client) }
        })?;
        for &(topic, letters) in load.messages {
            for letter in letters {
                self.send(topic, letter)?;
            }
        }
        if let Some(offsets) = load.offsets {
            self.send_offsets(offsets, deadline)?;
        }
        while self.in_flight > 0 {
            self.hear(STEP_MS);
        }
        if let Some(code) = self.failed.take() {
            return Err(self.undelivered(code));
        }
        point("transaction::before_commit")?;
        self.call(deadline, |client, step_ms| {
            // SAFETY: as above.
            unsafe { c::rd_kafka_commit_transaction(client, step_ms) }
        })?;
        point("transaction::after_commit")
    }

    fn send(&mut self, TopicIndex(topic): TopicIndex, letter: &Letter) -> Result<(), Failed> {
        loop {
            let handle = &self.topics[topic];
            let sent = if letter.headers.is_empty() {
                handle.send(None, letter.key.as_deref(), &letter.value, 0)
            } else {
                let headers: Vec<_> =
                    letter.headers.iter().map(|(name, of)| (*name, &**of)).collect();
                handle.send_with_headers(&headers, &letter.value, 0)
            };
            match sent {
                Ok(()) => {
                    self.in_flight += 1;
                    return point("transaction::after_produce");
                }
                Err(Code::QueueFull) => {
                    self.hear(STEP_MS);
                }
                Err(code) => return Err(self.undelivered(code)),
            }
        }
    }

    fn send_offsets(&mut self, offsets: &Offsets, deadline: Instant) -> Result<(), Failed> {
        let mut list = TopicPartitionList::with_capacity(offsets.next.len());
        for &(partition, offset) in &offsets.next {
            let mut place = list.add_partition(&offsets.topic, partition.cast_signed());
            // It fails only for numbers below 0.
            let _ = place.set_offset(Offset::Offset(offset.cast_signed()));
            place.set_metadata(&offsets.note);
        }
        let group = c_name(&offsets.group).map_err(Failed::ForGood)?;
        // SAFETY: the name is alive, and is copied.
        let group = unsafe { c::rd_kafka_consumer_group_metadata_new(group.as_ptr()) };
        point("transaction::before_offsets")?;
        let sent = self.call(deadline, |client, step_ms| {
            // SAFETY: all three are alive; what it needs of them it copies.
            unsafe { c::rd_kafka_send_offsets_to_transaction(client, list.ptr(), group, step_ms) }
        });
        // SAFETY: it is ours and not used again.
        unsafe { c::rd_kafka_consumer_group_metadata_destroy(group) };
        sent?;
        point("transaction::after_offsets")
    }

    /// Ends a transaction that did not come about.
    fn abort(&mut self, deadline: Instant) -> Result<(), Error> {
        let aborted = self.call(deadline, |client, step_ms| {
            // SAFETY: the client is alive, and a producer with a transactional id.
            unsafe { c::rd_kafka_abort_transaction(client, step_ms) }
        });
        while self.in_flight > 0 && Instant::now() < deadline {
            self.hear(STEP_MS);
        }
        self.failed = None;
        aborted.map_err(|failed| self.explain(failed))
    }

    /// Makes a call, again and again as long as that may help.
    fn call(
        &mut self,
        deadline: Instant,
        call: impl Fn(*mut c::rd_kafka_t, i32) -> *mut c::rd_kafka_error_t,
    ) -> Result<(), Failed> {
        loop {
            let client: Arc<Client> = Arc::clone(self.events.client());
            let error = call(client.ptr(), STEP_MS * 10);
            // SAFETY: the error is ours, if there is one.
            let error = match unsafe { TxnError::take(error) } {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            while self.hear(0) {}
            let TxnError { trouble, is_retriable, wants_abort } = error;
            match () {
                () if wants_abort => return Err(Failed::Abort(trouble)),
                () if is_retriable && Instant::now() < deadline => {
                    if trouble.code != Code::OperationTimedOut {
                        self.notices.trouble(trouble);
                    }
                }
                () => return Err(Failed::ForGood(self.error_of(&trouble))),
            }
        }
    }

    /// Takes the next word of the client, waiting for it up to this time; false if there was none.
    fn hear(&mut self, wait_ms: i32) -> bool {
        let Some(event) = self.events.poll(wait_ms) else { return false };
        if event.kind() != c::RD_KAFKA_EVENT_DR {
            // What ends it all is the answer to the next call.
            if let Some(trouble) = event.trouble().filter(|trouble| is_passing(trouble.code)) {
                self.notices.trouble(trouble);
            }
            return true;
        }
        let watched = self.watched.map_or(ptr::null(), |TopicIndex(at)| self.topics[at].ptr());
        for Delivery { topic, offset, failed, .. } in event.deliveries() {
            self.in_flight = self.in_flight.saturating_sub(1);
            match failed {
                None if topic == watched => {
                    let offset = offset.cast_unsigned();
                    let first = self.first_offset.map_or(offset, |first| first.min(offset));
                    self.first_offset = Some(first);
                }
                None => {}
                Some(code) => {
                    self.failed.get_or_insert(code);
                }
            }
        }
        true
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.give_up
    }

    /// A message was not delivered. Where the whole transaction has failed, that is only for want of it.
    fn undelivered(&self, code: Code) -> Failed {
        // SAFETY: the client is alive, and a producer with a transactional id. As a transaction is open,
        // nothing comes of it but an error: why this one has to be aborted, if it has.
        let error = unsafe { c::rd_kafka_begin_transaction(self.events.client().ptr()) };
        // SAFETY: the error is ours, if there is one.
        if let Err(TxnError { trouble, wants_abort: true, .. }) = unsafe { TxnError::take(error) } {
            return Failed::Abort(trouble);
        }
        let text = match self.topics.first().and_then(TopicHandle::fatal) {
            Some(fatal) => fatal,
            None => code.to_string(),
        };
        let code = if is_fencing(&text) { Code::Fenced } else { code };
        let trouble = Trouble { code, text };
        match code {
            Code::Fenced | Code::ProducerFenced | Code::Fatal => {
                Failed::ForGood(self.error_of(&trouble))
            }
            _ => Failed::Abort(trouble),
        }
    }

    fn explain(&self, failed: Failed) -> Error {
        match failed {
            Failed::ForGood(error) => error,
            Failed::Abort(trouble) => self.error_of(&trouble),
        }
    }

    fn error_of(&self, trouble: &Trouble) -> Error {
        errors::of_transaction(trouble, &self.id, &self.names.join(", "), self.notices.last())
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        // What was not committed may not get there any more.
        if let Some(topic) = self.topics.first() {
            topic.purge();
        }
    }
}

/// librdkafka tells only in words why it does nothing any more.
fn is_fencing(text: &str) -> bool {
    text.contains("fenced")
}

/// What may be otherwise when it is tried anew.
fn is_passing(code: Code) -> bool {
    !matches!(
        code,
        Code::Fenced
            | Code::ProducerFenced
            | Code::TransactionalIdAuthorizationFailed
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::PolicyViolation
            | Code::InvalidRecord
            | Code::UnknownTopic
            | Code::Fatal
    )
}

/// A place where a test has it fail, or the program killed.
fn point(name: &'static str) -> Result<(), Failed> {
    crate::checkpoint::fail::point(name)
        .map_err(|error| Failed::Abort(Trouble { code: Code::Fail, text: error.to_string() }))
}
