//! What is a frame and what it says, as far as the command line has a word in it: lines, fields,
//! units, `--validate`, `--max-lag`.

use super::harness::{Folder, MINUTE, frame, run_with};

/// Counts a log from a file and from stdin; both must give these minutes and users.
#[track_caller]
fn check(log: &str, flags: &[&str], expected: &[(i64, u64)]) {
    let folder = Folder::new();
    let path = folder.file("log", log);
    for input in [path.as_str(), "-"] {
        let mut args = vec![input];
        args.extend(flags);
        let (ran, _) = folder.count_with(&args, log);
        assert_eq!(ran.exits(0).counts(), expected, "{input}: {log}");
    }
}

#[test]
fn lines_may_end_and_begin_as_they_like() {
    let (a, b) = (frame(MINUTE, "a"), frame(MINUTE, "b"));
    let (a, b) = (a.trim_end(), b.trim_end());
    for log in [
        format!("{a}\n{b}\n"),
        format!("{a}\n{b}"),
        format!("{a}\r\n{b}\r\n"),
        format!("{a}\r\n{b}\r"),
        format!("\u{feff}{a}\n{b}\n"),
        format!("\u{feff}\r\n{a}\n\u{feff}{b}"),
        format!("\n\r\n \t\r\n{a}\n\n\n{b}\n\n"),
        format!(" \t{a} \n\t{b}\t\r\n"),
    ] {
        check(&log, &[], &[(MINUTE, 2)]);
    }
}

#[test]
fn fields_are_those_of_the_root_or_of_the_path() {
    let log = r#"{"m":{"ts":1,"at":"1700000041"},"uid":"u","a.b":{"c":7},"user":{"id":"x","uid":"y"},"ts":1700000040}
{"uid":"v","user":{"id":"x"},"m":{"at":1700000042.9},"a.b":{"c":"7"},"ts":1700000040}
"#;
    check(log, &[], &[(MINUTE, 2)]);
    check(log, &["--uid-field", "user.id"], &[(MINUTE, 1)]);
    check(log, &["--uid-field", r"a\.b.c"], &[(MINUTE, 1)]);
    check(log, &["--ts-field=m.at", "--uid-field=uid"], &[(MINUTE, 2)]);
}

#[test]
fn a_path_that_cannot_be_is_wrong_usage() {
    for path in ["", "a..b", ".a"] {
        run_with(&["count", "--uid-field", path], "").exits(2).says("--uid-field");
    }
}

#[test]
fn times_are_in_the_unit_given() {
    for (unit, ts) in [
        ("s", "1700000099.999"),
        ("ms", "1700000099999"),
        ("us", "\"1700000099999999\""),
        ("ns", "1700000099999999999"),
        ("rfc3339", "\"2023-11-14T23:14:59.999+01:00\""),
    ] {
        let log = format!("{{\"ts\":{ts},\"uid\":1}}\n{{\"uid\":\"1\",\"ts\":{ts}}}\n");
        check(&log, &["--ts-unit", unit], &[(MINUTE, 1)]);
    }
}

#[test]
fn a_wrong_unit_stops_before_any_output_and_is_named() {
    let folder = Folder::new();
    for (frames, unit, given) in
        [(1, "ms", "s"), (999, "us", "s"), (5000, "ns", "ms"), (5000, "s", "ns")]
    {
        let scale = [("s", 1), ("ms", 1000), ("us", 1_000_000), ("ns", 1_000_000_000)];
        let (_, scale) = scale.into_iter().find(|(name, _)| *name == unit).unwrap();
        let log: String = (0..frames).map(|n| frame((MINUTE + 60 * n) * scale, "u")).collect();
        let (ran, summary) = folder.count_with(&["--ts-unit", given, "-"], log.clone());
        let ran = ran.exits(2).says(&format!("give --ts-unit {unit} "));
        assert_eq!(ran.stdout, "");
        assert_eq!((&summary["ended"], &summary["windows"]), (&"failed".into(), &0.into()));

        let to = folder.at("results");
        run_with(&["count", "--ts-unit", given, "--to", &to, "-"], log).exits(2);
        assert_eq!(folder.read("results"), "");
    }
}

#[test]
fn times_written_out_are_a_unit_too() {
    let log = r#"{"ts":"2023-11-14T22:13:20Z","uid":"u"}"#.to_owned() + "\n";
    for (given, frames) in [("s", 1), ("ns", 2000)] {
        let ran = run_with(&["count", "--ts-unit", given, "-"], log.repeat(frames)).exits(2);
        assert_eq!(ran.says("give --ts-unit rfc3339 ").stdout, "");
    }
}

#[test]
fn one_plausible_time_settles_the_unit() {
    let wrong = frame(1000 * MINUTE, "u").repeat(999);
    let log = wrong.clone() + &frame(MINUTE, "u") + &wrong;
    let ran = run_with(&["count", "-"], log).exits(0);
    assert_eq!(ran.counts(), [(MINUTE, 1)]);
    ran.says("(1,998 bad_ts)");
}

#[test]
fn validate_sees_what_stands_behind_the_fields() {
    let log =
        frame(MINUTE, "a") + r#"{"ts":1700000040,"uid":"b"} and more"# + "\n" + &frame(MINUTE, "c");
    check(&log, &[], &[(MINUTE, 3)]);
    check(&log, &["--validate"], &[(MINUTE, 2)]);
    let folder = Folder::new();
    let (_, summary) = folder.count_with(&["--validate", "-"], log);
    assert_eq!(summary["malformed_by_reason"]["invalid"], 1, "{summary}");
}

#[test]
fn late_frames_are_refused_and_accounted() {
    let folder = Folder::new();
    let log = |last: i64| {
        frame(MINUTE, "a") + &frame(last, "b") + &frame(MINUTE + 59, "late") + &frame(last, "c")
    };
    for (lag, first_too_late) in [("5s", 65), ("0", 60), ("1m", 120), ("90", 150)] {
        let flags = ["--max-lag", lag, "-"];
        let out = MINUTE + first_too_late;
        let (ran, summary) = folder.count_with(&flags, log(out));
        assert_eq!(ran.exits(0).counts(), [(MINUTE, 1), (out - out % 60, 2)]);
        assert_eq!((&summary["refused_late"], &summary["counted"]), (&1.into(), &3.into()));
        let (ran, summary) = folder.count_with(&flags, log(out - 1));
        assert_eq!(ran.exits(0).counts()[0], (MINUTE, if first_too_late == 60 { 4 } else { 2 }));
        assert_eq!((&summary["refused_late"], &summary["counted"]), (&0.into(), &4.into()));
    }
    run_with(&["count", "--max-lag", "500ms"], "").exits(2).says("whole seconds");
    run_with(&["count", "--max-lag", "1000d"], "").exits(2).says("--max-lag");
}
