//! Results that come out again: their numbers go on from run to run, and the last word stays what it is.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::broker::Broker;
use crate::exactly_once::case::{Case, Met};
use crate::exactly_once::kills;
use crate::frames::Random;

/// Frames for each kill.
const FRAMES: usize = 150;

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
