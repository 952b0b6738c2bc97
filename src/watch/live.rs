//! `/live`: one reading of the run, as JSON. Its form is that of `docs/live.schema.json`. Counters may be a
//! batch apart: rates are differences of two readings.

use std::collections::BTreeMap;

use serde::Serialize;

use super::partitions::{Doing, lag_s, partitions};
use super::progress::Extent;
use super::seen::Seen;
use crate::accounts::MalformedByReason;
use crate::input::messages::Partition;
use crate::limits::WATCHED_PARTITIONS_MAX;
use crate::stats::{Live, wall_ms};

/// A reading.
#[derive(Debug, Serialize)]
pub struct Reading {
    version: &'static str,
    started_ms: i64,
    now_ms: i64,
    state: &'static str,
    input: Option<Input>,
    totals: Totals,
    outcomes: Outcomes,
    windows_open: u64,
    users: u64,
    clock: Lag,
    partitions: Vec<Partitioned>,
    partitions_left_out: usize,
    stages: Vec<Stage>,
    rings: Vec<Ring>,
    checkpoint: Option<Checkpoint>,
    latency_ms: Option<BTreeMap<&'static str, f64>>,
}

#[derive(Debug, Serialize)]
struct Input {
    kind: &'static str,
    name: String,
    bounded: bool,
    unit: &'static str,
    total: Option<u64>,
    done: u64,
}

#[derive(Debug, Default, Serialize)]
struct Totals {
    frames: u64,
    bytes: u64,
    input_bytes: u64,
    results: u64,
}

#[derive(Debug, Default, Serialize)]
struct Outcomes {
    counted: u64,
    refused_late: u64,
    refused_future: u64,
    refused_gone: u64,
    out_before: u64,
    malformed: u64,
    malformed_by_reason: MalformedByReason,
    empty: u64,
    parked: u64,
}

#[derive(Debug, Default, Serialize)]
struct Lag {
    lowest: Option<i64>,
    lag_s: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Partitioned {
    partition: Partition,
    clock: Option<i64>,
    lag_s: Option<f64>,
    unread: Option<u64>,
    holds_time_back: bool,
    state: Doing,
}

#[derive(Debug, Serialize)]
struct Stage {
    name: String,
    thread: usize,
    busy_s: f64,
}

#[derive(Debug, Serialize)]
struct Ring {
    from: String,
    to: String,
    carries: &'static str,
    slots: usize,
    filled: usize,
}

#[derive(Debug, Serialize)]
struct Checkpoint {
    kept: u64,
    age_s: Option<f64>,
    last_s: Option<f64>,
}

impl Reading {
    /// Reads everything now.
    pub fn of(seen: &Seen) -> Reading {
        let now_ms = wall_ms();
        let empty = Reading {
            version: env!("CARGO_PKG_VERSION"),
            started_ms: seen.started_ms,
            now_ms,
            state: seen.state().as_str(),
            input: None,
            totals: Totals::default(),
            outcomes: Outcomes::default(),
            windows_open: 0,
            users: 0,
            clock: Lag::default(),
            partitions: Vec::new(),
            partitions_left_out: 0,
            stages: Vec::new(),
            rings: Vec::new(),
            checkpoint: None,
            latency_ms: None,
        };
        let Some(run) = seen.run() else { return empty };
        let read = run.live.read();
        let (unit, kind, total) = match run.input.extent {
            Extent::Bytes(total) => ("bytes", "files", total),
            Extent::Messages(total) => ("messages", "topic", total),
        };
        let input = Input {
            kind,
            name: run.input.name.clone(),
            bounded: run.input.bounded,
            unit,
            total,
            done: run.done(&read),
        };
        let Some(wired) = run.live.wired.get() else {
            return Reading { input: Some(input), ..empty };
        };
        let snapshot = run.snapshot();
        let mut all = partitions(run, &snapshot);
        let partitions_left_out = all.len().saturating_sub(WATCHED_PARTITIONS_MAX);
        all.truncate(WATCHED_PARTITIONS_MAX);
        Reading {
            input: Some(input),
            totals: Totals {
                frames: read.frames,
                bytes: read.bytes,
                input_bytes: read.input_bytes,
                results: read.results,
            },
            outcomes: Outcomes {
                counted: read.clock.counted,
                refused_late: read.clock.refused_late,
                refused_future: read.clock.refused_future,
                refused_gone: read.clock.refused_gone,
                out_before: read.clock.out_before,
                malformed: read.tally.malformed_total(),
                malformed_by_reason: MalformedByReason(read.tally.malformed),
                empty: read.tally.empty,
                parked: snapshot.parked,
            },
            windows_open: read.clock.windows,
            users: wired.users(),
            clock: Lag {
                lowest: read.clock.lowest_s,
                lag_s: read.clock.lowest_s.map(|lowest_s| lag_s(lowest_s, now_ms)),
            },
            partitions: all
                .into_iter()
                .map(|one| Partitioned {
                    partition: one.partition,
                    clock: one.clock_s,
                    lag_s: one.lag_s(now_ms),
                    unread: one.unread,
                    holds_time_back: one.lowest_since_ms.is_some(),
                    state: one.doing,
                })
                .collect(),
            partitions_left_out,
            stages: wired
                .stages
                .iter()
                .map(|stage| Stage {
                    name: stage.name.clone(),
                    thread: stage.thread,
                    busy_s: stage.busy.read().as_secs_f64(),
                })
                .collect(),
            rings: wired
                .rings
                .iter()
                .map(|ring| Ring {
                    from: ring.from.clone(),
                    to: ring.to.clone(),
                    carries: ring.carries,
                    slots: ring.fill.slots(),
                    filled: ring.fill.values(),
                })
                .collect(),
            checkpoint: wired.makes_checkpoints.then(|| Checkpoint::of(&run.live, now_ms)),
            latency_ms: latency_ms(&run.live),
            ..empty
        }
    }
}

impl Checkpoint {
    fn of(live: &Live, now_ms: i64) -> Checkpoint {
        let read = live.checkpoints.read();
        Checkpoint {
            kept: read.kept,
            age_s: age_s(read.kept_at_ms, now_ms),
            last_s: read.took.map(|took| took.as_secs_f64()),
        }
    }
}

/// How long ago this moment was, seconds.
pub fn age_s(at_ms: Option<u64>, now_ms: i64) -> Option<f64> {
    at_ms.map(|at_ms| now_ms.unsigned_abs().saturating_sub(at_ms) as f64 / 1000.0)
}

fn latency_ms(live: &Live) -> Option<BTreeMap<&'static str, f64>> {
    let reading = live.watched.as_ref()?.latency.read();
    let quantile = |name, share| Some((name, reading.quantile_s(share)? * 1000.0));
    [("p50", 0.5), ("p99", 0.99)].into_iter().map(|(name, share)| quantile(name, share)).collect()
}
