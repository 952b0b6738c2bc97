//! What a watcher is told when the run is wired: its stages with their threads and how busy they are, its
//! rings with how full they are, its counters' users. Fixed from then on.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::own::Own;
use crate::clock::calendar::SeriesName;
use crate::ring::Fill;

/// Time a stage's thread spent in steps of it that did something. Written by that thread after such a step.
#[derive(Debug, Default)]
pub struct BusyCounter {
    ns: CachePadded<Own>,
}

impl BusyCounter {
    /// So long in all. Owner only.
    #[inline]
    pub fn set(&self, busy: Duration) {
        self.ns.set(busy.as_secs() * 1_000_000_000 + u64::from(busy.subsec_nanos()));
    }

    /// How long in all.
    pub fn read(&self) -> Duration {
        Duration::from_nanos(self.ns.get())
    }
}

/// The users of one counter. Written by its thread once a batch.
#[derive(Debug, Default)]
pub struct CountCounters {
    users: CachePadded<Own>,
}

impl CountCounters {
    /// So many now. Owner only.
    #[inline]
    pub fn set_users(&self, users: u64) {
        self.users.set(users);
    }

    /// Users of its windows, one who is in several counted in each.
    pub fn users(&self) -> u64 {
        self.users.get()
    }
}

/// A stage.
#[derive(Clone, Debug)]
pub struct StageSeen {
    /// Its name, like `scan 0`.
    pub name: String,
    /// The number of its thread.
    pub thread: usize,
    /// How busy it is.
    pub busy: Arc<BusyCounter>,
}

/// A ring.
#[derive(Debug)]
pub struct RingSeen {
    /// The stage that fills it.
    pub from: String,
    /// The stage that empties it.
    pub to: String,
    /// What it carries: the two may be joined by several.
    pub carries: &'static str,
    /// How full it is.
    pub fill: Fill,
}

/// A run, wired.
#[derive(Debug, Default)]
pub struct Wired {
    /// Its stages.
    pub stages: Vec<StageSeen>,
    /// Its rings.
    pub rings: Vec<RingSeen>,
    /// Its counters.
    pub counters: Vec<Arc<CountCounters>>,
    /// What its series of windows are called.
    pub series: Vec<SeriesName>,
    /// How long a window waits after its end, seconds of event time.
    pub max_lag_s: i64,
    /// Whether it makes checkpoints.
    pub makes_checkpoints: bool,
}

impl Wired {
    /// Users of all windows kept, one who is in several counted in each.
    pub fn users(&self) -> u64 {
        self.counters.iter().map(|counter| counter.users()).sum()
    }
}
