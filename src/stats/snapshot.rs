//! What the clock tells a watcher beyond counters: each partition, and each window that is open. There may be
//! thousands, so it is drawn up rarely ([`DRAWN_EVERY`]) and only where somebody watches, in memory that is
//! used again, and handed over by a swap under a lock that is tried and never waited for.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use crate::clock::calendar::SeriesIndex;
use crate::clock::partitions::Holds;
use crate::input::messages::Partition;

/// How often one is drawn up at most.
pub const DRAWN_EVERY: Duration = Duration::from_millis(200);

/// A partition, as the clock sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionNow {
    /// Which.
    pub partition: Partition,
    /// Its clock, unix seconds; none before enough frames agreed on one.
    pub clock_s: Option<i64>,
    /// Whether it holds time back.
    pub holds: Holds,
    /// When its clock last moved, unix milliseconds, to within [`DRAWN_EVERY`]; before it ever did, when the
    /// partition was first seen.
    pub moved_ms: i64,
    /// Since when it is the one that holds time back, or one of several, unix milliseconds, to within the
    /// same; none if it is not: others stand lower, or it does not hold at all.
    pub lowest_since_ms: Option<i64>,
}

/// A window that is open: no final word is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowNow {
    /// Of which series.
    pub series: SeriesIndex,
    /// Its first second.
    pub start_s: i64,
    /// The first second after it.
    pub end_s: i64,
    /// What it is named by.
    pub ts_s: i64,
    /// Frames counted in it so far.
    pub frames: u64,
    /// Whether it has begun: a rolling one not before its last day.
    pub begun: bool,
}

/// The clock, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The lowest clock at its highest, unix seconds.
    pub lowest_s: Option<i64>,
    /// Frames that wait, of all partitions.
    pub parked: u64,
    /// The partitions, by number.
    pub partitions: Vec<PartitionNow>,
    /// The open windows that end first, by their ends.
    pub windows: Vec<WindowNow>,
    /// Open windows besides those.
    pub windows_more: u64,
    /// Windows that are out and kept for late frames.
    pub windows_kept_for_late: u64,
}

/// Where the clock leaves its snapshots.
#[derive(Clone, Debug, Default)]
pub struct Snapshots {
    newest: Arc<Mutex<Snapshot>>,
}

impl Snapshots {
    /// Hands a snapshot over and gets memory for the next one; false if a watcher is just reading.
    pub fn publish(&self, next: &mut Snapshot) -> bool {
        let mut newest = match self.newest.try_lock() {
            Ok(newest) => newest,
            Err(TryLockError::Poisoned(newest)) => newest.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        std::mem::swap(&mut *newest, next);
        true
    }

    /// The newest one.
    pub fn read(&self) -> Snapshot {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
