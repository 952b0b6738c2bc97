//! Started again with other settings: it says which, and touches nothing.

use std::fs::File;
use std::io::Write;

use crate::harness::{Left, Place, Task};
use crate::logs;

const FLAGS: &str = "--windows minute,hour,day --now 2030-01-01T00:00:00Z";

/// A count that ended, in its place.
fn counted() -> (Place, Task) {
    let place = Place::new();
    let log = place.at("log");
    std::fs::write(&log, logs::bytes(&logs::workload(5, 20_000, 3.0))).unwrap();
    let task = Task::new(&[log.to_str().unwrap()], FLAGS);
    place.run(&task).exits(0);
    (place, task)
}

#[test]
fn other_settings_are_refused_by_name() {
    let (place, task) = counted();
    let before = place.files();
    for more in
        ["--returning=3d", "--ts-field=time", "--uid-field=user", "--ts-unit=ms", "--format=csv"]
    {
        let (flag, _) = more.split_once('=').unwrap();
        place.run_with(&task, &[more]).exits(2).says(flag).says("--fresh");
        assert!(place.files() == before, "{more} changed something");
    }
    place.run_with(&task, &["--fill"]).exits(2).says("--fill").says("--fresh");
    assert!(place.files() == before, "--fill changed something");
    place.run(&task).exits(0);
    assert_eq!(place.left().frames_read(), 0);
}

#[test]
fn what_changes_no_count_may_change() {
    let (place, task) = counted();
    let out = place.left().out;
    for more in [
        &["--windows=hour,day,minute"][..],
        &["--keep=60m", "--max-lag=5"],
        &["--timezone=UTC", "--late=revise"],
        &["--wait=park", "--quiet"],
        &["--scanners=3", "--counters=2"],
        &["--checkpoint-every=7s"],
        &["--every=20s"],
    ] {
        place.run_with(&task, more).exits(0);
        assert_eq!((place.left().frames_read(), place.left().out), (0, out.clone()), "{more:?}");
    }
}

#[test]
fn other_outputs_are_refused() {
    let (place, task) = counted();
    let before = place.files();
    let other = place.at("other.jsonl");
    let other = other.to_str().unwrap();
    for flag in ["--to", "--rejects"] {
        place.run_with(&task, &[flag, other]).exits(2).says("other.jsonl");
        std::fs::remove_file(other).unwrap();
        assert!(place.files() == before);
    }
    place.run_without_rejects(&task).exits(2).says("--rejects");
    assert!(place.files() == before);
}

#[test]
fn fresh_starts_over() {
    let (place, task) = counted();
    let other =
        Task { flags: vec!["--windows=day".into(), "--returning=1d".into()], ..task.clone() };
    let (peace, _) = other.in_peace();
    place.run(&other).exits(2).says("--returning");
    let ran = place.run_with(&other, &["--fresh"]).exits(0);
    assert!(!ran.stderr.contains("going on"), "{}", ran.stderr);
    place.left().is_that_of(&peace, "fresh");
    assert_eq!(place.left().frames_read(), peace.frames_read());
    place.run(&other).exits(0);
    assert_eq!(place.left().frames_read(), 0);
    place.run(&task).exits(2).says("--returning");
}

/// A log counted by some flags up to its middle, and by others from there on: every word as by those
/// alone, but for parts. What comes of it, and which windows are not there.
fn counted_by(first: &str, second: &str) -> (Left, Vec<String>) {
    let place = Place::new();
    let log = place.at("log");
    let name = log.to_str().unwrap();
    let stream = logs::bytes(&logs::workload(6, 120_000, 0.3));
    let middle = stream.len() / 2;
    let line = stream[middle..].iter().position(|&byte| byte == b'\n').unwrap();
    for (to, flags) in [(middle + line + 1, first), (stream.len(), second)] {
        std::fs::write(&log, &stream[..to]).unwrap();
        place.run(&Task::new(&[name], flags)).exits(0);
    }
    let left = place.left();
    let (whole, _) = Task::new(&[name], second).in_peace();
    let (own, right) = (left.last_words(), whole.last_words());
    let (mut whole_ones, mut parts, mut missing) = (0, 0, Vec::new());
    for (window, right) in right {
        let Some(own) = own.get(&window) else {
            missing.push(window);
            continue;
        };
        // Of a series that was not counted before, the first windows are parts.
        if own["complete"] == right["complete"] {
            assert_eq!(*own, right, "{first}, then {second}");
            whole_ones += 1;
        } else {
            assert_eq!(own["complete"], false);
            parts += 1;
        }
    }
    assert!(whole_ones > 0 && parts <= 2, "{whole_ones} whole ones, {parts} parts");
    (left, missing)
}

#[test]
fn windows_left_out_change_nothing_for_the_others() {
    for (first, second) in [
        ("--windows minute,hour,day", "--windows hour"),
        ("--windows hour,day --timezone Europe/Zurich,UTC", "--windows day"),
    ] {
        let (_, missing) = counted_by(first, second);
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[test]
fn windows_added_are_parts_until_they_were_counted_whole() {
    let (left, missing) = counted_by("--windows hour", "--windows hour,day");
    assert!(missing.iter().all(|window| window.starts_with("\"day\"")), "{missing:?}");
    let words = left.last_words();
    let days = words.iter().filter(|(window, _)| window.starts_with("\"day\""));
    let parts = days.filter(|(_, word)| word["complete"] == false).count();
    assert_eq!(parts, 1, "the day in which it was changed");
}

#[test]
fn results_cut_short_by_another_are_refused() {
    for name in ["out.jsonl", "rejects.jsonl"] {
        let (place, task) = counted();
        let path = place.at(name);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let before = place.files();
        let refused = || {
            let ran = place.run(&task);
            assert!([1, 2].contains(&ran.code), "{}", ran.stderr);
            ran.says(name);
        };
        refused();
        assert!(place.files() == before);
        std::fs::remove_file(&path).unwrap();
        refused();
        // What was written after the last checkpoint is cut off.
        std::fs::write(&path, [&bytes[..], b"{\"ts\":17000"].concat()).unwrap();
        place.run(&task).exits(0);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

/// Fewer windows are kept from the next run on than the checkpoint has.
#[test]
fn less_may_be_kept() {
    for (first, then) in
        [("--agree=off", "--keep=1m"), ("--agree=off", "--late=drop"), ("--keep=2h", "--agree=off")]
    {
        let place = Place::new();
        let log = place.at("log");
        std::fs::write(&log, logs::bytes(&logs::workload(5, 20_000, 3.0))).unwrap();
        let task = Task::new(&[log.to_str().unwrap()], &format!("{FLAGS} {first}"));
        place.run(&task).exits(0);
        place.run_with(&task, &[then]).exits(0);
        assert_eq!(place.left().frames_read(), 0, "{first}, then {then}");
    }
}

#[test]
fn windows_left_out_are_not_taken_up_again() {
    let (place, task) = counted();
    let other = ["--windows=minute,day"];
    // Nothing was counted without them, so nothing is missing.
    place.run_with(&task, &other).exits(0);
    place.run(&task).exits(0);
    let mut log = File::options().append(true).open(place.at("log")).unwrap();
    log.write_all(b"{\"ts\":1700001000,\"uid\":\"one more\"}\n").unwrap();
    place.run_with(&task, &other).exits(0);
    let before = place.files();
    place.run_with(&task, &["--windows=minute,hour"]).exits(2).says("windows hour").says("--fresh");
    assert!(place.files() == before, "something was changed");
}
