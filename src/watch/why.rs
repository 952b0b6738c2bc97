//! `/why`: of each open window what it waits for, and which partition holds time back, since when.
//!
//! | waits for | |
//! | --- | --- |
//! | `first_frames` | a partition that holds time back has shown too few frames to have a clock |
//! | `partition` | other partitions' clocks are past the window's end + max-lag: the lowest is not |
//! | `time` | no clock is past it; or nobody holds time back (all are silent or have ended), and the wall clock is not |
//! | `end` | all partitions have ended: it comes out with the end of the input |

use serde::Serialize;

use super::partitions::{Doing, PartitionSeen, partitions};
use super::seen::Seen;
use crate::input::messages::Partition;
use crate::output::record::Instant;
use crate::stats::WindowNow;

/// Partitions that hold time back which are named.
const NAMED_MAX: usize = 100;

/// What is answered.
#[derive(Debug, Default, Serialize)]
pub struct Why {
    lowest_clock: Option<i64>,
    /// None before it is known.
    max_lag_s: Option<i64>,
    held_by: Vec<HeldBy>,
    windows: Vec<Waiting>,
    /// Open windows that are not listed.
    more: u64,
    /// Windows that are out, and kept for late frames.
    kept_for_late: u64,
}

#[derive(Debug, Serialize)]
struct HeldBy {
    partition: Partition,
    clock: Option<i64>,
    why: &'static str,
    since_ms: i64,
    moved_ms: Option<i64>,
    unread: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Waiting {
    window: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    start: Instant,
    end: Instant,
    frames: u64,
    final_at: i64,
    waits_for: &'static str,
    partition: Option<Partition>,
    clock: Option<i64>,
    since_ms: Option<i64>,
    text: String,
}

/// What all windows wait for, as far as it is the same.
struct Standing<'p> {
    all: &'p [PartitionSeen],
    holding: Vec<&'p PartitionSeen>,
    /// The one that holds time back: without a clock, or with the lowest.
    lowest: Option<&'p PartitionSeen>,
    bounded: bool,
}

/// Says why.
pub fn answer(seen: &Seen) -> Why {
    let Some((run, wired)) = seen.wired() else { return Why::default() };
    let snapshot = run.snapshot();
    let all = partitions(run, &snapshot);
    let standing = Standing::new(&all, run.input.bounded);
    let waiting = |window: &WindowNow| {
        let name = &wired.series[usize::from(window.series)];
        let final_at = window.end_s + wired.max_lag_s;
        let (waits_for, of, text) = standing.waits_for(window, final_at);
        Waiting {
            window: name.window.to_string(),
            zone: name.zone.as_deref().map(str::to_owned),
            start: Instant(window.start_s),
            end: Instant(window.end_s),
            frames: window.frames,
            final_at,
            waits_for,
            partition: of.map(|of| of.partition),
            clock: of.and_then(|of| of.clock_s),
            since_ms: of.and_then(|of| of.lowest_since_ms),
            text,
        }
    };
    let held_by = all.iter().filter_map(|one| {
        Some(HeldBy {
            partition: one.partition,
            clock: one.clock_s,
            why: if one.clock_s.is_none() { "no_clock" } else { "lowest" },
            since_ms: one.lowest_since_ms?,
            moved_ms: one.moved_ms,
            unread: one.unread,
        })
    });
    Why {
        lowest_clock: snapshot.lowest_s,
        max_lag_s: Some(wired.max_lag_s),
        held_by: held_by.take(NAMED_MAX).collect(),
        windows: snapshot.windows.iter().map(waiting).collect(),
        more: snapshot.windows_more,
        kept_for_late: snapshot.windows_kept_for_late,
    }
}

impl<'p> Standing<'p> {
    fn new(all: &'p [PartitionSeen], bounded: bool) -> Standing<'p> {
        let holds = |one: &&PartitionSeen| matches!(one.doing, Doing::Reading | Doing::Held);
        let holding: Vec<&PartitionSeen> = all.iter().filter(holds).collect();
        // None stands before any clock.
        let lowest = holding.iter().copied().min_by_key(|one| one.clock_s);
        Standing { all, holding, lowest, bounded }
    }

    fn waits_for(
        &self,
        window: &WindowNow,
        final_at: i64,
    ) -> (&'static str, Option<&PartitionSeen>, String) {
        let at = Instant(final_at);
        let or_end = if self.bounded { " or the input ends" } else { "" };
        let Some(lowest) = self.lowest else {
            if self.all.is_empty() {
                return ("time", None, "No partition is known yet.".into());
            }
            let ended = self.all.iter().filter(|one| one.doing == Doing::Ended).count();
            if ended == self.all.len() {
                let text = "All partitions have ended: it comes out with the end of the input.";
                return ("end", None, text.into());
            }
            let or_ended = if ended > 0 { " or have ended" } else { "" };
            let text = format!(
                "All partitions are silent{or_ended}: it comes out once the wall clock is past {at}{or_end}."
            );
            return ("time", None, text);
        };
        let partition = lowest.partition;
        let unread = match lowest.unread {
            Some(0) => " It has nothing unread.".into(),
            Some(1) => " It has 1 offset unread.".into(),
            Some(unread) => format!(" It has {unread} offsets unread."),
            None => String::new(),
        };
        let Some(clock_s) = lowest.clock_s else {
            let text = format!(
                "Partition {partition} has shown too few frames to have a clock, and holds time back until it has one{or_end}.{unread}"
            );
            return ("first_frames", Some(lowest), text);
        };
        let clock = Instant(clock_s);
        let is_past =
            |one: &&&PartitionSeen| one.clock_s.is_some_and(|clock_s| clock_s >= final_at);
        let past = self.holding.iter().filter(is_past).count();
        if clock_s < final_at && past > 0 {
            let others = self.holding.len();
            let text = format!(
                "Partition {partition} holds time back: its clock is at {clock}, and must reach {at} (end + max-lag){or_end}; {past} of {others} partitions are past it.{unread}"
            );
            return ("partition", Some(lowest), text);
        }
        let text = match () {
            () if clock_s >= final_at => "It is about to come out.".into(),
            () if !window.begun => format!(
                "Its last day has not begun: the lowest clock, partition {partition}'s, is at {clock}."
            ),
            () => format!(
                "It comes out when the lowest clock reaches {at} (end + max-lag){or_end}; partition {partition}'s is at {clock}.{unread}"
            ),
        };
        ("time", Some(lowest), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(partition: Partition, clock_s: Option<i64>, doing: Doing) -> PartitionSeen {
        let (moved_ms, lowest_since_ms, unread) = (Some(1), Some(2), Some(0));
        PartitionSeen { partition, clock_s, moved_ms, lowest_since_ms, unread, doing }
    }

    #[test]
    fn what_a_window_waits_for() {
        use Doing::{Ended, Held, Reading, Silent};
        let window =
            WindowNow { series: 0, start_s: 0, end_s: 60, ts_s: 0, frames: 9, begun: true };
        for (all, waits_for, partition) in [
            (vec![one(0, Some(64), Reading)], "time", Some(0)),
            (vec![one(0, Some(65), Reading)], "time", Some(0)),
            (vec![one(0, Some(64), Reading), one(1, Some(65), Reading)], "partition", Some(0)),
            (vec![one(0, Some(90), Held), one(1, Some(3), Reading)], "partition", Some(1)),
            (vec![one(0, Some(9), Held), one(1, Some(3), Reading)], "time", Some(1)),
            (vec![one(0, Some(90), Reading), one(1, None, Reading)], "first_frames", Some(1)),
            // Who does not hold time back is not waited for.
            (vec![one(0, Some(3), Silent), one(1, Some(64), Reading)], "time", Some(1)),
            (vec![one(0, Some(3), Silent), one(1, None, Ended)], "time", None),
            (vec![one(0, Some(3), Ended), one(1, None, Ended)], "end", None),
            (vec![], "time", None),
        ] {
            for bounded in [false, true] {
                let standing = Standing::new(&all, bounded);
                let (said, of, text) = standing.waits_for(&window, 65);
                let of = of.map(|of| of.partition);
                assert_eq!((said, of), (waits_for, partition), "{all:?}: {text}");
                // It is said where something else may come before; not where it is all that is waited for.
                let may_come_before = bounded && waits_for != "end" && !all.is_empty();
                let is_said = text.contains(" or the input ends");
                assert_eq!(is_said, may_come_before && !text.contains("about to"), "{text}");
                let have_ended = all.iter().any(|one| one.doing == Ended);
                assert_eq!(text.contains("have ended"), have_ended, "{all:?}: {text}");
            }
        }
    }
}
