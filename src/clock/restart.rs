//! The restart point: from where another run can go on so that every window not final yet is read
//! again in full and none is put out twice. The clock draws it up after each window it puts out; it
//! is committed once the results before it are safe.

use crate::input::messages::Partition;

/// Where a run can be gone on with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restart {
    /// Windows with end + max-lag up to this time are out, unix seconds; none: no window is.
    pub finals_s: Option<i64>,
    /// What was known of unread frames.
    pub seen: Seen,
    /// Starts of the windows that are out though the finals have not reached them (by silence).
    pub out_s: Vec<i64>,
    /// Where each partition is to be read on.
    pub partitions: Vec<PartitionRestart>,
}

/// From when on the log was seen whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Time of the earliest first frame of partitions entered at their beginning, unix seconds.
    pub begun_s: Option<i64>,
    /// The latest time at which unread frames may lie just before what was read.
    pub unread_until_s: Option<i64>,
    /// Before some partition's next frame there may be unread ones.
    pub unread: bool,
}

/// Where a partition is to be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRestart {
    /// Which.
    pub partition: Partition,
    /// Offset of the first message of any window that is not final; else of the next message.
    pub offset: u64,
    /// The partition's clock before that message, unix seconds; none before its first frame.
    pub clock_s: Option<i64>,
}
