//! Checkpoints of older formats are gone on with: by this version and those to come.
//!
//! `format-N/` is what a run left that was killed: the log (58 frames made by `headcount generate`, one cut off
//! and one far ahead put in by hand), results, rejects, and a checkpoint of two segments. Format 1 was left by
//! headcount 0.1.0, a release build: with `FLAGS`, `--counters 1` and `--checkpoint-every 0s`, killed
//! after its first checkpoint of 20 lines, started again with 38 and killed after the next.

use std::path::Path;
use std::process::Command;

use crate::harness::{HEADCOUNT, Place, Ran, files_under};

const FLAGS: [&str; 2] = ["--windows=minute,hour", "--now=2026-01-01T00:00:00Z"];
/// Lines that the checkpoint speaks of, and all.
const READ: u64 = 38;
const LINES: u64 = 58;

/// Counts the log that lies in this place, by its name there.
fn count(place: &Place, more: &[&str]) -> Ran {
    let mut command = Command::new(HEADCOUNT);
    command.current_dir(place.at("")).args(["count", "log.jsonl"]).args(FLAGS);
    command.args(["--to", "out.jsonl", "--rejects", "rejects.jsonl", "--summary", "summary.json"]);
    Ran::of(command.args(more).output().unwrap())
}

#[test]
fn a_checkpoint_of_format_1_is_gone_on_with() {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/format-1");
    let peace = Place::new();
    std::fs::copy(stored.join("log.jsonl"), peace.at("log.jsonl")).unwrap();
    count(&peace, &[]).exits(0);
    let peace = peace.left();
    // Users keep their numbers, or get others.
    for counters in ["--counters=1", "--counters=3"] {
        let place = Place::new();
        std::fs::create_dir(place.checkpoint()).unwrap();
        for (path, content) in files_under(&stored) {
            let name = path.strip_prefix(&stored).unwrap().to_str().unwrap();
            std::fs::write(place.at(name), content).unwrap();
        }
        let manifest = std::fs::read_to_string(place.at("checkpoint/manifest")).unwrap();
        assert!(manifest.contains("\"format\": 1,"), "{manifest}");
        let mut verify = Command::new(HEADCOUNT);
        verify.args(["checkpoint", "verify"]).arg(place.checkpoint());
        let whole = Ran::of(verify.output().unwrap()).exits(0).stdout;
        assert_eq!(
            whole,
            "all of 2 segments read and whole: 11 users, 6 windows with 36 memberships\n"
        );
        let more = ["--checkpoint=checkpoint", counters];
        count(&place, &more).exits(0).says("going on from the checkpoint in ");
        let left = place.left();
        left.is_that_of(&peace, counters);
        assert_eq!((left.frames_read(), peace.frames_read()), (LINES - READ, LINES));
    }
}
