//! The clock alone: the verdicts on the standard stream's times, batch by batch.

mod shared;

use std::time::Instant;

use headcount::clock::verdict::Verdicts;
use headcount::clock::{Clock, ClockSettings};
use headcount::generate::{Late, Reading, Workload};
use headcount::limits::BATCH_FRAMES_MAX;
use shared::{Contender, Group};

fn main() {
    let frames = if shared::is_tiny() { 10_000 } else { 1_000_000 };
    let group = |name: &str, late: bool| {
        let times = times(frames, late);
        let contender = Contender::new("plain", move || {
            let settings = ClockSettings::default();
            let mut clock = Clock::new(&settings);
            let mut verdicts = Verdicts::new(BATCH_FRAMES_MAX, settings.calendar.series().len());
            let mut refused = 0;
            let began = Instant::now();
            for batch in times.chunks(BATCH_FRAMES_MAX) {
                verdicts.clear();
                clock.judge(0, batch, &[], 0, &mut verdicts);
                refused += verdicts.refusals().len();
            }
            let took = began.elapsed();
            let judged = clock.judged();
            assert_eq!(judged.counted + judged.refused_late, times.len() as u64);
            assert_eq!(judged.refused_late, refused as u64);
            assert_eq!(refused, refused_by_definition(&times, &settings));
            took
        });
        Group { name: name.into(), items: frames, contenders: vec![contender] }
    };
    shared::run(vec![group("clock, in order", false), group("clock, 2 % late", true)]);
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
