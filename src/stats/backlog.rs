//! What a source of partitions tells whoever watches: how far each is read, how much of it is unread, and
//! whether it waits for others. Asked for by the watcher, on its thread; the source keeps no time for it.

use crate::input::messages::Partition;

/// One partition, as its source sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionBacklog {
    /// Which.
    pub partition: Partition,
    /// Offsets read by this run.
    pub done: u64,
    /// Offsets after the last one read, up to where the partition is left or, as far as is known, ends; none
    /// if that is not known. Markers of transactions and what was compacted are among them.
    pub unread: Option<u64>,
    /// Whether it is not read on now, as it is too far ahead of others.
    pub is_held: bool,
}

/// A source of partitions.
pub trait Backlog: Send + Sync {
    /// All of them, by number.
    fn partitions(&self) -> Vec<PartitionBacklog>;
}
