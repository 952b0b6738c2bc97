//! The scanning stage: claims chunks, cuts frames, scans them, fills batches.
//!
//! There is one for each worker, each on one thread. It owns its reader, its scanner and the batch
//! it is filling; it takes empty batches from its return ring and hands full ones to the clock. A
//! batch never spans two chunks, and every chunk ends with a batch that says so, empty or not: the
//! clock needs to see each number.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::batch::{Batch, BatchEnd, BatchHandle, Tally};
use crate::clock::unit_check::Hint;
use crate::count::hash::UidHasher;
use crate::input::Place;
use crate::input::frames::{Claimed, FrameReader, Next};
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

/// One scanner. See the module's header.
pub struct ScanStage {
    index: usize,
    depth: Depth,
    reader: FrameReader,
    scanner: Scanner,
    ts_unit: TsUnit,
    hasher: UidHasher,
    rings: ScanRings,
    /// The batch being filled.
    batch: Option<BatchHandle>,
    /// A full batch that found no room.
    pending: Option<BatchHandle>,
    /// The chunk being read.
    chunk: Option<u64>,
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
    pub reader: FrameReader,
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
            checking_unit: parts.checking_unit,
            counters: parts.counters,
            report: ScanReport::default(),
            finished: false,
        }
    }

    /// Fills the batch from the chunk, and says how the batch ends.
    fn fill(&mut self, batch: &mut Batch) -> BatchEnd {
        self.reader.begin_batch();
        let end = self.fill_once(batch);
        if self.reader.go_back_if_torn() {
            batch.clear();
            return self.fill_once(batch);
        }
        end
    }

    fn fill_once(&mut self, batch: &mut Batch) -> BatchEnd {
        // Relaxed: a hint too many or too few changes nothing, the clock counts its frames itself.
        let checking_unit = self.checking_unit.load(Ordering::Relaxed);
        while !batch.is_full() {
            match self.reader.next_line() {
                Next::Line(line, place) if line.len() <= LINE_BYTES_MAX => {
                    let Some(frame) = content(line) else {
                        batch.tally.blank_lines += 1;
                        continue;
                    };
                    batch.tally.frames += 1;
                    let place = place_of(frame, line, place);
                    match self.scanner.scan(frame) {
                        Ok(fact) => {
                            let ts_s = fact.ts_s;
                            let hash = self.hasher.table(fact.uid);
                            let shard = self.hasher.shard(fact.uid);
                            batch.push(ts_s, fact.uid, hash, shard);
                            if let Some(held) = &mut batch.held {
                                held.hold_fact(frame, place);
                            }
                            if checking_unit {
                                let hint = hint(&mut self.scanner, self.ts_unit, frame, Some(ts_s));
                                batch.hints.push(hint);
                            }
                        }
                        Err(reason) => {
                            refuse(batch, reason, frame, place);
                            if checking_unit {
                                batch.hints.push(hint(
                                    &mut self.scanner,
                                    self.ts_unit,
                                    frame,
                                    None,
                                ));
                            }
                        }
                    }
                }
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

    /// Reads the chunk without looking at it.
    fn skip(&mut self, batch: &mut Batch) -> BatchEnd {
        match self.reader.skip_chunk() {
            Ok(bytes) => {
                batch.tally.bytes += bytes;
                BatchEnd::ChunkDone
            }
            Err(error) => BatchEnd::Failed(error),
        }
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

    fn account(&mut self, tally: &Tally) {
        self.report.tally.add(tally);
        self.counters.add(tally.frames, tally.bytes);
    }
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
        if self.chunk.is_none() {
            match self.reader.claim() {
                Claimed::Chunk(chunk) => {
                    self.report.chunks += 1;
                    self.chunk = Some(chunk);
                }
                Claimed::Busy => return Step::Blocked,
                Claimed::Waiting => return Step::BlockedOnInput,
                Claimed::Finished => {
                    self.finished = true;
                    return Step::Done;
                }
            }
        }
        let chunk = self.chunk.expect("claimed above");
        let mut handle = self.batch.take().expect("taken above");
        let batch = Arc::get_mut(&mut handle).expect("a batch at home has one owner");
        let end = match self.depth {
            Depth::Read => self.skip(batch),
            Depth::Scan | Depth::Count => self.fill(batch),
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
        batch.seal(chunk, end);
        // Filling it was work, whether or not there is room for it at once.
        match self.send(handle) {
            Step::Blocked => Step::Worked,
            sent => sent,
        }
    }

    fn input_fd(&self) -> Option<BorrowedFd<'_>> {
        self.reader.waiting_on().map(|fd| fd.as_fd())
    }

    fn finish(self: Box<Self>) -> Report {
        Report::Scan(self.report)
    }
}
