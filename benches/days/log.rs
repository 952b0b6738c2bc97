//! A log of many days, and the plain answer to what it holds.
//!
//! Two frames a user and day, users drawn uniformly, so that six in seven are there each day (1 - e⁻²).
//! One frame in 64 is up to four seconds late, which is no window's lag. Batches hold 504 frames, as many
//! of 2,080 bytes as a chunk has, and go round in a pool, so that they are as warm as a scanner leaves them.

use std::collections::BTreeMap;
use std::fmt::Write;

use headcount::batch::{Batch, BatchEnd};
use headcount::clock::verdict::Counted;
use headcount::count::hash::UidHasher;

use crate::random;

/// Frames of a batch.
pub(crate) const BATCH_FRAMES: usize = 504;
/// Batches of the pool: of two scanners.
pub(crate) const POOL_BATCHES: usize = 16;
const FRAMES_A_USER_AND_DAY: u64 = 2;
pub(crate) const DAY_S: u64 = 86_400;
/// 2023-11-14T00:00:00Z.
const BEGIN_S: i64 = 1_699_920_000;

/// By series and the second a window is named by, what is to be said of it.
pub(crate) type Answer = BTreeMap<(u8, i64), Counted>;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    pub(crate) users: u64,
    pub(crate) days: u64,
}

impl Log {
    fn frames_a_day(&self) -> u64 {
        FRAMES_A_USER_AND_DAY * self.users
    }

    /// Frames of the first so many days.
    pub(crate) fn frames_in(&self, days: u64) -> u64 {
        days * self.frames_a_day()
    }

    /// The frames in order.
    pub(crate) fn read(&self) -> Reading {
        Reading { log: *self, random: 1, frame: 0, hasher: UidHasher::new(1), uid: String::new() }
    }

    /// What days say (series 0), and rolling windows of so many days (series 1) if there are any; of days
    /// also who was there in so many days before: by a bit a user and day.
    pub(crate) fn answer(&self, rolling_days: Option<u64>, past_days: Option<u64>) -> Answer {
        let words = index(self.users.div_ceil(64));
        let mut days = vec![vec![0u64; words]; index(self.days)];
        let mut reading = self.read();
        while let Some((ts_s, user)) = reading.next() {
            days[index(day(ts_s))][index(user / 64)] |= 1 << (user % 64);
        }
        let any_of = |from: u64, to: u64| {
            let mut any = vec![0u64; words];
            for day in &days[index(from)..index(to)] {
                any.iter_mut().zip(day).for_each(|(any, word)| *any |= word);
            }
            any
        };
        let ones = |bits: &[u64]| bits.iter().map(|word| u64::from(word.count_ones())).sum();
        let mut answer = Answer::new();
        for day in 0..self.days {
            let ts_s = BEGIN_S.saturating_add_unsigned(day * DAY_S);
            let own = &days[index(day)];
            let returning = past_days.map_or(0, |past| {
                let mut both = any_of(day.saturating_sub(past), day);
                both.iter_mut().zip(own).for_each(|(any, word)| *any &= word);
                ones(&both)
            });
            answer.insert((0, ts_s), Counted { users: ones(own), returning });
            if let Some(rolling) = rolling_days {
                let users = ones(&any_of((day + 1).saturating_sub(rolling), day + 1));
                answer.insert((1, ts_s), Counted { users, returning: 0 });
            }
        }
        answer
    }
}

fn index(n: u64) -> usize {
    usize::try_from(n).expect("it lies in memory")
}

fn day(ts_s: i64) -> u64 {
    ts_s.abs_diff(BEGIN_S) / DAY_S
}

/// A log on its way.
pub(crate) struct Reading {
    log: Log,
    random: u64,
    frame: u64,
    hasher: UidHasher,
    uid: String,
}

impl Reading {
    /// The next frame's time and user.
    fn next(&mut self) -> Option<(i64, u64)> {
        if self.frame == self.log.frames_in(self.log.days) {
            return None;
        }
        let z = random::next(&mut self.random);
        let late_s = if z.is_multiple_of(64) { (z >> 8) % 5 } else { 0 };
        let s = (self.frame * DAY_S / self.log.frames_a_day()).saturating_sub(late_s);
        self.frame += 1;
        Some((BEGIN_S.saturating_add_unsigned(s), random::below(z, self.log.users)))
    }

    /// Fills a batch with the next frames; there may be none.
    pub(crate) fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        while !batch.is_full() {
            let Some((ts_s, user)) = self.next() else { break };
            self.uid.clear();
            write!(self.uid, "user-{user:09}").expect("a string takes all");
            let uid = self.uid.as_bytes();
            batch.push(ts_s, uid, self.hasher.table(uid), 0);
        }
        batch.seal(0, BatchEnd::More);
    }
}
