//! What is said on stderr while a topic is read: each thing once.

use std::collections::BTreeSet;
use std::io::Write;

use rdkafka::types::RDKafkaErrorCode as Code;

use super::errors::words;
use super::event::Trouble;

/// Different things said at most; what comes then is not worth more lines.
const SAID_MAX: usize = 100;

/// Says things once, and knows the last trouble there was.
#[derive(Debug, Default)]
pub struct Notices {
    said: BTreeSet<String>,
    last: Option<Trouble>,
}

impl Notices {
    /// Says something, unless it was said before.
    pub fn say(&mut self, text: &str) {
        if self.said.len() < SAID_MAX && self.said.insert(text.to_owned()) {
            // Where stderr is closed or full there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "headcount: {text}");
        }
    }

    /// Says that something goes wrong that may yet go right.
    pub fn trouble(&mut self, trouble: Trouble) {
        // That all brokers are down is what follows when each of them is, and says less.
        if trouble.code == Code::AllBrokersDown {
            return;
        }
        self.say(&format!("Kafka: {}; trying on", words(&trouble)));
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
