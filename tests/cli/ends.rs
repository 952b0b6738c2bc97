//! Streams that are closed, at one end or the other.

use super::harness::{Folder, minutes, run_with, shell};

#[test]
fn stdin_that_is_closed_or_empty() {
    let folder = Folder::new();
    for line in [
        "\"$headcount\" count - <&-",
        "\"$headcount\" count - </dev/null",
        "true | \"$headcount\" count",
        "\"$headcount\" count /dev/null",
    ] {
        let ran = shell(line, &folder).exits(0);
        assert_eq!(ran.stdout, "");
        ran.says("0 read = 0 counted");
    }
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    let folder = Folder::new();
    folder.file("log", minutes(20_000));
    folder.file("results", run_with(&["count", "-"], minutes(20_000)).stdout);
    for command in [
        "count log",
        "count - < log",
        "count --format table log",
        "verify --agree=off --late=drop results log",
        "generate --frames 100000",
        "man",
        "completions bash",
        "plan",
        "demo --frames 1000",
        "--help",
    ] {
        for reader in ["head -n 1 >/dev/null", "true"] {
            let line = format!("{{ \"$headcount\" {command}; echo $? >code; }} | {reader}");
            let ran = shell(&line, &folder).exits(0);
            assert_eq!(folder.read("code"), "0\n", "{command} | {reader}: {}", ran.stderr);
            for word in ["roken pipe", "rror", "panicked"] {
                assert!(!ran.stderr.contains(word), "{command} | {reader}: {}", ran.stderr);
            }
        }
    }
}

#[test]
fn a_closed_pipe_is_told_in_the_accounts() {
    let folder = Folder::new();
    folder.file("log", minutes(20_000));
    shell("\"$headcount\" count log --summary summary.json | true", &folder).exits(0);
    let summary = folder.summary();
    assert_eq!(summary["ended"], "output_closed", "{summary}");
    let windows = summary["windows"].as_u64().unwrap();
    assert!(windows < 1000, "no pipe holds as many: {windows}");
}

#[test]
fn stderr_may_be_closed_or_full() {
    let folder = Folder::new();
    folder.file("log", minutes(3));
    for stderr in ["2>&-", "2>/dev/full"] {
        let ran = shell(&format!("\"$headcount\" count log {stderr}"), &folder).exits(0);
        assert_eq!(ran.counts().len(), 3, "{stderr}");
        shell(&format!("\"$headcount\" count nothing {stderr}"), &folder).exits(1);
    }
}

#[test]
fn stdout_that_is_closed_from_the_start() {
    let folder = Folder::new();
    folder.file("log", minutes(3));
    // The next file that is opened would have been stdout: none may be written into.
    shell("\"$headcount\" count log >&-", &folder).exits(0).says("3 results put out");
    assert_eq!(folder.read("log"), minutes(3));
}

#[test]
fn rejects_lost_after_the_pipe_was_closed_are_an_error() {
    let folder = Folder::new();
    folder.file("log", minutes(20_000) + "no frame\n");
    let run = "{ \"$headcount\" count log --rejects /dev/full; echo $? >code; } | true";
    let ran = shell(run, &folder).exits(0).says("/dev/full: cannot write");
    assert_eq!(folder.read("code"), "1\n", "{}", ran.stderr);
}
