//! Windows of every length and zone, counted by the engine: against brute force, and by properties that
//! need no second count.
//!
//! `HEADCOUNT_SEED` replays a run, `HEADCOUNT_RUNS` says how many.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is the assertion")]

mod logs;
#[path = "../shared/random.rs"]
mod random;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use headcount::output::record::WindowResult;
use headcount::verify::replay::Key;
use logs::Frame;
use random::{Random, seeds};
use run::Run;

fn key(result: &WindowResult) -> Key {
    let zone = result.zone.as_deref().map(str::to_owned);
    Key { window: result.window.to_string(), zone, ts: result.ts }
}

/// New users, those who return, and whether the past is complete.
fn said_of_past(result: &WindowResult) -> Option<(u64, u64, bool)> {
    result.past.map(|past| (past.new, past.returning, past.past_complete))
}

/// The last word on each window.
fn counts(results: &[WindowResult]) -> BTreeMap<Key, u64> {
    results.iter().map(|result| (key(result), result.cnt)).collect()
}

#[test]
fn any_mix_of_windows_and_zones_is_what_brute_force_says() {
    for seed in seeds(150) {
        let mut random = Random(seed);
        let run = Run::drawn(&mut random);
        let log = logs::drawn(&mut random);
        let (results, frames) = run.count(&log);
        let right = run.brute_force(&log);
        let refused = |why| right.refused.get(why).copied().unwrap_or(0);
        let fates = [frames.refused_late, frames.refused_future, frames.refused_gone];
        assert_eq!(
            fates,
            ["late", "future", "gone"].map(refused),
            "HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1 {run:?}"
        );
        let told: BTreeSet<Key> = results.iter().map(key).collect();
        let words: BTreeSet<Key> = right.words.keys().cloned().collect();
        assert_eq!(told, words, "HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1 {run:?}");
        let last: BTreeMap<Key, &WindowResult> =
            results.iter().map(|result| (key(result), result)).collect();
        for (key, word) in &right.words {
            let result = last[key];
            let told = (result.cnt, result.frames, result.late, result.start.0, result.end.0);
            let users = word.users.len() as u64;
            let is = (users, word.frames, word.late, word.window.start_s, word.window.end_s);
            let how = if word.by_time { "time" } else { "end" };
            assert_eq!(
                (told, result.complete, result.closed_by, said_of_past(result)),
                (
                    is,
                    word.complete,
                    how,
                    word.past.map(|(some, whole)| (users - some, some, whole))
                ),
                "HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1 {key:?} {run:?}"
            );
        }
    }
}

/// What a result says, but for the length's name.
fn said(result: WindowResult) -> WindowResult {
    WindowResult { window: "".into(), ..result }
}

#[test]
fn one_day_rolling_says_what_the_day_says() {
    for seed in seeds(60) {
        let mut random = Random(seed);
        let run = Run { returning_days: None, ..Run::drawn(&mut random) };
        let log = logs::drawn(&mut random);
        let of = |lengths: &str| {
            let (results, _) = Run { lengths: lengths.into(), ..run.clone() }.count(&log);
            results.into_iter().map(said).collect::<Vec<_>>()
        };
        assert_eq!(of("rolling:1d"), of("day"), "HEADCOUNT_SEED={seed} {run:?}");
    }
}

#[test]
fn seven_days_rolling_up_to_a_sunday_say_what_the_week_says() {
    let mut weeks = 0;
    for seed in seeds(60) {
        let mut random = Random(seed);
        let run = Run { lengths: "rolling:7d,week".into(), ..Run::drawn(&mut random) };
        let log = logs::drawn(&mut random);
        let (results, _) = run.count(&log);
        // A day that never was makes a week's span that of other seven dates, too.
        let last = |name: &str| {
            let own = results.iter().filter(|result| &*result.window == name);
            let place = |result: &WindowResult| (result.zone.clone(), result.start.0, result.end.0);
            let word = |result: &WindowResult| {
                (result.cnt, result.frames, result.late, result.complete, result.closed_by)
            };
            own.map(|result| (place(result), word(result))).collect::<BTreeMap<_, _>>()
        };
        let rolling = last("rolling:7d");
        for (week, word) in last("week") {
            if let Some(same) = rolling.get(&week) {
                assert_eq!(*same, word, "HEADCOUNT_SEED={seed} {week:?} {run:?}");
                weeks += 1;
            }
        }
    }
    assert!(weeks > 0);
}

/// A run that lets everything in, over a log of at most two days.
fn lenient(random: &mut Random) -> (Run, Vec<Frame>) {
    let log = logs::of_span(random, 2 * 86_400);
    (Run::drawn(random).lenient(), log)
}

/// What comes out where nothing may be refused.
fn all_counted(run: &Run, log: &[Frame]) -> Vec<WindowResult> {
    let (results, frames) = run.count(log);
    assert_eq!(frames.counted, log.len() as u64, "{run:?}");
    results
}

#[test]
fn a_day_has_at_least_the_users_of_its_largest_hour_and_at_most_their_sum() {
    for seed in seeds(60) {
        let mut random = Random(seed);
        let (run, log) = lenient(&mut random);
        let zones = logs::zone(&mut random).to_owned();
        let of = |lengths: &str| {
            let (lengths, zones) = (lengths.into(), zones.clone());
            let run = Run { lengths, zones, ..run.clone() };
            let results = all_counted(&run, &log);
            results.into_iter().filter(|result| result.status != "provisional").collect::<Vec<_>>()
        };
        let (all_hours, days) = (of("hour"), of("day"));
        assert!(!days.is_empty(), "HEADCOUNT_SEED={seed}");
        for day in &days {
            let within = |hour: &&WindowResult| (day.start.0..day.end.0).contains(&hour.start.0);
            let hours: Vec<u64> = all_hours.iter().filter(within).map(|hour| hour.cnt).collect();
            let (most, sum) = (hours.iter().max().unwrap(), hours.iter().sum());
            assert!((*most..=sum).contains(&day.cnt), "HEADCOUNT_SEED={seed}: {day:?} {hours:?}");
        }
    }
}

#[test]
fn shuffled_frames_give_the_same_counts() {
    for seed in seeds(60) {
        let mut random = Random(seed);
        let (run, mut log) = lenient(&mut random);
        let right = counts(&all_counted(&run, &log));
        random.shuffle(&mut log);
        assert_eq!(counts(&all_counted(&run, &log)), right, "HEADCOUNT_SEED={seed} {run:?}");
    }
}

#[test]
fn counting_a_stream_twice_changes_no_count() {
    for seed in seeds(60) {
        let mut random = Random(seed);
        let (run, log) = lenient(&mut random);
        let right = counts(&all_counted(&run, &log));
        let twice = [log.clone(), log].concat();
        assert_eq!(counts(&all_counted(&run, &twice)), right, "HEADCOUNT_SEED={seed} {run:?}");
    }
}
