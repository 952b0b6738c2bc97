//! Eras: which windows a user is in, one bit a slot, with no bit ever cleared when a window goes.
//!
//! Slots are dealt with in groups of 32. Of each user and group there is one word, [`Seen`]: a bit
//! for each slot whose window the user is in, and the group's *era* when it was written. An era
//! begins with each opening of a slot of the group. Bits of slots opened in a later era than the
//! word's are stale: they speak of an earlier window in the same slot, and count as not set. So
//! opening, closing and freeing a window costs the same whether it has ten users or ten million,
//! and a user's windows of several sizes are settled together, in one word.
//!
//! A word keeps only the low 32 bits of its era. It is right as long as it is less than 2^32
//! eras old; the words are walked through a few at each opening to see to that ([`Era::renew`]).

/// Slots of a group.
pub const GROUP_SLOTS: usize = 32;
/// Openings back for which the stale bits are at hand.
const RECENT: usize = 16;

/// Which of a group's windows a user is in. All zero: in none, in any era.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    era: u32,
    slots: u32,
}

impl Seen {
    /// In no window.
    pub const NONE: Seen = Seen { era: 0, slots: 0 };
}

/// The history of a group's slots.
#[derive(Debug)]
pub struct Era {
    /// Openings so far.
    now: u64,
    /// The era each slot's present window began.
    opened: [u64; GROUP_SLOTS],
    /// Slots whose windows are kept.
    kept: u32,
    /// Slots opened in the last *n* openings.
    since: [u32; RECENT],
}

impl Era {
    /// Before the first window; eras are numbered from this one on.
    pub fn starting_at(now: u64) -> Era {
        Era { now, opened: [now; GROUP_SLOTS], kept: 0, since: [0; RECENT] }
    }

    /// A slot stands for a new window.
    pub fn open(&mut self, slot: usize) {
        let bit = 1 << slot;
        debug_assert_eq!(self.kept & bit, 0, "a slot is freed before it opens");
        self.kept |= bit;
        self.now += 1;
        self.opened[slot] = self.now;
        for n in (1..RECENT).rev() {
            self.since[n] = self.since[n - 1] | bit;
        }
    }

    /// A slot's window is no longer kept.
    pub fn free(&mut self, slot: usize) {
        self.kept &= !(1 << slot);
    }

    /// Adds a user to the windows of these slots, all kept; gives back those that are new to him.
    #[inline]
    pub fn add(&self, seen: &mut Seen, slots: u32) -> u32 {
        let held = seen.slots & !self.stale(*seen);
        *seen = Seen { era: self.low(), slots: held | slots };
        slots & !held
    }

    /// Whether any kept window holds the user.
    #[inline]
    pub fn holds(&self, seen: Seen) -> bool {
        seen.slots & self.kept & !self.stale(seen) != 0
    }

    /// Whether the user is in the window of a slot that is kept.
    pub fn is_in(&self, seen: Seen, slot: usize) -> bool {
        seen.slots & !self.stale(seen) & (1 << slot) != 0
    }

    /// Writes the word anew in the present era; it means the same.
    pub fn renew(&self, seen: &mut Seen) {
        self.add(seen, 0);
    }

    /// Eras since the word was written.
    #[inline]
    pub fn age(&self, seen: Seen) -> u32 {
        self.low().wrapping_sub(seen.era)
    }

    #[inline]
    fn low(&self) -> u32 {
        // By design: see the header.
        #[allow(clippy::cast_possible_truncation)]
        let low = self.now as u32;
        low
    }

    /// The slots opened since the word was written.
    #[inline]
    fn stale(&self, seen: Seen) -> u32 {
        let age = self.age(seen);
        match self.since.get(age as usize) {
            Some(&slots) => slots,
            None => self.stale_long(age),
        }
    }

    #[cold]
    fn stale_long(&self, age: u32) -> u32 {
        let opened = self.opened.iter().enumerate();
        opened
            .filter(|&(_, &opened)| self.now - opened < u64::from(age))
            .fold(0, |slots, (slot, _)| slots | 1 << slot)
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
            assert_eq!(era.add(&mut seen, 1 << 3), 1 << 3);
            assert_eq!(era.add(&mut seen, 1 << 3), 0);
            let untouched = seen;
            // Other windows come and go, more often than is remembered at hand.
            for _ in 0..RECENT * 3 {
                era.open(5);
                assert_eq!(era.add(&mut seen, 1 << 3 | 1 << 5), 1 << 5);
                era.free(5);
                assert!(era.holds(seen) && era.holds(untouched));
            }
            era.free(3);
            assert!(!era.holds(seen) && !era.holds(untouched));
            era.open(3);
            assert!(!era.holds(seen) && !era.holds(untouched));
            for mut seen in [seen, untouched] {
                assert_eq!(era.add(&mut seen, 1 << 3), 1 << 3);
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
            era.add(&mut seen, 1 << 3);
            others(&mut era, before);
            era.free(3);
            era.open(3);
            others(&mut era, after);
            assert!(!era.holds(seen), "{before}, {after}");
            assert_eq!(era.add(&mut seen, 1 << 3), 1 << 3, "{before}, {after}");
        }
    }

    #[test]
    fn a_renewed_word_means_the_same() {
        let mut era = Era::starting_at(0);
        (0..4).for_each(|slot| era.open(slot));
        let mut seen = Seen::NONE;
        era.add(&mut seen, 0b1011);
        era.free(1);
        era.open(1);
        era.renew(&mut seen);
        assert_eq!(seen, Seen { era: 5, slots: 0b1001 });
    }
}
