//! The partitions' clocks: one for each, the lowest of those that hold time back, and from when on
//! windows are seen whole.

use super::restart::Seen;
use crate::input::messages::{Entry, Partition};

/// Whether a partition holds time back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// It may have frames that were not read yet.
    Yes,
    /// Silent until its next frame.
    Silent,
    /// Ended.
    Never,
}

/// Whether something before a partition's next frame was never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Nothing: the partition begins here, and with it perhaps the log.
    Nothing,
    /// Frames that nobody of us read.
    Unread,
    /// What there was, was read.
    Read,
}

#[derive(Clone, Copy, Debug)]
struct One {
    clock_s: Option<i64>,
    holds: Holds,
    before: Before,
}

/// All partitions of a log, by their numbers. A file is one.
#[derive(Debug, Default)]
pub struct Partitions {
    all: Vec<Option<One>>,
    /// What is known of unread frames; `unread` is what an earlier run left so.
    seen: Seen,
}

impl Partitions {
    /// A partition is there.
    pub fn join(&mut self, partition: Partition, entry: Entry) {
        let index = partition as usize;
        if self.all.len() <= index {
            self.all.resize(index + 1, None);
        }
        let (clock_s, before) = match entry {
            Entry::Beginning => (None, Before::Nothing),
            Entry::Midway => (None, Before::Unread),
            Entry::Resumed { clock_s } if self.seen.unread => (clock_s, Before::Unread),
            // Whether or not an earlier run has seen its first frame, that is still to come.
            Entry::Resumed { clock_s: None } => (None, Before::Nothing),
            Entry::Resumed { clock_s } => (clock_s, Before::Read),
        };
        self.all[index] = Some(One { clock_s, holds: Holds::Yes, before });
    }

    /// A number beyond that of the last one.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// A partition's clock: the largest time of any of its frames; none before the first.
    pub fn clock_s(&self, partition: Partition) -> Option<i64> {
        self.all.get(partition as usize).copied().flatten().and_then(|one| one.clock_s)
    }

    /// A frame of a partition has this time; true if that moved the partition's clock.
    pub fn see(&mut self, partition: Partition, ts_s: i64) -> bool {
        let one = self.one(partition);
        one.holds = Holds::Yes;
        let before = std::mem::replace(&mut one.before, Before::Read);
        let moves = one.clock_s.is_none_or(|clock_s| ts_s > clock_s);
        if moves {
            one.clock_s = Some(ts_s);
        }
        match before {
            Before::Read => {}
            Before::Nothing => {
                let begun_s = &mut self.seen.begun_s;
                *begun_s = Some(begun_s.map_or(ts_s, |begun_s| begun_s.min(ts_s)));
            }
            Before::Unread => {
                self.seen.unread_until_s = self.seen.unread_until_s.max(Some(ts_s));
            }
        }
        moves
    }

    /// Frames of a partition were lost.
    pub fn gap(&mut self, partition: Partition) {
        self.one(partition).before = Before::Unread;
    }

    /// A partition is silent.
    pub fn silence(&mut self, partition: Partition) {
        self.rest(partition, Holds::Silent);
    }

    /// A silent partition may have unread frames after all.
    pub fn doubt(&mut self, partition: Partition) {
        self.one(partition).holds = Holds::Yes;
    }

    /// A partition has ended.
    pub fn end(&mut self, partition: Partition) {
        self.rest(partition, Holds::Never);
    }

    fn rest(&mut self, partition: Partition, holds: Holds) {
        let highest_s = self.highest_s();
        let one = self.one(partition);
        one.holds = holds;
        // With nothing unread in it, what it will yet hold comes after what is known now.
        if one.before == Before::Unread && highest_s.is_some() {
            one.before = Before::Read;
            self.seen.unread_until_s = self.seen.unread_until_s.max(highest_s);
        }
    }

    fn one(&mut self, partition: Partition) -> &mut One {
        self.all[partition as usize]
            .as_mut()
            .expect("a partition joins before anything is said of it")
    }

    /// The lowest clock of the partitions that hold time back, or the highest of all if none does;
    /// none if one that holds it has no clock yet.
    pub fn lowest_s(&self) -> Option<i64> {
        let mut lowest_s = None;
        for one in self.all.iter().flatten().filter(|one| one.holds == Holds::Yes) {
            let clock_s = one.clock_s?;
            lowest_s = Some(lowest_s.map_or(clock_s, |lowest_s: i64| lowest_s.min(clock_s)));
        }
        lowest_s.or_else(|| {
            let holding = self.all.iter().flatten().any(|one| one.holds == Holds::Yes);
            if holding { None } else { self.highest_s() }
        })
    }

    /// The highest clock of any partition.
    pub fn highest_s(&self) -> Option<i64> {
        self.all.iter().flatten().filter_map(|one| one.clock_s).max()
    }

    /// Windows that start after this time are seen from their start; none: nobody knows yet which.
    pub fn complete_after_s(&self) -> Option<i64> {
        let Seen { begun_s, unread_until_s, unread } = self.seen();
        if unread { None } else { begun_s.max(unread_until_s) }
    }

    /// What is known of unread frames.
    pub fn seen(&self) -> Seen {
        let unread = self.all.iter().flatten().any(|one| one.before == Before::Unread);
        Seen { unread, ..self.seen }
    }

    /// What an earlier run knew of them; before any partition joins.
    pub fn resume(&mut self, seen: Seen) {
        self.seen = seen;
    }

    /// The numbers of all partitions, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = Partition> {
        (0..).zip(&self.all).filter(|(_, one)| one.is_some()).map(|(partition, _)| partition)
    }
}
