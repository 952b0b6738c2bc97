//! One answer, whatever the input's form, the threads, and the way they wait: the one that
//! `headcount verify` gets by other means.

use super::harness::{Folder, Ran, gzip, on_one_core, run, run_with, zstd};

/// Streams with everything in them that can go wrong, over some minutes each. A flipped time may
/// end the clock's patience with all that follows, so that two streams have none.
const STREAMS: [&str; 4] = [
    "--seed 1 --flips 0",
    "--seed 2 --flips 0 --malformed 5% --late 20%:30s",
    "--seed 3 --flips 0.0003",
    "--seed 4 --flips 0.01",
];

fn stream(folder: &Folder, flags: &str) -> String {
    let flags = format!("--kind hostile --frames 20000 --frame-bytes 600 --rate 40 {flags}");
    folder.generated("log", &flags)
}

#[track_caller]
fn verify(results: &str, input: &str) {
    run(&["verify", results, input]).exits(0);
}

#[test]
fn every_form_of_input_gives_the_answer_of_verify() {
    for flags in STREAMS {
        let folder = Folder::new();
        let plain = stream(&folder, flags);
        let (results, log) = (folder.at("results"), std::fs::read(&plain).unwrap());
        run(&["count", "--to", &results, &plain]).exits(0);
        verify(&results, &plain);
        let right = folder.read("results");
        assert!(right.lines().count() >= 3, "too little to compare: {right}");
        for coded in [gzip(&log), zstd(&log)] {
            let path = folder.file("coded", &coded);
            assert_eq!(run(&["count", &path]).exits(0).stdout, right, "{flags}");
            assert_eq!(run_with(&["count"], coded).exits(0).stdout, right, "{flags}");
            verify(&results, &path);
        }
        assert_eq!(run_with(&["count", "-"], log).exits(0).stdout, right, "{flags}");
    }
}

#[test]
fn any_threads_on_any_cores_give_the_same_answer() {
    let folder = Folder::new();
    let input = stream(&folder, STREAMS[1]);
    let results = folder.at("results");
    run(&["count", "--to", &results, &input]).exits(0);
    verify(&results, &input);
    let right = folder.read("results");
    for scanners in ["1", "2", "3"] {
        for counters in ["1", "2", "3"] {
            for wait in ["spin", "balanced", "park"] {
                let threads = ["--scanners", scanners, "--counters", counters, "--wait", wait];
                let args = [&["count", &input], &threads[..]].concat();
                assert_eq!(run(&args).exits(0).stdout, right, "{threads:?}");
                let one = Ran::of(on_one_core(&args).output().unwrap()).exits(0);
                assert_eq!(one.stdout, right, "{threads:?} on one core");
            }
        }
    }
}

#[test]
fn pinned_threads_give_the_same_answer() {
    let folder = Folder::new();
    let input = stream(&folder, STREAMS[0]);
    let right = run(&["count", &input]).exits(0).stdout;
    for threads in [&["--pin"][..], &["--pin", "--scanners=1"], &["--pin", "--counters=3"]] {
        let args = [&["count", &input], threads].concat();
        assert_eq!(run(&args).exits(0).stdout, right, "{threads:?}");
        let one = Ran::of(on_one_core(&args).output().unwrap()).exits(0);
        assert_eq!(one.stdout, right, "{threads:?} on one core");
    }
}

#[test]
fn flags_are_the_same_to_count_and_to_verify() {
    let folder = Folder::new();
    let input = stream(&folder, "--seed 5 --flips 0 --ts-unit ms --late 20%:30s");
    let results = folder.at("results");
    let flags = ["--ts-unit", "ms", "--max-lag", "15s", "--validate"];
    run(&[&["count", "--to", &results, &input], &flags[..]].concat()).exits(0);
    run(&[&["verify", &results, &input], &flags[..]].concat()).exits(0);
    let other = ["--ts-unit", "ms", "--max-lag", "0", "--validate"];
    run(&[&["verify", &results, &input], &other[..]].concat()).exits(3);
}
