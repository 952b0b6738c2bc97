//! Runs that ended by themselves, and are started again: over the same log, or one that has grown.

use std::fs::File;
use std::io::Write;

use crate::harness::{Place, Task, assert_each_rev_once, files_under};
use crate::logs::{self, Packing};

/// A stream whose every frame can be told by the next run, none waits for ever.
fn stream(seed: u64) -> Vec<u8> {
    let workload = headcount::generate::Workload {
        flips: 0.0,
        line_end: headcount::generate::LineEnd::Lf,
        ..logs::workload(seed, 60_000, 3.0)
    };
    logs::bytes(&workload)
}

/// Whole lines, in so many parts.
fn parts(stream: &[u8], n: usize) -> Vec<Vec<u8>> {
    let lines: Vec<&[u8]> = stream.split_inclusive(|&byte| byte == b'\n').collect();
    lines.chunks(lines.len().div_ceil(n)).map(<[_]>::concat).collect()
}

#[test]
fn a_run_that_ended_reads_nothing_when_started_again() {
    for packing in Packing::ALL {
        let place = Place::new();
        let log = place.at("log");
        let workload = logs::workload(7, 30_000, 3.0);
        std::fs::write(&log, packing.pack(logs::bytes(&workload))).unwrap();
        let task = Task::new(&[log.to_str().unwrap()], "--windows minute,hour,day --every 1m");
        let (peace, _) = task.in_peace();
        place.run(&task).exits(0);
        let first = place.left();
        first.is_that_of(&peace, "the first run");
        assert_eq!(first.frames_read(), peace.frames_read());
        let kept = files_under(&place.checkpoint());
        for _ in 0..2 {
            place.run(&task).exits(0).says("going on from the checkpoint in ");
            let again = place.left();
            assert_eq!(again.frames_read(), 0, "{packing:?}");
            again.is_that_of(&peace, "started again");
            // Nothing new, no checkpoint.
            assert!(files_under(&place.checkpoint()) == kept, "{packing:?}");
        }
    }
}

#[test]
fn what_was_appended_is_counted_by_the_next_run() {
    let stream = stream(11);
    for packing in Packing::ALL {
        for flags in [
            "--windows minute,hour,day,rolling:2d --returning 2d",
            "--windows minute,hour --late drop",
            "--windows minute,day --emit updates --every 10m --keep 2h",
            "--agree off",
        ] {
            let place = Place::new();
            let log = place.at("log");
            let task = Task::new(&[log.to_str().unwrap()], flags);
            let how = format!("{packing:?} {flags}");
            let mut said = String::new();
            for part in parts(&stream, 4) {
                let mut file = File::options().append(true).create(true).open(&log).unwrap();
                let lines = part.iter().filter(|&&byte| byte == b'\n').count() as u64;
                file.write_all(&packing.pack(part)).unwrap();
                place.run(&task).exits(0);
                let left = place.left();
                assert_eq!(left.frames_read(), lines, "only what is new: {how}");
                assert!(left.out.starts_with(&said), "what was said stays: {how}");
                assert!(!left.out.contains("silence"), "a file is never silent: {how}");
                said = left.out;
            }
            let (peace, _) = task.in_peace();
            let left = place.left();
            assert_each_rev_once(&left.out, &how);
            assert_eq!(left.last_words(), peace.last_words(), "{how}");
            assert_eq!(left.rejects, peace.rejects, "{how}");
            left.accounts_are_those_of(&peace, &how);
        }
    }
}

#[test]
fn an_empty_log_that_grows_is_no_exception() {
    let place = Place::new();
    let log = place.at("log");
    std::fs::write(&log, "").unwrap();
    let task = Task::new(&[log.to_str().unwrap()], "--windows minute,hour");
    place.run(&task).exits(0);
    assert_eq!(place.left().out, "");
    std::fs::write(&log, stream(3)).unwrap();
    place.run(&task).exits(0);
    let (peace, _) = task.in_peace();
    place.left().is_that_of(&peace, "grown from nothing");
}

#[test]
fn a_last_line_that_was_half_written_is_never_counted_wrong() {
    // Short lines, so that some cuts are before a field, in it, and behind both.
    let lines: Vec<String> = (0..60)
        .map(|n| format!("{{\"ts\":{},\"uid\":\"u{}\"}}\n", 1_700_000_000 + n, n % 7))
        .collect();
    let stream = lines.concat().into_bytes();
    let half = lines[..30].concat().len();
    for packing in [Packing::Plain, Packing::Gzip] {
        for cut in half..half + lines[30].len() + 1 {
            let place = Place::new();
            let log = place.at("log");
            let task = Task::new(&[log.to_str().unwrap()], "--windows minute,hour");
            std::fs::write(&log, packing.pack(stream[..cut].to_vec())).unwrap();
            place.run(&task).exits(0);
            let mut file = File::options().append(true).open(&log).unwrap();
            file.write_all(&packing.pack(stream[cut..].to_vec())).unwrap();
            place.run(&task).exits(0);
            let (peace, _) = task.in_peace();
            let how = format!("{packing:?} cut at {cut}");
            assert_eq!(place.left().last_words(), peace.last_words(), "{how}");
            place.left().accounts_are_those_of(&peace, &how);
        }
    }
}
