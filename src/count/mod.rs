//! Counting: which users a window holds, exactly.
//!
//! A counter owns one shard of the users, on one thread: its interner, its window slots, nothing
//! shared. It does what the marks in a batch say and counts the frames between them. Shards hold
//! disjoint users, so their counts add up.
//!
//! A uid becomes a dense number once, by comparing all its bytes ([`users`]; [`table`] says where to
//! look). Of each user there is a word of bits, one for each window slot ([`era`]), so that a frame
//! costs two cache lines however many window sizes there are, and a closing window costs nothing.
//! Frames are taken a block at a time, in passes: the first asks for the lines of the table, the
//! second reads them and asks for the users' records, the next asks for the uids that do not lie in
//! theirs (if any uid ever was so long), the last counts.
//!
//! Memory follows the users of the windows that are kept: whom none of them holds is dropped, at
//! the latest when his sub-table would have to grow for others.

pub mod budget;
pub mod era;
pub mod hash;
pub mod journal;
pub mod slab;
mod stack;
pub mod stage;
pub mod table;
#[cfg(test)]
mod tests;
pub mod users;
pub mod windows;

use crate::batch::Batch;
use crate::clock::released::ReleasedFact;
use crate::clock::verdict::{Counted, REFUSED, Slot};
use crate::error::Error;
use crate::limits::USERS_MAX;
use budget::Budget;
use journal::ShardCut;
use table::{Renewal, Table};
use users::{Id, NoMore, Users};
use windows::{GroupSlots, Windows};

/// Frames of a block: enough to have every line asked for on its way at once, few enough that none
/// is gone again before it is used.
const BLOCK_FRAMES: usize = 64;
/// Users looked at in renewals after which a counter pauses at the end of a block.
const LOOKED_AT_MAX: usize = if cfg!(test) { 32 } else { 32 * 1024 };

/// Bytes a counter needs for its first users.
pub const BYTES_MIN: u64 = 1024 * 1024;

/// Bytes needed at most for this many users in kept windows at once, with uids of this length:
/// with users who come and go, as many again may be known and not yet dropped.
pub fn memory_bytes(users: u64, uid_bytes: u64, slots: usize, counters: usize) -> u64 {
    let counters = counters as u64;
    let a_counter = users.div_ceil(counters);
    let a_user = Users::bytes_for(uid_bytes) + Windows::bytes_for(slots);
    counters * (Table::bytes_for(a_counter) + Table::known_max(a_counter) * a_user)
}

/// One shard's users and windows.
pub struct Counter {
    table: Table,
    users: Users,
    windows: Windows,
    budget: Budget,
    frames: u64,
    /// The slots of the route met last, by group.
    route_slots: Vec<GroupSlots>,
}

impl Counter {
    /// A counter with this many window slots, all empty, whose users may take so many bytes.
    pub fn new(slots: usize, bytes_max: u64) -> Result<Counter, Error> {
        Counter::with_bounds(Windows::new(slots), USERS_MAX, Budget::new(bytes_max))
    }

    fn with_bounds(windows: Windows, users_max: u32, mut budget: Budget) -> Result<Counter, Error> {
        Ok(Counter {
            table: Table::new(&mut budget).map_err(|_| budget.used_up())?,
            users: Users::new(users_max),
            windows,
            budget,
            frames: 0,
            route_slots: Vec::new(),
        })
    }

    /// Counts the frames at these places of a batch, or the first of them: says how many. It stops
    /// early where much had to be moved.
    pub fn count(&mut self, batch: &Batch, places: &[u16]) -> Result<usize, Error> {
        let mut guesses = [None; BLOCK_FRAMES];
        // No frame that is counted has this route.
        let mut route_met = REFUSED;
        let (mut done, mut looked_at) = (0, 0);
        for block in places.chunks(BLOCK_FRAMES) {
            for &place in block {
                self.table.prefetch(batch.facts.hash(usize::from(place)));
            }
            for (&place, guess) in block.iter().zip(&mut guesses) {
                *guess = self.table.find(batch.facts.hash(usize::from(place)), |_| true);
                if let Some(id) = *guess {
                    self.users.prefetch(id);
                    self.windows.prefetch(id, &self.route_slots);
                }
            }
            if self.users.have_long_uids() {
                for id in guesses.iter().take(block.len()).flatten() {
                    self.users.prefetch_uid(*id);
                }
            }
            for (&place, &guess) in block.iter().zip(&guesses) {
                let place = usize::from(place);
                let route = batch.verdicts.route_of()[place];
                if route == REFUSED {
                    continue;
                }
                if route != route_met {
                    let Counter { windows, route_slots, .. } = self;
                    windows.by_group(batch.verdicts.slots(route), route_slots);
                    route_met = route;
                }
                let uid = batch.facts.uid(place);
                let id = match guess {
                    Some(id) if self.users.is(id, uid) => id,
                    _ => self.intern(batch.facts.hash(place), uid, &mut looked_at)?,
                };
                self.frames += 1;
                let Counter { users, windows, budget, .. } = self;
                for &slots in &self.route_slots {
                    windows.add(id, slots, users, budget).map_err(|_| budget.used_up())?;
                }
            }
            done += block.len();
            if looked_at > LOOKED_AT_MAX {
                break;
            }
        }
        Ok(done)
    }

    /// The number of a user who was not where he was looked for first, or is new.
    #[cold]
    #[inline(never)]
    fn intern(&mut self, hash: u64, uid: &[u8], looked_at: &mut usize) -> Result<Id, Error> {
        let Counter { table, users, windows, budget, .. } = self;
        if let Some(id) = table.find(hash, |id| users.is(id, uid)) {
            return Ok(id);
        }
        if table.is_full(hash) {
            let renewed = table.renew(hash, &mut Forgetting { users, windows }, budget);
            *looked_at += renewed.map_err(|_| budget.used_up())?;
        }
        let id = users.add(uid, budget).map_err(|why| match why {
            NoMore::Numbers => Error::TooManyUsers,
            NoMore::Room => budget.used_up(),
        })?;
        table.insert(hash, id);
        if let Some(journal) = windows.journal_mut() {
            journal.user(id, uid, budget).map_err(|_| budget.used_up())?;
        }
        Ok(id)
    }

    /// From here on it keeps a journal of what it newly counts, for cuts.
    pub fn keep_journal(&mut self) {
        self.windows.keep_journal();
    }

    /// What was newly counted since the last cut, if a journal is kept.
    pub fn cut(&mut self) -> ShardCut {
        let Counter { windows, budget, .. } = self;
        windows.journal_mut().map(|journal| journal.cut(budget)).unwrap_or_default()
    }

    /// A number for a user whom an earlier run knew. He is dropped again unless he is put into a window
    /// before the next one comes.
    pub fn adopt(&mut self, hash: u64, uid: &[u8]) -> Result<Id, Error> {
        self.intern(hash, uid, &mut 0)
    }

    /// A user whom an earlier run knew has the number he had then. He is to be put into a window before the
    /// next one comes. When all have come, [`Counter::all_adopted`]. False if somebody has that number.
    pub fn adopt_as(&mut self, id: Id, hash: u64, uid: &[u8]) -> Result<bool, Error> {
        let Counter { table, users, windows, budget, .. } = self;
        if !users.is_free(id) {
            return Ok(false);
        }
        if table.is_full(hash) {
            let renewed = table.renew(hash, &mut Forgetting { users, windows }, budget);
            renewed.map_err(|_| budget.used_up())?;
        }
        users.place(id, uid, budget).map_err(|why| match why {
            NoMore::Numbers => Error::TooManyUsers,
            NoMore::Room => budget.used_up(),
        })?;
        table.insert(hash, id);
        Ok(true)
    }

    /// All users whom an earlier run knew have come.
    pub fn all_adopted(&mut self) {
        self.users.all_placed();
    }

    /// An earlier run counted this user in the slot's window.
    pub fn put_in(&mut self, id: Id, slot: Slot) -> Result<(), Error> {
        let Counter { users, windows, budget, .. } = self;
        let one = windows.one(slot);
        windows.add(id, one, users, budget).map_err(|_| budget.used_up())
    }

    /// Counts a frame that waited until now.
    pub fn count_released(&mut self, fact: &ReleasedFact<'_>, slots: &[Slot]) -> Result<(), Error> {
        let id = self.intern(fact.hash, fact.uid, &mut 0)?;
        self.frames += 1;
        let mut grouped = Vec::new();
        self.windows.by_group(slots, &mut grouped);
        let Counter { users, windows, budget, .. } = self;
        for slots in grouped {
            windows.add(id, slots, users, budget).map_err(|_| budget.used_up())?;
        }
        Ok(())
    }

    /// What there is to say of the slot, as if these facts were in its window, too.
    pub fn counted_with<'b>(
        &self,
        slot: Slot,
        facts: impl Iterator<Item = ReleasedFact<'b>>,
    ) -> Counted {
        let windows = &self.windows;
        let mut others: Vec<(&[u8], bool)> = facts
            .filter_map(|fact| {
                let known = self.table.find(fact.hash, |id| self.users.is(id, fact.uid));
                let is_in =
                    |slot: Slot| known.is_some_and(|id| windows.is_in(id, slot, &self.users));
                (!is_in(slot)).then(|| (fact.uid, windows.past_of(slot).is_some_and(is_in)))
            })
            .collect();
        others.sort_unstable();
        others.dedup();
        let return_too = others.iter().filter(|(_, returns)| *returns).count();
        Counted {
            users: windows.users_in(slot) + others.len() as u64,
            returning: windows.returning_in(slot) + return_too as u64,
        }
    }

    /// The slot stands for a new window.
    pub fn open(&mut self, slot: Slot) {
        self.windows.open(slot, &mut self.users);
    }

    /// The slot stands for the users before another one's window, just opened.
    pub fn open_past(&mut self, slot: Slot, window: Slot) {
        self.windows.open(slot, &mut self.users);
        self.windows.pair(slot, window);
    }

    /// Users in the slot's window.
    pub fn users_in(&self, slot: Slot) -> u64 {
        self.windows.users_in(slot)
    }

    /// The slot's window is no longer kept.
    pub fn free(&mut self, slot: Slot) {
        self.windows.free(slot);
    }

    /// Frames counted so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The sum of the users in all windows kept now.
    pub fn users(&self) -> u64 {
        self.windows.members()
    }

    /// The largest sum of the users in all windows kept at once.
    pub fn users_peak(&self) -> u64 {
        self.windows.members_peak()
    }
}

/// Forgets whom no kept window holds.
struct Forgetting<'a> {
    users: &'a mut Users,
    windows: &'a Windows,
}

impl Renewal for Forgetting<'_> {
    fn prefetch(&self, id: Id) {
        self.users.prefetch(id);
    }

    fn is_needed(&mut self, id: Id) -> bool {
        let needed = self.windows.hold(id, self.users);
        if !needed {
            self.users.free(id);
        }
        needed
    }
}
