//! The one producer: idempotent, acknowledged by all replicas, and every delivery heard of.
//!
//! Records are numbered from 0 in the order they are given. A record counts as delivered once it and
//! all before it are acknowledged: partitions answer in any order. The first one that could not be
//! delivered ends it all: from then on every call is that error. Nothing here blocks but
//! [`Producer::send`] while the local queue is full, and [`Producer::finish`]; both are bounded, as
//! librdkafka gives up on a record after `message.timeout.ms`, which is `--give-up`.
//!
//! It belongs to one thread. librdkafka has threads of its own, and tells us of deliveries only when
//! polled; the lock round the ledger is therefore never waited for.
//!
//! Left out: rdkafka's own `flush` and a `poll` that waits, as both wait in steps of 100 ms or to the
//! full timeout whatever happens meanwhile.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::settings::{Fixed, Settings};
use crate::error::Error;

/// What delivery rests on, not the user's to choose.
const FIXED: [Fixed; 2] = [
    Fixed {
        key: "enable.idempotence",
        value: "true",
        why: "without it a record could be there twice, or out of order",
    },
    Fixed { key: "acks", value: "all", why: "a record is delivered once all replicas have it" },
];

/// How long a full queue is waited for at a time.
const QUEUE_WAIT: Duration = Duration::from_millis(1);

/// What became of the records.
#[derive(Debug, Default)]
struct Ledger {
    /// Records before this one are all acknowledged.
    delivered: usize,
    /// Which of those from `delivered` on are: the first never is.
    ahead: VecDeque<bool>,
    /// The lowest record that could not be delivered, and why.
    failed: Option<(usize, RDKafkaErrorCode)>,
    /// What the client last complained of: says why a record timed out.
    complaint: Option<(RDKafkaErrorCode, String)>,
}

impl Ledger {
    fn acknowledge(&mut self, record: usize) {
        let at = record - self.delivered;
        if at >= self.ahead.len() {
            self.ahead.resize(at + 1, false);
        }
        self.ahead[at] = true;
        while self.ahead.front() == Some(&true) {
            self.ahead.pop_front();
            self.delivered += 1;
        }
    }

    fn fail(&mut self, record: usize, why: RDKafkaErrorCode) {
        if self.failed.is_none_or(|(first, _)| record < first) {
            self.failed = Some((record, why));
        }
    }
}

/// Hears of deliveries and complaints.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    ledger: Mutex<Ledger>,
}

impl Deliveries {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        // That all brokers are down follows from what was said of each of them before.
        match error.rdkafka_error_code() {
            None | Some(RDKafkaErrorCode::AllBrokersDown) => {}
            Some(code) => self.ledger().complaint = Some((code, reason.to_owned())),
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, record: usize) {
        match result {
            Ok(_) => self.ledger().acknowledge(record),
            Err((error, _)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
                self.ledger().fail(record, code);
            }
        }
    }
}

/// A producer to one topic. See the module's header.
pub struct Producer {
    client: BaseProducer<Deliveries>,
    topic: String,
    brokers: String,
    give_up: Duration,
    sent: usize,
}

impl Producer {
    /// A producer; no broker has been reached yet. `defaults` are settings that the user may change.
    ///
    /// # Errors
    /// A setting cannot be.
    pub fn new(
        settings: &Settings,
        topic: &str,
        give_up: Duration,
        defaults: &[(&str, String)],
    ) -> Result<Producer, Error> {
        // librdkafka takes 0 for "never".
        let give_up = give_up.max(Duration::from_secs(1));
        let mut all = vec![
            ("partitioner", "murmur2_random".to_owned()),
            ("message.timeout.ms", give_up.as_millis().to_string()),
        ];
        all.extend(defaults.iter().cloned());
        let config = settings.client(&all, &FIXED)?;
        let client = config
            .create_with_context(Deliveries::default())
            .map_err(|e| Error::Kafka(format!("no producer could be made: {e}")))?;
        Ok(Producer {
            client,
            topic: topic.to_owned(),
            brokers: settings.brokers().to_owned(),
            give_up,
            sent: 0,
        })
    }

    /// The topic it writes to.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The brokers it began with.
    pub(super) fn brokers(&self) -> &str {
        &self.brokers
    }

    /// How long it tries.
    pub fn give_up(&self) -> Duration {
        self.give_up
    }

    /// Its client, for questions about the topic.
    pub(super) fn client(&self) -> &Client<Deliveries> {
        self.client.client()
    }

    /// Gives it a record: for this partition, or for that of its key, or for any.
    ///
    /// # Errors
    /// A record could not be delivered, this one or one before.
    pub fn send(
        &mut self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: &[u8],
    ) -> io::Result<()> {
        loop {
            let mut record =
                BaseRecord::<[u8], [u8], usize>::with_opaque_to(&self.topic, self.sent)
                    .payload(value);
            record.key = key;
            record.partition = partition;
            match self.client.send(record) {
                Ok(()) => {
                    self.sent += 1;
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    self.client.poll(QUEUE_WAIT);
                    self.delivered()?;
                }
                Err((error, _)) => {
                    self.delivered()?;
                    return Err(self.explain(error.rdkafka_error_code()));
                }
            }
        }
    }

    /// Hears of deliveries, and says how many records are delivered.
    ///
    /// # Errors
    /// A record could not be delivered.
    pub fn delivered(&mut self) -> io::Result<u64> {
        self.poll();
        let ledger = self.client.context().ledger();
        match ledger.failed {
            None => Ok(ledger.delivered as u64),
            Some((_, why)) => {
                drop(ledger);
                Err(self.explain(Some(why)))
            }
        }
    }

    /// Waits until all records are delivered, and says how many were.
    ///
    /// # Errors
    /// A record could not be delivered.
    pub fn finish(&mut self) -> io::Result<u64> {
        while self.delivered()? < self.sent as u64 {
            self.client.poll(QUEUE_WAIT);
        }
        Ok(self.sent as u64)
    }

    /// What the client last complained of.
    pub(super) fn complaint(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.poll();
        self.client.context().ledger().complaint.clone()
    }

    /// Takes all events there are: a poll without waiting takes one.
    fn poll(&self) {
        let mut before = self.client.in_flight_count();
        while before > 0 {
            self.client.poll(Duration::ZERO);
            let now = self.client.in_flight_count();
            if now >= before {
                break;
            }
            before = now;
        }
    }

    /// Why nothing more can be delivered.
    fn explain(&self, code: Option<RDKafkaErrorCode>) -> io::Error {
        let complaint = self.client.context().ledger().complaint.clone();
        let fatal = self.client.client().fatal_error();
        let why = match (code, fatal) {
            (_, Some((_, text))) => text,
            (Some(RDKafkaErrorCode::MessageTimedOut), _) => {
                format!("no acknowledgement within {} s (--give-up)", self.give_up.as_secs())
            }
            (Some(code), _) => code.to_string(),
            (None, _) => "the client refused a record".to_owned(),
        };
        io::Error::other(match complaint {
            Some((_, complaint)) => format!("{why}; last heard: {complaint}"),
            None => why,
        })
    }
}
