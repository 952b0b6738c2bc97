//! Event time as it is by default and by its flags, through all stages.

use serde_json::Value;

use super::harness::{Folder, MINUTE, frame, run};

/// A stream with flipped times, delays and everything else that goes wrong.
fn hostile(folder: &Folder) -> String {
    folder.generated(
        "log",
        "--kind hostile --seed 7 --frames 20000 --frame-bytes 300 --rate 20 --flips 0.002 --late 3%:900s",
    )
}

fn values(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn whatever_the_flags_and_threads_verify_agrees_and_rejects_add_up() {
    let folder = Folder::new();
    let log = hostile(&folder);
    let (results, rejects) = (folder.at("results"), folder.at("rejects"));
    for flags in [
        &["--agree=8,33/64"][..],
        &["--late=drop"],
        &["--late=revise", "--keep=2m", "--every=1s", "--max-lag=0"],
        &["--agree=2,3/5", "--max-ahead=1m", "--windows=minute,15m,hour,day"],
        &["--late=drop", "--keep=0", "--fill"],
        &["--agree=8,33/64", "--emit=updates", "--every=30s"],
    ] {
        for counters in ["1", "3"] {
            let outputs = ["--counters", counters, "--to", &results, "--rejects", &rejects];
            let (ran, summary) = folder.count(&[&outputs, flags, &[log.as_str()]].concat());
            ran.exits(0);
            let n = |name: &str| usize::try_from(summary[name].as_u64().unwrap()).unwrap();
            let rejected = values(&folder.read("rejects"));
            let of = |why: &str| rejected.iter().filter(|of| of["reason"] == why).count();
            assert_eq!((of("late"), of("future")), (n("refused_late"), n("refused_future")));
            assert!(of("future") > 0, "{flags:?}");
            assert_eq!((n("parked"), n("refused_gone")), (0, 0));
            let payload =
                |of: &Value| of.get("payload").is_some() || of.get("payload_base64").is_some();
            assert!(rejected.iter().all(payload), "each has its payload");
            let summary = folder.at("summary.json");
            run(&["verify", &results, &log, "--summary", &summary]).exits(0);
        }
    }
}

#[test]
fn one_flipped_time_harms_nothing_and_is_told() {
    let folder = Folder::new();
    let mut log: String = (0..2000).map(|n| frame(MINUTE + n / 20, "user")).collect();
    log.insert_str(log.find("1700000060").unwrap() - 6, &frame(MINUTE + (1 << 27), "ahead"));
    let (log, rejects) = (folder.file("log", log), folder.at("rejects"));
    let (ran, summary) = folder.count(&["--late=revise", "--rejects", &rejects, &log]);
    assert_eq!(ran.exits(0).counts(), [(MINUTE, 1), (MINUTE + 60, 1)]);
    assert_eq!((&summary["refused_future"], &summary["refused_late"]), (&1.into(), &0.into()));
    let rejected = values(&folder.read("rejects"));
    assert_eq!((rejected.len(), &rejected[0]["reason"]), (1, &"future".into()));
    assert!(rejected[0]["payload"].as_str().unwrap().contains("ahead"));
}

#[test]
fn a_late_frame_revises_its_result_or_is_dropped() {
    let folder = Folder::new();
    let mut log: String = (0..2400).map(|n| frame(MINUTE + n / 20, "user")).collect();
    log += &frame(MINUTE + 5, "late");
    log += &(0..1200).map(|n| frame(MINUTE + 120 + n / 20, "user")).collect::<String>();
    let log = folder.file("log", log);
    let ran = run(&["count", "--late=revise", &log]).exits(0);
    let said: Vec<_> = values(&ran.stdout)
        .iter()
        .filter(|of| of["ts"] == MINUTE)
        .map(|of| (of["cnt"].clone(), of["late"].clone(), of["status"].clone(), of["rev"].clone()))
        .collect();
    let word = |cnt: u64, late: u64, status: &str, rev: u64| {
        (cnt.into(), late.into(), status.into(), rev.into())
    };
    assert_eq!(said, [word(1, 0, "final", 0), word(2, 1, "revised", 1)]);
    let (ran, summary) = folder.count(&["--late=drop", "--agree=8,33/64", &log]);
    assert_eq!(ran.exits(0).counts()[0], (MINUTE, 1));
    assert_eq!(summary["refused_late"], 1);
}

#[test]
fn many_refused_frames_are_said_at_once_or_stop_the_run() {
    let folder = Folder::new();
    let mut log: String = (0..200).map(|n| frame(MINUTE + 7200 + n / 20, "user")).collect();
    log += &frame(MINUTE, "old").repeat(100);
    let log = folder.file("log", log);
    run(&["count", "--late=drop", "--agree=33,33/64", &log])
        .exits(0)
        .says("52 of the last 1024 frames were refused; their times: 2023-11-14T22:14:00Z");
    run(&["count", "--late=drop", "--agree=33,33/64", "--max-refused=0.01", &log])
        .exits(1)
        .says("--max-refused: 11 of the last 1024");
}

#[test]
fn empty_windows_are_filled_in_up_to_a_bound() {
    let folder = Folder::new();
    let log = |gap_s: i64| {
        let rising = |from_s| (0..200).map(|n| frame(from_s + n / 20, "u")).collect::<String>();
        folder.file("log", rising(MINUTE) + &rising(MINUTE + gap_s))
    };
    let flags = ["count", "--late=revise", "--fill"];
    let ran = run(&[&flags[..], &[&log(300)]].concat()).exits(0);
    let counts: Vec<u64> = ran.counts().iter().map(|&(_, cnt)| cnt).collect();
    assert_eq!(counts, [1, 0, 0, 0, 0, 1]);
    run(&[&flags[..], &[&log(86_400 * 400)]].concat()).exits(1).says("--fill: more than 100000");
}
