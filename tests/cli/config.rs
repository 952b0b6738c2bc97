//! Flags, and the configuration file that stands in for them.

use super::harness::{Folder, MINUTE, Ran, frame, run, run_with, shell};

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_wrong() {
    for (line, word) in [
        ("--nope", "--nope"),
        ("nope", "nope"),
        ("count --nope", "--nope"),
        ("count --format xml", "xml"),
        ("count --wait never", "never"),
        ("count --ts-unit days", "days"),
        ("count --scanners 0", "--scanners must be from 1 to 256"),
        ("count --counters 257", "--counters must be from 1 to 256"),
        ("count --scanners many", "many"),
        ("count --max-lag=-1s", "--max-lag"),
        ("count --to", "--to"),
        ("count --windows minuet", "give minute, hour, day"),
        ("count --windows minute,", "give minute, hour, day"),
        ("count --windows 0m", "a fixed length is from 1s to 8784h"),
        ("count --windows rolling:61d", "1 to 60 days"),
        ("count --timezone Europe/Zurych", "near it: Europe/Zurich"),
        ("count --timezone UTC,", "no such time zone"),
        ("plan --timezone Local", "no such time zone"),
        ("measure", "Usage"),
        ("measure write", "write"),
        ("measure read --rounds 0", "--rounds"),
        ("demo --frames 0", "--frames"),
        ("completions tcsh", "tcsh"),
        ("verify", "RESULTS"),
        ("generate --malformed 200%", "--malformed"),
        ("plan --uid-bytes 1025", "--uid-bytes"),
    ] {
        let args: Vec<&str> = line.split_whitespace().collect();
        let ran = run(&args).exits(2).says(word);
        assert_eq!(ran.stdout, "", "{line}");
        assert!(ran.stderr.starts_with("headcount: "), "{line}: {}", ran.stderr);
    }
    run(&[]).exits(2).says("Usage: headcount");
}

/// Counts three frames of a minute and one at 70 s of it with this configuration file.
fn configured(config: &str, flags: &[&str]) -> Ran {
    let folder = Folder::new();
    let config = folder.file("headcount.toml", config);
    let log = frame(MINUTE, "a") + &frame(MINUTE + 70, "a") + &frame(MINUTE, "b");
    let plain = ["count", "--agree=off", "--late=drop", "--config", &config];
    run_with(&[&plain[..], flags].concat(), log)
}

#[test]
fn keys_are_flags_and_flags_given_go_before_them() {
    let file = "max-lag = \"30s\"\nformat = \"csv\"\nquiet = true\npin = false\nscanners = 2\n";
    let ran = configured(file, &[]).exits(0);
    assert!(ran.stdout.starts_with("ts,cnt,"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n1700000040,2,"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    let ran = configured(file, &["--format", "json", "--max-lag=0"]).exits(0);
    assert_eq!(ran.counts(), [(MINUTE, 1), (MINUTE + 60, 1)]);
    assert_eq!(configured("", &[]).exits(0).counts(), [(MINUTE, 1), (MINUTE + 60, 1)]);
}

#[test]
fn the_file_may_be_given_anywhere_and_counts_for_each_command() {
    let folder = Folder::new();
    folder.file("c.toml", "scanners = 3\nwait = \"park\"\n");
    for line in ["plan --config c.toml", "plan --config=c.toml", "plan --users 5 --config c.toml"] {
        let ran = shell(&format!("\"$headcount\" {line}"), &folder).exits(0);
        assert!(ran.stdout.contains("waiting: park"), "{}", ran.stdout);
        assert!(ran.stdout.contains("scan 2"), "{}", ran.stdout);
    }
    folder.file("r.toml", "rounds = 2");
    folder.file("log", frame(MINUTE, "a"));
    let ran = shell("\"$headcount\" measure scan --config r.toml log", &folder).exits(0);
    assert_eq!(ran.stdout.lines().count(), 2);
}

#[test]
fn what_is_wrong_in_the_file_is_named_with_the_file() {
    for (text, words) in [
        ("nope = 1", &["unknown key \"nope\"", "max-lag"][..]),
        ("max_lag = \"5s\"", &["unknown key \"max_lag\""]),
        ("[count]\nmax-lag = \"5s\"", &["unknown key \"count\""]),
        ("validate = \"yes\"", &["validate", "true or false"]),
        ("to = [\"a\"]", &["to", "a string or a number"]),
        ("max-lag = ", &["TOML parse error", "line 1"]),
        ("format = \"xml\"", &["xml", "json"]),
        ("max-lag = \"soon\"", &["soon", "whole seconds"]),
        ("config = \"other.toml\"", &["unknown key \"config\""]),
    ] {
        let mut ran = configured(text, &[]).exits(2);
        assert_eq!(ran.stdout, "");
        for word in words.iter().chain(["headcount.toml"].iter()) {
            ran = ran.says(word);
        }
    }
}

#[test]
fn a_file_that_is_not_there_or_is_no_text() {
    let folder = Folder::new();
    run(&["count", "--config", &folder.at("nothing")]).exits(1).says("nothing: No such file");
    let binary = folder.file("binary", b"\xff\xfe\0");
    run(&["count", "--config", &binary]).exits(1).says("binary: ");
    run(&["count", "--config"]).exits(2).says("--config");
}
