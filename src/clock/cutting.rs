//! Cutting: where the log is cut for checkpoints, and when.
//!
//! Belongs to the clock's stage. In files a cut can be where a chunk ends, at a line's end: there another run
//! can go on. What was judged beyond such a point without coming to another is in no checkpoint. In a log of
//! partitions it can be after any message.
//!
//! | a cut is due | where |
//! | --- | --- |
//! | so long after the last one | everywhere |
//! | soon after a result came out | where results come with checkpoints, and so wait for them |
//! | at once | when what waits to come with it takes much room |
//!
//! and never while one is under way, nor where nothing is new, nor while the clock is still being told what is
//! gone on with and which partitions there are: it would be of half of them. How soon after a result hangs on whether there
//! is more to judge: as long as there is, one is under way for an eighth of the time at most, so that a log
//! read fast, in which windows close all the time, is not held up by checkpoints. Where nothing more has come
//! for 3 ms, results do not wait for that.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::state::{ClockState, SlotSerial};
use crate::batch::{Batch, Tally};
use crate::input::Point;
use crate::input::messages::News;
use crate::ring::sync::{AtomicBool, AtomicU64};

/// The clock's part of a cut.
#[derive(Clone, Debug, Default)]
pub struct ClockCut {
    /// The clock.
    pub clock: ClockState,
    /// The slots in use, of which the counters tell.
    pub slots: Vec<SlotSerial>,
    /// The scanners' account of all that was read, from the first run on.
    pub tally: Tally,
    /// Where another run goes on; none if nothing was read.
    pub point: Option<Point>,
}

/// While there is more to judge, a checkpoint for the sake of results is under way for one such part of the
/// time at most.
const SHARE: u32 = 8;

/// Where nothing came for so long, the log is judged as far as it is there.
const CAUGHT_UP: Duration = Duration::from_millis(3);

/// How soon it is looked again whether there can be a cut.
const ASK_AGAIN: Duration = Duration::from_millis(2);

/// How often the log is cut.
#[derive(Clone, Copy, Debug)]
pub struct CutEvery {
    /// How long after the last cut.
    pub at_most: Duration,
    /// The same once a result came out since, where results wait for it; or longer, see `SHARE`.
    pub with_results: Option<Duration>,
}

/// What the clock and the output tell one another of cuts.
#[derive(Clone, Debug, Default)]
pub struct CutFlags {
    /// One is on its way: set by the clock, and taken back by the output once it is kept.
    pub under_way: Arc<AtomicBool>,
    /// Much waits for one: set by the output, and taken back by the clock.
    pub wanted: Arc<AtomicBool>,
    /// How long one is under way these days, microseconds: set by the output.
    pub took_us: Arc<AtomicU64>,
}

/// When the log is cut.
pub struct Cutting {
    /// How often.
    pub every: CutEvery,
    /// What the output says of it.
    pub flags: CutFlags,
    /// The last one.
    pub last: Instant,
    /// When a batch was judged last.
    pub judged_at: Instant,
    /// What earlier runs read.
    pub tally_before: Tally,
    /// Whether it is a log of partitions.
    pub partitioned: bool,
    /// How far the log is judged; of partitions the clock knows.
    pub point: Option<Point>,
    /// It is judged further, to where no run can go on: within a chunk or a line.
    pub is_within: bool,
    /// The clock was last told of a partition, or of what is gone on with: others may follow.
    pub is_joining: bool,
    /// Something is to be said that the last one does not say: before the first, where a run begins.
    pub is_new: bool,
    /// A result came out since the last cut.
    pub has_results: bool,
}

impl Cutting {
    /// A batch was judged; whether another run could go on after it.
    pub(super) fn judged(&mut self, batch: &Batch) -> bool {
        self.judged_at = Instant::now();
        self.has_results |= !batch.verdicts.heads().is_empty();
        self.is_new |= self.has_results || batch.tally != Tally::default();
        if self.partitioned {
            self.is_joining = matches!(batch.news, Some(News::Resumed(_) | News::Joined { .. }));
            return !self.is_joining;
        }
        if batch.ends_at.is_some() {
            (self.point, self.is_within) = (batch.ends_at, false);
        } else {
            self.is_within |= batch.tally != Tally::default();
        }
        batch.ends_at.is_some()
    }

    /// How long until the next cut is due; none: never, as long as nothing is new.
    fn due_in(&self) -> Option<Duration> {
        if !self.is_new {
            return None;
        }
        // Relaxed: it is only taken back here.
        if self.flags.wanted.load(Ordering::Relaxed) {
            return Some(Duration::ZERO);
        }
        let after = |every: Duration| every.saturating_sub(self.last.elapsed());
        let at_most = after(self.every.at_most);
        let Some(soon) = self.every.with_results.filter(|_| self.has_results) else {
            return Some(at_most);
        };
        // Relaxed: it tells of nothing but itself.
        let took = Duration::from_micros(self.flags.took_us.load(Ordering::Relaxed));
        let sparing = after(took.saturating_mul(SHARE));
        let caught_up = CAUGHT_UP.saturating_sub(self.judged_at.elapsed());
        Some(after(soon).max(sparing.min(caught_up)).min(at_most))
    }

    /// Whether one is under way.
    fn is_under_way(&self) -> bool {
        // Acquire: pairs with the output's release; not needed for what is kept, which comes by rings.
        self.flags.under_way.load(Ordering::Acquire)
    }

    pub(super) fn is_due(&self) -> bool {
        self.due_in() == Some(Duration::ZERO) && !self.is_under_way()
    }

    /// Whether the log can be cut where it is judged up to.
    pub(super) fn can_be_here(&self) -> bool {
        match self.partitioned {
            true => !self.is_joining,
            false => !self.is_within && self.point.is_some(),
        }
    }

    /// When it is to be looked again, if no further batch comes.
    pub(super) fn wake_in(&self) -> Option<Duration> {
        if !self.can_be_here() {
            return None;
        }
        self.due_in().map(|due_in| due_in.max(ASK_AGAIN))
    }

    /// It is cut here.
    pub(super) fn cut(&mut self) {
        (self.is_new, self.has_results) = (false, false);
        self.last = Instant::now();
        // Relaxed: the output sets it again if this cut does not take what waits.
        self.flags.wanted.store(false, Ordering::Relaxed);
        // Relaxed: the output takes it back after it has heard of the cut by a ring.
        self.flags.under_way.store(true, Ordering::Relaxed);
    }
}
