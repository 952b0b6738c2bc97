//! What a watcher reads of a run while it goes on: progress, the live page, metrics. Watching decides nothing.
//!
//! | what | written by | how often |
//! | --- | --- | --- |
//! | [`ScanCounters`] | a scanner | once a batch |
//! | bytes of input | whoever holds the token of the claims | once a chunk |
//! | [`ClockCounters`] | the clock | once a batch |
//! | [`CountCounters`] | a counter | once a batch |
//! | [`BusyCounter`] | a stage's thread | after a step that did something |
//! | [`OutputCounters`], [`CheckpointCounters`] | the output | when it hears that results are safe, once a checkpoint |
//! | how full a ring is ([`Fill`](crate::ring::Fill)) | nobody: its own indexes are read | |
//! | [`Latency`], [`Words`], [`Snapshots`] | the output, the clock | only where [`Live::watched`] |
//!
//! Counters are padded and have one owner thread each, whose stores are plain ones; nothing is written for
//! a frame. Readers may see them a batch apart from one another: a reading is no transaction.
//!
//! How to use it: make it by [`Live::new`] or [`Live::watched`], give a clone to the [`Job`](crate::engine::Job),
//! keep one. [`Live::wired`] is empty until the run has begun, that is until what an earlier run left is
//! restored and the input is open; [`Live::read`] can be called at any time.

mod backlog;
mod clock;
mod latency;
mod output;
mod own;
mod scan;
mod snapshot;
mod wired;
mod words;

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use crate::batch::Tally;
use crate::ring::sync::{AtomicU64, Ordering};

pub use backlog::{Backlog, PartitionBacklog};
pub use clock::{ClockCounters, ClockReading};
pub use latency::{BOUNDS_S, Latency, LatencyReading, UnderWay};
pub use output::{CheckpointCounters, CheckpointReading, OutputCounters};
pub use scan::ScanCounters;
pub use snapshot::{DRAWN_EVERY, PartitionNow, Snapshot, Snapshots, WindowNow};
pub use wired::{BusyCounter, CountCounters, RingSeen, StageSeen, Wired};
pub use words::Words;

/// What a watcher sees of a run. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Live {
    /// One for each scanner.
    pub scanners: Vec<Arc<ScanCounters>>,
    /// Bytes read of the inputs, as they lie there (compressed or not).
    pub input_bytes: Arc<AtomicU64>,
    /// The clock's.
    pub clock: Arc<ClockCounters>,
    /// The output's.
    pub output: Arc<OutputCounters>,
    /// Of checkpoints.
    pub checkpoints: Arc<CheckpointCounters>,
    /// Set by the engine once the run has begun.
    pub wired: Arc<OnceLock<Wired>>,
    /// What is kept only because somebody watches.
    pub watched: Option<Watched>,
}

/// What is kept only where somebody watches.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// The clock's snapshots.
    pub clock: Snapshots,
    /// The newest word on each window.
    pub words: Arc<Words>,
    /// How soon results are there.
    pub latency: Arc<Latency>,
}

/// A moment's reading of the counters that are always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Frames read by this run.
    pub frames: u64,
    /// Bytes of frames, uncompressed.
    pub bytes: u64,
    /// Bytes read of the inputs, as they lie there.
    pub input_bytes: u64,
    /// What the scanners met, frames and bytes included.
    pub tally: Tally,
    /// What the clock made of it.
    pub clock: ClockReading,
    /// Results of this run that are safe.
    pub results: u64,
}

impl Live {
    /// Counters for this many scanners, and nothing else: for a run that nobody watches closely.
    pub fn new(scanners: usize) -> Live {
        Live {
            scanners: (0..scanners).map(|_| Arc::default()).collect(),
            input_bytes: Arc::default(),
            clock: Arc::default(),
            output: Arc::default(),
            checkpoints: Arc::default(),
            wired: Arc::default(),
            watched: None,
        }
    }

    /// The same where somebody watches: the clock draws up snapshots, and the newest results are kept.
    pub fn watched(scanners: usize) -> Live {
        Live { watched: Some(Watched::default()), ..Live::new(scanners) }
    }

    /// Reads the counters that are always there.
    pub fn read(&self) -> Reading {
        let mut tally = Tally::default();
        for scanner in &self.scanners {
            tally.add(&scanner.read());
        }
        Reading {
            frames: tally.frames,
            bytes: tally.bytes,
            // Relaxed: it stands for itself.
            input_bytes: self.input_bytes.load(Ordering::Relaxed),
            tally,
            clock: self.clock.read(),
            results: self.output.results(),
        }
    }
}

/// The wall clock, unix milliseconds.
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
