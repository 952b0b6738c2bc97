//! Judged batches as the pipeline makes them, and the plain answer to what they hold.
//!
//! An hour of one frame a second by one user goes before, so that as many windows are kept as ever.
//! Then users are drawn uniformly, at a rate at which three in four frames are new in their minute
//! (0.6 frames a user and minute); after the first of these minutes a new hour, day, … year begins.
//! Batches hold 504 frames, as many of 2,080 bytes as a chunk has, and go round in a pool, so that
//! they are as warm as a scanner leaves them.

use std::fmt::Write;

use headcount::batch::{Batch, BatchEnd, BatchShape};
use headcount::count::hash::UidHasher;
use headcount::limits::BATCH_UID_BYTES_MAX;

use crate::plain::{PlainClock, PlainCounts, Windows};
use crate::random;

/// Frames of a batch.
pub(crate) const BATCH_FRAMES: usize = 504;
/// Batches of the pool: of two scanners.
pub(crate) const POOL_BATCHES: usize = 16;
/// Seconds of the thin hour, and its frames.
const THIN_S: u64 = 3720;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) windows: Windows,
    pub(crate) users: u64,
    pub(crate) uid_bytes: usize,
}

impl Workload {
    /// Frames of the thin hour and this many minutes.
    pub(crate) fn frames_in(&self, minutes: u64) -> u64 {
        THIN_S + self.frames_a_minute() * minutes
    }

    fn frames_a_minute(&self) -> u64 {
        self.users * 6 / 10
    }

    /// How many different users each window has, in order of end and length.
    pub(crate) fn plain_counts(&self, frames: u64) -> Vec<u64> {
        let mut draw = Draw::new(self);
        let mut counts = PlainCounts::default();
        for _ in 0..frames {
            let (ts_s, user) = draw.next();
            counts.add(&self.windows, self.users, ts_s, user);
        }
        counts.counts()
    }
}

/// The frames' times and users.
struct Draw {
    random: u64,
    users: u64,
    frames_a_minute: u64,
    frame: u64,
}

impl Draw {
    fn new(workload: &Workload) -> Draw {
        let frames_a_minute = workload.frames_a_minute();
        Draw { random: 1, users: workload.users, frames_a_minute, frame: 0 }
    }

    /// The next frame's time and user. Time 0 is the first second of a year.
    fn next(&mut self) -> (i64, u64) {
        let frame = self.frame;
        self.frame += 1;
        let signed = |s: u64| i64::try_from(s).expect("a few years at most");
        let Some(frame) = frame.checked_sub(THIN_S) else {
            return (signed(frame) - signed(THIN_S) - 60, 0);
        };
        let z = random::next(&mut self.random);
        let user = random::below(z, self.users);
        // One frame in 64 is up to four seconds late, so that two minutes are met.
        let late_s = if z.is_multiple_of(64) { (z >> 8) % 5 } else { 0 };
        let s = (frame * 60 / self.frames_a_minute).saturating_sub(late_s);
        (signed(s) - 60, user)
    }
}

/// A seeded endless log.
pub(crate) struct Stream {
    draw: Draw,
    uid_bytes: usize,
    hasher: UidHasher,
    pub(crate) clock: PlainClock,
    times_s: Vec<i64>,
    uid: String,
}

impl Stream {
    /// The log from its first frame.
    pub(crate) fn new(workload: &Workload) -> Stream {
        Stream {
            draw: Draw::new(workload),
            uid_bytes: workload.uid_bytes,
            hasher: UidHasher::new(1),
            clock: PlainClock::new(workload.windows),
            times_s: Vec::new(),
            uid: String::new(),
        }
    }

    /// An empty batch for it.
    pub(crate) fn batch(workload: &Workload) -> Batch {
        Batch::new(&BatchShape {
            frames_max: BATCH_FRAMES,
            uid_bytes_max: BATCH_UID_BYTES_MAX,
            shards: 1,
            series: workload.windows.lengths_s.len(),
            places: workload.windows.lengths_s.len(),
            held_bytes: None,
            partitioned: false,
        })
    }

    /// Fills a batch and has it judged.
    pub(crate) fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        self.times_s.clear();
        while !batch.is_full() {
            let (ts_s, user) = self.draw.next();
            self.uid.clear();
            let digits = self.uid_bytes - "user-".len();
            write!(self.uid, "user-{user:0digits$}").expect("a string takes all");
            let uid = self.uid.as_bytes();
            batch.push(ts_s, uid, self.hasher.table(uid), 0);
            self.times_s.push(ts_s);
        }
        batch.seal(0, BatchEnd::More);
        self.clock.judge(batch, &self.times_s);
    }
}
