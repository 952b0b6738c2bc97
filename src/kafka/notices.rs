//! What is said on stderr while a topic is read: each thing once, troubles that last once a minute.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::errors::words;
use super::event::Trouble;
use crate::input::messages::Partition;
use crate::log;

/// Different things said at most; what comes then is not worth more lines.
const SAID_MAX: usize = 100;
/// How long a trouble of one kind is not said again.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What something said is about, as far as it is about one: for who reads it by a program.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// A topic.
    pub topic: Option<&'a str>,
    /// A partition of it.
    pub partition: Option<Partition>,
    /// An offset of that.
    pub offset: Option<u64>,
    /// A group.
    pub group: Option<&'a str>,
}

impl<'a> About<'a> {
    /// A topic as a whole.
    pub fn topic(topic: &'a str) -> About<'a> {
        About { topic: Some(topic), ..About::default() }
    }

    /// A message.
    pub fn offset(topic: &'a str, partition: Partition, offset: u64) -> About<'a> {
        let about = About::topic(topic);
        About { partition: Some(partition), offset: Some(offset), ..about }
    }
}

/// Says things once, and knows the last trouble there was.
#[derive(Debug, Default)]
pub struct Notices {
    said: BTreeSet<String>,
    /// The kinds of trouble said, and when last.
    troubles: Vec<(Code, Instant)>,
    last: Option<Trouble>,
}

impl Notices {
    /// Says something about this, unless it was said before.
    pub fn say(&mut self, about: About<'_>, text: &str) {
        if self.said.len() < SAID_MAX && self.said.insert(text.to_owned()) {
            let About { topic, partition, offset, group } = about;
            tracing::warn!(target: log::KAFKA, topic, partition, offset, group, "{text}");
        }
    }

    /// Says that something goes wrong that may yet go right.
    pub fn trouble(&mut self, trouble: Trouble) {
        // That all brokers are down is what follows when each of them is, and says less.
        if trouble.code == Code::AllBrokersDown {
            return;
        }
        let now = Instant::now();
        self.troubles.retain(|&(_, at)| now.saturating_duration_since(at) < AGAIN_AFTER);
        if self.troubles.iter().all(|&(code, _)| code != trouble.code) {
            self.troubles.push((trouble.code, now));
            let code = format!("{:?}", trouble.code);
            tracing::warn!(target: log::KAFKA, code, "Kafka: {}; trying on", words(&trouble));
        }
        self.last = Some(trouble);
    }

    /// Keeps in mind what went wrong, for when it does not go right.
    pub fn note(&mut self, trouble: Trouble) {
        self.last = Some(trouble);
    }

    /// The last trouble.
    pub fn last(&self) -> Option<&Trouble> {
        self.last.as_ref()
    }

    /// What was wrong is right again.
    pub fn forget(&mut self) {
        self.last = None;
    }
}
