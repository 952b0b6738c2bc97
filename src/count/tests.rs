//! The counter against a plain model: a set of uids for each window.

mod calendar;

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::batch::{BatchEnd, BatchShape};
use crate::clock::verdict::NO_SLOT;

const SLOTS: usize = 7;
const SIZES: usize = 3;
/// In place of a slot: the frame is not counted in a window of this length.
const NOWHERE: usize = usize::MAX;

/// How the test's uids hash.
#[derive(Clone, Copy, Debug)]
enum Hashes {
    /// All alike.
    Same,
    /// Three of them.
    Few,
    /// All in one sub-table, which so grows and is renewed often.
    OneSubTable,
    /// Anywhere.
    Any,
}

impl Hashes {
    fn of(self, user: u16) -> u64 {
        let mixed = (u64::from(user) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = mixed ^ mixed >> 29;
        match self {
            Hashes::Same => 7 << 56,
            Hashes::Few => u64::from(user % 3) << 31,
            Hashes::OneSubTable => mixed >> 8,
            Hashes::Any => mixed,
        }
    }
}

/// Uids of all kinds of length, in the record and not.
fn uid(user: u16) -> String {
    format!("{user}{}", "x".repeat(usize::from(user % 50)))
}

#[derive(Clone, Debug)]
enum Op {
    Open(usize),
    Free(usize),
    /// Windows come and go in a slot, with nobody in them.
    Churn(usize, usize),
    /// Frames of these users, each for these slots as far as they are open.
    Frames(Vec<(u16, [usize; SIZES])>),
}

fn op() -> impl Strategy<Value = Op> {
    let slot = 0..SLOTS;
    // Nearly all users of a moment are near each other, so that many fall idle at once.
    let frames = (0u16..600, vec((0u16..150, [0..SLOTS, 0..SLOTS, 0..SLOTS]), 1..200));
    prop_oneof![
        3 => slot.clone().prop_map(Op::Open),
        2 => slot.clone().prop_map(Op::Free),
        1 => (slot, 1usize..40).prop_map(|(slot, times)| Op::Churn(slot, times)),
        4 => frames.prop_map(|(from, frames)| {
            Op::Frames(frames.into_iter().map(|(user, slots)| (from + user, slots)).collect())
        }),
    ]
}

fn hashes() -> impl Strategy<Value = Hashes> {
    prop_oneof![
        1 => Just(Hashes::Same),
        1 => Just(Hashes::Few),
        4 => Just(Hashes::OneSubTable),
        2 => Just(Hashes::Any)
    ]
}

/// A counter and what it is to say.
struct Checked {
    counter: Counter,
    model: Vec<Option<HashSet<u16>>>,
    hashes: Hashes,
    members_peak: usize,
    frames: u64,
}

impl Checked {
    fn new(hashes: Hashes, group_slots: usize, eras: u64) -> Checked {
        Checked::with_slots(SLOTS, hashes, group_slots, eras)
    }

    fn with_slots(slots: usize, hashes: Hashes, group_slots: usize, eras: u64) -> Checked {
        let windows = Windows::with_groups(slots, group_slots, eras);
        let counter = Counter::with_bounds(windows, USERS_MAX, Budget::new(u64::MAX)).unwrap();
        Checked { counter, model: vec![None; slots], hashes, members_peak: 0, frames: 0 }
    }

    fn open(&mut self, slot: usize) {
        if self.model[slot].is_none() {
            self.counter.open(Slot::try_from(slot).unwrap());
            self.model[slot] = Some(HashSet::new());
        }
    }

    fn free(&mut self, slot: usize) {
        if self.model[slot].take().is_some() {
            self.counter.free(Slot::try_from(slot).unwrap());
        }
    }

    fn frames<const SIZES: usize>(&mut self, frames: &[(u16, [usize; SIZES])]) {
        let shape = BatchShape {
            frames_max: frames.len(),
            uid_bytes_max: frames.len() * 64 + 1024,
            shards: 1,
            series: 1,
            places: SIZES,
            held_bytes: None,
            partitioned: false,
        };
        let mut batch = Batch::new(&shape);
        for &(user, slots) in frames {
            batch.push(0, uid(user).as_bytes(), self.hashes.of(user), 0);
            let mut route = [NO_SLOT; SIZES];
            for (to, slot) in route.iter_mut().zip(slots) {
                if let Some(Some(members)) = self.model.get_mut(slot) {
                    members.insert(user);
                    *to = Slot::try_from(slot).unwrap();
                }
            }
            // A frame for no open window is a refused one.
            let is_counted = route.iter().any(|&slot| slot != NO_SLOT);
            self.frames += u64::from(is_counted);
            let route = if is_counted { batch.verdicts.add_route(&route) } else { REFUSED };
            batch.verdicts.send(route);
        }
        batch.seal(0, BatchEnd::More);
        let places = batch.facts.places(0);
        let mut done = 0;
        while done < places.len() {
            done += self.counter.count(&batch, &places[done..]).unwrap();
        }
        let members: usize = self.model.iter().flatten().map(HashSet::len).sum();
        self.members_peak = self.members_peak.max(members);
    }

    fn check(&self) {
        for (slot, members) in self.model.iter().enumerate() {
            if let Some(members) = members {
                let counted = self.counter.users_in(Slot::try_from(slot).unwrap());
                assert_eq!(counted, members.len() as u64, "slot {slot}");
            }
        }
        assert_eq!(self.counter.users_peak(), self.members_peak as u64);
        assert_eq!(self.counter.frames(), self.frames);
    }
}

proptest! {
    #[test]
    fn windows_hold_whom_plain_sets_hold(
        ops in vec(op(), 1..80),
        hashes in hashes(),
        group_slots in prop_oneof![Just(1usize), Just(2), Just(3), Just(96)],
        eras in prop_oneof![Just(0u64), Just((1 << 32) - 30), Just((5 << 32) - 3)],
    ) {
        let mut checked = Checked::new(hashes, group_slots, eras);
        for op in ops {
            match op {
                Op::Open(slot) => checked.open(slot),
                Op::Free(slot) => checked.free(slot),
                Op::Churn(slot, times) => {
                    checked.free(slot);
                    for _ in 0..times {
                        checked.open(slot);
                        checked.free(slot);
                    }
                }
                Op::Frames(frames) => checked.frames(&frames),
            }
            checked.check();
        }
    }
}

/// Minute after minute of new users, each minute open a little into the next.
#[test]
fn users_come_and_go_and_the_tables_stay_small() {
    let mut checked = Checked::new(Hashes::Any, 32, 0);
    for minute in 0..60u16 {
        let (old, new) = (usize::from(minute + 1) % 2, usize::from(minute) % 2);
        checked.open(new);
        let users = (minute * 1000..minute * 1000 + 1000).collect::<Vec<u16>>();
        for part in users.chunks(100) {
            let frames: Vec<_> = part.iter().map(|&user| (user, [new; SIZES])).collect();
            checked.frames(&frames);
            checked.frames(&frames);
        }
        checked.check();
        checked.free(old);
    }
    // A thousand or two are needed at a time; a sub-table knows its minimum or twice as many.
    let numbers = checked.counter.users.numbers();
    assert!(numbers <= 256 * 48, "{numbers} users were known at once");
}

/// In one sub-table with far more than its minimum of users: a burst, then minutes of fewer, yet not
/// so few that it shrinks.
#[test]
fn known_users_are_at_most_twice_those_needed() {
    let mut checked = Checked::new(Hashes::OneSubTable, 32, 0);
    let mut minute = |users: std::ops::Range<u16>| {
        checked.open(0);
        let frames: Vec<_> = users.map(|user| (user, [0; SIZES])).collect();
        checked.frames(&frames);
        checked.free(0);
        checked.counter.table.known()
    };
    // There is room for 3,072: the next minute is nearly over when it is used up.
    assert_eq!(minute(0..2700), 2700);
    let known: Vec<usize> = (0..30).map(|n| minute(3000 + n * 400..3400 + n * 400)).collect();
    assert!(known[1..].iter().all(|&known| known <= 2 * 400), "{known:?}");
}

#[test]
fn after_a_burst_the_table_shrinks_and_numbers_are_used_again() {
    let mut checked = Checked::new(Hashes::OneSubTable, 32, 0);
    let all: Vec<_> = (0..5000).map(|user| (user, [0; SIZES])).collect();
    checked.open(0);
    all.chunks(4000).for_each(|part| checked.frames(part));
    checked.check();
    let (places, numbers) = (checked.counter.table.places(), checked.counter.users.numbers());
    checked.free(0);
    checked.open(1);
    // As many new ones come until the sub-table is full, then it sees that nobody is needed.
    for user in 5000..12_000 {
        checked.frames(&[(user, [1; SIZES])]);
        if user % 10 == 0 {
            checked.free(1);
            checked.open(1);
        }
    }
    assert!(checked.counter.table.places() < places, "{places} places before");
    let few = checked.counter.users.numbers();
    assert!(few <= numbers * 3 / 2, "{numbers} numbers at the burst, {few} after it");
}

#[test]
fn too_many_users_are_an_error() {
    let mut counter = Counter::with_bounds(Windows::new(1), 3, Budget::new(u64::MAX)).unwrap();
    counter.open(0);
    let shape = BatchShape {
        frames_max: 8,
        uid_bytes_max: 4096,
        shards: 1,
        series: 1,
        places: 1,
        held_bytes: None,
        partitioned: false,
    };
    let mut batch = Batch::new(&shape);
    let route = batch.verdicts.add_route(&[0]);
    for user in [1u16, 2, 3, 1, 4] {
        batch.push(0, uid(user).as_bytes(), Hashes::Any.of(user), 0);
        batch.verdicts.send(route);
    }
    batch.seal(0, BatchEnd::More);
    let places = batch.facts.places(0);
    assert!(matches!(counter.count(&batch, &places[..4]), Ok(4)));
    assert_eq!(counter.users_in(0), 3);
    assert!(matches!(counter.count(&batch, &places[4..]), Err(Error::TooManyUsers)));
}
