//! Results that come out again: their numbers go on from run to run, and the last word stays what it is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::broker::Broker;
use crate::exactly_once::case::{Case, Met};
use crate::exactly_once::kills;
use crate::frames::{Random, each};
use crate::harness::wait_until;

/// Frames for each kill.
const FRAMES: usize = 150;
/// Frames of a log that lie within a quarter of an hour, but for those that are late or ahead: it leaps by days
/// after some more (log.rs).
const FRAMES_AT_HAND: usize = 480;

/// What of a result is its window's name.
fn window(result: &Value) -> String {
    format!("{} {} {}", result["window"], result["zone"], result["ts"])
}

/// The last word on each window: all of it but how sure it is, and how often it was said.
fn last_words(results: &str) -> BTreeMap<String, Value> {
    let word = |line: &str| {
        let mut result: Value = serde_json::from_str(line).unwrap();
        for name in ["status", "rev", "closed_by"] {
            result.as_object_mut().unwrap().remove(name).unwrap();
        }
        (window(&result), result)
    };
    results.lines().map(word).collect()
}

/// Asserts that each window's results are numbered from 0, and none is there twice; how many windows came
/// out more than once.
#[track_caller]
fn revised(results: &str) -> usize {
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    for line in results.lines() {
        let result: Value = serde_json::from_str(line).unwrap();
        let next = next.entry(window(&result)).or_default();
        assert_eq!(result["rev"].as_u64(), Some(*next), "{line}");
        *next += 1;
    }
    next.values().filter(|&&revs| revs > 1).count()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn numbers_of_results_go_on_whenever_a_run_is_killed() {
    let (broker, mut random, mut met) = (Broker::shared(), Random::new(), Met::default());
    let kills = kills() / 3;
    let clock = "--late=revise --emit=updates --every=1s --idle=off";
    let mut case = Case::new(&broker, &mut random, 3, kills * FRAMES, clock);
    for kills_left in (1..=kills).rev() {
        case.kill_once(&mut random, kills_left, &mut met);
    }
    case.finish();
    let results = broker.read_lines(&case.output);
    let expected = case.in_peace().results;
    assert!(revised(&results) > 20 && revised(&expected) > 20);
    let (own, right) = (last_words(&results), last_words(&expected));
    assert_eq!(own.len(), right.len());
    let other = own.iter().zip(&right).find(|(own, right)| own != right);
    assert_eq!(other, None);
    eprintln!("{met:?}");
    assert!(met.gone_on > 0, "{met:?}");
}

/// How many results silence has put out.
fn by_silence(case: &Case<'_>) -> usize {
    let closed_by = each(&case.broker.read_lines(&case.output), "closed_by");
    closed_by.iter().filter(|by| **by == "silence").count()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn numbers_go_on_and_last_words_stay_where_silence_puts_results_out() {
    let (broker, mut random) = (Broker::shared(), Random::new());
    let times = (kills() / 6).max(2);
    // All windows are kept, so no frame comes too late for one because its partition was silent meanwhile.
    let clock = "--late=revise --keep=1d --every=1s --idle=1s";
    let mut case = Case::new(&broker, &mut random, 3, FRAMES_AT_HAND, clock);
    for left in (1..=times).rev() {
        let before = by_silence(&case);
        let mut run = case.start();
        run.wait_until_it_listens();
        let more = (case.input.records.len() - case.input.written) / (left + 1);
        case.input.write_to(case.input.written + more);
        // Killed when all has been silent and more comes; or about when it falls silent.
        if left % 2 == 0 {
            wait_until("results by silence", || {
                assert!(!run.is_over(), "{}", run.ended().stderr);
                by_silence(&case) > before
            });
            case.input.write(&mut random, 20);
            std::thread::sleep(Duration::from_micros(random.below(60_000)));
        } else {
            std::thread::sleep(Duration::from_millis(1000 + random.below(600)));
        }
        run.kill();
    }
    case.finish();
    let results = broker.read_lines(&case.output);
    assert!(revised(&results) > 0);
    let words = |results: &str| {
        let mut words = last_words(results);
        // Frames that waited may have been shown, and refused after all: nobody was there then.
        words.retain(|_, word| word["frames"] != 0);
        // Whether a partition began before a window may not have been known when silence closed it.
        words.values_mut().for_each(|word| drop(word.as_object_mut().unwrap().remove("complete")));
        words
    };
    let (own, right) = (words(&results), words(&case.in_peace().results));
    assert_eq!(own.len(), right.len());
    let other = own.iter().zip(&right).find(|(own, right)| own != right);
    assert_eq!(other, None);
}
