//! Judged batches as the pipeline makes them, and the plain answer to what they hold.
//!
//! Users are drawn uniformly, at a rate at which three in four frames are new in their minute
//! (0.6 frames a user and minute). Batches hold 504 frames, as many of 2,080 bytes as a chunk has,
//! and go round in a pool, so that they are as warm as a scanner leaves them. The clock is the
//! real one.

use std::collections::HashSet;
use std::fmt::Write;

use headcount::batch::{Batch, BatchEnd, BatchShape};
use headcount::clock::{Clock, ClockSettings, Frames};
use headcount::count::hash::UidHasher;
use headcount::limits::BATCH_UID_BYTES_MAX;

/// Frames of a batch.
pub(crate) const BATCH_FRAMES: usize = 504;
/// Batches of the pool: of two scanners.
pub(crate) const POOL_BATCHES: usize = 16;
/// The log's first second, the start of a minute.
const START_S: i64 = 1_700_000_040;

/// A seeded endless log.
pub(crate) struct Stream {
    random: u64,
    users: u64,
    frames_a_minute: u64,
    frame: u64,
    hasher: UidHasher,
    clock: Clock,
    uid: String,
}

impl Stream {
    /// The log of so many users, from its first frame.
    pub(crate) fn new(users: u64, settings: &ClockSettings) -> Stream {
        Stream {
            random: 1,
            users,
            frames_a_minute: users * 6 / 10,
            frame: 0,
            hasher: UidHasher::new(1),
            clock: Clock::new(settings),
            uid: String::new(),
        }
    }

    /// An empty batch for it.
    pub(crate) fn batch() -> Batch {
        Batch::new(&BatchShape {
            frames_max: BATCH_FRAMES,
            uid_bytes_max: BATCH_UID_BYTES_MAX,
            shards: 1,
            series: 1,
            held_bytes: None,
            partitioned: false,
        })
    }

    /// Frames of this many minutes.
    pub(crate) fn frames_in(&self, minutes: u64) -> u64 {
        self.frames_a_minute * minutes
    }

    /// The next frame's time and user.
    fn next(&mut self) -> (i64, u64) {
        // splitmix64 (Steele and others 2014).
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let user = u64::try_from((u128::from(z) * u128::from(self.users)) >> 64).unwrap_or(0);
        // One frame in 64 is up to four seconds late, so that two minutes are open.
        let late_s = if z.is_multiple_of(64) { (z >> 8) % 5 } else { 0 };
        let s = (self.frame * 60 / self.frames_a_minute).saturating_sub(late_s);
        self.frame += 1;
        (START_S + i64::try_from(s).unwrap_or(i64::MAX), user)
    }

    /// Fills a batch and has it judged.
    pub(crate) fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        while !batch.is_full() {
            let (ts_s, user) = self.next();
            self.uid.clear();
            write!(self.uid, "user-{user:09}").expect("a string takes all");
            let uid = self.uid.as_bytes();
            batch.push(ts_s, uid, self.hasher.table(uid), 0);
        }
        batch.seal(0, BatchEnd::More);
        let Batch { facts, verdicts, .. } = batch;
        let frames = Frames { partition: 0, facts, held: None, next_offset: 0, wall_s: None };
        self.clock.judge(&frames, verdicts);
    }

    /// How many different users each minute has that is over after this many frames, by a set of
    /// numbers a minute.
    pub(crate) fn plain_counts(users: u64, frames: u64, max_lag_s: i64) -> Vec<u64> {
        let mut stream = Stream::new(users, &ClockSettings::plain());
        let (mut counts, mut open): (Vec<u64>, Vec<(i64, HashSet<u64>)>) = Default::default();
        let mut now = i64::MIN;
        for _ in 0..frames {
            let (ts_s, user) = stream.next();
            let minute = ts_s.div_euclid(60);
            if open.last().is_none_or(|&(last, _)| last < minute) {
                open.push((minute, HashSet::new()));
            }
            let known = open.iter_mut().find(|(open, _)| *open == minute);
            known.expect("no frame is later than the lag").1.insert(user);
            now = now.max(ts_s);
            if now >= (open[0].0 + 1) * 60 + max_lag_s {
                counts.push(open.remove(0).1.len() as u64);
            }
        }
        counts
    }
}
