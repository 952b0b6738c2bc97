//! The interner: each uid's bytes become a dense number, once.
//!
//! Uids are compared by all their bytes; the hash only says where to look. Every id has a count of
//! the windows that hold it. When the last one lets go, the user is forgotten and the id is the
//! next one given out: so the tables hold the users of kept windows and nobody else, which keeps
//! them small enough to stay in the caches.

use hashbrown::HashTable;

use crate::slab::{Cell, Slab};

/// A user's number.
pub type Id = u32;

#[derive(Debug)]
struct Known {
    hash: u64,
    uid: Cell,
    windows: u32,
}

/// All known uids and their numbers.
#[derive(Debug, Default)]
pub struct Interner {
    table: HashTable<Id>,
    /// By id; what stands at a free id means nothing.
    known: Vec<Known>,
    free: Vec<Id>,
    uids: Slab,
}

impl Interner {
    /// Knows nobody.
    pub fn new() -> Interner {
        Interner::default()
    }

    /// Bytes needed to know this many users at once.
    pub fn bytes_for(users: u64, uid_bytes: u64) -> u64 {
        let places = (users * 8).div_ceil(7).next_power_of_two();
        let table = places * (size_of::<Id>() as u64 + 1);
        let known = users.next_power_of_two() * size_of::<Known>() as u64;
        let free = users.next_power_of_two() * size_of::<Id>() as u64;
        table + known + free + users * Slab::bytes_for(uid_bytes)
    }

    /// The number of a uid with this table hash; a new number if it is not known. A new one is to
    /// be held at once: only letting go gives it back.
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
        let user = Known { hash, uid: self.uids.keep(uid), windows: 0 };
        let id = match self.free.pop() {
            Some(id) => {
                self.known[id as usize] = user;
                id
            }
            None => {
                let id = Id::try_from(self.known.len()).expect("fewer than 2^32 users at once");
                self.known.push(user);
                id
            }
        };
        let known = &self.known;
        self.table.insert_unique(hash, id, |&id| known[id as usize].hash);
        id
    }

    #[inline]
    pub fn prefetch(&self, hash: u64) {
        if let Some(&id) = self.table.iter_hash(hash).next() {
            crate::variants::ask(&self.known[id as usize]);
        }
    }

    /// One more window holds this id.
    #[inline]
    pub fn hold(&mut self, id: Id) {
        self.known[id as usize].windows += 1;
    }

    /// One window fewer holds this id; after the last, its user is forgotten.
    #[inline]
    pub fn let_go(&mut self, id: Id) {
        let Known { hash, uid, windows } = &mut self.known[id as usize];
        *windows -= 1;
        if *windows == 0 {
            if let Ok(entry) = self.table.find_entry(*hash, |&known| known == id) {
                entry.remove();
            }
            self.uids.free(*uid);
            self.free.push(id);
        }
    }

    /// Ids given out at once at most.
    pub fn ids_peak(&self) -> usize {
        self.known.len()
    }
}
