//! The windows' slots: who is in which window, and how many.
//!
//! Slots are dealt with in groups (see [`super::era`]). A user's word of the first group lies in
//! his record, where it is at hand; a default run has no other group. Words of further groups
//! (results that can be revised for more than an hour) lie in pages of their own, by the same
//! numbers, made when a window of that group first gets a user of that page.
//!
//! A slot may be the past of another: who is in both is counted when he comes into the second of them.

use super::budget::{Budget, NoRoom};
use super::era::{Era, GROUP_SLOTS, Seen, Slots};
use super::journal::Journal;
use super::users::{Id, PAGE_USERS, Users};
use crate::clock::verdict::{NO_SLOT, Slot};
use crate::prefetch::prefetch;

/// Words written anew at each opening. With at most 2^32 users a word is then never 2^27 eras old.
const RENEWED: u32 = 64;

type Page = Option<Box<[Seen]>>;

#[derive(Debug)]
struct Group {
    era: Era,
    /// The user whose word is written anew next.
    renewed: u32,
    /// Words by user; of the first group they are in the users' records.
    pages: Vec<Page>,
}

/// What a slot is paired with.
#[derive(Clone, Copy, Debug)]
struct Other {
    slot: Slot,
    is_past: bool,
}

/// Some slots of one group.
#[derive(Clone, Copy, Debug)]
pub struct GroupSlots {
    group: usize,
    slots: Slots,
}

/// The slots of one counter.
#[derive(Debug)]
pub struct Windows {
    group_slots: usize,
    /// Up to the highest slot ever opened, as the lowest are opened first.
    groups: Vec<Group>,
    /// Of a group that is not there yet.
    eras: u64,
    /// Users in each slot's window.
    users: Vec<u64>,
    /// By slot its past's, or of a past its window's. Empty as long as there never was a past.
    others: Vec<Option<Other>>,
    /// By slot those of its users who are in its past, too.
    returning: Vec<u64>,
    /// Their sum over the kept windows, and its peak.
    members: u64,
    members_peak: u64,
    /// Where checkpoints are made.
    journal: Option<Journal>,
}

impl Windows {
    /// So many slots, none open.
    pub fn new(slots: usize) -> Windows {
        Windows::with_groups(slots, GROUP_SLOTS, 0)
    }

    /// The same with smaller groups, or a long past: for tests.
    pub(super) fn with_groups(slots: usize, group_slots: usize, eras: u64) -> Windows {
        Windows {
            group_slots,
            groups: Vec::new(),
            eras,
            users: vec![0; slots],
            others: Vec::new(),
            returning: Vec::new(),
            members: 0,
            members_peak: 0,
            journal: None,
        }
    }

    /// From here on it is noted who comes into which window.
    pub fn keep_journal(&mut self) {
        self.journal = Some(Journal::new(self.users.len()));
    }

    /// What is noted, if it is.
    pub fn journal_mut(&mut self) -> Option<&mut Journal> {
        self.journal.as_mut()
    }

    /// Bytes a user takes at most in the groups of this many slots, the first left out.
    pub fn bytes_for(slots: usize) -> u64 {
        (slots.div_ceil(GROUP_SLOTS).saturating_sub(1) * size_of::<Seen>()) as u64
    }

    fn place(&self, slot: Slot) -> (usize, usize) {
        let slot = usize::from(slot);
        (slot / self.group_slots, slot % self.group_slots)
    }

    /// The slot stands for a new window.
    pub fn open(&mut self, slot: Slot, users: &mut Users) {
        let (index, slot_in_group) = self.place(slot);
        self.users[usize::from(slot)] = 0;
        while self.groups.len() <= index {
            let era = Era::starting_at(self.eras);
            self.groups.push(Group { era, renewed: 0, pages: Vec::new() });
        }
        let group = &mut self.groups[index];
        group.era.open(slot_in_group);
        let from = if group.renewed < users.numbers() { group.renewed } else { 0 };
        let to = users.numbers().min(from.saturating_add(RENEWED));
        for id in from..to {
            let seen = match index {
                0 => Some(users.seen_mut(id)),
                _ => known_word(&mut group.pages, id),
            };
            if let Some(seen) = seen {
                group.era.renew(seen);
            }
        }
        group.renewed = to;
    }

    /// Users in the slot's window.
    pub fn users_in(&self, slot: Slot) -> u64 {
        self.users[usize::from(slot)]
    }

    /// The slot is the past of another one's window; both are open and empty.
    pub fn pair(&mut self, past: Slot, window: Slot) {
        self.others.resize(self.users.len(), None);
        self.returning.resize(self.users.len(), 0);
        self.others[usize::from(window)] = Some(Other { slot: past, is_past: true });
        self.others[usize::from(past)] = Some(Other { slot: window, is_past: false });
        self.returning[usize::from(window)] = 0;
    }

    /// The slot of a window's past, if it has one.
    pub fn past_of(&self, slot: Slot) -> Option<Slot> {
        let other = self.others.get(usize::from(slot)).copied().flatten();
        other.filter(|other| other.is_past).map(|other| other.slot)
    }

    /// Users in the slot's window who are in its past, too.
    pub fn returning_in(&self, slot: Slot) -> u64 {
        self.past_of(slot).map_or(0, |_| self.returning[usize::from(slot)])
    }

    /// A user is new in this slot: counts him where he is in the other one of its pair, too.
    #[cold]
    #[inline(never)]
    fn meet(&mut self, id: Id, slot: usize, users: &Users) {
        let Some(Some(other)) = self.others.get(slot).copied() else { return };
        if self.is_in(id, other.slot, users) {
            let window = if other.is_past { slot } else { usize::from(other.slot) };
            self.returning[window] += 1;
        }
    }

    /// The slot's window is no longer kept.
    pub fn free(&mut self, slot: Slot) {
        let (group, slot_in_group) = self.place(slot);
        self.groups[group].era.free(slot_in_group);
        if let Some(other) = self.others.get_mut(usize::from(slot)) {
            *other = None;
        }
        self.members_peak = self.members_peak();
        self.members -= self.users[usize::from(slot)];
        if let Some(journal) = &mut self.journal {
            journal.free(usize::from(slot));
        }
    }

    /// The sum of the users in all kept windows.
    pub fn members(&self) -> u64 {
        self.members
    }

    /// The largest sum of the users in all kept windows.
    pub fn members_peak(&self) -> u64 {
        self.members_peak.max(self.members)
    }

    /// One slot.
    pub fn one(&self, slot: Slot) -> GroupSlots {
        let (group, slot_in_group) = self.place(slot);
        GroupSlots { group, slots: Slots::one(slot_in_group) }
    }

    /// Puts a route's slots together by group.
    pub fn by_group(&self, slots: &[Slot], grouped: &mut Vec<GroupSlots>) {
        grouped.clear();
        for &slot in slots.iter().filter(|&&slot| slot != NO_SLOT) {
            let (group, slot_in_group) = self.place(slot);
            match grouped.iter_mut().find(|known| known.group == group) {
                Some(known) => known.slots = known.slots.and(Slots::one(slot_in_group)),
                None => grouped.push(GroupSlots { group, slots: Slots::one(slot_in_group) }),
            }
        }
    }

    /// Asks for a user's words of these groups, the first left out.
    #[inline]
    pub fn prefetch(&self, id: Id, groups: &[GroupSlots]) {
        for to in groups.iter().filter(|to| to.group > 0) {
            let page = self.groups[to.group].pages.get(id as usize / PAGE_USERS);
            if let Some(page) = page.and_then(Option::as_ref) {
                prefetch(&page[id as usize % PAGE_USERS]);
            }
        }
    }

    /// A user is in the windows of these slots.
    #[inline]
    pub fn add(
        &mut self,
        id: Id,
        to: GroupSlots,
        users: &mut Users,
        budget: &mut Budget,
    ) -> Result<(), NoRoom> {
        let group = &mut self.groups[to.group];
        let seen = match to.group {
            0 => users.seen_mut(id),
            _ => word(&mut group.pages, id, budget)?,
        };
        let new = group.era.add(seen, to.slots);
        for slot in new {
            let at = to.group * self.group_slots + slot;
            self.users[at] += 1;
            self.members += 1;
            if let Some(journal) = &mut self.journal {
                journal.member(at, id, budget)?;
            }
        }
        if !self.others.is_empty() {
            for slot in new {
                self.meet(id, to.group * self.group_slots + slot, users);
            }
        }
        Ok(())
    }

    /// Whether the user is in the slot's window.
    pub fn is_in(&self, id: Id, slot: Slot, users: &Users) -> bool {
        let (index, slot_in_group) = self.place(slot);
        let seen = match index {
            0 => Some(users.seen(id)),
            _ => self.groups[index]
                .pages
                .get(id as usize / PAGE_USERS)
                .and_then(Option::as_ref)
                .map(|page| page[id as usize % PAGE_USERS]),
        };
        seen.is_some_and(|seen| self.groups[index].era.is_in(seen, slot_in_group))
    }

    /// Whether any kept window holds the user.
    #[inline]
    pub fn hold(&self, id: Id, users: &Users) -> bool {
        let Some((first, more)) = self.groups.split_first() else { return false };
        first.era.holds(users.seen(id))
            || more.iter().any(|group| {
                let page = group.pages.get(id as usize / PAGE_USERS);
                page.and_then(Option::as_ref)
                    .is_some_and(|page| group.era.holds(page[id as usize % PAGE_USERS]))
            })
    }
}

/// A user's word in these pages, if it was ever written.
fn known_word(pages: &mut [Page], id: Id) -> Option<&mut Seen> {
    let page = pages.get_mut(id as usize / PAGE_USERS)?.as_mut()?;
    Some(&mut page[id as usize % PAGE_USERS])
}

/// A user's word in these pages, made if need be.
fn word<'a>(pages: &'a mut Vec<Page>, id: Id, budget: &mut Budget) -> Result<&'a mut Seen, NoRoom> {
    let page = id as usize / PAGE_USERS;
    if pages.get(page).is_none_or(Option::is_none) {
        budget.take(PAGE_USERS * size_of::<Seen>())?;
    }
    if page >= pages.len() {
        pages.resize_with(page + 1, || None);
    }
    let page = pages[page].get_or_insert_with(|| vec![Seen::NONE; PAGE_USERS].into());
    Ok(&mut page[id as usize % PAGE_USERS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_grows_old() {
        // Two groups of two slots: the words of both kinds.
        let mut windows = Windows::with_groups(4, 2, 0);
        let (mut users, mut room) = (Users::new(1000), Budget::new(u64::MAX));
        let ids: Vec<Id> = (0..500).map(|_| users.add(b"u", &mut room).unwrap()).collect();
        let mut grouped = Vec::new();
        for slot in [0, 2] {
            windows.open(slot, &mut users);
            windows.by_group(&[slot], &mut grouped);
            for &id in &ids {
                windows.add(id, grouped[0], &mut users, &mut room).unwrap();
            }
        }
        for _ in 0..50 {
            for slot in [1, 3] {
                windows.open(slot, &mut users);
                windows.free(slot);
            }
        }
        for &id in &ids {
            let words = [users.seen(id), *known_word(&mut windows.groups[1].pages, id).unwrap()];
            for (group, seen) in windows.groups.iter().zip(words) {
                let age = group.era.age(seen);
                assert!(age <= 500 / RENEWED + 2, "user {id} is {age} eras behind");
            }
        }
        assert_eq!((windows.users_in(0), windows.users_in(2)), (500, 500));
    }

    #[test]
    fn slots_of_one_group_are_settled_together() {
        let windows = Windows::with_groups(100, 32, 0);
        let mut grouped = Vec::new();
        windows.by_group(&[3, 40, NO_SLOT, 31, 64, 41], &mut grouped);
        let found: Vec<_> = grouped.iter().map(|of| (of.group, of.slots.collect())).collect();
        assert_eq!(found, [(0, vec![3, 31]), (1, vec![8, 9]), (2, vec![0])]);
    }
}
