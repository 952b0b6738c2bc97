//! The interner: each uid's bytes become a dense number, once.
//!
//! Uids are compared by all their bytes; the hash only says where to look. Every id has a count of
//! the windows that hold it. An id no window holds stays known, as its user will most likely be
//! back in the next minute; only when more ids are idle than held (and more than a floor) does a
//! new user take over an idle one's. The search for it goes on where the last one ended, a few
//! ids at a time, so no step is long and memory stays within twice the users of kept windows.

use hashbrown::HashTable;

use super::slab::{Cell, Slab};

/// A user's number.
pub type Id = u32;

/// Idle ids that are left alone however few are held: about 4 MiB of users.
const IDLE_FLOOR: usize = 64 * 1024;
/// Ids looked at in search of an idle one. At least half are idle then, so one is found but for
/// very long runs of held ids; the next new user goes on looking.
const LOOK_AT: usize = 16;

#[derive(Debug)]
struct Known {
    hash: u64,
    uid: Cell,
    windows: u32,
}

/// All known uids and their numbers.
#[derive(Debug)]
pub struct Interner {
    table: HashTable<Id>,
    known: Vec<Known>,
    uids: Slab,
    idle: usize,
    hand: usize,
    idle_floor: usize,
}

impl Interner {
    /// Knows nobody.
    pub fn new() -> Interner {
        Interner::with_idle_floor(IDLE_FLOOR)
    }

    /// Bytes needed to know this many users at once, as many idle ones beside them included.
    pub fn bytes_for(users: u64, uid_bytes: u64) -> u64 {
        let ids = users + users.max(IDLE_FLOOR as u64);
        let places = (ids * 8).div_ceil(7).next_power_of_two();
        let table = places * (size_of::<Id>() as u64 + 1);
        let known = ids.next_power_of_two() * size_of::<Known>() as u64;
        table + known + ids * Slab::bytes_for(uid_bytes)
    }

    fn with_idle_floor(idle_floor: usize) -> Interner {
        Interner {
            table: HashTable::new(),
            known: Vec::new(),
            uids: Slab::new(),
            idle: 0,
            hand: 0,
            idle_floor,
        }
    }

    /// The number of a uid with this table hash; a new number if it is not known. It stays valid
    /// until the next call only, unless a window holds it.
    #[inline]
    pub fn intern(&mut self, hash: u64, uid: &[u8]) -> Id {
        let Interner { table, known, uids, .. } = self;
        let same = |&id: &Id| {
            let known = &known[id as usize];
            known.hash == hash && uids.get(known.uid) == uid
        };
        match table.find(hash, same) {
            Some(&id) => id,
            None => self.add(hash, uid),
        }
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, hash: u64, uid: &[u8]) -> Id {
        let reused = self.find_idle();
        let uid = self.uids.keep(uid);
        let known = Known { hash, uid, windows: 0 };
        self.idle += 1;
        let id = match reused {
            Some(id) => {
                self.known[id as usize] = known;
                id
            }
            None => {
                let id = Id::try_from(self.known.len()).expect("fewer than 2^32 users at once");
                self.known.push(known);
                id
            }
        };
        let known = &self.known;
        self.table.insert_unique(hash, id, |&id| known[id as usize].hash);
        id
    }

    /// An idle user's id, forgotten, if there are enough idle ones to look for one.
    fn find_idle(&mut self) -> Option<Id> {
        let held = self.known.len() - self.idle;
        if self.idle <= held.max(self.idle_floor) {
            return None;
        }
        for _ in 0..LOOK_AT {
            let at = self.hand;
            self.hand = if at + 1 == self.known.len() { 0 } else { at + 1 };
            let Known { hash, uid, windows } = self.known[at];
            if windows == 0 {
                let id = Id::try_from(at).expect("ids are 32 bits");
                if let Ok(entry) = self.table.find_entry(hash, |&known| known == id) {
                    entry.remove();
                }
                self.uids.free(uid);
                self.idle -= 1;
                return Some(id);
            }
        }
        None
    }

    /// One more window holds this id.
    #[inline]
    pub fn hold(&mut self, id: Id) {
        let windows = &mut self.known[id as usize].windows;
        self.idle -= usize::from(*windows == 0);
        *windows += 1;
    }

    /// One window fewer holds this id.
    #[inline]
    pub fn let_go(&mut self, id: Id) {
        let windows = &mut self.known[id as usize].windows;
        *windows -= 1;
        self.idle += usize::from(*windows == 0);
    }

    /// Ids given out at once at most.
    pub fn ids_peak(&self) -> usize {
        self.known.len()
    }
}

impl Default for Interner {
    fn default() -> Interner {
        Interner::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hashes_are_told_apart_by_their_bytes() {
        let mut interner = Interner::new();
        let a = interner.intern(7, b"a");
        let b = interner.intern(7, b"b");
        let ab = interner.intern(7, b"ab");
        assert!(a != b && b != ab && a != ab);
        assert_eq!((interner.intern(7, b"a"), interner.intern(7, b"b")), (a, b));
    }

    #[test]
    fn held_ids_stay_and_idle_ones_are_used_again() {
        let mut interner = Interner::with_idle_floor(8);
        let held: Vec<Id> = (0..10u64)
            .map(|n| {
                let id = interner.intern(n, &n.to_le_bytes());
                interner.hold(id);
                id
            })
            .collect();
        for n in 10..10_000u64 {
            let id = interner.intern(n, &n.to_le_bytes());
            assert!(!held.contains(&id), "user {n} was given a held id");
        }
        assert!(interner.ids_peak() <= 10 + 2 * 10 + LOOK_AT, "{}", interner.ids_peak());
        for (n, &id) in held.iter().enumerate() {
            assert_eq!(interner.intern(n as u64, &(n as u64).to_le_bytes()), id);
        }
    }

    #[test]
    fn an_idle_user_who_comes_back_in_time_keeps_the_number() {
        let mut interner = Interner::with_idle_floor(4);
        let id = interner.intern(1, b"x");
        interner.hold(id);
        interner.let_go(id);
        assert_eq!(interner.intern(1, b"x"), id);
        for n in 0..1000u64 {
            interner.intern(n << 32, &n.to_le_bytes());
        }
        assert_eq!(interner.known.len() - interner.idle, 0);
        assert!(interner.ids_peak() < 10);
    }
}
