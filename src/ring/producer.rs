//! The producer's end. Owned by one thread at a time; owns the tail and every slot outside
//! `head..tail`.

use std::mem::ManuallyDrop;

use super::end::End;
use super::error::{PushError, ReserveError};
use super::fill::Fill;
use super::reservation::Reservation;
use super::shared::slots_between;

/// The end that puts values in. Dropping it ends the stream: the consumer gets what was published,
/// then [`PopError::Ended`](super::PopError::Ended).
pub struct Producer<T> {
    /// Whole until the drop takes it.
    pub(super) end: ManuallyDrop<End<T>>,
    /// Values published so far: the next one's number.
    pub(super) tail: u64,
    /// The head as last seen: never beyond the true one, so there is always at least as much room
    /// as it says, and the consumer's cache line is asked only when it says too little.
    head_seen: u64,
}

impl<T> Producer<T> {
    pub(super) fn new(end: End<T>) -> Producer<T> {
        Producer { end: ManuallyDrop::new(end), tail: 0, head_seen: 0 }
    }

    /// Puts a value in and wakes the consumer. For more than one at a time, [`Producer::reserve`]
    /// is cheaper.
    ///
    /// # Errors
    ///
    /// The value comes back where the ring is full or the consumer gone. That it is gone is noticed
    /// at the latest when the room last seen is used up (looking each time would fetch the
    /// consumer's cache line each time); values pushed until then are dropped with the ring.
    /// [`Producer::is_hung_up`] tells at once.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        match self.room(1) {
            Ok(_) => {
                // SAFETY: there is room, so the slot at the tail is ours and empty.
                unsafe { self.end.shared.put(self.tail, value) };
                self.publish(1);
                Ok(())
            }
            Err(ReserveError::Full) => Err(PushError::Full(value)),
            Err(ReserveError::HungUp) => Err(PushError::HungUp(value)),
        }
    }

    /// Sets aside up to `n` free slots, at least one, to be filled and then published at once.
    ///
    /// # Errors
    ///
    /// Where not one slot is free, or the consumer is gone (noticed as in [`Producer::push`]).
    #[inline]
    pub fn reserve(&mut self, n: usize) -> Result<Reservation<'_, T>, ReserveError> {
        let free = self.room(n)?;
        Ok(Reservation::new(self, free.min(n.max(1))))
    }

    /// Slots free now; the consumer may be freeing more.
    pub fn free_slots(&mut self) -> usize {
        self.head_seen = self.end.shared.head.read().count();
        self.free_seen()
    }

    /// Slots in all.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.end.shared.capacity()
    }

    /// A watcher's handle of the ring.
    #[must_use]
    pub fn fill(&self) -> Fill
    where
        T: Send + 'static,
    {
        Fill::of(&self.end.shared)
    }

    /// Whether the consumer is gone.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        self.end.shared.head.read().is_gone()
    }

    /// Publishes the `count` slots at the tail, which hold values, and wakes the consumer.
    #[inline]
    pub(super) fn publish(&mut self, count: usize) {
        self.tail += count as u64;
        self.end.shared.tail.publish(self.tail);
        self.end.wake_peer.wake();
    }

    /// Free slots, at least one: those last seen where they are enough, else those there are.
    #[inline]
    fn room(&mut self, wanted: usize) -> Result<usize, ReserveError> {
        let free = self.free_seen();
        if free >= wanted.max(1) {
            return Ok(free);
        }
        let head = self.end.shared.head.read();
        self.head_seen = head.count();
        match self.free_seen() {
            _ if head.is_gone() => Err(ReserveError::HungUp),
            0 => Err(ReserveError::Full),
            free => Ok(free),
        }
    }

    #[inline]
    fn free_seen(&self) -> usize {
        self.end.shared.capacity() - slots_between(self.head_seen, self.tail)
    }
}

impl<T> Drop for Producer<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken here alone, and nothing comes after a drop.
        let end = unsafe { ManuallyDrop::take(&mut self.end) };
        end.leave_tail(self.tail);
    }
}
