//! Sleeping and being woken, without a lock on the way of the data.
//!
//! The hand-shake is Dekker's: each side first stores its own word, then a sequentially consistent
//! fence, then looks at the other's word.
//!
//! ```text
//!   sleeper: parked = true ; fence ; one more round (loads the indexes) ; sleep
//!   waker:   index = new   ; fence ; loads parked ; if set: clear it and wake
//! ```
//!
//! Fences of this kind have one order. If the waker's comes first, the sleeper's round sees the new
//! index; if the sleeper's does, the waker sees `parked`. Both may happen, which costs a round for
//! nothing; neither cannot. Acquire and release alone would allow it, as a store may be delayed
//! past a later load of another word (on x86 too).
//!
//! A wake is remembered by the sleeper (`sleeper.rs`) until the next sleep takes it, so one that falls
//! between announcing and sleeping makes that sleep return at once. A wake that comes late, after a
//! retraction, does the same to a later sleep: sleeps may end for no reason.

use std::{cell::Cell, io, marker::PhantomData, os::fd::BorrowedFd, time::Duration};

use crossbeam_utils::CachePadded;

use super::sleeper::Sleeper;
use crate::ring::sync::{Arc, AtomicBool, Ordering, fence};

/// Where one thread sleeps: shared by its parker and all wakers.
struct Bed {
    /// Set by the owner about to sleep; cleared by it, or by the waker that undertakes to wake it.
    /// On its own line: peers load it after every hand-over, and it hardly ever changes. Every change
    /// is a swap, so that the changes follow one another visibly: with stores of the owner's it would
    /// be right too, but loom does not know that no store can come between the two halves of a
    /// waker's swap, and would report lost wake-ups that cannot happen.
    parked: CachePadded<AtomicBool>,
    sleeper: Sleeper,
}

/// The sleeping side. Belongs to one thread, the one that sleeps (it can be moved there, not shared).
pub struct Parker {
    bed: Arc<Bed>,
    /// Not Sync: two threads on one parker would take each other's wake-ups.
    one_thread: PhantomData<Cell<()>>,
}

/// The waking side: cheap to clone, to be used from any thread, harmless once the sleeper is gone.
#[derive(Clone)]
pub struct Waker {
    bed: Option<Arc<Bed>>,
}

impl Parker {
    /// A parker for the thread that will own it.
    ///
    /// # Errors
    ///
    /// Where the system has no file descriptor left for it.
    pub fn new() -> io::Result<Parker> {
        let bed =
            Bed { parked: CachePadded::new(AtomicBool::new(false)), sleeper: Sleeper::new()? };
        Ok(Parker { bed: Arc::new(bed), one_thread: PhantomData })
    }

    /// What others use to wake this thread.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker { bed: Some(Arc::clone(&self.bed)) }
    }

    /// Tells wakers that this thread is about to sleep. The caller then looks at everything it waits
    /// for once more, and only then calls [`Parker::sleep`] or, having found work, [`Parker::retract`].
    pub fn announce(&self) {
        // Relaxed: the fence orders it.
        self.bed.parked.swap(true, Ordering::Relaxed);
        // Pairs with the fence in `Waker::wake`. Weaker, the caller's next look at the rings could be
        // done before the store is seen: the peer finds nobody parked, we find nothing to do, and sleep.
        fence(Ordering::SeqCst);
    }

    /// Takes the announcement back.
    pub fn retract(&self) {
        // Relaxed: nothing hangs on it. A waker that still sees the old value wakes for nothing.
        self.bed.parked.swap(false, Ordering::Relaxed);
    }

    /// Sleeps until woken, until `fd` is readable or closed, or until `timeout` is over; may return
    /// for no reason. To be called only after [`Parker::announce`] and another look; retracts.
    pub fn sleep(&self, fd: Option<BorrowedFd<'_>>, timeout: Option<Duration>) {
        self.bed.sleeper.sleep(fd, timeout);
        self.retract();
    }
}

impl Waker {
    /// A waker that wakes nobody: for two ends on one thread, or a peer that never sleeps.
    #[must_use]
    pub fn none() -> Waker {
        Waker { bed: None }
    }

    /// Wakes the thread if it is parked or about to be. What it shall see must have been stored
    /// before. Costs a fence and a load of a quiet cache line where the thread is awake.
    #[inline]
    pub fn wake(&self) {
        let Some(bed) = &self.bed else { return };
        // Pairs with the fence in `Parker::announce`. Weaker, the load below could be done before the
        // caller's store is seen, and the sleeper's last look miss it too.
        fence(Ordering::SeqCst);
        // Relaxed: the fence orders it against the announcement; what the woken thread then reads it
        // reads through the rings' own Acquire loads.
        if bed.parked.load(Ordering::Relaxed) {
            bed.wake_parked();
        }
    }
}

impl Bed {
    /// Of several wakers the one that clears the flag wakes; for the others it is done.
    #[cold]
    fn wake_parked(&self) {
        // Relaxed: of all the swaps one gets `true`, which is all that is asked.
        if self.parked.swap(false, Ordering::Relaxed) {
            self.sleeper.wake();
        }
    }
}
