//! The consumer's end. Owned by one thread at a time; owns the head and the slots of `head..tail`.

use std::mem::ManuallyDrop;

use super::end::End;
use super::error::PopError;
use super::shared::slots_between;

/// The end that takes values out, oldest first. Dropping it hangs up: the producer's pushes come
/// back, and what is in the ring is dropped together with it.
pub struct Consumer<T> {
    /// Whole until the drop takes it.
    end: ManuallyDrop<End<T>>,
    /// Values taken so far: the next one's number.
    head: u64,
    /// The tail as last seen: never beyond the true one, so what it promises is there, and the
    /// producer's cache line is asked only when it promises too little.
    tail_seen: u64,
}

impl<T> Consumer<T> {
    pub(super) fn new(end: End<T>) -> Consumer<T> {
        Consumer { end: ManuallyDrop::new(end), head: 0, tail_seen: 0 }
    }

    /// Takes the oldest value and wakes the producer.
    ///
    /// # Errors
    ///
    /// [`PopError::Ended`] only where the producer is gone and everything was taken.
    #[inline]
    pub fn pop(&mut self) -> Result<T, PopError> {
        self.available(1)?;
        // SAFETY: the slot at the head was published to us; `give_back` makes it empty.
        let value = unsafe { self.end.shared.take(self.head) };
        self.head += 1;
        self.give_back();
        Ok(value)
    }

    /// The oldest value, left where it is.
    ///
    /// # Errors
    ///
    /// As for [`Consumer::pop`].
    #[inline]
    pub fn peek(&mut self) -> Result<&T, PopError> {
        self.available(1)?;
        // SAFETY: that one slot was published to us, and is not given back before the borrow of
        // `self` ends.
        let (values, _) = unsafe { self.end.shared.lend(self.head, 1) };
        Ok(&values[0])
    }

    /// All readable values, oldest first: those of the first slice, then those of the second. The
    /// first is never empty.
    ///
    /// # Errors
    ///
    /// As for [`Consumer::pop`].
    #[inline]
    pub fn peek_many(&mut self) -> Result<(&[T], &[T]), PopError> {
        let readable = self.available(usize::MAX)?;
        // SAFETY: so many slots were published to us, and none is given back before the borrow of
        // `self` ends.
        Ok(unsafe { self.end.shared.lend(self.head, readable) })
    }

    /// Drops the `n` oldest values and gives their slots back, with one store and one wake.
    ///
    /// # Panics
    ///
    /// Where fewer than `n` are readable.
    #[inline]
    pub fn release(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        let readable = self.available(n).unwrap_or(0);
        assert!(n <= readable, "release of {n} values where {readable} are readable");
        // The head moves first: should a value's drop panic, none of them is dropped again. The
        // producer sees it only after the drops.
        let first = self.head;
        self.head += n as u64;
        // SAFETY: `n` slots from the old head on were published to us and hold values; the head is
        // beyond them now.
        unsafe { self.end.shared.drop_values(first, n) };
        self.give_back();
    }

    /// Values that can be read now; the producer may be adding more.
    pub fn readable(&mut self) -> usize {
        self.available(usize::MAX).unwrap_or(0)
    }

    /// Readable values, at least one: those last seen where they are enough, else those there are.
    #[inline]
    fn available(&mut self, wanted: usize) -> Result<usize, PopError> {
        let readable = slots_between(self.head, self.tail_seen);
        if readable >= wanted {
            return Ok(readable);
        }
        let tail = self.end.shared.tail.read();
        self.tail_seen = tail.count();
        match slots_between(self.head, self.tail_seen) {
            0 if tail.is_gone() => Err(PopError::Ended),
            0 => Err(PopError::Empty),
            readable => Ok(readable),
        }
    }

    /// Hands the slots below the head to the producer, and wakes it.
    #[inline]
    fn give_back(&mut self) {
        self.end.shared.head.publish(self.head);
        self.end.wake_peer.wake();
    }
}

impl<T> Drop for Consumer<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken here alone, and nothing comes after a drop.
        let end = unsafe { ManuallyDrop::take(&mut self.end) };
        end.leave_head(self.head);
    }
}
