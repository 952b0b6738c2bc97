//! The only module that names atomics, fences, `UnsafeCell`, `Arc` and locks: core's and std's, or
//! loom's under `--cfg headcount_loom`, where every interleaving of a small test is tried.
//!
//! The cfg has a name of our own: plain `--cfg loom` would switch other crates over as well.

#[cfg(not(headcount_loom))]
pub use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};

#[cfg(headcount_loom)]
pub use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};

#[cfg(not(headcount_loom))]
pub(super) use std::{
    hint::spin_loop,
    sync::{Mutex, MutexGuard, atomic::fence},
    thread::yield_now,
};

#[cfg(headcount_loom)]
pub(super) use loom::{
    hint::spin_loop,
    sync::{Mutex, MutexGuard, atomic::fence},
    thread::yield_now,
};

#[cfg(all(miri, not(headcount_loom)))]
pub(super) use std::sync::Condvar;

#[cfg(headcount_loom)]
pub(super) use loom::sync::Condvar;

// Slots must lie side by side to be lent as slices, and loom's UnsafeCell is larger than what it
// holds. So the memory is always core's; loom is told of each access through an AccessLog.
pub(super) use std::cell::UnsafeCell;

pub(super) use log::AccessLog;

#[cfg(not(headcount_loom))]
mod log {
    /// Outside of loom: nothing, and no bytes.
    pub(in crate::ring) struct AccessLog;

    impl AccessLog {
        pub(in crate::ring) fn new(_slots: usize) -> AccessLog {
            AccessLog
        }

        #[inline(always)]
        pub(in crate::ring) fn reads(&self, _slot: usize) {}

        #[inline(always)]
        pub(in crate::ring) fn writes(&self, _slot: usize) {}
    }
}

#[cfg(headcount_loom)]
mod log {
    use loom::cell::UnsafeCell;

    /// One loom cell per slot: an access that is not ordered after the peer's last one fails the
    /// test, just as if the cell held the value.
    pub(in crate::ring) struct AccessLog(Vec<UnsafeCell<()>>);

    impl AccessLog {
        pub(in crate::ring) fn new(slots: usize) -> AccessLog {
            AccessLog((0..slots).map(|_| UnsafeCell::new(())).collect())
        }

        pub(in crate::ring) fn reads(&self, slot: usize) {
            self.0[slot].with(|_| ());
        }

        pub(in crate::ring) fn writes(&self, slot: usize) {
            self.0[slot].with_mut(|_| ());
        }
    }
}
