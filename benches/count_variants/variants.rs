use hashbrown::HashTable;
use headcount::batch::Batch;
use headcount::clock::verdict::{NO_SLOT, REFUSED, Slot};
use headcount::count::Counter;

use crate::drive::Counting;
use crate::old_id_set::IdSet;
use crate::old_interner::{Id, Interner};
use crate::old_slab::{Cell, Slab};

pub fn make(name: &str) -> Box<dyn Counting> {
    match name {
        "a" => Box::new(One { interner: Interner::new(), slots: sets(), two_passes: false }),
        "b" => Box::new(One { interner: Interner::new(), slots: sets(), two_passes: true }),
        "c" => Box::new(Many::new(true)),
        "c-sets" => Box::new(Many::new(false)),
        "new" => Box::new(New(Counter::new(3))),
        _ => panic!("{name}"),
    }
}

fn sets() -> Vec<IdSet> {
    (0..3).map(|_| IdSet::new()).collect()
}

/// (a) and (b): one hashbrown table, a hashbrown set a slot; in (b) found in a pass before.
struct One {
    interner: Interner,
    slots: Vec<IdSet>,
    two_passes: bool,
}

impl Counting for One {
    fn open(&mut self, _: Slot) {}
    fn users_in(&self, slot: Slot) -> u64 {
        self.slots[slot as usize].len() as u64
    }
    fn free(&mut self, slot: Slot) {
        for id in self.slots[slot as usize].drain() {
            self.interner.let_go(id);
        }
    }
    fn count(&mut self, batch: &Batch, places: &[u16]) -> usize {
        for block in places.chunks(64) {
            if self.two_passes {
                for &place in block {
                    self.interner.prefetch(batch.facts.hash(place as usize));
                }
            }
            for &place in block {
                let place = place as usize;
                let route = batch.verdicts.route_of()[place];
                if route == REFUSED {
                    continue;
                }
                let id = self.interner.intern(batch.facts.hash(place), batch.facts.uid(place));
                for &slot in batch.verdicts.slots(route) {
                    if slot != NO_SLOT && self.slots[slot as usize].insert(id) {
                        self.interner.hold(id);
                    }
                }
            }
        }
        places.len()
    }
}

/// (c): 256 hashbrown tables, records {newest window, mask of those before} in pages; users nobody
/// needs are dropped before a table grows.
struct Many {
    tables: Vec<HashTable<Id>>,
    pages: Vec<Box<[Record]>>,
    numbers: u32,
    free: Vec<Id>,
    uids: Slab,
    slots: Vec<u32>,
    users: Vec<u64>,
    sets: Option<Vec<IdSet>>,
    windows: u32,
    oldest_kept: u32,
}

#[derive(Clone, Copy, Default)]
struct Record {
    hash: u64,
    uid: Cell,
    newest: u32,
    before: u32,
}

impl Many {
    fn new(masks: bool) -> Many {
        Many {
            tables: (0..256).map(|_| HashTable::with_capacity(56)).collect(),
            pages: vec![],
            numbers: 0,
            free: vec![],
            uids: Slab::new(),
            slots: vec![0; 3],
            users: vec![0; 3],
            sets: (!masks).then(sets),
            windows: 100,
            oldest_kept: 100,
        }
    }
    fn record(&mut self, id: Id) -> &mut Record {
        &mut self.pages[id as usize / 4096][id as usize % 4096]
    }
    #[inline(never)]
    fn add(&mut self, hash: u64, uid: &[u8]) -> Id {
        let Many { tables, pages, free, uids, oldest_kept, .. } = self;
        let table = &mut tables[(hash >> 40) as usize & 255];
        if table.len() == table.capacity() {
            let oldest = *oldest_kept;
            table.retain(|&mut id| {
                let record = &pages[id as usize / 4096][id as usize % 4096];
                let keep = record.newest >= oldest;
                if !keep {
                    uids.free(record.uid);
                    free.push(id);
                }
                keep
            });
            if table.len() > table.capacity() / 2 {
                table.reserve(table.capacity(), |&id| {
                    pages[id as usize / 4096][id as usize % 4096].hash
                });
            }
        }
        let id = free.pop().unwrap_or_else(|| {
            if self.numbers as usize == pages.len() * 4096 {
                pages.push(vec![Record::default(); 4096].into());
            }
            self.numbers += 1;
            self.numbers - 1
        });
        pages[id as usize / 4096][id as usize % 4096] =
            Record { hash, uid: uids.keep(uid), newest: 0, before: 0 };
        table.insert_unique(hash, id, |&id| pages[id as usize / 4096][id as usize % 4096].hash);
        id
    }
}

impl Counting for Many {
    fn open(&mut self, slot: Slot) {
        self.windows += 1;
        self.slots[slot as usize] = self.windows;
        self.users[slot as usize] = 0;
    }
    fn users_in(&self, slot: Slot) -> u64 {
        self.users[slot as usize]
    }
    fn free(&mut self, slot: Slot) {
        self.oldest_kept = self.slots[slot as usize] + 1;
        if let Some(sets) = &mut self.sets {
            drop(sets[slot as usize].drain());
        }
    }
    fn count(&mut self, batch: &Batch, places: &[u16]) -> usize {
        let mut guesses = [None; 64];
        for block in places.chunks(64) {
            for (&place, guess) in block.iter().zip(&mut guesses) {
                let hash = batch.facts.hash(place as usize);
                *guess = self.tables[(hash >> 40) as usize & 255].iter_hash(hash).next().copied();
                if let Some(id) = *guess {
                    prefetch(&self.pages[id as usize / 4096][id as usize % 4096]);
                }
            }
            for guess in &guesses[..block.len()] {
                if let Some(id) = *guess {
                    let record = &self.pages[id as usize / 4096][id as usize % 4096];
                    if record.hash != 0 {
                        self.uids.prefetch(record.uid);
                    }
                }
            }
            for &place in block {
                let place = place as usize;
                let route = batch.verdicts.route_of()[place];
                if route == REFUSED {
                    continue;
                }
                let (hash, uid) = (batch.facts.hash(place), batch.facts.uid(place));
                let known = self.tables[(hash >> 40) as usize & 255].find(hash, |&id| {
                    let record = &self.pages[id as usize / 4096][id as usize % 4096];
                    record.hash == hash && self.uids.get(record.uid) == uid
                });
                let id = match known {
                    Some(&id) => id,
                    None => self.add(hash, uid),
                };
                for &slot in batch.verdicts.slots(route) {
                    let window = self.slots[slot as usize];
                    let record = &mut self.pages[id as usize / 4096][id as usize % 4096];
                    let new = if window > record.newest {
                        let by = window - record.newest;
                        record.before = if by > 32 {
                            0
                        } else {
                            ((u64::from(record.before) << 1 | 1) << (by - 1)) as u32
                        };
                        record.newest = window;
                        true
                    } else if window == record.newest {
                        false
                    } else {
                        let bit = 1u32 << (record.newest - window - 1);
                        let new = record.before & bit == 0;
                        record.before |= bit;
                        new
                    };
                    let new = match &mut self.sets {
                        None => new,
                        Some(sets) => sets[slot as usize].insert(id),
                    };
                    self.users[slot as usize] += u64::from(new);
                }
            }
        }
        places.len()
    }
}

fn prefetch<T>(at: &T) {
    #[allow(clippy::undocumented_unsafe_blocks)]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).cast());
    }
}

pub fn ask<T>(at: &T) {
    prefetch(at);
}

struct New(Counter);

impl Counting for New {
    fn open(&mut self, slot: Slot) {
        self.0.open(slot);
    }
    fn users_in(&self, slot: Slot) -> u64 {
        self.0.users_in(slot)
    }
    fn free(&mut self, slot: Slot) {
        self.0.free(slot);
    }
    fn count(&mut self, batch: &Batch, places: &[u16]) -> usize {
        self.0.count(batch, places).unwrap()
    }
}
