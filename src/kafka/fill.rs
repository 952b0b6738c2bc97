//! Fills a topic with a generated stream.
//!
//! Keyless frames are dealt out by the generator's blocks, a block to each partition in turn: which frames
//! a partition holds, and in which order, follows from the stream and the number of partitions alone, and
//! the partitions' times stay within a few blocks of one another. Keyed frames go where Java clients would
//! put them; those that show no user are dealt out like keyless ones.
//!
//! On the caller's thread, behind the generator's workers. Each frame is copied once, into librdkafka's
//! queue, whose bound holds the workers back.

use std::io::{self, Write};

use memchr::memchr_iter;

use super::producer::Producer;
use super::settings::Settings;
use crate::error::Error;
use crate::generate::{Generator, Reading};
use crate::ring::{Stop, StopReason};

/// Bytes that wait in librdkafka's queue.
const QUEUE_KIB: &str = "65536";
/// A record's own bytes beside the frame's, at most.
const RECORD_BYTES: usize = 4096;
/// librdkafka's own bound for a record.
const RECORD_BYTES_MAX: usize = 1_000_000;

/// Writes the stream of a generator to a topic: what is written has to be the stream's blocks, in order.
pub struct Filler<'a> {
    generator: &'a Generator,
    producer: Producer,
    partitions: usize,
    keyed: bool,
    stop: Stop,
    frames: u64,
    blocks: usize,
}

/// A producer fit to fill a topic with a generator's stream, compressed by this codec if one is given.
///
/// # Errors
/// A setting cannot be.
pub fn producer(
    settings: &Settings,
    topic: &str,
    give_up_s: u32,
    codec: Option<&str>,
    generator: &Generator,
) -> Result<Producer, Error> {
    let frame_bytes_max = generator.workload().frame_bytes / 10 * 11 + RECORD_BYTES;
    let mut defaults = vec![
        ("queue.buffering.max.kbytes", QUEUE_KIB.to_owned()),
        ("message.max.bytes", frame_bytes_max.max(RECORD_BYTES_MAX).to_string()),
    ];
    defaults.extend(codec.map(|codec| ("compression.type", codec.to_owned())));
    Producer::new(settings, topic, give_up_s, &defaults)
}

impl<'a> Filler<'a> {
    /// Nothing written yet. `partitions` of the topic; `keyed`: by user.
    pub fn new(
        generator: &'a Generator,
        producer: Producer,
        partitions: usize,
        keyed: bool,
        stop: Stop,
    ) -> Filler<'a> {
        Filler { generator, producer, partitions, keyed, stop, frames: 0, blocks: 0 }
    }

    /// Waits until all frames are delivered, and says how many were.
    ///
    /// # Errors
    /// One could not be.
    pub fn finish(mut self) -> io::Result<u64> {
        self.producer.finish()
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let number = self.frames;
        self.frames += 1;
        if self.keyed
            && let Reading::Good { uid, .. } = self.generator.truth(number).reading
        {
            return self.producer.send(None, Some(&uid), frame);
        }
        let partition = i32::try_from(self.blocks % self.partitions).map_err(io::Error::other)?;
        self.producer.send(Some(partition), None, frame)
    }
}

impl Write for Filler<'_> {
    fn write(&mut self, block: &[u8]) -> io::Result<usize> {
        if self.stop.reason() != StopReason::Running {
            return Err(io::Error::other("interrupted"));
        }
        let mut begin = 0;
        for end in memchr_iter(b'\n', block) {
            let frame = &block[begin..end];
            self.send(frame.strip_suffix(b"\r").unwrap_or(frame))?;
            begin = end + 1;
        }
        self.blocks += 1;
        // Deliveries are heard of in time, so that the queue has room again.
        self.producer.delivered()?;
        Ok(block.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
