//! `verify` finds what is wrong in results, and names the window.

use super::harness::{Folder, MINUTE, frame, gzip, minutes, run, run_with, zstd};

/// A log of three minutes and its results in files.
fn counted(folder: &Folder) -> (String, String) {
    let input = folder.file("log", minutes(3) + &frame(MINUTE + 120, "another"));
    let results = folder.at("results");
    run(&["count", "--to", &results, &input]).exits(0);
    (results, input)
}

#[test]
fn results_that_agree_are_said_to_and_quiet_says_nothing() {
    let folder = Folder::new();
    let (results, input) = counted(&folder);
    let ran = run(&["verify", &results, &input]).exits(0);
    assert!(ran.stdout.contains("all 3 windows agreed with the recount"), "{}", ran.stdout);
    let ran = run(&["verify", "--quiet", &results, &input]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let log = std::fs::read(&input).unwrap();
    run_with(&["verify", &results, "-"], log.clone()).exits(0);
    run(&["verify", &results, &folder.file("coded", gzip(&log))]).exits(0);
    let skippable = b"\x5a\x2a\x4d\x18\x05\0\0\0hello".to_vec();
    let coded = [skippable, zstd(&log)].concat();
    run(&["verify", &results, &folder.file("coded", coded)]).exits(0);
}

#[test]
fn a_changed_result_is_named() {
    let folder = Folder::new();
    let (results, input) = counted(&folder);
    let right = folder.read("results");
    let last = MINUTE + 120;
    for (from, to) in [(r#""cnt":2"#, r#""cnt":3"#), (r#""frames":2"#, r#""frames":1"#)] {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right);
        folder.file("results", wrong);
        let ran = run(&["verify", &results, &input]).exits(3).says("1 window differs");
        ran.says(&format!("minute {last}"));
    }
}

#[test]
fn a_minute_written_out_wrongly_is_named() {
    let folder = Folder::new();
    let (results, input) = counted(&folder);
    let right = folder.read("results");
    for (from, to) in
        [("22:15:00Z\",\"end", "22:15:01Z\",\"end"), ("22:16:00Z\",\"frames", "\",\"frames")]
    {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right);
        folder.file("results", wrong);
        let ran = run(&["verify", &results, &input]).exits(3);
        ran.says("line 2: ").says(&format!("is not minute {}", MINUTE + 60));
    }
    // The first minute there may be, and the last.
    let (first, last) = (-62_135_596_800, 253_402_300_740);
    let input = folder.file("log", frame(first, "a") + &frame(MINUTE, "a") + &frame(last, "a"));
    let now = ["--agree=8,33/64", "--now", "253402300799"];
    run(&[&["count", "--to", &results, &input], &now[..]].concat()).exits(0);
    run(&[&["verify", &results, &input], &now[..]].concat()).exits(0);
    // By the wall clock the last one is yet to come.
    let args = ["verify", &results, &input, "--agree=8,33/64", "--now=1800000000"];
    run(&args).exits(3).says("minute 253402300740: a result, but");
}

#[test]
fn a_missing_result_and_one_too_many_are_named() {
    let folder = Folder::new();
    let (results, input) = counted(&folder);
    let right = folder.read("results");
    let (first, rest) = right.split_at(right.find('\n').unwrap() + 1);
    folder.file("results", rest);
    run(&["verify", &results, &input]).exits(3).says(&format!("minute {MINUTE}: no result"));
    let other = run_with(&["count", "-"], frame(MINUTE - 60, "user")).exits(0).stdout;
    folder.file("results", right.clone() + &other);
    run(&["verify", &results, &input]).exits(3).says(&format!("minute {}: a result", MINUTE - 60));
    folder.file("results", right.clone() + first);
    run(&["verify", &results, &input]).exits(3).says(&format!("second result for minute {MINUTE}"));
    folder.file("results", "");
    run(&["verify", &results, &input]).exits(3).says("3 windows differ");
}

#[test]
fn what_is_no_result_is_wrong_usage() {
    let folder = Folder::new();
    let (results, input) = counted(&folder);
    folder.file("results", folder.read("results") + "ts,cnt\n");
    run(&["verify", &results, &input]).exits(2).says("line 4");
    run(&["verify", &folder.at("nothing"), &input]).exits(1).says("nothing: No such file");
    counted(&folder);
    run(&["verify", &results, &folder.at("nothing")]).exits(1).says("nothing: No such file");
    run(&["verify", &results]).exits(2);
}

#[test]
fn frames_that_are_json_only_up_to_both_fields_agree() {
    let folder = Folder::new();
    let input = folder.file("log", frame(MINUTE, "a") + "{\"ts\":1700000040,\"uid\":\"b\"} {{{\n");
    let results = folder.at("results");
    for (flags, users) in [(&[][..], 2), (&["--validate"], 1)] {
        let ran = run(&[&["count", &input], flags].concat()).exits(0);
        assert_eq!(ran.counts(), [(MINUTE, users)]);
        folder.file("results", &ran.stdout);
        run(&[&["verify", &results, &input], flags].concat()).exits(0);
    }
}
