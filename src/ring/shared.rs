//! What both ends of a ring share: two index words and the slots.
//!
//! Index words count values since the ring was made and never go back; with 63 bits for the count
//! they would last 292 years at a value a nanosecond, so no arithmetic here wraps. The memory is a
//! power of two of slots, so that a value's number gives its slot by a mask; the capacity is what was
//! asked for, exactly. An end then keeps one number alone: a slot stepped beside it was one store more
//! for each value, and stores wait in line behind the one the peer holds up.

use std::mem::MaybeUninit;

use crossbeam_utils::CachePadded;

use super::sync::{AccessLog, AtomicU64, Ordering, UnsafeCell};

/// The bit of an index word that says its owner is gone. In the same word as the count: whoever
/// sees the bit has, in the same load, the last count there will ever be.
const GONE: u64 = 1 << 63;

/// An index word as it was read.
#[derive(Clone, Copy)]
pub(super) struct Word(u64);

impl Word {
    pub(super) fn count(self) -> u64 {
        self.0 & !GONE
    }

    pub(super) fn is_gone(self) -> bool {
        self.0 & GONE != 0
    }
}

/// An index word: stored by one end, loaded by the other, on a cache line of its own so that an end
/// that only stores is not slowed by the peer's stores.
pub(super) struct Index(CachePadded<AtomicU64>);

impl Index {
    fn new() -> Index {
        Index(CachePadded::new(AtomicU64::new(0)))
    }

    /// Owner only: hands the peer every slot below `count`.
    #[inline]
    pub(super) fn publish(&self, count: u64) {
        // Release, pairs with the Acquire in `read`. Weaker, the peer could see the count before
        // what we did with the slots: read a value not yet written, or overwrite one not yet read.
        self.0.store(count, Ordering::Release);
    }

    /// Owner only, once, as its last act: the final count, and that no other will follow.
    pub(super) fn leave(&self, count: u64) {
        // Release for the same pairing: slots may be handed over by this very store.
        self.0.store(count | GONE, Ordering::Release);
    }

    /// Peer: takes every slot below the count.
    #[inline]
    pub(super) fn read(&self) -> Word {
        // Acquire, pairs with the Release in `publish` and `leave`. Weaker, our accesses to the
        // slots could be done before the peer's were complete.
        Word(self.0.load(Ordering::Acquire))
    }
}

/// The ring itself. Dropped with the second of its ends, and the values nobody took with it.
pub(super) struct Shared<T> {
    /// Values taken: stored by the consumer.
    pub(super) head: Index,
    /// Values published: stored by the producer.
    pub(super) tail: Index,
    capacity: usize,
    /// A power of two of them, at least the capacity. Of the slots only `head..tail` hold values.
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
    log: AccessLog,
}

// SAFETY: the slots are the only part that is not Sync by itself. An end touches only those the
// indexes give it (see the invariants in `mod.rs`), so no slot is ever touched by two threads at
// once; values cross threads, hence T: Send.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(super) fn new(capacity: usize) -> Shared<T> {
        assert!(capacity >= 1, "a ring needs at least one slot");
        let count = capacity.next_power_of_two();
        let slots = (0..count).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
        let log = AccessLog::new(count);
        Shared { head: Index::new(), tail: Index::new(), capacity, slots, log }
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Values in it, as one who owns neither end sees it: the head is read first, so the tail is not behind
    /// it, and may be further ahead of it than there are slots.
    #[cfg(not(feature = "loom"))]
    pub(super) fn filled(&self) -> usize {
        let head = self.head.read().count();
        slots_between(head, self.tail.read().count()).min(self.capacity)
    }

    /// The slot of a value, by its number.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the mask leaves less than a usize")]
    fn slot_of(&self, number: u64) -> usize {
        number as usize & (self.slots.len() - 1)
    }

    /// Where slot `slot` lies. One pointer for the whole memory, so that it is good for a run of
    /// slots too.
    #[inline]
    fn at(&self, slot: usize) -> *mut T {
        debug_assert!(slot < self.slots.len(), "slot {slot} of {}", self.slots.len());
        let first: *const UnsafeCell<MaybeUninit<T>> = self.slots.as_ptr();
        // SAFETY: every caller's slot is one of the memory's (by the mask of `slot_of`, or 0), so
        // this stays inside the allocation.
        let cell = unsafe { first.add(slot) };
        // UnsafeCell and MaybeUninit are both transparent over T.
        UnsafeCell::raw_get(cell).cast::<T>()
    }

    /// Puts the value of this number into its slot.
    ///
    /// # Safety
    ///
    /// The slot is the caller's to use, and holds no value.
    #[inline]
    pub(super) unsafe fn put(&self, number: u64, value: T) {
        let slot = self.slot_of(number);
        self.log.writes(slot);
        // SAFETY: in bounds (`at`), and by the contract nobody else touches the slot now.
        unsafe { self.at(slot).write(value) };
    }

    /// Moves the value of this number out of its slot.
    ///
    /// # Safety
    ///
    /// The slot is the caller's to use, holds a value, and counts as empty afterwards.
    #[inline]
    pub(super) unsafe fn take(&self, number: u64) -> T {
        let slot = self.slot_of(number);
        self.log.writes(slot);
        // SAFETY: in bounds (`at`), initialised and ours by the contract.
        unsafe { self.at(slot).read() }
    }

    /// Lends `count` values from this number on, in two runs: to the end of the memory, and from its
    /// start.
    ///
    /// # Safety
    ///
    /// `count` is at most the capacity; their slots hold values and stay the caller's, unchanged,
    /// for as long as the slices live.
    #[inline]
    pub(super) unsafe fn lend(&self, number: u64, count: usize) -> (&[T], &[T]) {
        let slot = self.slot_of(number);
        for step in 0..count as u64 {
            self.log.reads(self.slot_of(number + step));
        }
        let first = count.min(self.slots.len() - slot);
        // SAFETY: `first` slots from `slot` end within the memory; initialised by the contract.
        let to_end = unsafe { std::slice::from_raw_parts(self.at(slot), first) };
        // SAFETY: the rest begins at the memory's start and ends before `slot`, as all is at most the
        // capacity; initialised by the contract.
        let from_start = unsafe { std::slice::from_raw_parts(self.at(0), count - first) };
        (to_end, from_start)
    }

    /// Drops `count` values from this number on. One that panics does not keep the others of its run
    /// from being dropped.
    ///
    /// # Safety
    ///
    /// As for [`Shared::take`], for each of the slots; `count` is at most the capacity.
    pub(super) unsafe fn drop_values(&self, number: u64, count: usize) {
        let slot = self.slot_of(number);
        for step in 0..count as u64 {
            self.log.writes(self.slot_of(number + step));
        }
        let first = count.min(self.slots.len() - slot);
        let to_end = std::ptr::slice_from_raw_parts_mut(self.at(slot), first);
        let from_start = std::ptr::slice_from_raw_parts_mut(self.at(0), count - first);
        // SAFETY: in bounds, initialised and ours by the contract; each value is in one run only.
        unsafe { to_end.drop_in_place() };
        // SAFETY: as above.
        unsafe { from_start.drop_in_place() };
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // The last Arc is going, which orders both ends' acts before this.
        let head = self.head.read().count();
        let left = slots_between(head, self.tail.read().count());
        // SAFETY: `head..tail` holds values by the ring's invariant, and nobody else is left.
        unsafe { self.drop_values(head, left) };
    }
}

/// How many slots two counts of one ring are apart.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "at most the capacity, which is a usize")]
pub(super) fn slots_between(low: u64, high: u64) -> usize {
    debug_assert!(low <= high, "counts of a ring never go back: {low}..{high}");
    (high - low) as usize
}
