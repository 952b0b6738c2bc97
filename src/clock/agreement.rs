//! Agreement: what moves one partition's clock. One time never does; some of its last 64 do.
//!
//! Kept are the last times in a ring, and those of them above the clock in order. Nothing can change
//! while fewer than `small` lie above it, so a run of frames at or below the clock costs a copy. (Where
//! more do, a frame below can move the clock: one that was too far ahead falls out, and the next is not.)
//! Belongs to one partition, on the clock's thread. Which times agree at all is the caller's business.

use serde::{Deserialize, Serialize};

use crate::limits::AGREE_LAST_MAX;

/// How many frames have to agree: `small` of the `last` on a step of at most keep, `large` of them on
/// any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agree {
    /// For a small step.
    pub small: usize,
    /// For a large one; not fewer.
    pub large: usize,
    /// Of so many times; not fewer than `large`, at most [`AGREE_LAST_MAX`].
    pub last: usize,
}

impl Agree {
    /// One frame is enough: the clock is the largest time so far.
    pub const ONE: Agree = Agree { small: 1, large: 1, last: 1 };
}

impl Default for Agree {
    fn default() -> Agree {
        Agree { small: 8, large: 33, last: 64 }
    }
}

/// One partition's clock and what it rests on.
#[derive(Clone, Debug)]
pub struct Agreement {
    rule: Agree,
    keep_s: i64,
    clock_s: Option<i64>,
    /// The last times; before there are `last` of them, the first `len`.
    ring: [i64; AGREE_LAST_MAX],
    len: usize,
    /// Where the next one goes.
    next: usize,
    /// Those of the ring above the clock, ascending. With no clock all are.
    above: Vec<i64>,
    /// What the time seen last took the place of.
    fell_out_s: Option<i64>,
}

/// What has to be known of an [`Agreement`] to go on with it elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The clock, unix seconds; none before there is one.
    pub clock_s: Option<i64>,
    /// The last times, in order.
    pub times_s: Vec<i64>,
}

impl Agreement {
    /// No time yet.
    pub fn new(rule: Agree, keep_s: u32) -> Agreement {
        debug_assert!(0 < rule.small && rule.small <= rule.large && rule.large <= rule.last);
        Agreement {
            rule,
            keep_s: i64::from(keep_s),
            clock_s: None,
            ring: [0; AGREE_LAST_MAX],
            len: 0,
            next: 0,
            above: Vec::with_capacity(rule.last + 1),
            fell_out_s: None,
        }
    }

    /// Goes on where another one was.
    pub fn resume(&mut self, past: &Past) {
        (self.len, self.next, self.clock_s) = (0, 0, past.clock_s);
        self.above.clear();
        for &time_s in &past.times_s {
            self.keep(time_s);
        }
    }

    /// What another one needs to go on from here.
    pub fn past(&self) -> Past {
        let oldest = if self.len < self.rule.last { 0 } else { self.next };
        let (later, earlier) = self.ring[..self.len].split_at(oldest);
        Past { clock_s: self.clock_s, times_s: [earlier, later].concat() }
    }

    /// What another one needs to go on from before the last frame, when the clock was this; `agreed`
    /// says whether its time is one of those seen.
    pub fn past_before(&self, clock_s: Option<i64>, agreed: bool) -> Past {
        let Past { mut times_s, .. } = self.past();
        if agreed {
            times_s.pop();
            times_s.splice(..0, self.fell_out_s);
        }
        Past { clock_s, times_s }
    }

    /// The clock; none before enough frames agreed on one.
    #[inline]
    pub fn clock_s(&self) -> Option<i64> {
        self.clock_s
    }

    /// The time a small agreement has come to, if it is above the clock.
    pub fn small_s(&self) -> Option<i64> {
        Some(self.above[self.above.len().checked_sub(self.rule.small)?])
    }

    /// A time at which frames exist by agreement: the clock, or above it the largest time from which on
    /// `small` of the last lie within so many seconds; none without a clock. Times far from one another
    /// agree on nothing, however many they are.
    pub fn existing_s(&self, within_s: i64) -> Option<i64> {
        let are_near = |times_s: &&[i64]| {
            let (first_s, last_s) = (times_s[0], times_s[times_s.len() - 1]);
            last_s <= first_s.saturating_add(within_s)
        };
        let near = self.above.windows(self.rule.small).rev().find(are_near);
        self.clock_s.map(|clock_s| near.map_or(clock_s, |times_s| clock_s.max(times_s[0])))
    }

    /// Whether times at or below the clock change nothing.
    #[inline]
    pub fn is_calm(&self) -> bool {
        self.above.len() < self.rule.small
    }

    /// The next times, none of them above the clock, while it is calm.
    #[inline]
    pub fn see_below(&mut self, times_s: &[i64]) {
        let times_s = &times_s[times_s.len().saturating_sub(self.rule.last)..];
        if !self.above.is_empty() || self.len < self.rule.last {
            for &time_s in times_s {
                self.keep(time_s);
            }
            return;
        }
        let (first, rest) = times_s.split_at(times_s.len().min(self.rule.last - self.next));
        self.ring[self.next..self.next + first.len()].copy_from_slice(first);
        self.ring[..rest.len()].copy_from_slice(rest);
        self.next = (self.next + times_s.len()) % self.rule.last;
    }

    /// The next time; true if that moved the clock.
    pub fn see(&mut self, time_s: i64) -> bool {
        self.keep(time_s);
        self.look()
    }

    /// A frame has come whose time agrees with nobody; true if the clock moved all the same, as what was
    /// a large step before may be a small one now.
    pub fn look(&mut self) -> bool {
        let Some(small_s) = self.small_s() else { return false };
        let to_s = match self.clock_s {
            None => small_s,
            Some(clock_s) => {
                let large = self.above.len().checked_sub(self.rule.large);
                let large_s = large.map(|index| self.above[index]);
                let step_s = (small_s <= clock_s.saturating_add(self.keep_s)).then_some(small_s);
                match step_s.max(large_s) {
                    Some(to_s) => to_s,
                    None => return false,
                }
            }
        };
        self.clock_s = Some(to_s);
        let passed = self.above.partition_point(|&above_s| above_s <= to_s);
        self.above.drain(..passed);
        true
    }

    /// Makes a time the newest of the last ones.
    fn keep(&mut self, time_s: i64) {
        let is_above = |time_s| self.clock_s.is_none_or(|clock_s| time_s > clock_s);
        let is_full = self.len == self.rule.last;
        self.fell_out_s = is_full.then_some(self.ring[self.next]);
        if !is_full {
            self.len += 1;
        } else if is_above(self.ring[self.next])
            && let Ok(index) = self.above.binary_search(&self.ring[self.next])
        {
            self.above.remove(index);
        }
        self.ring[self.next] = time_s;
        self.next = (self.next + 1) % self.rule.last;
        if is_above(time_s) {
            // Nearly always the largest.
            let index = self.above.partition_point(|&above_s| above_s <= time_s);
            self.above.insert(index, time_s);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule of the design as it stands there: sorted anew for each frame.
    struct Plain {
        rule: Agree,
        keep_s: i64,
        clock_s: Option<i64>,
        last: Vec<i64>,
    }

    impl Plain {
        fn kth(&self, k: usize) -> Option<i64> {
            let mut sorted = self.last.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            sorted.get(k - 1).copied()
        }

        /// The largest time from which on enough of the last lie within so many seconds.
        fn near_s(&self, within_s: i64) -> i64 {
            let enough = |&&from_s: &&i64| {
                let near = |&time_s: &i64| (from_s..=from_s + within_s).contains(&time_s);
                self.last.iter().filter(|time_s| near(time_s)).count() >= self.rule.small
            };
            self.last.iter().filter(enough).max().copied().unwrap_or(i64::MIN)
        }

        fn see(&mut self, time_s: i64) {
            self.last.push(time_s);
            if self.last.len() > self.rule.last {
                self.last.remove(0);
            }
            let (small, large) = (self.kth(self.rule.small), self.kth(self.rule.large));
            self.clock_s = match self.clock_s {
                None => small,
                Some(clock_s) => {
                    let small = small.filter(|&small_s| small_s <= clock_s + self.keep_s);
                    Some(clock_s).max(small).max(large)
                }
            };
        }
    }

    fn random(state: &mut u64) -> u64 {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    #[test]
    fn it_is_the_rule_of_the_design() {
        let mut state = 1;
        for case in 0..300_u64 {
            let rule = match case % 4 {
                0 => Agree { small: 2, large: 4, last: 5 },
                1 => Agree::ONE,
                _ => Agree::default(),
            };
            let keep_s = [0, 10, 3600][usize::try_from(case % 3).unwrap()];
            let mut agreement = Agreement::new(rule, keep_s);
            let mut plain =
                Plain { rule, keep_s: i64::from(keep_s), clock_s: None, last: Vec::new() };
            let mut now_s = 1000_i64;
            let mut at = 0;
            while at < 400 {
                // In order, all over the place, or a step far ahead for a while.
                now_s += i64::try_from(random(&mut state) % 3).unwrap();
                if random(&mut state).is_multiple_of(100) {
                    now_s += 10_000;
                }
                let jitter = if random(&mut state).is_multiple_of(8) {
                    random(&mut state) % 30_000
                } else {
                    0
                };
                let time_s =
                    now_s + i64::try_from(jitter).unwrap() - 15_000 * i64::from(jitter > 0);
                let below: Vec<i64> = (0..random(&mut state) % 90)
                    .filter_map(|n| Some(plain.clock_s? - i64::try_from(n % 7).ok()?))
                    .collect();
                if random(&mut state).is_multiple_of(10) && agreement.is_calm() {
                    agreement.see_below(&below);
                    below.iter().for_each(|&time_s| plain.see(time_s));
                }
                let (before, past) = (agreement.clock_s(), agreement.past());
                let moved = agreement.see(time_s);
                plain.see(time_s);
                assert_eq!(agreement.clock_s(), plain.clock_s, "case {case}, frame {at}");
                assert_eq!(moved, before != plain.clock_s, "case {case}, frame {at}");
                let exists = plain.clock_s.map(|clock_s| plain.near_s(6000).max(clock_s));
                assert_eq!(agreement.existing_s(6000), exists, "case {case}, frame {at}");
                assert_eq!(agreement.past().times_s, plain.last);
                assert_eq!(agreement.past_before(before, true), past);
                if random(&mut state).is_multiple_of(50) {
                    let mut other = Agreement::new(rule, keep_s);
                    other.resume(&agreement.past());
                    agreement = other;
                }
                at += 1;
            }
        }
    }

    #[test]
    fn the_first_clock_is_the_smallest_of_the_first_eight() {
        let mut agreement = Agreement::new(Agree::default(), 3600);
        for time_s in [100, 90_000, 101, 102, 99, 103, 104] {
            assert!(!agreement.see(time_s));
        }
        assert_eq!(agreement.existing_s(600), None);
        assert!(agreement.see(105));
        assert_eq!(agreement.clock_s(), Some(99));
    }

    #[test]
    fn a_small_step_takes_eight_and_a_large_one_a_majority() {
        let mut agreement = Agreement::new(Agree::default(), 3600);
        (0..64).for_each(|_| assert!(!agreement.see(0) || agreement.clock_s() == Some(0)));
        assert!((0..7).all(|_| !agreement.see(3600)));
        assert!(agreement.see(3600));
        // One second more than keep: all 33 of them.
        let mut agreement = Agreement::new(Agree::default(), 3600);
        (0..64).for_each(|_| assert!(!agreement.see(0) || agreement.clock_s() == Some(0)));
        assert!((0..32).all(|_| !agreement.see(3601)));
        assert_eq!(agreement.existing_s(0), Some(3601));
        assert!(agreement.see(3601));
    }
}
