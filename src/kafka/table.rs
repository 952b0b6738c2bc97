//! Where each partition was entered and how far it was read: written by whoever holds the topic, read by
//! the keeper of restart points and, at the end, by the summary.

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

/// All partitions' places.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Arc<Mutex<Vec<Row>>>,
}

impl Table {
    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        // Rows are whole at any time.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A partition is entered, for the first time or anew.
    pub fn enter(&self, row: Row) {
        let mut rows = self.rows();
        match rows.iter_mut().find(|known| known.partition == row.partition) {
            Some(known) => *known = row,
            None => rows.push(row),
        }
    }

    /// A partition was read up to here.
    pub fn reach(&self, partition: Partition, next: u64) {
        if let Some(row) = self.rows().iter_mut().find(|row| row.partition == partition) {
            row.next = next;
        }
    }

    /// Where a partition was entered; 0 if it was not.
    pub fn entered(&self, partition: Partition) -> u64 {
        self.rows().iter().find(|row| row.partition == partition).map_or(0, |row| row.entered)
    }

    /// All of them.
    pub fn all(&self) -> Vec<Row> {
        self.rows().clone()
    }
}
