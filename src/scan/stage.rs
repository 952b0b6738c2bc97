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

use crate::batch::{Batch, BatchEnd, BatchHandle, Tally};
use crate::clock::unit_check::Hint;
use crate::count::hash::UidHasher;
use crate::input::Place;
use crate::input::frames::{Claimed, FrameReader, Next};
use crate::input::messages::{Drawn, MessageReader, News, Partition};
use crate::input::read_buf::LINE_BYTES_MAX;
use crate::limits::{TS_S_PLAUSIBLE_MAX, TS_S_PLAUSIBLE_MIN};
use crate::report::{Report, ScanReport};
use crate::ring::sync::AtomicBool;
use crate::ring::{Consumer, Producer, PushError};
use crate::scan::{Malformed, Scanner, TsUnit, content, without_mark};
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
    /// A time most of the chunk's messages have reached.
    reached_s: Option<i64>,
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
            reached_s: None,
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
        let mut frames = Frames {
            scanner: &mut self.scanner,
            hasher: &self.hasher,
            ts_unit: self.ts_unit,
            checking_unit,
        };
        match &mut self.reader {
            Reader::Lines(lines) => fill_from_lines(lines, &mut frames, batch),
            Reader::Messages(messages) => {
                batch.partition = partition;
                let end = fill_from_messages(&mut **messages, &mut frames, batch);
                self.reached_s = reached_s(batch.facts.ts_s()).or(self.reached_s);
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
                Claimed::Finished => {
                    self.finished = true;
                    Err(Step::Done)
                }
            },
            Reader::Messages(messages) => match messages.draw(self.reached_s.take()) {
                Drawn::Messages { chunk, partition } => Ok(Chunk { number: chunk, partition }),
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
        self.counters.add(tally.frames, tally.bytes);
    }
}

/// What turns a frame into a fact of a batch.
struct Frames<'s> {
    scanner: &'s mut Scanner,
    hasher: &'s UidHasher,
    ts_unit: TsUnit,
    checking_unit: bool,
}

impl Frames<'_> {
    /// Scans a frame into the batch; whether it became a fact.
    #[inline]
    fn take(&mut self, frame: &[u8], place: Place, batch: &mut Batch) -> bool {
        batch.tally.frames += 1;
        match self.scanner.scan(frame) {
            Ok(fact) => {
                let ts_s = fact.ts_s;
                let hash = self.hasher.table(fact.uid);
                let shard = self.hasher.shard(fact.uid);
                batch.push(ts_s, fact.uid, hash, shard);
                if let Some(held) = &mut batch.held {
                    held.hold_fact(frame, place);
                }
                if self.checking_unit {
                    batch.hints.push(hint(self.scanner, self.ts_unit, frame, Some(ts_s)));
                }
                true
            }
            Err(reason) => {
                refuse(batch, reason, frame, place);
                if self.checking_unit {
                    batch.hints.push(hint(self.scanner, self.ts_unit, frame, None));
                }
                false
            }
        }
    }
}

fn fill_from_lines(
    lines: &mut FrameReader,
    frames: &mut Frames<'_>,
    batch: &mut Batch,
) -> BatchEnd {
    while !batch.is_full() {
        match lines.next_line() {
            Next::Line(line, place) if line.len() <= LINE_BYTES_MAX => match content(line) {
                Some(frame) => {
                    frames.take(frame, place_of(frame, line, place), batch);
                }
                None => batch.tally.blank_lines += 1,
            },
            // The same whether its end was found with it or not: what becomes of a line must not
            // depend on where it begins in a read.
            Next::Line(start, place) | Next::TooLong(start, place) => {
                batch.tally.frames += 1;
                let frame = without_mark(start);
                let place = place_of(frame, start, place);
                refuse(batch, Malformed::TooLong, frame, place);
            }
            Next::Done(bytes) => {
                batch.tally.bytes += bytes;
                return BatchEnd::ChunkDone;
            }
            Next::Failed(error) => return BatchEnd::Failed(error),
        }
    }
    BatchEnd::More
}

fn fill_from_messages(
    messages: &mut dyn MessageReader,
    frames: &mut Frames<'_>,
    batch: &mut Batch,
) -> BatchEnd {
    while !batch.is_full() {
        let Some(message) = messages.next() else { return BatchEnd::ChunkDone };
        batch.next_offset = message.offset + 1;
        let Some(payload) = message.payload else {
            batch.tally.frames += 1;
            batch.tally.empty += 1;
            continue;
        };
        batch.tally.bytes += payload.len() as u64;
        // The same bytes are the same frame as in a line; but a message is a frame, however blank.
        let frame = content(payload).unwrap_or_default();
        let place = Place { input: batch.partition, offset: message.offset };
        if frames.take(frame, place, batch) {
            batch.push_offset(message.offset);
        }
    }
    BatchEnd::More
}

/// A time that a majority of the last times has reached: a single time flipped far ahead is not it.
fn reached_s(ts_s: &[i64]) -> Option<i64> {
    const LAST: usize = 64;
    let mut last = [0; LAST];
    let ts_s = &ts_s[ts_s.len().saturating_sub(LAST)..];
    let last = &mut last[..ts_s.len()];
    last.copy_from_slice(ts_s);
    last.sort_unstable();
    last.get(last.len() / 2).copied()
}

/// Where a frame stands: behind the byte order mark of its line, which is not the frame's.
fn place_of(frame: &[u8], line: &[u8], line_at: Place) -> Place {
    let mark_bytes = frame.as_ptr().addr() - line.as_ptr().addr();
    Place { offset: line_at.offset + mark_bytes as u64, ..line_at }
}

fn refuse(batch: &mut Batch, reason: Malformed, frame: &[u8], place: Place) {
    batch.tally.malformed[reason.index()] += 1;
    if let Some(held) = &mut batch.held {
        held.hold_malformed(frame, place, reason);
    }
}

/// What a frame's time could mean; the cold path of the check on the unit.
fn hint(scanner: &mut Scanner, unit: TsUnit, frame: &[u8], ts_s: Option<i64>) -> Hint {
    if let Some(TS_S_PLAUSIBLE_MIN..=TS_S_PLAUSIBLE_MAX) = ts_s {
        return Hint::Plausible;
    }
    let units = scanner.plausible_units(frame);
    if units.contains(unit) {
        // The frame is no good, but its time is.
        Hint::Plausible
    } else if units.is_empty() && ts_s.is_none() {
        Hint::None
    } else {
        Hint::Other(units)
    }
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
            Reader::Lines(_) => None,
            Reader::Messages(messages) => messages.wake_in(),
        }
    }

    fn finish(self: Box<Self>) -> Report {
        Report::Scan(self.report)
    }
}
