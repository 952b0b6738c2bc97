//! Where each partition was entered and how far it was read: written by whoever holds the topic, read by
//! the keeper of restart points, by whoever watches, and, at the end, by the summary.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::input::messages::Partition;

/// One partition's places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which.
    pub partition: Partition,
    /// The first offset that was to be read.
    pub entered: u64,
    /// The offset after the last one read.
    pub next: u64,
    /// Before which offset it is left, if that is known.
    pub until: Option<u64>,
}

/// What else is seen of a partition, for whoever watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The offset after its last message, as its brokers said when they were last asked; none if they never
    /// were. They are asked where nothing has come for a while.
    pub end: Option<u64>,
    /// Whether it is not read on now, as it is too far ahead of others.
    pub is_held: bool,
}

/// All partitions' places.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Arc<Mutex<Vec<(Row, Seen)>>>,
}

impl Table {
    fn rows(&self) -> MutexGuard<'_, Vec<(Row, Seen)>> {
        // Rows are whole at any time.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A partition is entered, for the first time or anew.
    pub fn enter(&self, row: Row) {
        let mut rows = self.rows();
        match rows.iter_mut().find(|(known, _)| known.partition == row.partition) {
            Some((known, _)) => *known = row,
            None => rows.push((row, Seen::default())),
        }
    }

    /// A partition was read up to here.
    pub fn reach(&self, partition: Partition, next: u64) {
        if let Some((row, _)) = self.rows().iter_mut().find(|(row, _)| row.partition == partition) {
            row.next = next;
        }
    }

    /// Something is seen of a partition.
    pub fn see(&self, partition: Partition, see: impl FnOnce(&mut Seen)) {
        if let Some((_, seen)) = self.rows().iter_mut().find(|(row, _)| row.partition == partition)
        {
            see(seen);
        }
    }

    /// Where a partition was entered; 0 if it was not.
    pub fn entered(&self, partition: Partition) -> u64 {
        let rows = self.rows();
        rows.iter().find(|(row, _)| row.partition == partition).map_or(0, |(row, _)| row.entered)
    }

    /// All of them.
    pub fn all(&self) -> Vec<Row> {
        self.rows().iter().map(|&(row, _)| row).collect()
    }

    /// The same with what else is seen of them.
    pub fn all_seen(&self) -> Vec<(Row, Seen)> {
        self.rows().clone()
    }
}
