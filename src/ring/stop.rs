//! Why the run stops: one word that all threads look at and anyone may set, once.
//!
//! The first reason wins: what comes after it is a consequence of stopping. Whoever requests a stop
//! also wakes every thread, since a parked one looks at nothing. Not for use inside a signal handler
//! (it takes a lock to wake); signals are received by a thread.

use super::sync::{Arc, AtomicU8, Mutex, Ordering};
use super::wait::Waker;

/// Whether and why the run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StopReason {
    /// It does not stop.
    Running = 0,
    /// By SIGINT or SIGTERM.
    Interrupted = 1,
    /// Whoever read the results has closed the pipe: no error.
    OutputClosed = 2,
    /// A stage failed.
    Failed = 3,
}

/// The shared flag; clones are handles to the same one.
#[derive(Clone)]
pub struct Stop {
    state: Arc<State>,
}

struct State {
    reason: AtomicU8,
    wakers: Mutex<Vec<Waker>>,
}

impl Stop {
    /// A flag that says [`StopReason::Running`].
    #[must_use]
    pub fn new() -> Stop {
        let reason = AtomicU8::new(StopReason::Running as u8);
        Stop { state: Arc::new(State { reason, wakers: Mutex::new(Vec::new()) }) }
    }

    /// Registers a thread to be woken by a request; at once where there has been one already.
    pub fn add_waker(&self, waker: Waker) {
        let mut wakers = self.state.wakers.lock().expect("nobody panics with this lock");
        // A request stores its reason before it takes the lock: if it went through the list without
        // this waker, we see the reason here.
        if self.reason() != StopReason::Running {
            waker.wake();
        }
        wakers.push(waker);
    }

    /// Asks the run to stop, and wakes every registered thread. The first reason stays; whether this
    /// was it is returned. Asking for [`StopReason::Running`] does nothing.
    pub fn request(&self, reason: StopReason) -> bool {
        // Release, pairs with the Acquire in `reason`. Weaker, who sees the reason might not see
        // what led to it (an error put down before the request). A failed exchange changes nothing
        // and what it saw is not used: Relaxed.
        let is_first = reason != StopReason::Running
            && self
                .state
                .reason
                .compare_exchange(
                    StopReason::Running as u8,
                    reason as u8,
                    Ordering::Release,
                    Ordering::Relaxed,
                )
                .is_ok();
        if is_first {
            for waker in self.state.wakers.lock().expect("nobody panics with this lock").iter() {
                waker.wake();
            }
        }
        is_first
    }

    /// The reason, if there is one yet.
    #[inline]
    #[must_use]
    pub fn reason(&self) -> StopReason {
        // Acquire, pairs with the Release in `request`; see there.
        match self.state.reason.load(Ordering::Acquire) {
            0 => StopReason::Running,
            1 => StopReason::Interrupted,
            2 => StopReason::OutputClosed,
            _ => StopReason::Failed,
        }
    }
}

impl Default for Stop {
    fn default() -> Stop {
        Stop::new()
    }
}
