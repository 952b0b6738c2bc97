//! The only module that names atomics, fences, `UnsafeCell`, `Arc` and locks: core's and std's, or
//! loom's with the feature `loom`, where every interleaving of a small test is tried.

#[cfg(not(feature = "loom"))]
pub use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};

#[cfg(feature = "loom")]
pub use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};

#[cfg(not(feature = "loom"))]
pub(super) use std::{
    hint::spin_loop,
    sync::{Mutex, atomic::fence},
    thread::yield_now,
};

#[cfg(feature = "loom")]
pub(super) use loom::{
    hint::spin_loop,
    sync::{Mutex, atomic::fence},
    thread::yield_now,
};

// The lock of a token, which is tried while it is held. loom's Mutex cannot be used for it: there a
// try that meets a holder is put off until the release, so a failed try is hardly ever explored.
#[cfg(not(feature = "loom"))]
pub(super) use std::sync::{Mutex as ClaimLock, MutexGuard as ClaimGuard};

#[cfg(feature = "loom")]
pub(super) use claim::{ClaimGuard, ClaimLock};

#[cfg(all(miri, not(feature = "loom")))]
pub(super) use std::sync::Condvar;

#[cfg(feature = "loom")]
pub(super) use loom::sync::Condvar;

// Slots must lie side by side to be lent as slices, and loom's UnsafeCell is larger than what it
// holds. So the memory is always core's; loom is told of each access through an AccessLog.
pub(super) use std::cell::UnsafeCell;

pub(super) use log::AccessLog;

#[cfg(not(feature = "loom"))]
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

#[cfg(feature = "loom")]
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

#[cfg(feature = "loom")]
mod claim {
    use std::{
        ops::{Deref, DerefMut},
        sync::{self, LockResult, TryLockError, TryLockResult},
    };

    use super::{AtomicBool, Ordering};

    /// What std's Mutex is to those who only try it: a word, taken by a compare-and-swap with Acquire
    /// and given back with Release. The value's own lock is never contended.
    pub(in crate::ring) struct ClaimLock<T> {
        is_held: AtomicBool,
        value: sync::Mutex<T>,
    }

    pub(in crate::ring) struct ClaimGuard<'l, T> {
        is_held: &'l AtomicBool,
        /// None only while being dropped.
        value: Option<sync::MutexGuard<'l, T>>,
    }

    impl<T> ClaimLock<T> {
        pub(in crate::ring) fn new(value: T) -> ClaimLock<T> {
            ClaimLock { is_held: AtomicBool::new(false), value: sync::Mutex::new(value) }
        }

        /// At wiring, where nobody holds it.
        pub(in crate::ring) fn lock(&self) -> LockResult<ClaimGuard<'_, T>> {
            Ok(self.try_lock().expect("wakers are added before the run"))
        }

        pub(in crate::ring) fn try_lock(&self) -> TryLockResult<ClaimGuard<'_, T>> {
            // Pairs with the Release in the guard's drop: what the last holder did is complete.
            let taken =
                self.is_held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
            if taken.is_err() {
                return Err(TryLockError::WouldBlock);
            }
            let value = self.value.try_lock().expect("the word guards it");
            Ok(ClaimGuard { is_held: &self.is_held, value: Some(value) })
        }
    }

    impl<T> Drop for ClaimGuard<'_, T> {
        fn drop(&mut self) {
            drop(self.value.take());
            // Pairs with the Acquire in `try_lock`. A swap, for the reason given in `wait/parker.rs`.
            self.is_held.swap(false, Ordering::Release);
        }
    }

    impl<T> Deref for ClaimGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.value.as_ref().expect("held until dropped")
        }
    }

    impl<T> DerefMut for ClaimGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.value.as_mut().expect("held until dropped")
        }
    }
}
