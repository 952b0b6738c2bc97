//! Rejects: the frames that were not counted, for whoever asks for them (`--rejects FILE`).
//!
//! With rejects a batch holds every frame's payload until it is judged; without, nothing is held.
//! One JSON object a line: the reason, the input and the byte offset of the line in it (of a topic:
//! the partition and the message's offset), and the
//! payload: as text, or in base64 where it is not UTF-8. Payloads are other people's data: they go
//! to this file and nowhere else.

use std::borrow::Cow;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::batch::Batch;
use crate::batch::held::What;
use crate::clock::parking::Payload;
use crate::clock::verdict::Refusal;
use crate::input::Place;

#[derive(Serialize)]
struct Reject<'a> {
    reason: &'a str,
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

/// What inputs are called in rejects.
#[derive(Clone, Debug)]
pub enum InputNames {
    /// Files and pipes, by their order.
    Files(Vec<String>),
    /// A topic, whose partitions have numbers.
    Topic(String),
}

impl InputNames {
    fn of(&self, input: u32) -> Cow<'_, str> {
        match self {
            InputNames::Files(names) => names.get(input as usize).map_or("", String::as_str).into(),
            InputNames::Topic(topic) => format!("{topic}[{input}]").into(),
        }
    }
}

/// Writes the rejects of judged batches.
pub struct RejectWriter {
    name: String,
    inputs: InputNames,
    out: Box<dyn Write + Send>,
    line: Vec<u8>,
}

impl RejectWriter {
    /// Writes to `out`.
    pub fn new(name: &str, inputs: InputNames, out: Box<dyn Write + Send>) -> RejectWriter {
        RejectWriter { name: name.into(), inputs, out, line: Vec::new() }
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes what was not counted of a judged batch, in log order; then frames of earlier ones that
    /// waited until now.
    pub fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let Some(held) = &batch.held else { return Ok(()) };
        let mut refusals = batch.verdicts.refusals().iter().peekable();
        for frame in held.frames() {
            let reason = match frame.what {
                What::Malformed(reason) => reason.as_str(),
                What::Fact(place) => match refusals.next_if(|&&(refused, _)| refused == place) {
                    // Those were counted, only not in this run.
                    Some((_, Refusal::OutBefore)) | None => continue,
                    Some((_, why)) => why.as_str(),
                },
            };
            self.put(reason, frame.place, frame.payload, frame.cut)?;
        }
        for (Payload { place, bytes, cut }, why) in batch.verdicts.rejected() {
            if *why != Refusal::OutBefore {
                self.put(why.as_str(), *place, bytes, *cut)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, reason: &str, place: Place, payload: &[u8], cut: bool) -> io::Result<()> {
        let input = self.inputs.of(place.input);
        let text = std::str::from_utf8(payload).ok();
        let reject = Reject {
            reason,
            input: &input,
            offset: place.offset,
            payload: text,
            payload_base64: text.is_none().then(|| STANDARD.encode(payload)),
            cut,
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &reject)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    /// Lets everything written so far be seen.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
