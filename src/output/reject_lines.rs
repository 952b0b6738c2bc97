//! Rejects as JSON lines, one object each: the reason, the input (of a topic: the partition), the offset,
//! and the payload: as text, or in base64 where it is not UTF-8.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::rejects::{Origin, Reject, RejectSink};

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

#[derive(Serialize)]
struct Line<'a> {
    reason: &'a str,
    input: &'a str,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

/// Lines to a writer.
pub struct RejectLines<W: Write + Send> {
    name: String,
    out: BufWriter<W>,
    line: Vec<u8>,
    taken: u64,
    flushed: u64,
    /// Of a file that is gone on with.
    bytes: Option<u64>,
}

impl<W: Write + Send> RejectLines<W> {
    /// Lines to this writer.
    pub fn new(name: &str, out: W) -> RejectLines<W> {
        let out = BufWriter::with_capacity(BUFFER_BYTES, out);
        RejectLines { name: name.into(), out, line: Vec::new(), taken: 0, flushed: 0, bytes: None }
    }

    /// The same into a file, after so many bytes that an earlier run wrote.
    #[must_use]
    pub fn after(self, bytes: u64) -> RejectLines<W> {
        RejectLines { bytes: Some(bytes), ..self }
    }
}

impl<W: Write + Send> RejectSink for RejectLines<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn put(&mut self, reject: &Reject<'_>) -> io::Result<()> {
        let input = match reject.origin {
            Origin::File(name) => Cow::from(name),
            Origin::Partition(topic, number) => format!("{topic}[{number}]").into(),
        };
        let text = std::str::from_utf8(reject.payload).ok();
        let line = Line {
            reason: reject.reason,
            input: &input,
            offset: reject.offset,
            payload: text,
            payload_base64: text.is_none().then(|| STANDARD.encode(reject.payload)),
            cut: reject.cut,
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &line)?;
        self.line.push(b'\n');
        self.taken += 1;
        self.bytes = self.bytes.map(|bytes| bytes + self.line.len() as u64);
        self.out.write_all(&self.line)
    }

    fn length(&self) -> Option<u64> {
        self.bytes
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.flushed = self.taken;
        Ok(())
    }

    fn settled(&mut self) -> io::Result<u64> {
        Ok(self.flushed)
    }
}
