//! Results as records of a topic: the key names the window, so that a compacted topic holds the newest
//! word on each; the value is the JSON line without its end.
//!
//! Owned by the output's thread. A result is settled once it and all before it are acknowledged.

use std::fmt::Write as _;
use std::io;

use super::producer::Producer;
use super::settings::Settings;
use crate::error::Error;
use crate::output::lines::{Format, LineWriter};
use crate::output::record::WindowResult;
use crate::output::sink::ResultSink;

/// How long results wait for company: not at all. Each leaves 0.4 ms after the frame that closes its window
/// (1.3 ms with 1, 5.3 with 5); a replay of 100,000 windows takes 0.40 s in place of 0.34.
const LINGER_MS: &str = "0";

/// Results to a topic.
pub struct KafkaSink {
    name: String,
    producer: Producer,
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
        KafkaSink {
            name: format!("topic {}", producer.name()),
            producer,
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
        self.producer.send(None, Some(self.key.as_bytes()), value)
    }

    fn flush(&mut self) -> io::Result<()> {
        // The client's threads send by themselves.
        Ok(())
    }

    fn settled(&mut self) -> io::Result<u64> {
        self.producer.delivered()
    }
}
