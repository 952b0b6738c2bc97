//! Eras: which windows a user is in, one bit a slot, with no bit ever cleared when a window goes.
//!
//! Slots are dealt with in groups of 96. Of each user and group there is one word, [`Seen`]: a bit
//! for each slot whose window the user is in, and the group's *era* when it was written. An era
//! begins with each opening of a slot of the group. Bits of slots opened in a later era than the
//! word's are stale: they speak of an earlier window in the same slot, and count as not set. So
//! opening, closing and freeing a window costs the same whether it has ten users or ten million,
//! and a user's windows of several sizes are settled together, in one word.
//!
//! Which slots were opened since the word was written is at hand for the last `RECENT` openings.
//! Of an older word only the kept windows that are older still can hold; they are few.
//!
//! A word keeps only the low 32 bits of its era. It is right as long as it is less than 2^32
//! eras old; the words are walked through a few at each opening to see to that ([`Era::renew`]).

/// Slots of a group: the minutes of an hour, kept for revisions, and the windows of every other
/// length beside them.
pub const GROUP_SLOTS: usize = 96;
/// Openings back for which the stale bits are at hand.
const RECENT: usize = if cfg!(test) { 16 } else { 128 };

/// Some slots of a group, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slots(u128);

/// The bits of a word that are its era.
const ERA_BITS: u32 = u32::BITS;
const ERA: u128 = u32::MAX as u128;

impl Slots {
    /// One slot.
    #[inline]
    pub fn one(slot: usize) -> Slots {
        debug_assert!(slot < GROUP_SLOTS);
        Slots(1 << ERA_BITS << slot)
    }

    /// These and those.
    #[inline]
    #[must_use]
    pub fn and(self, other: Slots) -> Slots {
        Slots(self.0 | other.0)
    }

    /// Whether there is none.
    #[inline]
    pub fn are_none(self) -> bool {
        self.0 == 0
    }
}

impl Iterator for Slots {
    type Item = usize;

    /// The lowest one, which is taken out.
    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() - ERA_BITS;
        self.0 &= self.0 - 1;
        Some(slot as usize)
    }
}

/// Which of a group's windows a user is in: the era in the low 32 bits, the slots in the others. All
/// zero: in none, in any era.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen([u64; 2]);

impl Seen {
    /// In no window.
    pub const NONE: Seen = Seen([0; 2]);

    #[inline]
    fn get(self) -> u128 {
        u128::from(self.0[0]) | u128::from(self.0[1]) << 64
    }

    #[inline]
    fn of(word: u128) -> Seen {
        // The two halves.
        #[allow(clippy::cast_possible_truncation)]
        let halves = [word as u64, (word >> 64) as u64];
        Seen(halves)
    }
}

/// The history of a group's slots.
#[derive(Debug)]
pub struct Era {
    /// Openings so far.
    now: u64,
    /// The era each slot's present window began.
    opened: [u64; GROUP_SLOTS],
    /// Slots whose windows are kept.
    kept: u128,
    /// Slots opened in the last *n* openings.
    since: [u128; RECENT],
    /// Kept slots opened before those, each with its era.
    old: Vec<(u64, Slots)>,
}

impl Era {
    /// Before the first window; eras are numbered from this one on.
    pub fn starting_at(now: u64) -> Era {
        Era {
            now,
            opened: [now; GROUP_SLOTS],
            kept: 0,
            since: [0; RECENT],
            old: Vec::with_capacity(GROUP_SLOTS),
        }
    }

    /// A slot stands for a new window.
    pub fn open(&mut self, slot: usize) {
        let Slots(bit) = Slots::one(slot);
        debug_assert_eq!(self.kept & bit, 0, "a slot is freed before it opens");
        self.kept |= bit;
        self.now += 1;
        self.opened[slot] = self.now;
        for n in (1..RECENT).rev() {
            self.since[n] = self.since[n - 1] | bit;
        }
        self.old.clear();
        for slot in Slots(self.kept) {
            if self.now - self.opened[slot] >= RECENT as u64 - 1 {
                self.old.push((self.opened[slot], Slots::one(slot)));
            }
        }
    }

    /// A slot's window is no longer kept.
    pub fn free(&mut self, slot: usize) {
        self.kept &= !Slots::one(slot).0;
    }

    /// Adds a user to the windows of these slots, all kept; gives back those that are new to him.
    #[inline]
    pub fn add(&self, seen: &mut Seen, slots: Slots) -> Slots {
        let held = seen.get() & !ERA & !self.stale(*seen);
        *seen = Seen::of(u128::from(self.low()) | held | slots.0);
        Slots(slots.0 & !held)
    }

    /// Whether any kept window holds the user.
    #[inline]
    pub fn holds(&self, seen: Seen) -> bool {
        seen.get() & self.kept & !self.stale(seen) != 0
    }

    /// Whether the user is in the window of a slot that is kept.
    pub fn is_in(&self, seen: Seen, slot: usize) -> bool {
        seen.get() & Slots::one(slot).0 & !self.stale(seen) != 0
    }

    /// Writes the word anew in the present era; it means the same.
    pub fn renew(&self, seen: &mut Seen) {
        self.add(seen, Slots::default());
    }

    /// Eras since the word was written.
    #[inline]
    pub fn age(&self, seen: Seen) -> u32 {
        // By design: see the header.
        #[allow(clippy::cast_possible_truncation)]
        let era = seen.0[0] as u32;
        self.low().wrapping_sub(era)
    }

    #[inline]
    fn low(&self) -> u32 {
        // By design: see the header.
        #[allow(clippy::cast_possible_truncation)]
        let low = self.now as u32;
        low
    }

    /// The slots opened since the word was written; of those not kept perhaps fewer, which nobody can
    /// tell: they open before they are looked at.
    #[inline]
    fn stale(&self, seen: Seen) -> u128 {
        let age = self.age(seen);
        match self.since.get(age as usize) {
            Some(&slots) => slots,
            None => self.stale_long(age),
        }
    }

    #[cold]
    fn stale_long(&self, age: u32) -> u128 {
        let later = self.old.iter().filter(|&&(opened, _)| self.now - opened < u64::from(age));
        later.fold(self.since[RECENT - 1], |slots, &(_, Slots(bit))| slots | bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_lasts_as_long_as_its_window() {
        for start in [0, (1 << 32) - 20] {
            let mut era = Era::starting_at(start);
            era.open(3);
            let mut seen = Seen::NONE;
            assert_eq!(era.add(&mut seen, Slots::one(3)), Slots::one(3));
            assert_eq!(era.add(&mut seen, Slots::one(3)), Slots::default());
            let untouched = seen;
            // Other windows come and go, more often than is remembered at hand.
            for _ in 0..RECENT * 3 {
                era.open(5);
                assert_eq!(era.add(&mut seen, Slots::one(3).and(Slots::one(5))), Slots::one(5));
                era.free(5);
                assert!(era.holds(seen) && era.holds(untouched));
            }
            era.free(3);
            assert!(!era.holds(seen) && !era.holds(untouched));
            era.open(3);
            assert!(!era.holds(seen) && !era.holds(untouched));
            for mut seen in [seen, untouched] {
                assert_eq!(era.add(&mut seen, Slots::one(3)), Slots::one(3));
            }
        }
    }

    #[test]
    fn a_bit_is_stale_from_the_next_opening_of_its_slot_on() {
        // The slot is opened again this many openings after the word; then others are.
        for (before, after) in [(0, 0), (0, 1), (0, RECENT * 2), (1, RECENT * 2), (RECENT, RECENT)]
        {
            let mut era = Era::starting_at(0);
            let others = |era: &mut Era, times| {
                for _ in 0..times {
                    era.open(7);
                    era.free(7);
                }
            };
            era.open(3);
            let mut seen = Seen::NONE;
            era.add(&mut seen, Slots::one(3));
            others(&mut era, before);
            era.free(3);
            era.open(3);
            others(&mut era, after);
            assert!(!era.holds(seen), "{before}, {after}");
            assert_eq!(era.add(&mut seen, Slots::one(3)), Slots::one(3), "{before}, {after}");
        }
    }

    #[test]
    fn a_renewed_word_means_the_same() {
        let mut era = Era::starting_at(0);
        (0..4).for_each(|slot| era.open(slot));
        let mut seen = Seen::NONE;
        era.add(&mut seen, Slots::one(0).and(Slots::one(1)).and(Slots::one(3)));
        era.free(1);
        era.open(1);
        era.renew(&mut seen);
        let held = Slots::one(0).and(Slots::one(3));
        assert_eq!(seen, Seen::of(5 | held.0));
    }
}
