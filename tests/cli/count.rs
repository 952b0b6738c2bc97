//! What `count` puts where: results on stdout and nothing else, the accounts on stderr, each format,
//! each output file.

use headcount::clock::calendar::Calendar;

use super::harness::{Folder, MINUTE, Ran, frame, run_with};

/// A minute like that of the design's example, between two others.
fn log() -> String {
    let seen = (0..97).map(|n| frame(MINUTE + n % 60, &format!("user {}", n % 42)));
    let before = frame(MINUTE - 1, "before");
    let after = frame(MINUTE + 65, "after");
    [before].into_iter().chain(seen).chain([after]).collect()
}

const RESULTS: &str = concat!(
    r#"{"ts":1699999980,"cnt":1,"window":"minute","start":"2023-11-14T22:13:00Z","#,
    r#""end":"2023-11-14T22:14:00Z","frames":1,"late":0,"status":"final","rev":0,"#,
    r#""closed_by":"time","complete":false}"#,
    "\n",
    r#"{"ts":1700000040,"cnt":42,"window":"minute","start":"2023-11-14T22:14:00Z","#,
    r#""end":"2023-11-14T22:15:00Z","frames":97,"late":0,"status":"final","rev":0,"#,
    r#""closed_by":"time","complete":true}"#,
    "\n",
    r#"{"ts":1700000100,"cnt":1,"window":"minute","start":"2023-11-14T22:15:00Z","#,
    r#""end":"2023-11-14T22:16:00Z","frames":1,"late":0,"status":"final","rev":0,"#,
    r#""closed_by":"end","complete":true}"#,
    "\n",
);

fn count(flags: &[&str]) -> Ran {
    let mut args = vec!["count", "-"];
    args.extend(flags);
    run_with(&args, log()).exits(0)
}

#[test]
fn results_are_on_stdout_and_the_accounts_on_stderr() {
    let ran = count(&[]);
    assert_eq!(ran.stdout, RESULTS);
    assert!(ran.stderr.lines().all(|line| line.starts_with("headcount: ")), "{}", ran.stderr);
    ran.says("99 read = 99 counted + 0 late + 0 malformed; 3 results put out");
}

#[test]
fn without_an_input_it_reads_what_is_piped_in() {
    assert_eq!(run_with(&["count"], log()).exits(0).stdout, RESULTS);
}

#[test]
fn quiet_leaves_stderr_empty() {
    for flag in ["--quiet", "-q"] {
        let ran = count(&[flag]);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (RESULTS, ""));
    }
}

#[test]
fn quiet_still_says_errors() {
    let ran = run_with(&["count", "-q", "/nowhere"], "").exits(1);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn csv_has_a_header_and_a_line_for_each_result() {
    let csv = count(&["--format", "csv"]).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    let header = "ts,cnt,window,zone,start,end,frames,late,status,rev,closed_by,complete";
    let design =
        "1700000040,42,minute,UTC,2023-11-14T22:14:00Z,2023-11-14T22:15:00Z,97,0,final,0,time,true";
    assert_eq!((lines.len(), lines[0], lines[2]), (4, header, design));
}

#[test]
fn a_table_has_a_header_and_lines_that_align() {
    let table = count(&["--format", "table"]).stdout;
    let lines: Vec<&str> = table.lines().collect();
    let cells = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        cells(lines[2]),
        ["minute", "2023-11-14T22:14:00Z", "42", "97", "0", "final", "time", "yes", "UTC"]
    );
    let frames_end = lines[0].find("frames").unwrap() + "frames".len();
    for (line, last_digit) in [(lines[1], "1"), (lines[2], "7"), (lines[3], "1")] {
        assert_eq!(&line[frames_end - 1..frames_end], last_digit, "{table}");
    }
}

#[test]
fn no_frames_no_results_in_any_format() {
    for format in ["json", "csv", "table"] {
        assert_eq!(run_with(&["count", "--format", format], "\n").exits(0).stdout, "");
    }
}

#[test]
fn a_file_gets_what_stdout_would_have_and_replaces_what_was_there() {
    let folder = Folder::new();
    let to = folder.file("results", "something longer that was there before\n".repeat(1000));
    let ran = count(&["--to", &to]);
    assert_eq!((ran.stdout.as_str(), folder.read("results").as_str()), ("", RESULTS));
}

#[test]
fn the_summary_has_the_accounts_the_cost_and_the_settings() {
    let folder = Folder::new();
    let log = log() + "[]\n\n" + &frame(MINUTE, "late");
    let input = folder.file("log", &log);
    let flags = ["--scanners", "2", "--counters", "3", "--max-lag", "4s", "--validate"];
    let mut args = vec![input.as_str()];
    args.extend(flags);
    let (ran, summary) = folder.count(&args);
    let ran = ran.exits(0);
    assert_eq!(ran.stdout, RESULTS);
    for (name, n) in [
        ("frames_read", 101),
        ("counted", 99),
        ("refused_late", 1),
        ("malformed", 1),
        ("blank_lines", 1),
        ("bytes", log.len()),
        ("windows", 3),
        ("windows_withheld", 0),
        ("windows_left_open", 0),
    ] {
        assert_eq!(summary[name], n, "{name}: {summary}");
    }
    // The most each counter knew at once: "before" is gone before "after" comes.
    let users_peak = summary["users_peak"].as_u64().unwrap();
    assert!((43..=44).contains(&users_peak), "{users_peak}");
    assert_eq!(summary["ended"], "done");
    assert_eq!(summary["error"], serde_json::Value::Null);
    assert_eq!(summary["malformed_by_reason"]["not_object"], 1);
    assert_eq!(summary["inputs"], serde_json::json!([input]));
    assert!(!summary["kernel"].as_str().unwrap().is_empty());
    let threads = summary["topology"].as_array().unwrap();
    let stages: Vec<&str> =
        threads.iter().flat_map(|t| t.as_array().unwrap()).map(|s| s.as_str().unwrap()).collect();
    for stage in ["scan 0", "scan 1", "clock", "count 0", "count 1", "count 2", "output"] {
        assert_eq!(stages.iter().filter(|s| **s == stage).count(), 1, "{stages:?}");
        let cost = summary["stages"].as_array().unwrap();
        assert!(cost.iter().any(|cost| cost["stage"] == stage), "{stage}: {summary}");
    }
    assert_eq!(
        summary["settings"],
        serde_json::json!({
            "windows": ["minute"], "returning_days": null, "timezones": ["UTC"], "timezone_data": Calendar::zone_data(),
            "ts_field": "ts", "uid_field": "uid", "ts_unit": "s",
            "validate": true, "max_lag_s": 4, "late": "drop", "keep_s": 3600, "every_s": 10,
            "emit": "final", "fill": false, "agree": "off", "max_ahead_s": 600,
            "now_s": summary["settings"]["now_s"], "max_refused": null
        })
    );
    for name in ["seconds", "frames_per_s", "gb_per_s", "cpu_seconds", "peak_memory_bytes"] {
        assert!(summary[name].as_f64().unwrap() > 0.0, "{name}: {summary}");
    }
}
