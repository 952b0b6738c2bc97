//! Reports: what each stage leaves behind when it is taken apart. The accounts are made of them.

use std::sync::Arc;

use crate::batch::Tally;
use crate::clock::Judged;
use crate::clock::calendar::SeriesName;
use crate::error::Error;
use crate::scan::TsUnit;

/// What a stage leaves behind.
#[derive(Debug)]
pub enum Report {
    /// Of a scanner.
    Scan(ScanReport),
    /// Of the clock.
    Clock(Box<ClockReport>),
    /// Of a counter.
    Count(CountReport),
    /// Of the output.
    Output(OutputReport),
}

/// What a scanner leaves behind.
#[derive(Debug, Default)]
pub struct ScanReport {
    /// All it met.
    pub tally: Tally,
    /// Chunks it claimed.
    pub chunks: u64,
    /// Why it stopped early, where no clock was there to hear of it.
    pub failed: Option<Box<Error>>,
}

/// What the clock leaves behind.
#[derive(Debug, Default)]
pub struct ClockReport {
    /// What became of the frames it judged, and earlier runs that it goes on with.
    pub judged: Judged,
    /// What became of theirs.
    pub judged_before: Judged,
    /// The account of what they read, where checkpoints are made.
    pub tally_before: Option<Tally>,
    /// Frames of theirs that waited when this run began.
    pub parked_before: u64,
    /// What the series of windows are called.
    pub names: Option<Arc<[SeriesName]>>,
    /// The scanners' account of the batches it judged.
    pub tally: Tally,
    /// Why the log was not judged to its end.
    pub failed: Option<Error>,
    /// Results were withheld: the times are in another unit.
    pub wrong_unit: Option<TsUnit>,
}

/// What a counter leaves behind.
#[derive(Debug, Default)]
pub struct CountReport {
    /// Frames it counted.
    pub frames: u64,
    /// The largest sum of the users in all windows kept at once.
    pub users_peak: u64,
    /// Why it did not go on.
    pub failed: Option<Error>,
}

/// What the output leaves behind.
#[derive(Debug, Default)]
pub struct OutputReport {
    /// Results that are out.
    pub written: u64,
    /// Results that could not be written, or not for certain, or were kept back for good.
    pub withheld: u64,
    /// Whoever read the output closed it.
    pub closed: bool,
    /// Why writing failed.
    pub failed: Option<Error>,
    /// A counter was gone before its count came.
    pub incomplete: bool,
}
