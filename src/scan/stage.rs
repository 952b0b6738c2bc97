//! The scanning stage: claims chunks, cuts frames, scans them, fills batches.
//!
//! There is one for each worker, each on one thread. It owns its reader, its scanner and the batch
//! it is filling; it takes empty batches from its return ring and hands full ones to the clock. A
//! batch never spans two chunks, and every chunk ends with a batch that says so, empty or not: the
//! clock needs to see each number. Chunks are parts of files, cut into lines, or messages of a
//! partition, each of which is a frame; what a source says between messages is a chunk of its own.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::fill;
use crate::batch::{Batch, BatchEnd, BatchHandle, Tally};
use crate::count::hash::UidHasher;
use crate::input::frames::{Claimed, FrameReader};
use crate::input::messages::{Drawn, MessageReader, News, Partition};
use crate::limits::AGREE_LAST_MAX;
use crate::report::{Report, ScanReport};
use crate::ring::sync::AtomicBool;
use crate::ring::{Consumer, Producer, PushError};
use crate::scan::{Scanner, TsUnit};
use crate::stage::{Stage, Step};
use crate::stats::ScanCounters;

/// How far the frames go: what `measure` leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The input is read and not looked at.
    Read,
    /// Frames are cut and scanned, their facts dropped.
    Scan,
    /// All of it.
    Count,
}

/// The rings of one scanner.
pub struct ScanRings {
    /// Batches with facts, to the clock.
    pub to_clock: Producer<BatchHandle>,
    /// Empty batches, back.
    pub home: Consumer<BatchHandle>,
}

/// What a scanner reads.
#[expect(
    clippy::large_enum_variant,
    reason = "one a scanner, made once; a box would cost each line"
)]
pub enum Reader {
    /// Lines of files and pipes.
    Lines(FrameReader),
    /// Messages of partitions.
    Messages(Box<dyn MessageReader>),
}

/// The chunk a scanner is at.
#[derive(Clone, Copy)]
struct Chunk {
    number: u64,
    /// Of its messages.
    partition: Partition,
}

/// One scanner. See the module's header.
pub struct ScanStage {
    index: usize,
    depth: Depth,
    reader: Reader,
    scanner: Scanner,
    ts_unit: TsUnit,
    hasher: UidHasher,
    rings: ScanRings,
    /// The batch being filled.
    batch: Option<BatchHandle>,
    /// A full batch that found no room.
    pending: Option<BatchHandle>,
    /// The chunk being read.
    chunk: Option<Chunk>,
    /// The last times of the chunk's messages.
    last_s: Vec<i64>,
    /// Set until the clock has decided on the unit.
    checking_unit: Arc<AtomicBool>,
    counters: Arc<ScanCounters>,
    report: ScanReport,
    finished: bool,
}

/// What a scanner is made of besides its rings.
pub struct ScanParts {
    /// Which one, from 0.
    pub index: usize,
    /// How far its frames go.
    pub depth: Depth,
    /// Its reader.
    pub reader: Reader,
    /// Its scanner.
    pub scanner: Scanner,
    /// The unit the scanner reads times in.
    pub ts_unit: TsUnit,
    /// The run's hashes.
    pub hasher: UidHasher,
    /// Whether hints on the unit are wanted; the clock takes it back.
    pub checking_unit: Arc<AtomicBool>,
    /// What a watcher sees of it.
    pub counters: Arc<ScanCounters>,
}

impl ScanStage {
    /// A scanner before its first chunk.
    pub fn new(parts: ScanParts, rings: ScanRings) -> ScanStage {
        ScanStage {
            index: parts.index,
            depth: parts.depth,
            reader: parts.reader,
            scanner: parts.scanner,
            ts_unit: parts.ts_unit,
            hasher: parts.hasher,
            rings,
            batch: None,
            pending: None,
            chunk: None,
            last_s: Vec::with_capacity(AGREE_LAST_MAX),
            checking_unit: parts.checking_unit,
            counters: parts.counters,
            report: ScanReport::default(),
            finished: false,
        }
    }

    /// Fills the batch from the chunk, and says how the batch ends.
    fn fill(&mut self, partition: Partition, batch: &mut Batch) -> BatchEnd {
        if let Reader::Lines(lines) = &mut self.reader {
            lines.begin_batch();
        }
        let end = self.fill_once(partition, batch);
        if let Reader::Lines(lines) = &mut self.reader
            && lines.go_back_if_torn()
        {
            batch.clear();
            return self.fill_once(partition, batch);
        }
        end
    }

    fn fill_once(&mut self, partition: Partition, batch: &mut Batch) -> BatchEnd {
        // Relaxed: a hint too many or too few changes nothing, the clock counts its frames itself.
        let checking_unit = self.checking_unit.load(Ordering::Relaxed);
        let mut frames = fill::Frames {
            scanner: &mut self.scanner,
            hasher: &self.hasher,
            ts_unit: self.ts_unit,
            checking_unit,
        };
        match &mut self.reader {
            Reader::Lines(lines) => {
                batch.wall_s = Some(lines.wall_s());
                fill::from_lines(lines, &mut frames, batch)
            }
            Reader::Messages(messages) => {
                (batch.partition, batch.wall_s) = (partition, messages.wall_s());
                let end = fill::from_messages(&mut **messages, &mut frames, batch);
                keep_last(&mut self.last_s, batch.facts.ts_s());
                end
            }
        }
    }

    /// Reads the chunk without looking at it.
    fn skip(&mut self, batch: &mut Batch) -> BatchEnd {
        let skipped = match &mut self.reader {
            Reader::Lines(lines) => lines.skip_chunk(),
            Reader::Messages(messages) => {
                let mut bytes = 0;
                while let Some(message) = messages.next() {
                    batch.tally.frames += 1;
                    bytes += message.payload.map_or(0, <[u8]>::len) as u64;
                }
                Ok(bytes)
            }
        };
        match skipped {
            Ok(bytes) => {
                batch.tally.bytes += bytes;
                BatchEnd::ChunkDone
            }
            Err(error) => BatchEnd::Failed(error),
        }
    }

    /// Asks the reader for the next chunk; what it says instead of one is sent in a batch of its own.
    fn claim(&mut self) -> Result<Chunk, Step> {
        match &mut self.reader {
            Reader::Lines(lines) => match lines.claim() {
                Claimed::Chunk(number) => Ok(Chunk { number, partition: 0 }),
                Claimed::Busy => Err(Step::Blocked),
                Claimed::Waiting => Err(Step::BlockedOnInput),
                Claimed::News(chunk, news) => {
                    Err(self.pass_on(chunk, BatchEnd::ChunkDone, Some(news)))
                }
                Claimed::Finished => {
                    self.finished = true;
                    Err(Step::Done)
                }
            },
            Reader::Messages(messages) => match messages.draw(&self.last_s) {
                Drawn::Messages { chunk, partition } => {
                    self.last_s.clear();
                    Ok(Chunk { number: chunk, partition })
                }
                Drawn::News { chunk, news } => {
                    Err(self.pass_on(chunk, BatchEnd::ChunkDone, Some(news)))
                }
                Drawn::Failed { chunk, error } => {
                    Err(self.pass_on(chunk, BatchEnd::Failed(Box::new(error)), None))
                }
                Drawn::Busy => Err(Step::Blocked),
                Drawn::Waiting => Err(Step::BlockedOnInput),
                Drawn::Finished => {
                    self.finished = true;
                    Err(Step::Done)
                }
            },
        }
    }

    /// Sends a batch without frames.
    fn pass_on(&mut self, chunk: u64, end: BatchEnd, news: Option<News>) -> Step {
        self.report.chunks += 1;
        if self.depth != Depth::Count {
            if let BatchEnd::Failed(error) = end {
                self.report.failed = Some(error);
                self.finished = true;
            }
            return Step::Worked;
        }
        let mut handle = self.batch.take().expect("a chunk is claimed with a batch at hand");
        let batch = Arc::get_mut(&mut handle).expect("a batch at home has one owner");
        batch.news = news;
        batch.seal(chunk, end);
        self.send_on(handle)
    }

    fn take_batch(&mut self) -> bool {
        if self.batch.is_none() {
            self.batch = self.rings.home.pop().ok();
        }
        self.batch.is_some()
    }

    fn send(&mut self, handle: BatchHandle) -> Step {
        match self.rings.to_clock.push(handle) {
            Ok(()) => Step::Worked,
            Err(PushError::HungUp(_)) => Step::Done,
            Err(PushError::Full(handle)) => {
                self.pending = Some(handle);
                Step::Blocked
            }
        }
    }

    /// The same after work: it was work, whether or not there is room at once.
    fn send_on(&mut self, handle: BatchHandle) -> Step {
        match self.send(handle) {
            Step::Blocked => Step::Worked,
            sent => sent,
        }
    }

    fn account(&mut self, tally: &Tally) {
        self.report.tally.add(tally);
        self.counters.add(tally);
    }
}

/// Adds a chunk's next times, of which the last few are kept: as many as a clock looks at.
fn keep_last(last_s: &mut Vec<i64>, times_s: &[i64]) {
    let times_s = &times_s[times_s.len().saturating_sub(AGREE_LAST_MAX)..];
    let before = AGREE_LAST_MAX - times_s.len();
    last_s.drain(..last_s.len().saturating_sub(before));
    last_s.extend_from_slice(times_s);
}

impl Stage for ScanStage {
    fn name(&self) -> String {
        format!("scan {}", self.index)
    }

    fn step(&mut self) -> Step {
        if self.rings.to_clock.is_hung_up() && self.depth == Depth::Count {
            return Step::Done;
        }
        if let Some(handle) = self.pending.take() {
            return self.send(handle);
        }
        if self.finished {
            return Step::Done;
        }
        if !self.take_batch() {
            return Step::Blocked;
        }
        let chunk = match self.chunk {
            Some(chunk) => chunk,
            None => match self.claim() {
                Ok(chunk) => {
                    self.report.chunks += 1;
                    *self.chunk.insert(chunk)
                }
                Err(step) => return step,
            },
        };
        let mut handle = self.batch.take().expect("taken above");
        let batch = Arc::get_mut(&mut handle).expect("a batch at home has one owner");
        let end = match self.depth {
            Depth::Read => self.skip(batch),
            Depth::Scan | Depth::Count => self.fill(chunk.partition, batch),
        };
        let tally = batch.tally;
        self.account(&tally);
        if !matches!(end, BatchEnd::More) {
            self.chunk = None;
        }
        if self.depth != Depth::Count {
            if let BatchEnd::Failed(error) = end {
                self.report.failed = Some(error);
                self.finished = true;
            }
            batch.clear();
            self.batch = Some(handle);
            return Step::Worked;
        }
        batch.seal(chunk.number, end);
        self.send_on(handle)
    }

    fn input_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.reader {
            Reader::Lines(lines) => lines.waiting_on().map(|fd| fd.as_fd()),
            Reader::Messages(_) => None,
        }
    }

    fn wake_in(&self) -> Option<Duration> {
        match &self.reader {
            Reader::Lines(lines) => lines.wake_in(),
            Reader::Messages(messages) => messages.wake_in(),
        }
    }

    fn finish(self: Box<Self>) -> Report {
        Report::Scan(self.report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_chunk_the_last_times_are_kept_however_many_batches_it_has() {
        let most = i64::try_from(AGREE_LAST_MAX).unwrap();
        let all: Vec<i64> = (0..3 * most).collect();
        for step in [1, 2, AGREE_LAST_MAX - 1, AGREE_LAST_MAX, AGREE_LAST_MAX + 1, all.len()] {
            let mut last_s = Vec::new();
            for times_s in all.chunks(step) {
                keep_last(&mut last_s, times_s);
                keep_last(&mut last_s, &[]);
            }
            assert_eq!(last_s, all[all.len() - AGREE_LAST_MAX..], "{step}");
        }
    }
}
