//! Rejects: the frames that were not counted, for whoever asks for them (`--rejects FILE`,
//! `--rejects-topic TOPIC`).
//!
//! With rejects a batch holds every frame's payload until it is judged; without, nothing is held.
//! Payloads are other people's data: they go to the sink asked for and nowhere else.

use std::io;

use crate::batch::Batch;
use crate::batch::held::What;
use crate::clock::parking::Payload;
use crate::clock::verdict::Refusal;
use crate::input::Place;

/// A frame that was not counted.
#[derive(Clone, Copy, Debug)]
pub struct Reject<'a> {
    /// Why.
    pub reason: &'static str,
    /// Where it came from.
    pub origin: Origin<'a>,
    /// Byte offset of its line there; of a message its offset.
    pub offset: u64,
    /// What it was.
    pub payload: &'a [u8],
    /// The payload is only the frame's beginning.
    pub cut: bool,
}

/// Where a frame came from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// A file or a pipe.
    File(&'a str),
    /// A topic's partition.
    Partition(&'a str, u32),
}

/// Takes rejects, in order.
pub trait RejectSink: Send {
    /// Its name in messages.
    fn name(&self) -> &str;
    /// Takes one.
    fn put(&mut self, reject: &Reject<'_>) -> io::Result<()>;
    /// Lets everything taken so far be seen.
    fn flush(&mut self) -> io::Result<()>;
    /// How many of those taken are safe where they went.
    fn settled(&mut self) -> io::Result<u64>;
    /// Where it has a length, what that is after all taken so far, bytes.
    fn length(&self) -> Option<u64> {
        None
    }
    /// Whether rejects are safe with the next checkpoint and not before.
    fn goes_with_cuts(&self) -> bool {
        false
    }
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
    fn origin(&self, input: u32) -> Origin<'_> {
        match self {
            InputNames::Files(names) => {
                Origin::File(names.get(input as usize).map_or("", String::as_str))
            }
            InputNames::Topic(topic) => Origin::Partition(topic, input),
        }
    }
}

/// Writes the rejects of judged batches.
pub struct RejectWriter {
    inputs: InputNames,
    sink: Box<dyn RejectSink>,
    put: u64,
    settled: u64,
}

impl RejectWriter {
    /// Writes to this sink.
    pub fn new(inputs: InputNames, sink: Box<dyn RejectSink>) -> RejectWriter {
        RejectWriter { inputs, sink, put: 0, settled: 0 }
    }

    /// Its sink's name in messages.
    pub fn name(&self) -> &str {
        self.sink.name()
    }

    /// Where its sink has a length, what that is after all rejects so far, bytes.
    pub fn length(&self) -> Option<u64> {
        self.sink.length()
    }

    /// Whether they are safe with the next checkpoint and not before.
    pub fn goes_with_cuts(&self) -> bool {
        self.sink.goes_with_cuts()
    }

    /// Rejects so far.
    pub fn put_so_far(&self) -> u64 {
        self.put
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

    fn put(
        &mut self,
        reason: &'static str,
        place: Place,
        payload: &[u8],
        cut: bool,
    ) -> io::Result<()> {
        let origin = self.inputs.origin(place.input);
        self.put += 1;
        self.sink.put(&Reject { reason, origin, offset: place.offset, payload, cut })
    }

    /// Lets everything written so far be seen.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    /// How many rejects are safe where they went.
    pub fn settled(&mut self) -> io::Result<u64> {
        if self.settled < self.put {
            self.settled = self.sink.settled()?;
        }
        Ok(self.settled)
    }
}
