//! The partitions of a log: of each its clock, its parked frames and whether it holds time back; the
//! lowest clock of those that do, and from when on windows are seen whole.

use serde::{Deserialize, Serialize};

use super::agreement::{Agree, Agreement, Past};
use super::alarm::Refusals;
use super::parking::Parking;
use super::restart::{First, PartitionRestart, Seen};
use super::state::{ParkedState, parked_back, parked_of};
use crate::count::hash::UidHasher;
use crate::input::messages::{Entry, Partition};

/// Whether a partition holds time back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// It may have frames that were not read yet.
    Yes,
    /// Silent until its next frame.
    Silent,
    /// Ended.
    Never,
}

/// Whether something before a partition's next frame was never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// Nothing: the partition begins here, and with it perhaps the log. So many times are still to show
    /// when.
    Nothing(usize),
    /// Frames that nobody of us read. So many times are still to show until when; the least so far.
    Unread(usize, Option<i64>),
    /// What there was, was read.
    Read,
}

/// One partition.
#[derive(Debug)]
pub struct One {
    /// What its clock rests on.
    pub agreement: Agreement,
    /// Its frames that wait.
    pub parking: Parking,
    /// Its frames so far.
    pub frames: u64,
    /// Its refused ones.
    pub refusals: Refusals,
    /// Whether it holds time back.
    pub holds: Holds,
    /// The offset after its last judged message.
    pub next_offset: u64,
    /// Frames before this offset were judged by an earlier run.
    pub judged_to: u64,
    /// The first of its parked frames that its end refused.
    pub refused_at_end: Option<First>,
    before: Before,
}

/// The state of one partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneState {
    partition: Partition,
    past: Past,
    frames: u64,
    refusals: Refusals,
    holds: Holds,
    next_offset: u64,
    judged_to: u64,
    before: Before,
    parked: Vec<ParkedState>,
}

/// The state of all partitions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartitionsState {
    all: Vec<OneState>,
    seen: Seen,
    highest_s: Option<i64>,
}

impl PartitionsState {
    /// Frames that wait and do not lie beyond the wall clock are shown by results from here on.
    pub(super) fn show_parked(&mut self, now_s: i64) {
        let waiting = self.all.iter_mut().flat_map(|one| &mut one.parked);
        waiting.filter(|frame| frame.ts_s <= now_s).for_each(|frame| frame.shown = true);
    }

    /// Frames that wait.
    pub fn parked(&self) -> u64 {
        self.all.iter().map(|one| one.parked.len() as u64).sum()
    }

    /// Of each partition the offset after its last judged message; 0 if none was.
    pub fn next_offsets(&self) -> impl Iterator<Item = (Partition, u64)> {
        self.all.iter().map(|one| (one.partition, one.next_offset))
    }
}

/// All partitions of a log, by their numbers. A file is one.
#[derive(Debug)]
pub struct Partitions {
    agree: Agree,
    keep_s: u32,
    all: Vec<Option<One>>,
    /// What is known of unread frames; `unread` is what an earlier run left so.
    seen: Seen,
    /// Where an earlier run was.
    earlier: Vec<PartitionRestart>,
    highest_s: Option<i64>,
}

impl Partitions {
    /// None yet.
    pub fn new(agree: Agree, keep_s: u32) -> Partitions {
        Partitions {
            agree,
            keep_s,
            all: Vec::new(),
            seen: Seen::default(),
            earlier: Vec::new(),
            highest_s: None,
        }
    }

    /// A partition is there.
    pub fn join(&mut self, partition: Partition, entry: Entry) {
        let index = partition as usize;
        if self.all.len() <= index {
            self.all.resize_with(index + 1, || None);
        }
        if entry == Entry::Restored
            && let Some(Some(one)) = self.all.get_mut(index)
        {
            // Whether it was silent or at its end then says nothing of now.
            one.holds = Holds::Yes;
            return;
        }
        let unread = Before::Unread(self.agree.small, None);
        let mut entered = 0;
        let mut agreement = Agreement::new(self.agree, self.keep_s);
        let (mut next_offset, mut judged_to) = (0, 0);
        let before = match entry {
            Entry::Beginning => Before::Nothing(self.agree.small),
            Entry::Midway | Entry::Restored => unread,
            Entry::Resumed { .. } => {
                if let Some(at) = self.earlier.iter().find(|at| at.partition == partition) {
                    agreement.resume(&at.past);
                    entered = at.past.times_s.len();
                    (next_offset, judged_to) = (at.offset, at.judged_to);
                }
                match agreement.clock_s() {
                    _ if self.seen.unread => unread,
                    // Whether or not an earlier run has seen the other first frames, they are still to come.
                    None => Before::Nothing(self.agree.small.saturating_sub(entered).max(1)),
                    Some(_) => Before::Read,
                }
            }
        };
        self.highest_s = self.highest_s.max(agreement.clock_s());
        self.all[index] = Some(One {
            agreement,
            parking: Parking::default(),
            frames: 0,
            refusals: Refusals::default(),
            holds: Holds::Yes,
            next_offset,
            judged_to,
            refused_at_end: None,
            before,
        });
    }

    /// What another run goes on from.
    pub(super) fn state(&self) -> PartitionsState {
        let one = |(partition, one): (Partition, &One)| OneState {
            partition,
            past: one.agreement.past(),
            frames: one.frames,
            refusals: one.refusals.clone(),
            holds: one.holds,
            next_offset: one.next_offset,
            judged_to: one.judged_to,
            before: one.before,
            parked: parked_of(one.parking.frames().iter()),
        };
        let (seen, highest_s) = (self.seen, self.highest_s);
        PartitionsState { all: self.all().map(one).collect(), seen, highest_s }
    }

    /// Goes on from what another run left.
    pub(super) fn restore(&mut self, state: PartitionsState, hasher: &UidHasher) {
        (self.seen, self.highest_s) = (state.seen, state.highest_s);
        for from in state.all {
            self.join(from.partition, Entry::Beginning);
            let one = self.one(from.partition);
            one.agreement.resume(&from.past);
            (one.frames, one.refusals, one.holds) = (from.frames, from.refusals, from.holds);
            (one.next_offset, one.judged_to) = (from.next_offset, from.judged_to);
            one.before = from.before;
            for frame in parked_back(from.parked, hasher) {
                one.parking.park_again(frame);
            }
        }
    }

    /// A partition; it joins before anything is said of it.
    #[inline]
    pub fn one(&mut self, partition: Partition) -> &mut One {
        self.all[partition as usize].as_mut().expect("a partition joins before all else")
    }

    /// All partitions and their numbers, ascending.
    pub fn all(&self) -> impl Iterator<Item = (Partition, &One)> {
        (0..).zip(&self.all).filter_map(|(partition, one)| Some((partition, one.as_ref()?)))
    }

    /// The same, to be changed.
    pub fn all_mut(&mut self) -> impl Iterator<Item = (Partition, &mut One)> {
        (0..).zip(&mut self.all).filter_map(|(partition, one)| Some((partition, one.as_mut()?)))
    }

    /// Whether it is still to show when a partition's log begins.
    pub fn is_entering(&mut self, partition: Partition) -> bool {
        self.one(partition).before != Before::Read
    }

    /// A partition that is being entered has a frame of this time.
    pub fn enter(&mut self, partition: Partition, ts_s: i64) {
        let one = self.one(partition);
        let before = match one.before {
            Before::Nothing(1) | Before::Unread(1, _) => Before::Read,
            Before::Nothing(left) => Before::Nothing(left - 1),
            Before::Unread(left, least_s) => {
                Before::Unread(left - 1, Some(least_s.map_or(ts_s, |least_s| least_s.min(ts_s))))
            }
            Before::Read => Before::Read,
        };
        let until_s = match std::mem::replace(&mut one.before, before) {
            Before::Nothing(_) => {
                let begun_s = &mut self.seen.begun_s;
                *begun_s = Some(begun_s.map_or(ts_s, |begun_s| begun_s.min(ts_s)));
                None
            }
            Before::Unread(1, least_s) => Some(least_s.map_or(ts_s, |least_s| least_s.min(ts_s))),
            Before::Unread(..) | Before::Read => None,
        };
        self.seen.unread_until_s = self.seen.unread_until_s.max(until_s);
    }

    /// A partition's clock has moved.
    pub fn moved(&mut self, to_s: Option<i64>) {
        self.highest_s = self.highest_s.max(to_s);
    }

    /// Frames of a partition were lost.
    pub fn gap(&mut self, partition: Partition) {
        let small = self.agree.small;
        self.one(partition).before = Before::Unread(small, None);
    }

    /// A partition does not hold time back any more; it is silent, or has ended.
    pub fn rest(&mut self, partition: Partition, holds: Holds) {
        let highest_s = self.highest_s;
        let one = self.one(partition);
        one.holds = holds;
        // With nothing unread in it, what it will yet hold comes after what is known now.
        if let Before::Unread(_, least_s) = one.before
            && highest_s.max(least_s).is_some()
        {
            one.before = Before::Read;
            self.seen.unread_until_s = self.seen.unread_until_s.max(highest_s).max(least_s);
        }
    }

    /// The lowest clock of the partitions that hold time back; none if none does, or if one that does has
    /// no clock yet.
    pub fn lowest_s(&self) -> Option<i64> {
        let mut lowest_s = None;
        for one in self.all.iter().flatten().filter(|one| one.holds == Holds::Yes) {
            let clock_s = one.agreement.clock_s()?;
            lowest_s = Some(lowest_s.map_or(clock_s, |lowest_s: i64| lowest_s.min(clock_s)));
        }
        lowest_s
    }

    /// The highest any partition's clock has been.
    pub fn highest_s(&self) -> Option<i64> {
        self.highest_s
    }

    /// Windows that start after this time are seen from their start; none: nobody knows yet which.
    pub fn complete_after_s(&self) -> Option<i64> {
        let Seen { begun_s, unread_until_s, unread } = self.seen();
        if unread { None } else { begun_s.max(unread_until_s) }
    }

    /// What is known of unread frames.
    pub fn seen(&self) -> Seen {
        let unread = self.all.iter().flatten().any(|one| matches!(one.before, Before::Unread(..)));
        Seen { unread, ..self.seen }
    }

    /// What an earlier run knew; before any partition joins.
    pub fn resume(&mut self, seen: Seen, earlier: &[PartitionRestart]) {
        self.seen = seen;
        self.earlier = earlier.to_vec();
    }
}
