//! The partitions of a run, as the clock and their source see them, put together.

use serde::Serialize;

use super::seen::Run;
use crate::clock::partitions::Holds;
use crate::input::messages::Partition;
use crate::stats::{PartitionBacklog, PartitionNow, Snapshot};

/// What a partition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// It is read, and holds time back: no window is final before its clock is past it.
    Reading,
    /// The same, but it is not read on now, as it is too far ahead of others (`--max-skew`).
    Held,
    /// It has been silent for a while (`--idle`), and holds nothing back.
    Silent,
    /// It has ended.
    Ended,
}

impl Doing {
    /// All of them.
    pub const ALL: [Doing; 4] = [Doing::Reading, Doing::Held, Doing::Silent, Doing::Ended];

    /// The name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Doing::Reading => "reading",
            Doing::Held => "held",
            Doing::Silent => "silent",
            Doing::Ended => "ended",
        }
    }
}

/// A partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSeen {
    /// Which.
    pub partition: Partition,
    /// Its clock, unix seconds.
    pub clock_s: Option<i64>,
    /// See [`PartitionNow::moved_ms`]; none before it is known.
    pub moved_ms: Option<i64>,
    /// See [`PartitionNow::lowest_since_ms`].
    pub lowest_since_ms: Option<i64>,
    /// See [`PartitionBacklog::unread`].
    pub unread: Option<u64>,
    /// What it does.
    pub doing: Doing,
}

impl PartitionSeen {
    fn of(
        partition: Partition,
        now: Option<&PartitionNow>,
        backlog: Option<&PartitionBacklog>,
    ) -> PartitionSeen {
        let is_held = backlog.is_some_and(|backlog| backlog.is_held);
        PartitionSeen {
            partition,
            clock_s: now.and_then(|now| now.clock_s),
            moved_ms: now.map(|now| now.moved_ms),
            lowest_since_ms: now.and_then(|now| now.lowest_since_ms),
            unread: backlog.and_then(|backlog| backlog.unread),
            doing: match now.map(|now| now.holds) {
                Some(Holds::Never) => Doing::Ended,
                Some(Holds::Silent) => Doing::Silent,
                Some(Holds::Yes) | None if is_held => Doing::Held,
                Some(Holds::Yes) | None => Doing::Reading,
            },
        }
    }

    /// How far its clock is behind this wall clock, seconds.
    pub fn lag_s(&self, now_ms: i64) -> Option<f64> {
        self.clock_s.map(|clock_s| lag_s(clock_s, now_ms))
    }
}

/// How far a clock is behind this wall clock, seconds.
pub fn lag_s(clock_s: i64, now_ms: i64) -> f64 {
    now_ms.saturating_sub(clock_s.saturating_mul(1000)) as f64 / 1000.0
}

/// All partitions, by number: those the source knows and those the clock has heard of.
pub fn partitions(run: &Run, snapshot: &Snapshot) -> Vec<PartitionSeen> {
    let backlog = run.backlog.as_ref().map(|backlog| backlog.partitions()).unwrap_or_default();
    let mut all = Vec::with_capacity(backlog.len().max(snapshot.partitions.len()));
    let (mut of_clock, mut of_source) = (snapshot.partitions.iter(), backlog.iter());
    let (mut now, mut known) = (of_clock.next(), of_source.next());
    loop {
        let partition = match (now, known) {
            (None, None) => return all,
            (Some(now), Some(known)) => now.partition.min(known.partition),
            (Some(now), None) => now.partition,
            (None, Some(known)) => known.partition,
        };
        let its_now = now.filter(|now| now.partition == partition);
        let its_known = known.filter(|known| known.partition == partition);
        all.push(PartitionSeen::of(partition, its_now, its_known));
        now = if its_now.is_some() { of_clock.next() } else { now };
        known = if its_known.is_some() { of_source.next() } else { known };
    }
}
