//! A window slot: the set of users in one window, as dense numbers.
//!
//! hashbrown over numbers that a multiplication spreads. Emptying keeps the memory.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::interner::Id;

/// Ids a new set has room for.
const START_IDS: usize = 56;

/// A set of ids.
#[derive(Debug)]
pub struct IdSet {
    ids: HashTable<Id>,
}

/// Spreads a dense number over 64 bits (Fibonacci hashing: 2^64 over the golden ratio).
#[inline]
fn spread(id: Id) -> u64 {
    let product = u128::from(id) * 0x9e37_79b9_7f4a_7c15;
    // hashbrown takes the place from the low bits and the control byte from the high ones: fold,
    // so that both are mixed.
    #[allow(clippy::cast_possible_truncation)]
    let folded = (product >> 64) as u64 ^ product as u64;
    folded
}

impl IdSet {
    /// An empty set with room for a few.
    pub fn new() -> IdSet {
        IdSet { ids: HashTable::with_capacity(START_IDS) }
    }

    /// Bytes a set of this many ids takes: hashbrown fills at most 7 of 8 places, by powers of two.
    pub fn bytes_for(ids: u64) -> u64 {
        let places = (ids.max(START_IDS as u64) * 8).div_ceil(7).next_power_of_two();
        places * (size_of::<Id>() as u64 + 1)
    }

    /// Adds an id; says whether it is new.
    #[inline]
    pub fn insert(&mut self, id: Id) -> bool {
        match self.ids.entry(spread(id), |&known| known == id, |&known| spread(known)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(id);
                true
            }
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Takes all ids out, keeping the memory.
    pub fn drain(&mut self) -> impl Iterator<Item = Id> + '_ {
        self.ids.drain()
    }
}

impl Default for IdSet {
    fn default() -> IdSet {
        IdSet::new()
    }
}
