//! Results as records of a topic: the key names the window, so that a compacted topic holds the newest
//! word on each; the value is the JSON line without its end.
//!
//! Owned by the output's thread. A result is settled once it and all before it are acknowledged.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use super::producer::Producer;
use super::settings::Settings;
use crate::error::Error;
use crate::output::lines::{Format, LineWriter};
use crate::output::record::WindowResult;
use crate::output::sink::ResultSink;

/// Results wait this long for company at most: they leave as soon as they are known.
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
    pub fn producer(
        settings: &Settings,
        topic: &str,
        give_up: Duration,
    ) -> Result<Producer, Error> {
        Producer::new(settings, topic, give_up, &[("linger.ms", LINGER_MS.to_owned())])
    }

    /// A sink of this producer's topic.
    pub fn new(producer: Producer) -> KafkaSink {
        KafkaSink {
            name: format!("topic {}", producer.topic()),
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
        write!(self.key, "{}/{}", result.window, result.ts).map_err(io::Error::other)?;
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
