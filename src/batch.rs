//! The column batch: what travels through the pipeline in place of the frames.
//!
//! A batch is made once, goes round for ever (scanner → clock → counters → home) and is emptied,
//! never freed. It belongs to one thread at a time for writing: first to a scanner, which fills
//! the facts; then to the clock, which writes the verdicts; from then on it is read only, by all
//! counters (and the rejects' writer) at once. The handle is an [`Arc`]: whoever holds the only
//! one may write ([`Arc::get_mut`]), so no lock and no unsafe code guards these phases.
//!
//! Facts lie in log order. A counter of several reads its own frames through a list of places
//! sorted by shard, so that the clock can walk the log in order and a counter touches only what
//! is its own. Nothing points back into the input: once a batch is sealed, the read buffer is free.

pub mod held;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::unit_check::Hint;
use crate::clock::verdict::Verdicts;
use crate::error::Error;
use crate::input::Point;
use crate::input::messages::{News, Partition};
use crate::limits::UID_BYTES_MAX;
use crate::scan::Malformed;
use held::Held;

/// A batch on its way; the only holder may write.
pub type BatchHandle = Arc<Batch>;

/// How large the batches of a run are.
#[derive(Clone, Copy, Debug)]
pub struct BatchShape {
    /// Frames at most, malformed and blank ones not counted.
    pub frames_max: usize,
    /// Bytes of uids at most, beyond which no further frame is taken.
    pub uid_bytes_max: usize,
    /// Counters the frames are dealt out to.
    pub shards: usize,
    /// Slots that one window of each series takes.
    pub series: usize,
    /// Windows and pasts of all of them that a frame lies in at most.
    pub places: usize,
    /// Bytes of payloads to hold until they are judged, where rejects are written.
    pub held_bytes: Option<usize>,
    /// Whether frames are messages of partitions, and so have offsets.
    pub partitioned: bool,
}

/// What a batch says of the chunk of input it was cut from.
#[derive(Debug, Default)]
pub enum BatchEnd {
    /// More batches of the same chunk follow.
    #[default]
    More,
    /// It is the last of its chunk.
    ChunkDone,
    /// Reading failed after these frames; what lies beyond them in the log is unknown.
    Failed(Box<Error>),
}

/// What the scanner met while it filled a batch. Part of the accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Frames read: facts and malformed ones, not blank lines.
    pub frames: u64,
    /// Bytes of input these lines came from, line ends and blank lines included.
    pub bytes: u64,
    /// Lines that held nothing.
    pub blank_lines: u64,
    /// Messages without a payload: tombstones. They are frames.
    pub empty: u64,
    /// Malformed frames by reason.
    pub malformed: [u64; Malformed::ALL.len()],
}

impl Tally {
    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Tally) {
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.blank_lines += other.blank_lines;
        self.empty += other.empty;
        for (sum, n) in self.malformed.iter_mut().zip(other.malformed) {
            *sum += n;
        }
    }

    /// Malformed frames of all reasons.
    pub fn malformed_total(&self) -> u64 {
        self.malformed.iter().sum()
    }
}

/// The frames' facts as columns, in log order.
#[derive(Debug)]
pub struct Facts {
    ts_s: Vec<i64>,
    hash: Vec<u64>,
    uid_end: Vec<u32>,
    uid_bytes: Vec<u8>,
    shard_of: Vec<u8>,
    /// By frame, in a log of partitions; else nothing.
    offsets: Vec<u64>,
    places: Vec<u16>,
    shard_end: Vec<usize>,
}

impl Facts {
    fn new(shape: &BatchShape) -> Facts {
        let n = shape.frames_max;
        Facts {
            ts_s: Vec::with_capacity(n),
            hash: Vec::with_capacity(n),
            uid_end: Vec::with_capacity(n),
            uid_bytes: Vec::with_capacity(shape.uid_bytes_max + UID_BYTES_MAX),
            shard_of: Vec::with_capacity(if shape.shards > 1 { n } else { 0 }),
            offsets: Vec::with_capacity(if shape.partitioned { n } else { 0 }),
            // With one shard the list is 0, 1, 2, … for ever; with more it is sorted at the seal.
            places: (0..=u16::MAX).take(n).collect(),
            shard_end: vec![0; shape.shards],
        }
    }

    /// Frames in the batch.
    pub fn len(&self) -> usize {
        self.ts_s.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ts_s.is_empty()
    }

    /// The times, unix seconds, in log order.
    pub fn ts_s(&self) -> &[i64] {
        &self.ts_s
    }

    /// The frames' offsets in their partition, in a log of partitions; else nothing.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// The seeded hash of a frame's uid.
    #[inline]
    pub fn hash(&self, place: usize) -> u64 {
        self.hash[place]
    }

    /// A frame's counter.
    pub fn shard(&self, place: usize) -> u8 {
        self.shard_of.get(place).copied().unwrap_or(0)
    }

    /// A frame's uid, unescaped.
    #[inline]
    pub fn uid(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.uid_end[place - 1] as usize };
        &self.uid_bytes[start..self.uid_end[place] as usize]
    }

    /// The places of one shard's frames, ascending.
    pub fn places(&self, shard: usize) -> &[u16] {
        let start = if shard == 0 { 0 } else { self.shard_end[shard - 1] };
        &self.places[start..self.shard_end[shard]]
    }

    /// Sorts the places by shard (a counting sort: stable, so they stay ascending).
    fn seal(&mut self) {
        self.shard_end.fill(0);
        if self.shard_end.len() == 1 {
            self.shard_end[0] = self.ts_s.len();
            return;
        }
        for &shard in &self.shard_of {
            self.shard_end[shard as usize] += 1;
        }
        let mut start = 0;
        for end in &mut self.shard_end {
            start += std::mem::replace(end, start);
        }
        for (place, &shard) in (0u16..).zip(&self.shard_of) {
            let at = &mut self.shard_end[shard as usize];
            self.places[*at] = place;
            *at += 1;
        }
    }

    fn clear(&mut self) {
        self.ts_s.clear();
        self.hash.clear();
        self.uid_end.clear();
        self.uid_bytes.clear();
        self.shard_of.clear();
        self.offsets.clear();
    }
}

/// One batch: its place in the log, facts, verdicts, and payloads where they are held.
#[derive(Debug)]
pub struct Batch {
    /// Number of the chunk it was cut from; chunks are numbered in log order from 0.
    pub chunk: u64,
    /// Whether the chunk goes on.
    pub end: BatchEnd,
    /// Which partition its frames are of; 0 where there are none.
    pub partition: Partition,
    /// Offset after its last message.
    pub next_offset: u64,
    /// Where another run can go on after it; none in the middle of a chunk, or of a line.
    pub ends_at: Option<Point>,
    /// The wall clock when it was read, unix seconds, if somebody looked.
    pub wall_s: Option<i64>,
    /// What the source says, in place of frames.
    pub news: Option<News>,
    /// The scanner's account of it.
    pub tally: Tally,
    /// Of each frame read, while units are still being checked: what its time could mean.
    pub hints: Vec<Hint>,
    /// The facts.
    pub facts: Facts,
    /// What the clock made of them.
    pub verdicts: Verdicts,
    /// Payloads, where rejects are written.
    pub held: Option<Held>,
    frames_max: usize,
    uid_bytes_max: usize,
}

impl Batch {
    /// An empty batch with room for all it may ever hold.
    pub fn new(shape: &BatchShape) -> Batch {
        Batch {
            chunk: 0,
            end: BatchEnd::More,
            partition: 0,
            next_offset: 0,
            ends_at: None,
            wall_s: None,
            news: None,
            tally: Tally::default(),
            hints: Vec::new(),
            facts: Facts::new(shape),
            verdicts: Verdicts::new(shape.frames_max, shape.series, shape.places),
            held: shape.held_bytes.map(Held::new),
            frames_max: shape.frames_max,
            uid_bytes_max: shape.uid_bytes_max,
        }
    }

    /// Whether it takes no further frame.
    pub fn is_full(&self) -> bool {
        self.facts.len() >= self.frames_max
            || self.facts.uid_bytes.len() + UID_BYTES_MAX > self.uid_bytes_max.max(UID_BYTES_MAX)
            || self.held.as_ref().is_some_and(Held::is_full)
    }

    /// Adds a frame's facts; `shard` is its counter. The batch must not be full.
    #[inline]
    pub fn push(&mut self, ts_s: i64, uid: &[u8], hash: u64, shard: u8) {
        let facts = &mut self.facts;
        facts.ts_s.push(ts_s);
        facts.hash.push(hash);
        facts.uid_bytes.extend_from_slice(uid);
        // At most uid_bytes_max + UID_BYTES_MAX bytes lie in the arena: far below 4 GiB.
        #[allow(clippy::cast_possible_truncation)]
        facts.uid_end.push(facts.uid_bytes.len() as u32);
        if facts.shard_end.len() > 1 {
            facts.shard_of.push(shard);
        }
    }

    /// The offset of the frame pushed last, in a log of partitions.
    #[inline]
    pub fn push_offset(&mut self, offset: u64) {
        self.facts.offsets.push(offset);
    }

    /// Ends the filling: from here on the facts do not change.
    pub fn seal(&mut self, chunk: u64, end: BatchEnd) {
        self.chunk = chunk;
        self.end = end;
        self.facts.seal();
    }

    /// Makes it as new, keeping its memory.
    pub fn clear(&mut self) {
        self.chunk = 0;
        self.end = BatchEnd::More;
        (self.partition, self.next_offset, self.wall_s) = (0, 0, None);
        self.ends_at = None;
        self.news = None;
        self.tally = Tally::default();
        self.hints.clear();
        self.facts.clear();
        self.verdicts.clear();
        if let Some(held) = &mut self.held {
            held.clear();
        }
    }

    /// Bytes one batch takes when full, payloads not counted.
    pub fn bytes_max(shape: &BatchShape) -> usize {
        let columns: Range<usize> = 0..shape.frames_max;
        columns.len() * (8 + 8 + 4 + 1 + 2 + if shape.partitioned { 8 } else { 0 })
            + shape.uid_bytes_max
            + UID_BYTES_MAX
            + Verdicts::bytes_max(shape.frames_max, shape.series, shape.places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(shards: usize) -> BatchShape {
        BatchShape {
            frames_max: 8,
            uid_bytes_max: 4096,
            shards,
            series: 1,
            places: 1,
            held_bytes: None,
            partitioned: false,
        }
    }

    #[test]
    fn places_are_dealt_by_shard_in_log_order() {
        let mut batch = Batch::new(&shape(3));
        for (i, shard) in [2u8, 0, 1, 2, 0, 0].into_iter().enumerate() {
            batch.push(100 + i64::try_from(i).unwrap(), &[b'a' + shard], i as u64, shard);
        }
        batch.seal(7, BatchEnd::ChunkDone);
        assert_eq!(batch.facts.places(0), [1, 4, 5]);
        assert_eq!(batch.facts.places(1), [2]);
        assert_eq!(batch.facts.places(2), [0, 3]);
        assert_eq!(batch.facts.uid(3), b"c");
        batch.clear();
        batch.push(1, b"x", 0, 1);
        batch.seal(8, BatchEnd::More);
        assert!(batch.facts.places(0).is_empty());
        assert_eq!(batch.facts.places(1), [0]);
    }

    #[test]
    fn one_shard_has_every_place() {
        let mut batch = Batch::new(&shape(1));
        for i in 0..8 {
            assert!(!batch.is_full());
            batch.push(i, b"u", 0, 0);
        }
        assert!(batch.is_full());
        batch.seal(0, BatchEnd::More);
        assert_eq!(batch.facts.places(0), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn full_before_the_longest_uid_would_not_fit() {
        let mut batch = Batch::new(&BatchShape { uid_bytes_max: 1500, ..shape(1) });
        batch.push(1, &[b'x'; 477], 0, 0);
        assert!(batch.is_full());
        let tiny = Batch::new(&BatchShape { uid_bytes_max: 1, ..shape(1) });
        assert!(!tiny.is_full(), "an empty batch takes at least one frame");
    }
}
