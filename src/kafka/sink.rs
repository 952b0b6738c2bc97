//! Results as records of a topic: the key names the window, so that a compacted topic holds the newest
//! word on each; the value is the JSON line without its end.
//!
//! Owned by the output's thread. A result goes by a producer, and is settled once it and all before it are
//! acknowledged; or into the outbox, and is settled once the checkpoint it belongs to is committed.

use std::fmt::Write as _;
use std::io;

use super::producer::Producer;
use super::settings::Settings;
use super::way::Way;
use crate::error::Error;
use crate::output::lines::{Format, LineWriter};
use crate::output::outbox::{Letter, Outbox, To};
use crate::output::record::WindowResult;
use crate::output::sink::ResultSink;

/// How long results wait for company: not at all. Each leaves 0.4 ms after the frame that closes its window
/// (1.3 ms with 1, 5.3 with 5); a replay of 100,000 windows takes 0.40 s in place of 0.34.
const LINGER_MS: &str = "0";

/// Results to a topic.
pub struct KafkaSink {
    name: String,
    way: Way,
    lines: LineWriter,
    key: String,
}

impl KafkaSink {
    /// The producer for results; nothing is sent yet.
    ///
    /// # Errors
    /// A setting cannot be.
    pub fn producer(settings: &Settings, topic: &str, give_up_s: u32) -> Result<Producer, Error> {
        Producer::new(settings, topic, give_up_s, &[("linger.ms", LINGER_MS.to_owned())])
    }

    /// A sink of this producer's topic.
    pub fn new(producer: Producer) -> KafkaSink {
        let name = producer.name().to_owned();
        KafkaSink::by(&name, Way::Producer(Box::new(producer)))
    }

    /// A sink that puts results to this topic into the outbox.
    pub fn into_outbox(topic: &str, outbox: Outbox) -> KafkaSink {
        KafkaSink::by(topic, Way::Outbox(outbox, To::Results))
    }

    fn by(topic: &str, way: Way) -> KafkaSink {
        KafkaSink {
            name: format!("topic {topic}"),
            way,
            lines: LineWriter::new(Format::Json),
            key: String::new(),
        }
    }
}

impl ResultSink for KafkaSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn put(&mut self, result: &WindowResult) -> io::Result<()> {
        self.key.clear();
        write!(self.key, "{}", result.key()).map_err(io::Error::other)?;
        let line = self.lines.line(result)?;
        let value = line.strip_suffix(b"\n").unwrap_or(line);
        match &mut self.way {
            Way::Producer(producer) => producer.send(None, Some(self.key.as_bytes()), value),
            Way::Outbox(outbox, to) => {
                let key = Some(self.key.clone().into_bytes());
                outbox.put(*to, Letter { key, headers: Vec::new(), value: value.into() });
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
