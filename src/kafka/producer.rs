//! The one producer: idempotent, acknowledged by all replicas, and every delivery heard of.
//!
//! Messages are numbered from 0 in the order they are given. One counts as delivered once it and all
//! before it are acknowledged: partitions answer in any order. The first that could not be delivered ends
//! it all: from then on every call is an error, and what is still queued is thrown away with the producer.
//! Nothing here waits but a `send` while the client's queue is full, and [`Producer::finish`];
//! both until the next word of the client, and both have an end, as librdkafka gives up on a message after
//! `message.timeout.ms`, which is `--give-up`.
//!
//! It belongs to one thread. librdkafka's own threads do the sending; what became of it they leave on the
//! client's main queue, where [`Producer::delivered`] fetches it.
//!
//! Why not rdkafka's `BaseProducer`: its `poll` tries again and again until its time is over, whatever
//! happens meanwhile, which took a third of a core while a topic was filled.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::io;

use rdkafka::bindings as c;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::client::{Client, Queue};
use super::errors::words;
use super::event::{Delivery, Trouble};
use super::notices::Notices;
use super::settings::{Fixed, Settings};
use super::topic_handle::TopicHandle;
use crate::error::Error;

/// What delivery rests on, not the user's to choose.
const FIXED: [Fixed; 2] = [
    Fixed {
        key: "enable.idempotence",
        value: "true",
        why: "without it a message could be there twice, or out of order",
    },
    Fixed { key: "acks", value: "all", why: "a message is delivered once all replicas have it" },
];

/// How long one waits for a word of the client before the errors are looked at again.
const WAIT_MS: i32 = 1000;

/// What became of the messages.
#[derive(Debug, Default)]
struct Ledger {
    /// Messages before this one are all acknowledged.
    delivered: usize,
    /// Which of those from `delivered` on are: the first never is.
    ahead: VecDeque<bool>,
    /// The first word of one that could not be delivered.
    failed: Option<Code>,
}

impl Ledger {
    fn acknowledge(&mut self, message: usize) {
        let at = message - self.delivered;
        if at >= self.ahead.len() {
            self.ahead.resize(at + 1, false);
        }
        self.ahead[at] = true;
        while self.ahead.front() == Some(&true) {
            self.ahead.pop_front();
            self.delivered += 1;
        }
    }
}

/// A producer to one topic. See the module's header.
pub struct Producer {
    topic: TopicHandle,
    events: Queue,
    name: String,
    brokers: String,
    give_up_s: u32,
    ledger: Ledger,
    notices: Notices,
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
        give_up_s: u32,
        defaults: &[(&str, String)],
    ) -> Result<Producer, Error> {
        // librdkafka takes 0 for "never".
        let give_up_s = give_up_s.max(1);
        let give_up_ms = u64::from(give_up_s) * 1000;
        let mut all = vec![
            ("partitioner", "murmur2_random".to_owned()),
            ("message.timeout.ms", give_up_ms.min(i32::MAX as u64).to_string()),
        ];
        all.extend(defaults.iter().cloned());
        let client = Client::producer(&settings.client(&all, &FIXED)?, settings.wants_log())?;
        Ok(Producer {
            topic: TopicHandle::new(&client, topic)?,
            events: Queue::of_producer(&client),
            name: topic.to_owned(),
            brokers: settings.brokers().to_owned(),
            give_up_s,
            ledger: Ledger::default(),
            notices: Notices::default(),
            sent: 0,
        })
    }

    /// The topic it writes to.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The brokers it began with.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// How long it tries.
    pub fn give_up_s(&self) -> u32 {
        self.give_up_s
    }

    /// For questions about the topic.
    pub(super) fn topic(&self) -> &TopicHandle {
        &self.topic
    }

    /// A queue for the answers to them.
    pub(super) fn answers(&self) -> Queue {
        Queue::new(self.events.client())
    }

    /// What last went wrong with the brokers.
    pub(super) fn trouble(&mut self) -> Option<&Trouble> {
        while self.hear(0) {}
        self.notices.last()
    }

    /// Gives it a message: for this partition, or for that of its key, or for any.
    ///
    /// # Errors
    /// A message could not be delivered, this one or one before.
    pub fn send(
        &mut self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: &[u8],
    ) -> io::Result<()> {
        self.offer(|topic, number| topic.send(partition, key, value, number))
    }

    /// Gives it a message with headers, for any partition.
    ///
    /// # Errors
    /// As [`Producer::send`].
    pub fn send_with_headers(
        &mut self,
        headers: &[(&CStr, &[u8])],
        value: &[u8],
    ) -> io::Result<()> {
        self.offer(|topic, number| topic.send_with_headers(headers, value, number))
    }

    fn offer(&mut self, give: impl Fn(&TopicHandle, usize) -> Result<(), Code>) -> io::Result<()> {
        loop {
            match give(&self.topic, self.sent) {
                Ok(()) => {
                    self.sent += 1;
                    return Ok(());
                }
                Err(Code::QueueFull) => {
                    self.hear(WAIT_MS);
                    self.delivered()?;
                }
                Err(code) => {
                    self.delivered()?;
                    return Err(self.explain(code));
                }
            }
        }
    }

    /// Hears what became of messages, and says how many are delivered.
    ///
    /// # Errors
    /// One could not be delivered.
    pub fn delivered(&mut self) -> io::Result<u64> {
        while self.hear(0) {}
        match self.ledger.failed {
            None => Ok(self.ledger.delivered as u64),
            Some(code) => Err(self.explain(code)),
        }
    }

    /// Waits until all messages are delivered, and says how many.
    ///
    /// # Errors
    /// One could not be delivered.
    pub fn finish(&mut self) -> io::Result<u64> {
        while self.delivered()? < self.sent as u64 {
            self.hear(WAIT_MS);
        }
        Ok(self.sent as u64)
    }

    /// Takes the next word of the client, waiting for it up to this time; false if there was none.
    fn hear(&mut self, wait_ms: i32) -> bool {
        let Some(event) = self.events.poll(wait_ms) else { return false };
        if event.kind() == c::RD_KAFKA_EVENT_DR {
            for Delivery { number, failed, .. } in event.deliveries() {
                match failed {
                    None => self.ledger.acknowledge(number),
                    Some(code) => drop(self.ledger.failed.get_or_insert(code)),
                }
            }
        } else if let Some(trouble) = event.trouble() {
            self.notices.trouble(trouble);
        }
        true
    }

    /// Why nothing more can be delivered.
    fn explain(&self, code: Code) -> io::Error {
        let why = match (self.topic.fatal(), code) {
            (Some(fatal), _) => fatal,
            (None, Code::MessageTimedOut) => {
                format!("no acknowledgement within {} s (--give-up)", self.give_up_s)
            }
            (None, Code::TopicAuthorizationFailed) => {
                "access denied: the user needs the rights DESCRIBE and WRITE on it".to_owned()
            }
            (None, Code::MessageSizeTooLarge) => {
                "a message is larger than the topic takes (its max.message.bytes)".to_owned()
            }
            (None, code) => code.to_string(),
        };
        io::Error::other(match self.notices.last() {
            Some(trouble) if code == Code::MessageTimedOut => {
                format!("{why}; last heard: {}", words(trouble))
            }
            _ => why,
        })
    }

    /// The topic's name for the C interface.
    pub(super) fn c_name(&self) -> &CStr {
        self.topic.name()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // After an error nothing more may get there; after success nothing is left.
        self.topic.purge();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_has_nothing_undelivered_before_it() {
        let mut ledger = Ledger::default();
        for (message, delivered) in [(2, 0), (0, 1), (4, 1), (1, 3), (5, 3), (3, 6), (6, 7)] {
            ledger.acknowledge(message);
            assert_eq!(ledger.delivered, delivered, "after {message}");
        }
        assert!(ledger.ahead.is_empty());
    }
}
