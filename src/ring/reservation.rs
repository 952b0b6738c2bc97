//! A batch on its way into a ring: filled slot by slot, seen by the consumer all at once or never.
//!
//! The slots lie behind the tail and so are the producer's; the tail moves only in `commit`. The
//! idea of filling slots before publishing them together is `rtrb`'s (its chunks).

use super::producer::Producer;

/// Free slots set aside by [`Producer::reserve`]. Dropped without [`Reservation::commit`], it drops
/// the values pushed to it and publishes nothing.
pub struct Reservation<'p, T> {
    producer: &'p mut Producer<T>,
    /// Slots set aside, from the tail on.
    slots: usize,
    /// How many of them, from the first on, hold a value.
    filled: usize,
}

impl<'p, T> Reservation<'p, T> {
    pub(super) fn new(producer: &'p mut Producer<T>, slots: usize) -> Reservation<'p, T> {
        Reservation { producer, slots, filled: 0 }
    }

    /// Fills the next slot.
    ///
    /// # Errors
    ///
    /// The value comes back where every slot set aside is filled.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.filled == self.slots {
            return Err(value);
        }
        let number = self.producer.tail + self.filled as u64;
        // SAFETY: below `slots`, so it was free when set aside, and only we could fill it since.
        unsafe { self.producer.end.shared.put(number, value) };
        self.filled += 1;
        Ok(())
    }

    /// Slots left to fill.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        self.slots - self.filled
    }

    /// Publishes what was pushed, with one store and one wake. With nothing pushed it does nothing.
    #[inline]
    pub fn commit(mut self) {
        let filled = std::mem::take(&mut self.filled);
        if filled > 0 {
            self.producer.publish(filled);
        }
    }
}

impl<T> Drop for Reservation<'_, T> {
    fn drop(&mut self) {
        let filled = std::mem::take(&mut self.filled);
        // SAFETY: these slots hold values that were never published, so they are still ours; they
        // lie behind the tail and count as empty from here on.
        unsafe { self.producer.end.shared.drop_values(self.producer.tail, filled) };
    }
}
