//! Windows and time zones from flag to result: names, keys, columns, summary.

use super::harness::{Folder, MINUTE, Ran, frame, run, run_with};

/// The second before the day began in Kathmandu, its first, and noon of UTC a year on.
fn log() -> String {
    frame(1_699_985_699, "a") + &frame(1_699_985_700, "b") + &frame(1_731_585_600, "a")
}

fn counted(windows: &str, zone: &str) -> Ran {
    run_with(&["count", "-", "-q", "--windows", windows, "--timezone", zone], log()).exits(0)
}

/// The start, end and users of each result.
fn spans(ran: &Ran) -> Vec<String> {
    let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let text = |line: &str| {
        let value = value(line);
        let text = |name: &str| value[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", text("zone"), text("start"), text("end"), value["cnt"])
    };
    ran.stdout.lines().map(text).collect()
}

#[test]
fn each_length_in_a_zone() {
    let there = |windows| spans(&counted(windows, "Asia/Kathmandu"));
    let z = "Asia/Kathmandu";
    for (windows, first) in [
        ("hour", format!("{z} 2023-11-14T17:15:00Z 2023-11-14T18:15:00Z 1")),
        ("day", format!("{z} 2023-11-13T18:15:00Z 2023-11-14T18:15:00Z 1")),
        ("week", format!("{z} 2023-11-12T18:15:00Z 2023-11-19T18:15:00Z 2")),
        ("month", format!("{z} 2023-10-31T18:15:00Z 2023-11-30T18:15:00Z 2")),
        ("year", format!("{z} 2022-12-31T18:15:00Z 2023-12-31T18:15:00Z 2")),
        ("rolling:3d", format!("{z} 2023-11-11T18:15:00Z 2023-11-14T18:15:00Z 1")),
        ("minute", "- 2023-11-14T18:14:00Z 2023-11-14T18:15:00Z 1".into()),
        ("6h", "- 2023-11-14T18:00:00Z 2023-11-15T00:00:00Z 2".into()),
    ] {
        assert_eq!(there(windows)[0], first, "{windows}");
    }
    assert_eq!(there("day").len(), 3);
    let utc = spans(&counted("day", "utc"));
    assert_eq!(utc[0], "- 2023-11-14T00:00:00Z 2023-11-15T00:00:00Z 2");
}

#[test]
fn lines_of_cells_always_have_the_zone() {
    let flags = ["count", "-", "-q", "--windows=day", "--timezone=Asia/Tokyo", "--format"];
    let csv = run_with(&[&flags[..], &["csv"]].concat(), log()).exits(0).stdout;
    let line = "1699974000,2,day,Asia/Tokyo,2023-11-14T15:00:00Z,2023-11-15T15:00:00Z,2,0,final,0,time,false";
    assert_eq!(csv.lines().nth(1), Some(line));
    let table = run_with(&[&flags[..], &["table"]].concat(), log()).exits(0).stdout;
    assert!(table.lines().nth(1).unwrap().ends_with("  no        Asia/Tokyo"), "{table}");
}

#[test]
fn the_summary_says_by_which_windows_zones_and_data() {
    let folder = Folder::new();
    let log = folder.file("log.jsonl", log());
    let (_, summary) = folder.count(&[&log, "--windows=90m", "--timezone=europe/zurich"]);
    let settings = &summary["settings"];
    assert_eq!(settings["windows"], serde_json::json!(["90m"]));
    assert_eq!(settings["timezones"], serde_json::json!(["Europe/Zurich"]));
    let data = settings["timezone_data"].as_str().unwrap();
    assert!(data.starts_with("20") && data.len() == 5, "{data}");
}

#[test]
fn flags_given_replace_the_list_of_the_file() {
    let folder = Folder::new();
    let config = folder.file("c.toml", "windows = [\"day\"]\ntimezone = \"Asia/Tokyo\"\n");
    let counted = |flags: &[&str]| {
        spans(&run_with(&[&["count", "-", "-q", "--config", &config], flags].concat(), log()))
    };
    assert_eq!(counted(&[])[0], "Asia/Tokyo 2023-11-14T15:00:00Z 2023-11-15T15:00:00Z 2");
    let week = counted(&["--windows", "week"]);
    assert_eq!(week[0], "Asia/Tokyo 2023-11-12T15:00:00Z 2023-11-19T15:00:00Z 2");
}

/// Two years with an hour and a half between frames, some of them days late.
fn two_years() -> String {
    let times = (0..12_000).map(|n: i64| 1_700_000_000 + n * 5400 - n * n % 97 / 95 * 300_000);
    (0..).zip(times).map(|(n, ts_s)| frame(ts_s, &format!("user {}", n * n % 31))).collect()
}

#[test]
fn verify_recounts_every_length_by_the_summary_of_the_run() {
    let folder = Folder::new();
    let (log, results) = (folder.file("log.jsonl", two_years()), folder.at("results"));
    let summary = folder.at("summary.json");
    for (window, zone) in [
        ("minute", "UTC"),
        ("15m", "Asia/Kathmandu"),
        ("hour", "Australia/Lord_Howe"),
        ("day", "America/Havana"),
        ("week", "Europe/Zurich"),
        ("month", "Asia/Kathmandu"),
        ("year", "UTC"),
        ("rolling:7d", "America/Havana"),
        ("rolling:30d", "UTC"),
    ] {
        let flags = ["--windows", window, "--timezone", zone, "--agree=off", "--max-lag", "2d"];
        let flags = if window == "minute" { &flags[..5] } else { &flags[..] };
        let (_, said) = folder.count(&[&["--to", &results, &log], flags].concat());
        // A frame days late is on time for the rolling window of the day.
        let few = ["week", "month", "year", "rolling:7d", "rolling:30d"];
        let some = if few.contains(&window) { 0 } else { 100 };
        assert!(said["refused_late"].as_u64().unwrap() >= some, "{window}");
        let ran = run(&["verify", &results, &log, "--summary", &summary]).exits(0);
        let late = format!("{} late", said["refused_late"]);
        assert!(ran.stdout.replace(',', "").contains(&late), "{window}: {}", ran.stdout);
        run(&[&["verify", &results, &log], flags].concat()).exits(0);
        // By the defaults it is another count.
        if window != "minute" {
            run(&["verify", &results, &log]).exits(3);
        }
    }
}

#[test]
fn all_windows_of_two_zones_at_once_are_what_verify_says() {
    let folder = Folder::new();
    let log =
        folder.generated("log", "--kind hostile --frames 20000 --rate 0.02 --frame-bytes 300");
    let (results, summary) = (folder.at("results"), folder.at("summary.json"));
    let windows = "--windows=minute,hour,day,week,month,year,6h,rolling:2d,rolling:30d";
    let windows = [windows, "--timezone=Asia/Kathmandu,UTC"];
    for flags in [
        &["--agree=8,33/64"][..],
        &["--late=drop", "--agree=off"],
        &["--late=revise", "--emit=updates", "--every=1h", "--keep=3d", "--max-ahead=1d"],
        &["--fill", "--max-lag=1d", "--agree=2,9/20"],
    ] {
        let args = [&["--to", &results, &log], &windows[..], flags].concat();
        let (_, said) = folder.count(&args);
        assert_eq!(said["by_windows"].as_array().unwrap().len(), 15);
        let ran = run(&["verify", &results, &log, "--summary", &summary]).exits(0);
        assert!(ran.stdout.contains("agreed with the recount"), "{}", ran.stdout);
        run(&[&["verify", &results, &log], &windows[..], flags].concat()).exits(0);
    }
    // An empty window that is none.
    let right = folder.read("results");
    let empty = right.lines().find(|line| line.contains(r#""cnt":0,"window":"hour""#)).unwrap();
    let start = empty.split(',').next().unwrap();
    let wrong = format!("{{\"ts\":{}", start[6..].parse::<i64>().unwrap() + 1);
    folder.file("results", right.replace(start, &wrong));
    run(&["verify", &results, &log, "--summary", &summary]).exits(3).says("hour Asia/Kathmandu");
}

#[test]
fn verify_names_the_window_and_its_zone() {
    let folder = Folder::new();
    let (log, results) = (folder.file("log.jsonl", log()), folder.at("results"));
    let flags = ["--windows", "day", "--timezone", "Asia/Kathmandu"];
    run(&[&["count", "--to", &results, &log], &flags[..]].concat()).exits(0);
    let right = folder.read("results");
    let verify = [&["verify", &results, &log], &flags[..]].concat();
    run(&verify).exits(0);
    for (from, to, says) in [
        (r#""cnt":1"#, r#""cnt":2"#, "day Asia/Kathmandu 1699899300: the result says"),
        ("2023-11-13T18:15:00Z", "2023-11-13T18:00:00Z", "is not day Asia/Kathmandu 1699899300"),
        ("Asia/Kathmandu", "Asia/Tokyo", "day Asia/Tokyo 1699899300: a result, but"),
        (r#""status":"final""#, r#""status":"provisional""#, "day Asia/Kathmandu 1699899300"),
        (r#""rev":0"#, r#""rev":1"#, "rev 1 of day Asia/Kathmandu 1699899300, where rev 0 is due"),
        (r#""status":"final""#, r#""status":"revised""#, "where final is due"),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right);
        folder.file("results", wrong);
        run(&verify).exits(3).says(says);
    }
}

#[test]
fn verify_takes_files_as_partitions() {
    let folder = Folder::new();
    // As one log the second file's frames are late; as partitions they are not.
    let early = folder.file("0", (0..9).map(|n| frame(MINUTE + n * 60, "a")).collect::<String>());
    let late = folder.file("1", (0..9).map(|n| frame(MINUTE + n * 60, "b")).collect::<String>());
    let line = |n: i64| {
        let (ts, how) = (MINUTE + n * 60, if n >= 7 { "end" } else { "time" });
        let at = |n: i64| format!("2023-11-14T22:{}:00Z", 14 + n);
        format!(
            concat!(
                r#"{{"ts":{},"cnt":2,"window":"minute","start":"{}","end":"{}","frames":2,"#,
                r#""late":0,"status":"final","rev":0,"closed_by":"{}","complete":{}}}"#
            ),
            ts,
            at(n),
            at(n + 1),
            how,
            n > 0
        ) + "\n"
    };
    let results = folder.file("results", (0..9).map(line).collect::<String>());
    let verify = ["verify", "--agree=off", "--late=drop", &results, &early, &late];
    run(&verify).exits(3).says("7 windows differ");
    run(&[&verify[..], &["--partitions"]].concat()).exits(0);
}

#[test]
fn a_summary_that_is_none_is_wrong_usage() {
    let folder = Folder::new();
    let log = folder.file("log.jsonl", log());
    let results = folder.file("results", "");
    for wrong in ["", "{}", r#"{"settings":{"windows":["minute"]}}"#] {
        let summary = folder.file("summary.json", wrong);
        let ran = run(&["verify", &results, &log, "--summary", &summary]).exits(2);
        ran.says("is no summary");
    }
}
