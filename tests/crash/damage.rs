//! A checkpoint that the disk has damaged: found and named, nothing else touched.

use std::path::PathBuf;

use crate::harness::{Place, Task, files_under};
use crate::logs;
use crate::random::Random;
use crate::seeds;

/// A count that was stopped and went on, so that there are several segments; with their paths.
fn checkpointed() -> (Place, Task, Vec<PathBuf>) {
    let place = Place::new();
    let log = place.at("log");
    let stream = logs::bytes(&logs::workload(9, 100_000, 3.0));
    let task = Task::new(&[log.to_str().unwrap()], "--windows minute,hour,day");
    let task = Task { every: "0s".into(), ..task };
    let middle = stream.len() / 2;
    let line = stream[middle..].iter().position(|&byte| byte == b'\n').unwrap();
    for to in [middle + line + 1, stream.len()] {
        std::fs::write(&log, &stream[..to]).unwrap();
        place.run(&task).exits(0);
    }
    let files = files_under(&place.checkpoint());
    let files = files.into_iter().filter(|(_, content)| !content.is_empty());
    let files = files.map(|(path, _)| path).collect();
    (place, task, files)
}

/// Asserts that a run names this file, ends with 1, and leaves all as it is.
#[track_caller]
fn is_named(place: &Place, task: &Task, path: &std::path::Path, how: &str) {
    let before = place.files();
    let ran = place.run(task);
    assert_eq!(ran.code, 1, "{how} of {}: {}", path.display(), ran.stderr);
    ran.exits(1).says(path.file_name().unwrap().to_str().unwrap());
    assert!(place.files() == before, "{how} of {}: something was changed", path.display());
}

#[test]
fn a_bit_flipped_anywhere_is_found() {
    for seed in seeds(1) {
        let mut random = Random(seed);
        let (place, task, files) = checkpointed();
        assert!(files.len() > 1, "{files:?}");
        for path in &files {
            let right = std::fs::read(path).unwrap();
            let last = right.len() - 1;
            let somewhere = [(); 4].map(|()| usize::try_from(random.below(last as u64)).unwrap());
            for at in [0, last].into_iter().chain(somewhere) {
                let mut wrong = right.clone();
                wrong[at] ^= 1 << random.below(8);
                std::fs::write(path, wrong).unwrap();
                is_named(&place, &task, path, &format!("HEADCOUNT_SEED={seed} byte {at}"));
            }
            std::fs::write(path, right).unwrap();
        }
        place.run(&task).exits(0);
    }
}

#[test]
fn a_file_cut_short_or_gone_is_found() {
    for seed in seeds(1) {
        let mut random = Random(seed);
        let (place, task, files) = checkpointed();
        for path in &files {
            let right = std::fs::read(path).unwrap();
            for to in [0, random.below(right.len() as u64), right.len() as u64 - 1] {
                std::fs::write(path, &right[..usize::try_from(to).unwrap()]).unwrap();
                is_named(&place, &task, path, &format!("HEADCOUNT_SEED={seed} cut to {to}"));
            }
            std::fs::remove_file(path).unwrap();
            is_named(&place, &task, path, "loss");
            std::fs::write(path, right).unwrap();
        }
        place.run(&task).exits(0);
    }
}
