//! What both ends have alike: a handle to the ring, and whom to wake. Owned by its end.
//!
//! An end gives this away by value when it is dropped, and never lends its own address. So where it is
//! a local of a loop its counts can stay in registers: while a destructor took the end's address, in the
//! way of a panic alone, the compiler stored them to memory for each value, and stores wait in line
//! behind the one to the index that the peer has just read (27 ns a value in place of 3, record
//! 2026-11-23-ring-registers).

use super::shared::Shared;
use super::sync::Arc;
use super::wait::Waker;

pub(super) struct End<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// Told after each hand-over.
    pub(super) wake_peer: Waker,
}

impl<T> End<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, wake_peer: Waker) -> End<T> {
        End { shared, wake_peer }
    }

    /// The producer's last act.
    #[inline(never)]
    pub(super) fn leave_tail(self, count: u64) {
        self.shared.tail.leave(count);
        self.wake_peer.wake();
    }

    /// The consumer's last act.
    #[inline(never)]
    pub(super) fn leave_head(self, count: u64) {
        self.shared.head.leave(count);
        self.wake_peer.wake();
    }
}
