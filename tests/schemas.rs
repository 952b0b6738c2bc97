//! The schemas in `docs/` say what comes out, no more and no less: results and summaries of real
//! runs are checked against them. Those of what `--http` says are checked in `tests/watch`.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is the assertion")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::ValueEnum;
use headcount::accounts::Ended;
use headcount::generate::{Late, Workload};
use headcount::scan::TsUnit;
use serde_json::Value;

#[path = "shared/schema.rs"]
mod checker;

use checker::{check, check_schema, schema};

/// A stream of five minutes with late and malformed frames, and a blank line.
fn stream(folder: &Path) -> PathBuf {
    let workload = Workload {
        frames: 3000,
        users: 500,
        rate_per_s: 10.0,
        frame_bytes: 200,
        late: vec![Late { share: 0.01, delay_s_max: 600 }],
        malformed: 0.02,
        ..Workload::default()
    };
    let path = folder.join("log.jsonl");
    let mut file = File::create(&path).unwrap();
    workload.generator().unwrap().write_to(&mut file, 1).unwrap();
    file.write_all(b"\n").unwrap();
    path
}

fn count(log: &Path, summary: &Path, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headcount"))
        .arg("count")
        .arg(log)
        .arg("--summary")
        .arg(summary)
        .args(flags)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn enum_of(schema: &Value) -> BTreeSet<String> {
    schema["enum"].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

#[test]
fn schemas_say_what_everything_means() {
    for name in [
        "result.schema.json",
        "summary.schema.json",
        "live.schema.json",
        "windows.schema.json",
        "why.schema.json",
    ] {
        let schema = schema(name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        check_schema(&schema, name);
    }
}

#[test]
fn results_and_summary_are_what_the_schemas_say() {
    let folder = tempfile::tempdir().unwrap();
    let (log, summary) = (stream(folder.path()), folder.path().join("run.json"));
    let (results_schema, summary_schema) =
        (schema("result.schema.json"), schema("summary.schema.json"));
    let all = "--windows minute,day --timezone Asia/Tokyo,UTC --keep 90s --emit updates --every 1s";
    let more = "--validate --counters 2 --max-lag 20s --fill --max-refused 0.9 --returning 7d";
    for flags in ["", more] {
        let flags: Vec<&str> = all.split(' ').chain(flags.split_whitespace()).collect();
        let output = count(&log, &summary, &flags);
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let results: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(results.len() >= 5, "{text}");
        for (line, result) in text.lines().zip(&results) {
            check(&results_schema, result, "result");
            let told = flags.contains(&"--returning") && result["window"] == "day";
            for name in ["new", "returning", "past_complete"] {
                assert_eq!(result.get(name).is_some(), told, "{line}");
            }
            let first = format!(r#"{{"ts":{},"cnt":{},"#, result["ts"], result["cnt"]);
            assert!(line.starts_with(&first), "{line}");
        }
        let of = |name: &str| -> BTreeSet<String> {
            results.iter().map(|result| result[name].as_str().unwrap().to_owned()).collect()
        };
        // A file is never silent.
        let closed_by = &of("closed_by") | &["silence".to_owned()].into();
        assert_eq!(closed_by, enum_of(&results_schema["properties"]["closed_by"]));
        assert_eq!(of("status"), enum_of(&results_schema["properties"]["status"]));

        let summary = read(&summary);
        check(&summary_schema, &summary, "summary");
        assert_eq!(summary["ended"], "done");
        let n = |name: &str| summary[name].as_u64().unwrap();
        assert_eq!(n("blank_lines"), 1);
        assert_eq!(n("windows"), results.len() as u64);
        let parts =
            ["refused_late", "refused_future", "refused_gone", "out_before", "malformed", "empty"];
        let parts: u64 = parts.iter().map(|part| n(part)).sum();
        assert_eq!(n("frames_read"), n("counted") + parts + n("parked"));
        let minutes = &summary["by_windows"][0];
        assert!(minutes["refused_late"].as_u64().unwrap() > 0 && n("malformed") > 0, "{summary}");
        let reasons = summary["malformed_by_reason"].as_object().unwrap();
        let by_reason: u64 = reasons.values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(by_reason, n("malformed"));
    }
}

#[test]
fn a_failed_run_has_a_summary_of_the_same_form() {
    let folder = tempfile::tempdir().unwrap();
    let (log, summary) = (stream(folder.path()), folder.path().join("run.json"));
    let output = count(&log, &summary, &["--quiet", "--to", "/dev/full"]);
    assert_eq!(output.status.code(), Some(1));
    let summary = read(&summary);
    check(&schema("summary.schema.json"), &summary, "summary");
    assert_eq!(summary["ended"], "failed");
    assert!(summary["error"].as_str().unwrap().contains("/dev/full"), "{summary}");
}

#[test]
fn enums_have_every_value_there_is() {
    let summary = schema("summary.schema.json");
    let ended = [Ended::Done, Ended::Interrupted, Ended::OutputClosed, Ended::Failed];
    let ended = ended.map(|ended| {
        // A new way to end makes this match, and so the list above, incomplete.
        match ended {
            Ended::Done | Ended::Interrupted | Ended::OutputClosed | Ended::Failed => {}
        }
        serde_json::to_value(ended).unwrap().as_str().unwrap().to_owned()
    });
    assert_eq!(enum_of(&summary["properties"]["ended"]), BTreeSet::from(ended));
    let units = TsUnit::value_variants().iter().map(ToString::to_string).collect();
    assert_eq!(enum_of(&summary["properties"]["settings"]["properties"]["ts_unit"]), units);
}

#[test]
fn a_run_that_goes_on_has_the_accounts_of_all_besides() {
    let folder = tempfile::tempdir().unwrap();
    let (log, summary) = (stream(folder.path()), folder.path().join("run.json"));
    let state = folder.path().join("state");
    let flags = ["--checkpoint", state.to_str().unwrap()];
    let mut read_so_far = Vec::new();
    for _ in 0..2 {
        assert!(count(&log, &summary, &flags).status.success());
        let summary = read(&summary);
        check(&schema("summary.schema.json"), &summary, "summary");
        read_so_far.push((
            summary["frames_read"].as_u64().unwrap(),
            summary["since_first_checkpoint"]["frames_read"].as_u64().unwrap(),
        ));
    }
    assert_eq!(read_so_far, [(3000, 3000), (0, 3000)]);
}
