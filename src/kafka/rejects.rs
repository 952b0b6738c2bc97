//! Rejects as messages of a topic: the payload as it was; why and where as headers. Headers: `reason`,
//! `topic` and `partition` (of a file `input`), `offset`, and `cut` where the payload is only the frame's
//! beginning. No key.
//!
//! Owned by the output's thread. As with results, a reject goes by a producer, or into the outbox.

use std::ffi::CStr;
use std::io;

use super::producer::Producer;
use super::settings::Settings;
use super::way::Way;
use crate::error::Error;
use crate::output::outbox::{Letter, Outbox, To};
use crate::output::rejects::{Origin, Reject, RejectSink};

/// How long rejects wait for company, milliseconds: nobody waits for them.
const LINGER_MS: &str = "20";
/// Larger ones the topic has to refuse, not the client.
const MESSAGE_BYTES_MAX: &str = "1000000000";

/// Rejects to a topic.
pub struct KafkaRejects {
    name: String,
    way: Way,
}

impl KafkaRejects {
    /// The producer for rejects; nothing is sent yet.
    ///
    /// # Errors
    /// A setting cannot be.
    pub fn producer(settings: &Settings, topic: &str, give_up_s: u32) -> Result<Producer, Error> {
        let defaults = [
            ("linger.ms", LINGER_MS.to_owned()),
            ("message.max.bytes", MESSAGE_BYTES_MAX.to_owned()),
        ];
        Producer::new(settings, topic, give_up_s, &defaults)
    }

    /// A sink of this producer's topic.
    pub fn new(producer: Producer) -> KafkaRejects {
        KafkaRejects {
            name: format!("topic {}", producer.name()),
            way: Way::Producer(Box::new(producer)),
        }
    }

    /// A sink that puts rejects to this topic into the outbox.
    pub fn into_outbox(topic: &str, outbox: Outbox) -> KafkaRejects {
        KafkaRejects { name: format!("topic {topic}"), way: Way::Outbox(outbox, To::Rejects) }
    }
}

impl RejectSink for KafkaRejects {
    fn name(&self) -> &str {
        &self.name
    }

    fn put(&mut self, reject: &Reject<'_>) -> io::Result<()> {
        let offset = reject.offset.to_string();
        let mut headers: Vec<(&'static CStr, &[u8])> = vec![(c"reason", reject.reason.as_bytes())];
        let number;
        match reject.origin {
            Origin::File(name) => headers.push((c"input", name.as_bytes())),
            Origin::Partition(topic, partition) => {
                number = partition.to_string();
                headers.push((c"topic", topic.as_bytes()));
                headers.push((c"partition", number.as_bytes()));
            }
        }
        headers.push((c"offset", offset.as_bytes()));
        if reject.cut {
            headers.push((c"cut", b"true"));
        }
        match &mut self.way {
            Way::Producer(producer) => producer.send_with_headers(&headers, reject.payload),
            Way::Outbox(outbox, to) => {
                let headers = headers.into_iter().map(|(name, of)| (name, of.to_vec())).collect();
                let value = reject.payload.to_vec();
                outbox.put(*to, Letter { key: None, headers, value });
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // The client's threads send by themselves.
        Ok(())
    }

    fn settled(&mut self) -> io::Result<u64> {
        self.way.settled()
    }

    fn goes_with_cuts(&self) -> bool {
        self.way.goes_with_cuts()
    }
}
