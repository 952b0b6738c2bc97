//! A counter with one owner: only its thread stores, so a store is a plain one and never a locked
//! instruction. Watchers load.

use crate::ring::sync::{AtomicU64, Ordering};

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub(super) struct Own(AtomicU64);

/// Stands for "none" where a number may be none; no count and no time comes near it.
const NONE: u64 = u64::MAX;

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
