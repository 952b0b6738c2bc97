//! Windows and time zones from flag to result: names, keys, columns, summary.

use super::harness::{Folder, Ran, frame, run_with};

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
