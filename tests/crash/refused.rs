//! What cannot be: inputs that cannot be read again, two runs at once, folders that are none.

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::harness::{Place, Task};
use crate::logs;

fn small(place: &Place) -> Task {
    let log = place.at("log");
    std::fs::write(&log, logs::bytes(&logs::workload(5, 2_000, 3.0))).unwrap();
    Task::new(&[log.to_str().unwrap()], "--windows hour")
}

#[test]
fn what_cannot_be_read_again_is_refused() {
    let place = Place::new();
    let fifo = place.at("fifo");
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    for input in ["-", fifo.to_str().unwrap(), "/dev/zero"] {
        let ran = place.run(&Task::new(&[input], "")).exits(2);
        ran.says("--checkpoint");
        assert!(!place.checkpoint().exists(), "{input}");
    }
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let place = Place::new();
    let task = small(&place);
    for every in ["soon", "-1s", ""] {
        let task = Task { every: every.into(), ..task.clone() };
        place.run(&task).exits(2).says("--checkpoint-every");
    }
    let count = |args: &[&str]| {
        let mut command = std::process::Command::new(crate::ran::HEADCOUNT);
        command.arg("count").arg(&task.inputs[0]).args(args).current_dir(place.at(""));
        crate::ran::Ran::of(command.output().unwrap())
    };
    count(&["--fresh", "--to", "out"]).exits(2).says("--checkpoint");
    assert!(!place.at("out").exists());
}

#[cfg(feature = "kafka")]
#[test]
fn a_failure_is_not_passed_over_where_results_wait_for_it() {
    let topics = ["count", "-b", "127.0.0.1:1", "-t", "in", "-o", "out"];
    let retry = ["--checkpoint-failure", "retry"];
    let mut command = std::process::Command::new(crate::ran::HEADCOUNT);
    let ran = crate::ran::Ran::of(command.args(topics).args(retry).output().unwrap());
    ran.exits(2).says("give that longer");
}

#[test]
fn the_folder_is_made_for_its_owner_alone() {
    let place = Place::new();
    let task = small(&place);
    place.run(&task).exits(0);
    let mode = std::fs::metadata(place.checkpoint()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_folder_that_is_none_is_an_error() {
    let place = Place::new();
    let task = small(&place);
    std::fs::write(place.checkpoint(), "a file").unwrap();
    let ran = place.run(&task);
    assert!([1, 2].contains(&ran.code), "{}", ran.stderr);
    ran.says("checkpoint");
    assert_eq!(std::fs::read(place.checkpoint()).unwrap(), b"a file");
    std::fs::remove_file(place.checkpoint()).unwrap();
    // Somebody else's files.
    std::fs::create_dir(place.checkpoint()).unwrap();
    let thesis = place.checkpoint().join("thesis.tex");
    std::fs::write(&thesis, "all of it").unwrap();
    for more in [&[][..], &["--fresh"]] {
        let ran = place.run_with(&task, more);
        assert!([1, 2].contains(&ran.code), "{}", ran.stderr);
        assert_eq!(std::fs::read(&thesis).unwrap(), b"all of it", "{more:?}");
    }
}

#[test]
fn a_second_run_at_once_is_refused_and_disturbs_nothing() {
    let place = Place::new();
    let log = place.at("log");
    std::fs::write(&log, logs::bytes(&logs::workload(5, 600_000, 3.0))).unwrap();
    let task = Task::new(&[log.to_str().unwrap()], "--windows minute");
    let (peace, _) = task.in_peace();
    let mut running = place.start(&task);
    let has_said_something =
        |name: &str| std::fs::metadata(place.at(name)).is_ok_and(|file| file.len() > 0);
    running.wait_until("results", |_| has_said_something("out.jsonl"));
    running.signal(Signal::STOP);
    assert!(!running.is_over(), "it is held up in the middle");
    let before = place.files();
    for more in [&[][..], &["--fresh"], &["--windows=hour"]] {
        let ran = place.run_with(&task, more).exits(4);
        ran.says(place.checkpoint().to_str().unwrap());
        assert!(place.files() == before, "{more:?}");
    }
    running.signal(Signal::CONT);
    assert_eq!(running.end().ended(0).code, Some(0));
    place.left().is_that_of(&peace, "with another run that was refused");
    place.run(&task).exits(0);
}

#[test]
fn another_file_of_results_is_not_cut_back() {
    let place = Place::new();
    let task = small(&place);
    place.run(&task).exits(0);
    let out = std::fs::read(place.at("out.jsonl")).unwrap();
    for name in ["out.jsonl", "rejects.jsonl"] {
        let own = std::fs::read(place.at(name)).unwrap();
        let other = b"another\n".repeat(10_000);
        std::fs::write(place.at(name), &other).unwrap();
        place.run(&task).exits(2).says(name).says("--fresh");
        assert_eq!(std::fs::read(place.at(name)).unwrap(), other);
        std::fs::write(place.at(name), own).unwrap();
    }
    place.run(&task).exits(0);
    assert_eq!(std::fs::read(place.at("out.jsonl")).unwrap(), out);
}

/// What is no plain file has no length, and cannot be brought to a disk.
#[test]
fn results_may_go_nowhere() {
    let place = Place::new();
    let task = small(&place);
    for _ in 0..2 {
        place.run_with(&task, &["--to=/dev/null", "--rejects=/dev/null"]).exits(0);
    }
}

/// A run that has seen no frame yet has not seen in which unit they are.
#[test]
fn the_unit_is_checked_also_after_an_empty_log() {
    let place = Place::new();
    let log = place.at("log");
    std::fs::write(&log, "\n").unwrap();
    let task = Task::new(&[log.to_str().unwrap()], "--windows hour");
    place.run(&task).exits(0);
    let frames = "{\"ts\":1700000000000,\"uid\":\"u\"}\n".repeat(20);
    std::fs::write(&log, "\n".to_owned() + &frames).unwrap();
    place.run(&task).exits(2).says("--ts-unit ms");
}

#[test]
fn what_fails_at_the_end_fails_again_when_it_is_gone_on_with() {
    let place = Place::new();
    let log = place.at("log");
    // The last few frames move no clock: only the end opens their minute, beyond more empty ones than are filled in.
    let times = [1_700_000_000_i64; 40].into_iter().chain([1_700_000_000 + 60 * 200_000; 3]);
    let frames = times.map(|ts| format!("{{\"ts\":{ts},\"uid\":\"u\"}}\n"));
    std::fs::write(&log, frames.collect::<String>()).unwrap();
    let task = Task::new(&[log.to_str().unwrap()], "--fill");
    for _ in 0..3 {
        place.run(&task).exits(1).says("--fill: more than");
    }
}
