//! Cutting: where the log is cut for checkpoints, and when.
//!
//! Belongs to the clock's stage. A cut can be where a chunk ends, at a line's end: there another run can go on.
//! What was judged beyond such a point without coming to another is in no checkpoint.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::state::{ClockState, SlotSerial};
use crate::batch::{Batch, Tally};
use crate::input::Point;
use crate::ring::sync::AtomicBool;

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

/// When the log is cut.
pub struct Cutting {
    /// How long after the last cut.
    pub every: Duration,
    /// Whether a cut is on its way: set here, and taken back by the output once it is kept.
    pub under_way: Arc<AtomicBool>,
    /// The last one.
    pub last: Instant,
    /// What earlier runs read.
    pub tally_before: Tally,
    /// How far the log is judged.
    pub point: Option<Point>,
    /// It is judged further, to where no run can go on: within a chunk or a line.
    pub is_within: bool,
}

impl Cutting {
    /// A batch was judged; whether another run could go on after it.
    pub(super) fn judged(&mut self, batch: &Batch) -> bool {
        if batch.ends_at.is_some() {
            (self.point, self.is_within) = (batch.ends_at, false);
        } else {
            self.is_within |= batch.tally != Tally::default();
        }
        batch.ends_at.is_some()
    }

    pub(super) fn is_due(&self) -> bool {
        // Acquire: pairs with the output's release; not needed for what is kept, which comes by rings.
        self.last.elapsed() >= self.every && !self.under_way.load(Ordering::Acquire)
    }
}
