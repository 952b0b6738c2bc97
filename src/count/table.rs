//! The table: where the user with some hash may be found.
//!
//! 256 sub-tables by the hash's highest byte, each open addressing with linear probing. A place
//! holds 32 more bits of the hash (the tag) and the user's number, and nothing else; the tag's
//! high bits say where probing begins. So a look-up reads one cache line as a rule, known before
//! it is needed, and a sub-table is built anew from its own places without a look at a user.
//!
//! The table never decides an answer: it gives the numbers under an equal tag, and whoever asks
//! compares the uids.
//!
//! Nothing is taken out one by one. A full sub-table is *renewed*: users nobody needs any more are
//! dropped from it, and only if too few were does it grow. So one step of growth moves 1/256 of
//! the users. Invariants, for each sub-table: known users are at most three quarters of its places,
//! and at most twice those that were needed at its last renewal, or `KNOWN_MIN`. After a burst it
//! shrinks at its next renewal, which comes when as many new users have come as there were; while
//! nobody new comes nothing is dropped, as nothing is wanted.

use super::budget::{Budget, NoRoom};
use super::users::Id;
use crate::prefetch::prefetch;

const SUB_TABLES: usize = 256;
/// Places of a new sub-table.
const PLACES_MIN: usize = 64;
/// Users a sub-table may know in any case before it is renewed.
const KNOWN_MIN: usize = PLACES_MIN / 4 * 3;
/// A sub-table shrinks when its users need less than this part of its places.
const SPARSE: usize = 16;

/// A place without a user: no user has this number ([`crate::limits::USERS_MAX`]).
const EMPTY: u64 = u64::MAX;

/// Places between a user that is asked for in a renewal and the one that is looked at.
const LOOK_AHEAD: usize = 16;

/// Who is needed, in a renewal.
pub trait Renewal {
    /// This user will be looked at soon.
    fn prefetch(&self, id: Id);

    /// Whether this user is needed; one that is not is dropped and forgotten.
    fn is_needed(&mut self, id: Id) -> bool;
}

#[derive(Debug)]
struct SubTable {
    /// Tag in the high half, number in the low one; a power of two of them.
    places: Box<[u64]>,
    /// By how much a tag is shifted to get the first place.
    shift: u32,
    known: usize,
    known_max: usize,
}

/// Users by hash.
#[derive(Debug)]
pub struct Table {
    sub_tables: Box<[SubTable]>,
    /// The places kept in a renewal.
    kept: Vec<u64>,
}

#[inline]
fn tag(hash: u64) -> u64 {
    hash << 32
}

#[inline]
fn id(place: u64) -> Id {
    // The low half.
    #[allow(clippy::cast_possible_truncation)]
    let id = place as Id;
    id
}

impl SubTable {
    fn new(places: usize) -> SubTable {
        SubTable {
            places: vec![EMPTY; places].into_boxed_slice(),
            shift: u64::BITS - places.trailing_zeros(),
            known: 0,
            known_max: KNOWN_MIN,
        }
    }

    #[inline]
    fn start(&self, tag: u64) -> usize {
        // Below the number of places, which is a usize.
        #[allow(clippy::cast_possible_truncation)]
        let start = (tag >> self.shift) as usize;
        start
    }

    /// The numbers under this tag, until one is right.
    #[inline]
    fn find(&self, tag: u64, mut right: impl FnMut(Id) -> bool) -> Option<Id> {
        let mask = self.places.len() - 1;
        let mut at = self.start(tag);
        loop {
            let place = self.places[at & mask];
            if place == EMPTY {
                return None;
            }
            if (place ^ tag) >> 32 == 0 && right(id(place)) {
                return Some(id(place));
            }
            at += 1;
        }
    }

    #[inline]
    fn put(&mut self, place: u64) {
        let mask = self.places.len() - 1;
        let mut at = self.start(place);
        while self.places[at & mask] != EMPTY {
            at += 1;
        }
        self.places[at & mask] = place;
    }

    /// Keeps whom `needed` names, in a size that suits them.
    fn renew(
        &mut self,
        kept: &mut Vec<u64>,
        renewal: &mut impl Renewal,
        budget: &mut Budget,
    ) -> Result<(), NoRoom> {
        kept.clear();
        if kept.capacity() < self.known {
            budget.take((self.known - kept.capacity()) * size_of::<u64>())?;
            kept.reserve_exact(self.known);
        }
        for (at, &place) in self.places.iter().enumerate() {
            match self.places.get(at + LOOK_AHEAD) {
                Some(&EMPTY) | None => {}
                Some(&ahead) => renewal.prefetch(id(ahead)),
            }
            if place != EMPTY && renewal.is_needed(id(place)) {
                kept.push(place);
            }
        }
        let places = self.places.len();
        let users = kept.len();
        let suits = (users * 2).next_power_of_two().max(PLACES_MIN);
        if suits > places || (users * SPARSE < places && suits < places) {
            // For a moment there are both.
            budget.take(suits * size_of::<u64>())?;
            *self = SubTable::new(suits);
            budget.give(places * size_of::<u64>());
        }
        self.places.fill(EMPTY);
        for &place in kept.iter() {
            self.put(place);
        }
        self.known = users;
        self.known_max = (users * 2).clamp(KNOWN_MIN, self.places.len() / 4 * 3);
        Ok(())
    }
}

impl Table {
    /// Knows nobody.
    pub fn new(budget: &mut Budget) -> Result<Table, NoRoom> {
        budget.take(SUB_TABLES * PLACES_MIN * size_of::<u64>())?;
        let sub_tables = (0..SUB_TABLES).map(|_| SubTable::new(PLACES_MIN)).collect();
        Ok(Table { sub_tables, kept: Vec::new() })
    }

    /// Bytes needed at most for this many users.
    pub fn bytes_for(users: u64) -> u64 {
        let sub_tables = SUB_TABLES as u64;
        // Chance gives some sub-tables more than others: by four standard deviations at most.
        let users = users.div_ceil(sub_tables);
        let users = users + 4 * users.isqrt();
        let places = (users * 2).next_power_of_two().max(PLACES_MIN as u64);
        places * sub_tables * size_of::<u64>() as u64
    }

    /// Users known at most where this many are needed.
    pub fn known_max(users: u64) -> u64 {
        (users * 2).max((SUB_TABLES * KNOWN_MIN) as u64)
    }

    #[inline]
    fn sub_table(&self, hash: u64) -> &SubTable {
        &self.sub_tables[usize::from(hash.to_be_bytes()[0])]
    }

    #[inline]
    fn sub_table_mut(&mut self, hash: u64) -> &mut SubTable {
        &mut self.sub_tables[usize::from(hash.to_be_bytes()[0])]
    }

    /// Users known now.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.sub_tables.iter().map(|sub_table| sub_table.known).sum()
    }

    /// Places of all sub-tables.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.sub_tables.iter().map(|sub_table| sub_table.places.len()).sum()
    }

    /// Asks for the line in which a look-up begins.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        let sub_table = self.sub_table(hash);
        prefetch(&sub_table.places[sub_table.start(tag(hash))]);
    }

    /// The first number under this hash for which `right` holds.
    #[inline]
    pub fn find(&self, hash: u64, right: impl FnMut(Id) -> bool) -> Option<Id> {
        self.sub_table(hash).find(tag(hash), right)
    }

    /// Whether the sub-table must be renewed before a user with this hash comes in.
    #[inline]
    pub fn is_full(&self, hash: u64) -> bool {
        let sub_table = self.sub_table(hash);
        sub_table.known >= sub_table.known_max
    }

    /// Renews the sub-table of this hash: whoever is not needed is dropped. Says how many users
    /// were looked at. If it finds no room to grow, the table is of no use any more.
    pub fn renew(
        &mut self,
        hash: u64,
        renewal: &mut impl Renewal,
        budget: &mut Budget,
    ) -> Result<usize, NoRoom> {
        let Table { sub_tables, kept } = self;
        let sub_table = &mut sub_tables[usize::from(hash.to_be_bytes()[0])];
        let known = sub_table.known;
        sub_table.renew(kept, renewal, budget)?;
        Ok(known)
    }

    /// A new user; the sub-table must not be full.
    #[inline]
    pub fn insert(&mut self, hash: u64, id: Id) {
        let sub_table = self.sub_table_mut(hash);
        debug_assert!(sub_table.known < sub_table.known_max, "renewed before it is full");
        sub_table.known += 1;
        sub_table.put(tag(hash) | u64::from(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Budget {
        let mut room = Budget::new(u64::MAX);
        room.take(1 << 40).unwrap();
        room
    }

    /// Needs even numbers.
    struct Even;

    impl Renewal for Even {
        fn prefetch(&self, _: Id) {}

        fn is_needed(&mut self, id: Id) -> bool {
            id.is_multiple_of(2)
        }
    }

    fn filled(users: u32, hash: impl Fn(u32) -> u64) -> Table {
        let mut table = Table::new(&mut room()).unwrap();
        for id in 0..users {
            if table.is_full(hash(id)) {
                struct All;
                impl Renewal for All {
                    fn prefetch(&self, _: Id) {}
                    fn is_needed(&mut self, _: Id) -> bool {
                        true
                    }
                }
                table.renew(hash(id), &mut All, &mut room()).unwrap();
            }
            table.insert(hash(id), id);
        }
        table
    }

    #[test]
    fn every_number_under_a_tag_is_offered() {
        let mut table = filled(1000, |_| 0x0123_4567_89ab_cdef);
        let hash = 0x0123_4567_89ab_cdef;
        for id in [0, 1, 500, 999] {
            assert_eq!(table.find(hash, |known| known == id), Some(id));
        }
        let mut offered = 0;
        assert_eq!(
            table.find(hash, |_| {
                offered += 1;
                false
            }),
            None
        );
        assert_eq!(offered, 1000);
        table.renew(hash, &mut Even, &mut room()).unwrap();
        assert_eq!(table.find(hash, |known| known == 1), None);
        assert_eq!(table.find(hash, |known| known == 2), Some(2));
    }

    #[test]
    fn another_tag_or_sub_table_is_another_user() {
        let table = filled(1, |_| 5);
        assert_eq!(table.find(5, |_| true), Some(0));
        for other in [4, 5 + (1 << 31), 5 + (1 << 56)] {
            assert_eq!(table.find(other, |_| true), None, "{other:#x}");
        }
    }

    /// What `headcount plan` says of the table.
    #[test]
    fn the_table_and_the_known_are_no_more_than_foretold() {
        struct Last(u32);
        impl Renewal for Last {
            fn prefetch(&self, _: Id) {}
            fn is_needed(&mut self, id: Id) -> bool {
                id >= self.0
            }
        }
        let hash = |id: u32| u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let table = filled(200_000, hash);
        let bytes = (table.places() * size_of::<u64>()) as u64;
        assert!(bytes <= Table::bytes_for(200_000), "{bytes} bytes");

        // User after user comes, and the last ones are needed.
        let needed = 40_000;
        let mut table = Table::new(&mut room()).unwrap();
        let mut known_most = 0;
        for id in 0..300_000 {
            if table.is_full(hash(id)) {
                table.renew(hash(id), &mut Last(id.saturating_sub(needed)), &mut room()).unwrap();
            }
            table.insert(hash(id), id);
            if id % 1000 == 0 {
                known_most = known_most.max(table.known() as u64);
            }
        }
        assert!(known_most <= Table::known_max(u64::from(needed)), "{known_most} known");
    }

    #[test]
    fn a_renewal_moves_one_sub_table_and_leaves_room() {
        let hash = |id: u32| u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut table = filled(200_000, hash);
        let places = table.places();
        let looked_at = table.renew(hash(0), &mut Even, &mut room()).unwrap();
        assert!((500..1200).contains(&looked_at), "{looked_at} of 200,000");
        assert!(!table.is_full(hash(0)));
        assert!(places.abs_diff(table.places()) <= places / SUB_TABLES * 2);
        for id in 0..200_000 {
            let kept = id % 2 == 0 || hash(id) >> 56 != hash(0) >> 56;
            assert_eq!(table.find(hash(id), |known| known == id).is_some(), kept, "{id}");
        }
    }
}
