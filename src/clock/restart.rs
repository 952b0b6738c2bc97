//! The restart point: from where another run can go on so that every window not final yet is read
//! again in full and none comes out twice. The clock draws it up after each result; it is committed
//! once the results before it are safe.
//!
//! A frame that waits is read again, too. Windows that are final are done with: what an earlier run
//! kept of them for revisions is not carried over, so frames that come late for them are refused.

use serde::{Deserialize, Serialize};

use super::agreement::Past;
use super::calendar::SeriesIndex;
use crate::input::messages::Partition;

/// Where a run can be gone on with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restart {
    /// Windows with end + max-lag up to this time are final, unix seconds; none: no window is.
    pub finals_s: Option<i64>,
    /// What was known of unread frames.
    pub seen: Seen,
    /// What was said of windows that are not final (in silence, or provisionally).
    pub said: Vec<SaidOf>,
    /// Where each partition is to be read on.
    pub partitions: Vec<PartitionRestart>,
}

/// From when on the log was seen whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The earliest time of partitions entered at their beginning, unix seconds.
    pub begun_s: Option<i64>,
    /// The latest time at which unread frames may lie just before what was read.
    pub unread_until_s: Option<i64>,
    /// Before some partition's next frame there may be unread ones.
    pub unread: bool,
}

/// What was put out for a window so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Frames in the last record.
    pub frames: u64,
    /// Those of them that were late.
    pub late: u64,
    /// Frames of its past that it knew of.
    pub past_frames: u64,
    /// Records.
    pub records: u32,
    /// Whether any of them was not provisional.
    pub firmly: bool,
}

/// What was put out for a window that is not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidOf {
    /// The window's series.
    pub series: SeriesIndex,
    /// A time in the window, unix seconds: the one it is named by.
    pub ts_s: i64,
    /// What was said.
    pub said: Said,
}

/// Where a partition is to be read on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionRestart {
    /// Which.
    pub partition: Partition,
    /// Offset of the first message of any window that is not final; else of the next message.
    pub offset: u64,
    /// Offset after the last message that was judged.
    pub judged_to: u64,
    /// The partition's clock before the message at `offset`, and what it rests on.
    pub past: Past,
}

/// A partition's first frame of a window, or a frame that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// Its offset.
    pub offset: u64,
    /// The partition's clock before it.
    pub past: Past,
}
