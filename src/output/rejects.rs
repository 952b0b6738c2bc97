//! Rejects: the frames that were not counted, for whoever asks for them (`--rejects FILE`).
//!
//! With rejects a batch holds every frame's payload until it is judged; without, nothing is held.
//! One JSON object a line: the reason, the input and the byte offset of the line in it, and the
//! payload: as text, or in base64 where it is not UTF-8. Payloads are other people's data: they go
//! to this file and nowhere else.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::batch::Batch;
use crate::input::Place;
use crate::scan::Malformed;

/// Bytes of a frame too long that are held: enough to see what it was.
const TOO_LONG_HELD_BYTES: usize = 4096;
/// Bytes of memory a batch keeps for payloads when it goes home, in units of its bound: what a
/// single huge frame needed is given back.
const KEEP_FACTOR: usize = 4;

/// The payloads of a batch.
#[derive(Debug)]
pub struct Held {
    bytes_max: usize,
    bytes: Vec<u8>,
    frames: Vec<HeldFrame>,
    facts: u16,
}

#[derive(Clone, Copy, Debug)]
struct HeldFrame {
    place: Place,
    end: usize,
    len: u64,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// A fact, with its place in the batch.
    Fact(u16),
    Malformed(Malformed),
}

impl Held {
    /// Nothing held; full beyond this many bytes.
    pub fn new(bytes_max: usize) -> Held {
        Held { bytes_max, bytes: Vec::new(), frames: Vec::new(), facts: 0 }
    }

    /// Whether the batch is to take no further frame.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.bytes_max || self.frames.len() >= usize::from(u16::MAX)
    }

    /// Whether there is anything a reader might have to write.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Holds the frame of the fact pushed last.
    pub fn hold_fact(&mut self, frame: &[u8], place: Place) {
        let what = What::Fact(self.facts);
        self.facts += 1;
        self.hold(frame, frame.len(), place, what);
    }

    /// Holds a malformed frame.
    pub fn hold_malformed(&mut self, frame: &[u8], place: Place, reason: Malformed) {
        let bytes = match reason {
            Malformed::TooLong => TOO_LONG_HELD_BYTES.min(frame.len()),
            _ => frame.len(),
        };
        self.hold(frame, bytes, place, What::Malformed(reason));
    }

    fn hold(&mut self, frame: &[u8], bytes: usize, place: Place, what: What) {
        self.bytes.extend_from_slice(&frame[..bytes]);
        let held = HeldFrame { place, end: self.bytes.len(), len: frame.len() as u64, what };
        self.frames.push(held);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
        self.facts = 0;
        if self.bytes.capacity() > KEEP_FACTOR * self.bytes_max {
            self.bytes.shrink_to(self.bytes_max);
        }
    }
}

#[derive(Serialize)]
struct Reject<'a> {
    reason: &'static str,
    input: &'a str,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    /// The payload is only the frame's beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

/// Writes the rejects of judged batches.
pub struct RejectWriter {
    name: String,
    inputs: Vec<String>,
    out: Box<dyn Write + Send>,
    line: Vec<u8>,
}

impl RejectWriter {
    /// Writes to `out`; `inputs` are the inputs' names in order.
    pub fn new(name: &str, inputs: Vec<String>, out: Box<dyn Write + Send>) -> RejectWriter {
        RejectWriter { name: name.into(), inputs, out, line: Vec::new() }
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes what was not counted of a judged batch, in log order.
    pub fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let Some(held) = &batch.held else { return Ok(()) };
        let mut refusals = batch.verdicts.refusals().iter().peekable();
        let mut start = 0;
        for frame in &held.frames {
            let payload = &held.bytes[start..frame.end];
            start = frame.end;
            let reason = match frame.what {
                What::Malformed(reason) => reason.as_str(),
                What::Fact(place) => match refusals.next_if(|&&(refused, _)| refused == place) {
                    Some((_, why)) => why.as_str(),
                    None => continue,
                },
            };
            let input = self.inputs.get(frame.place.input as usize).map_or("", String::as_str);
            let cut = payload.len() as u64 != frame.len;
            let text = std::str::from_utf8(payload).ok();
            let reject = Reject {
                reason,
                input,
                offset: frame.place.offset,
                payload: text,
                payload_base64: text.is_none().then(|| STANDARD.encode(payload)),
                cut,
            };
            self.line.clear();
            serde_json::to_writer(&mut self.line, &reject)?;
            self.line.push(b'\n');
            self.out.write_all(&self.line)?;
        }
        Ok(())
    }

    /// Lets everything written so far be seen.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
