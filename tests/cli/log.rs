//! What is said on stderr: as text, as JSON, how much of it, and that nothing of it spoils a run.

use std::process::Command;

use serde_json::Value;

use super::harness::{Folder, HEADCOUNT, MINUTE, frame, minutes, run, run_with, shell};

/// The lines as JSON; each is to have what every one has.
#[track_caller]
fn said(stderr: &str) -> Vec<Value> {
    let lines: Vec<Value> = stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    for line in &lines {
        let text = |member: &str| line[member].as_str().unwrap_or_else(|| panic!("{line}"));
        assert!(text("timestamp").parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(["ERROR", "WARN", "INFO", "DEBUG"].contains(&text("level")), "{line}");
        assert!(!text("message").is_empty() && !text("target").is_empty(), "{line}");
    }
    lines
}

/// A log with a hundred frames that come much too late, of users whose names must not be told.
fn alarming(folder: &Folder) -> String {
    let mut log: String = (0..200).map(|n| frame(MINUTE + 7200 + n / 20, "uid-secret")).collect();
    log += &frame(MINUTE, "uid-secret").repeat(100);
    log += "payload-secret\n";
    folder.file("log", log)
}

const ALARMED: [&str; 3] = ["count", "--late=drop", "--agree=33,33/64"];

#[test]
fn json_lines_have_what_they_name() {
    let folder = Folder::new();
    let log = alarming(&folder);
    let ran = run(&[&ALARMED[..], &[&log, "--log-format", "json"]].concat()).exits(0);
    assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    let lines = said(&ran.stderr);
    let of =
        |target: &str| lines.iter().filter(|line| line["target"] == target).collect::<Vec<_>>();
    let [alarm] = of("clock")[..] else { panic!("{lines:?}") };
    assert_eq!((&alarm["level"], &alarm["refused"]), (&"WARN".into(), &52.into()));
    assert!(alarm["message"].as_str().unwrap().starts_with("52 of the last 1024 frames were"));
    assert!(alarm.get("partition").is_none(), "a file has none");
    let accounts = of("accounts");
    assert_eq!((&accounts[0]["frames_read"], &accounts[0]["counted"]), (&301.into(), &200.into()));
    assert_eq!(accounts[0]["malformed"], 1);
    assert!(accounts[0]["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(lines.len(), 1 + accounts.len());
}

#[test]
fn errors_that_end_a_run_are_json_too() {
    let folder = Folder::new();
    let config = folder.file("config.toml", "log-format = \"json\"\n");
    for (args, kind, name, code) in [
        (&["count", "/nowhere", "--log-format=json"][..], "input", Some("/nowhere"), 1),
        (&["count", "--nope", "--log-format", "json"], "usage", None, 2),
        (&["count", "-", "--max-lag", "x", "--log-format", "json"], "usage", None, 2),
        (&["count", "/nowhere", "--config", &config], "input", Some("/nowhere"), 1),
        (&["measure", "scan", "/nowhere", "--log-format=json"], "input", Some("/nowhere"), 1),
        (&["checkpoint", "verify", "/nowhere", "--log-format=json"], "checkpoint", None, 1),
        (
            &["count", "-", "--to=/dev/full", "-q", "--log-format=json"],
            "output",
            Some("/dev/full"),
            1,
        ),
    ] {
        let ran = run_with(args, minutes(3)).exits(code);
        let [error] = &said(&ran.stderr)[..] else { panic!("{args:?}: {}", ran.stderr) };
        assert_eq!((&error["level"], &error["kind"]), (&"ERROR".into(), &kind.into()), "{error}");
        assert_eq!(error["exit_code"], code, "{error}");
        assert_eq!(error.get("name").and_then(Value::as_str), name, "{error}");
    }
}

#[test]
fn text_is_the_programs_name_and_the_message() {
    let folder = Folder::new();
    let log = alarming(&folder);
    for args in [
        &[&ALARMED[..], &[&log, "--log-level=warn"]].concat()[..],
        &["count", "/nowhere"],
        &["count", "--nope"],
        &["verify", "/nowhere", "/nowhere"],
    ] {
        let as_json = run(&[args, &["--log-format=json"]].concat());
        let messages = said(&as_json.stderr);
        let messages = messages.iter().map(|line| line["message"].as_str().unwrap());
        let text: String = messages.map(|message| format!("headcount: {message}\n")).collect();
        assert!(!text.is_empty());
        assert_eq!(run(args).stderr, text, "{args:?}");
        assert_eq!(run(&[args, &["--log-format=text"]].concat()).stderr, text, "{args:?}");
    }
}

#[test]
fn the_level_says_how_much() {
    let folder = Folder::new();
    let log = alarming(&folder);
    let levels = |level: &str| {
        let flags = ["--log-format=json", "--log-level", level, &log];
        let ran = run(&[&ALARMED[..], &flags].concat()).exits(0);
        let mut levels: Vec<String> = said(&ran.stderr)
            .iter()
            .map(|line| line["level"].as_str().unwrap().to_owned())
            .collect();
        levels.sort_unstable();
        levels.dedup();
        levels
    };
    assert_eq!(levels("error"), [""; 0]);
    assert_eq!(levels("warn"), ["WARN"]);
    assert_eq!(levels("info"), ["INFO", "WARN"]);
    assert_eq!(levels("debug"), ["DEBUG", "INFO", "WARN"]);
    let ran = run(&["count", "-q", "--log-level=error", "/nowhere"]).exits(1);
    assert_eq!(ran.stderr.lines().count(), 1, "errors are always said");
}

#[test]
fn nobody_to_tell_is_no_error() {
    let folder = Folder::new();
    folder.file("log", alarming(&folder));
    let log = alarming(&folder);
    let expected = run(&[&ALARMED[..], &[&log]].concat()).exits(0).stdout;
    for format in ["text", "json"] {
        for to in ["2>/dev/full", "2>&-"] {
            let line =
                format!("\"$headcount\" {} log --log-format={format} {to}", ALARMED.join(" "));
            assert_eq!(shell(&line, &folder).exits(0).stdout, expected, "{line}");
        }
    }
}

#[test]
fn nothing_is_drawn_where_no_terminal_is() {
    let folder = Folder::new();
    let log = folder.file("log", minutes(50));
    for format in ["json", "csv", "table"] {
        let mut command = Command::new(HEADCOUNT);
        let args = ["count", &log, "--emit=updates", "--late=revise", "--format", format];
        let ran = command.args(args).env("TERM", "xterm").output().unwrap();
        assert!(!ran.stdout.contains(&0x1b) && !ran.stderr.contains(&0x1b), "{ran:?}");
        assert!(!ran.stdout.is_empty() && !ran.stderr.is_empty());
    }
}
