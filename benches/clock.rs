//! The clock alone: the verdicts on the standard stream's times, batch by batch.

mod shared;

use std::time::Instant;

use headcount::batch::{Batch, BatchShape};
use headcount::clock::agreement::Agree;
use headcount::clock::{Clock, ClockSettings, Frames};
use headcount::generate::{Late, Reading, Workload};
use headcount::limits::{BATCH_FRAMES_MAX, BATCH_UID_BYTES_MAX};
use shared::{Contender, Group};

fn main() {
    let frames = if shared::is_tiny() { 10_000 } else { 1_000_000 };
    let group = |name: &str, late: bool| {
        let times = times(frames, late);
        let contender = |of: &str, settings: ClockSettings| {
            let mut batches: Vec<Batch> = times.chunks(BATCH_FRAMES_MAX).map(batch).collect();
            let times = times.clone();
            Contender::new(of, move || {
                let mut clock = Clock::new(&settings);
                let mut refused = 0;
                let began = Instant::now();
                for Batch { facts, verdicts, .. } in &mut batches {
                    verdicts.clear();
                    let frames =
                        Frames { partition: 0, facts, held: None, next_offset: 0, wall_s: None };
                    clock.judge(&frames, verdicts);
                    refused += verdicts.refusals().len();
                }
                let took = began.elapsed();
                let judged = clock.judged();
                assert_eq!(judged.counted + judged.refused_late, times.len() as u64);
                assert_eq!(judged.refused_late, refused as u64);
                if settings.agree.is_none() {
                    assert_eq!(refused, refused_by_definition(&times, &settings));
                }
                took
            })
        };
        let agreeing = ClockSettings { agree: Some(Agree::default()), ..ClockSettings::plain() };
        let contenders =
            vec![contender("plain", ClockSettings::plain()), contender("agreement", agreeing)];
        Group { name: name.into(), items: frames, contenders }
    };
    shared::run(vec![group("clock, in order", false), group("clock, 2 % late", true)]);
}

/// A batch of frames of these times.
fn batch(times: &[i64]) -> Batch {
    let mut batch = Batch::new(&BatchShape {
        frames_max: BATCH_FRAMES_MAX,
        uid_bytes_max: BATCH_UID_BYTES_MAX,
        shards: 1,
        series: 1,
        places: 1,
        held_bytes: None,
        partitioned: false,
    });
    times.iter().for_each(|&ts_s| batch.push(ts_s, b"u", 0, 0));
    batch
}

/// The times of the standard stream; with `late`, one in fifty up to two minutes old.
fn times(frames: u64, late: bool) -> Vec<i64> {
    let late = late.then_some(Late { share: 0.02, delay_s_max: 120 });
    let workload = Workload { frames, late: late.into_iter().collect(), ..Workload::default() };
    let generator = workload.generator().expect("these settings can be met");
    let time = |frame| match generator.truth(frame).reading {
        Reading::Good { ts_s, .. } => ts_s,
        Reading::Malformed(_) => unreachable!("none is asked for"),
    };
    (0..frames).map(time).collect()
}

/// Frames whose minute was over, with its lag, when they came.
fn refused_by_definition(times: &[i64], settings: &ClockSettings) -> usize {
    let lag_s = i64::from(settings.max_lag_s);
    let mut clock_s = i64::MIN;
    let is_refused = |&&ts_s: &&i64| {
        let refused = clock_s >= ts_s.div_euclid(60) * 60 + 60 + lag_s;
        clock_s = clock_s.max(ts_s);
        refused
    };
    times.iter().filter(is_refused).count()
}
