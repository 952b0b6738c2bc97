//! A counter with one owner: only its thread stores, so a store is a plain one and never a locked
//! instruction. Watchers load.

use crate::ring::sync::{AtomicU64, Ordering};

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub(super) struct Own(AtomicU64);

/// Stands for "none" of a number that may be below zero; no time comes near it.
const NONE: u64 = i64::MIN.cast_unsigned();

impl Own {
    // Relaxed, here and below: each number stands for itself, nothing is decided by it and nothing is
    // handed over with it. Two that belong together may be a batch apart.

    /// What it is.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Owner only.
    #[inline]
    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Owner only.
    #[inline]
    pub(super) fn add(&self, value: u64) {
        self.set(self.get() + value);
    }

    /// The same of a number that may be below zero, or none.
    pub(super) fn get_signed(&self) -> Option<i64> {
        Some(self.get()).filter(|&value| value != NONE).map(u64::cast_signed)
    }

    /// Owner only.
    #[inline]
    pub(super) fn set_signed(&self, value: Option<i64>) {
        self.set(value.map_or(NONE, i64::cast_unsigned));
    }

    /// One that is none.
    pub(super) fn none() -> Own {
        Own(AtomicU64::new(NONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_no_time() {
        let own = Own::none();
        assert_eq!(own.get_signed(), None);
        // The second before 1970, and the first and last of the calendar.
        for time_s in [-1, 0, 1, -62_135_596_800, 253_402_300_799] {
            own.set_signed(Some(time_s));
            assert_eq!(own.get_signed(), Some(time_s));
        }
        own.set_signed(None);
        assert_eq!(own.get_signed(), None);
    }
}
