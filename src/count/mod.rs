//! Counting: which users a window holds, exactly.
//!
//! A counter owns one shard of the users, on one thread: its interner, its window slots, nothing
//! shared. It does what the marks in a batch say and counts the frames between them. Shards hold
//! disjoint users, so their counts add up.
//!
//! A uid becomes a dense number once, by comparing all its bytes; windows hold numbers. A slot's
//! set is emptied and used again, never freed, so once the largest window has been seen nothing is
//! allocated. Memory follows the users of the windows that are kept: a number whose last window
//! has gone is given to another user.

pub mod hash;
pub mod id_set;
pub mod interner;
pub mod slab;
pub mod stage;

use crate::batch::Batch;
use crate::clock::verdict::{NO_SLOT, REFUSED, Slot};
use id_set::IdSet;
use interner::Interner;

/// Bytes that counting takes, for a plan.
#[derive(Clone, Copy, Debug)]
pub struct MemoryBytes {
    /// All users, once.
    pub interner: u64,
    /// The windows that hold them.
    pub windows: u64,
}

impl MemoryBytes {
    /// Both.
    pub fn total(&self) -> u64 {
        self.interner + self.windows
    }
}

/// Bytes needed at most for this many users at once, with uids of this length, all of them in each
/// of two minutes: the one that goes on and the one that waits for its lag.
pub fn memory_bytes(users: u64, uid_bytes: u64, slots: usize, counters: usize) -> MemoryBytes {
    let (slots, counters) = (slots as u64, counters as u64);
    let a_counter = users.div_ceil(counters);
    let empty_slots = slots.saturating_sub(2) * IdSet::bytes_for(0);
    MemoryBytes {
        interner: counters * Interner::bytes_for(a_counter, uid_bytes),
        windows: counters * (2 * IdSet::bytes_for(a_counter) + empty_slots),
    }
}

/// One shard's users and windows.
pub struct Counter {
    interner: Interner,
    slots: Vec<IdSet>,
    frames: u64,
}

impl Counter {
    /// A counter with this many window slots, all empty.
    pub fn new(slots: usize) -> Counter {
        let slots = (0..slots).map(|_| IdSet::new()).collect();
        Counter { interner: Interner::new(), slots, frames: 0 }
    }

    /// Counts the frames at these places of a batch.
    pub fn count(&mut self, batch: &Batch, places: &[u16]) {
        let route_of = batch.verdicts.route_of();
        for &place in places {
            let place = usize::from(place);
            let route = route_of[place];
            if route == REFUSED {
                continue;
            }
            self.frames += 1;
            let id = self.interner.intern(batch.facts.hash(place), batch.facts.uid(place));
            for &slot in batch.verdicts.slots(route) {
                if slot != NO_SLOT && self.slots[usize::from(slot)].insert(id) {
                    self.interner.hold(id);
                }
            }
        }
    }

    /// The slot stands for a new window.
    pub fn open(&mut self, slot: Slot) {
        debug_assert_eq!(self.slots[usize::from(slot)].len(), 0, "a slot is freed before it opens");
    }

    /// Users in the slot's window.
    pub fn users_in(&self, slot: Slot) -> u64 {
        self.slots[usize::from(slot)].len() as u64
    }

    /// The slot's window is no longer kept.
    pub fn free(&mut self, slot: Slot) {
        for id in self.slots[usize::from(slot)].drain() {
            self.interner.let_go(id);
        }
    }

    /// Frames counted so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Users known at once at most.
    pub fn users_peak(&self) -> usize {
        self.interner.ids_peak()
    }
}
