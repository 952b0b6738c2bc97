//! A claim that is tried, never waited for: state that several threads use in turn, such as the one
//! reader of a pipe.
//!
//! A stage that does not get it does something else or reports itself blocked; its thread may then
//! park. So somebody must wake it, but not on each release: if a holder that found nothing to do woke
//! the others, each would find nothing in turn and wake the rest, and idle threads would keep one
//! another awake for ever. Only the holder knows whether it left something to do, so it chooses:
//! [`Guard::release_and_wake`] after work, a plain drop after none.
//!
//! Two duties follow for the holder. It tries the token only when it could use what it finds (it has
//! an empty batch, say); else it might leave work lying that a parked peer would have done. And
//! having found nothing it must itself be reachable by whatever brings the work (the input's fd).
//!
//! The hand-shake is the parker's (`wait/parker.rs`), with the lock's word in place of an index: the
//! release comes before the wake's fence, the parked thread's last try after its own.

use std::{
    ops::{Deref, DerefMut},
    sync::TryLockError,
    thread,
};

use super::sync::{Arc, ClaimGuard, ClaimLock};
use super::wait::Waker;

/// A handle to the shared state; clones are handles to the same one.
pub struct Token<T> {
    state: Arc<ClaimLock<State<T>>>,
}

struct State<T> {
    value: T,
    /// Behind an Arc so that a holder can carry the list out of the lock without a copy.
    wakers: Arc<Vec<Waker>>,
}

impl<T> Clone for Token<T> {
    fn clone(&self) -> Token<T> {
        Token { state: Arc::clone(&self.state) }
    }
}

impl<T> Token<T> {
    /// A token over `value`, held by nobody.
    #[must_use]
    pub fn new(value: T) -> Token<T> {
        Token { state: Arc::new(ClaimLock::new(State { value, wakers: Arc::new(Vec::new()) })) }
    }

    /// Registers a thread to be woken by [`Guard::release_and_wake`]. For the wiring: it allocates,
    /// and it waits for the lock.
    ///
    /// # Panics
    ///
    /// As [`Token::try_take`].
    pub fn add_waker(&self, waker: Waker) {
        let mut state = self.state.lock().expect("no holder of the token has panicked");
        let mut wakers = Vec::clone(&state.wakers);
        wakers.push(waker);
        state.wakers = Arc::new(wakers);
    }

    /// The state, unless somebody holds it.
    ///
    /// # Panics
    ///
    /// Where a holder has panicked. Its value may be half changed, so going on with it could count
    /// wrong, and answering "held" would leave everybody waiting for good; the run has failed, and
    /// this makes every thread say so. The guard of the panicking holder has woken them for it.
    #[inline]
    #[must_use]
    pub fn try_take(&self) -> Option<Guard<'_, T>> {
        match self.state.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            held => Some(Guard { state: Some(held.expect("no holder of the token has panicked")) }),
        }
    }
}

/// The state, held. Dropped, it is released and nobody is woken.
pub struct Guard<'t, T> {
    /// None only while being dropped.
    state: Option<ClaimGuard<'t, State<T>>>,
}

impl<T> Guard<'_, T> {
    /// Releases the state, then wakes every registered thread: for a holder that worked.
    pub fn release_and_wake(mut self) {
        self.release_then_wake();
    }

    /// In this order: a thread woken before the release would try in vain and might park again.
    fn release_then_wake(&mut self) {
        let Some(state) = self.state.take() else { return };
        let wakers = Arc::clone(&state.wakers);
        drop(state);
        for waker in wakers.iter() {
            waker.wake();
        }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.release_then_wake();
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.state.as_ref().expect("held until dropped").value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.state.as_mut().expect("held until dropped").value
    }
}
