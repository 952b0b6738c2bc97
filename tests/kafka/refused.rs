//! Brokers that do not let us in, are not there, or go away.

use std::io::Write;

use crate::broker::Broker;
use crate::harness::{Folder, Ran, run, start, wait_until};

fn frames(minutes: std::ops::Range<i64>) -> String {
    minutes.map(|m| format!("{{\"ts\":{},\"uid\":\"u\"}}\n", 1_700_000_040 + 60 * m)).collect()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn tls_and_scram_let_us_in() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let path = folder.file("frames.jsonl", frames(0..3));
    let topic = broker.free_name();
    let flags = broker.secure_flags("secure");
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] {
        let words = format!("count {flags} -X sasl.mechanisms={mechanism} --create -o {topic}");
        run(&words, &[&path]).exits(0).says_nothing_of("cleanup.policy");
    }
    assert_eq!(broker.read_lines(&topic), folder.counted(&path).repeat(3));
    let other = broker.topic(1, &[]);
    run(&format!("generate --frames 100 {flags} -o {other}"), &[]).exits(0);
    assert_eq!(broker.read(&other).len(), 100);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn who_may_not_write_is_told_so() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let path = folder.file("frames.jsonl", frames(0..3));
    let topic = broker.results_topic();
    let flags = broker.secure_flags("stranger");
    let words = format!("count {flags} -o {topic}");
    run(&words, &[&path]).exits(1).says(&format!("topic {topic}: access denied"));
    run(&format!("count {flags} --create -o {}", broker.free_name()), &[&path])
        .exits(1)
        .says("access denied");

    let allow = |operations: &str| {
        broker.script(&format!(
            "run acls --bootstrap-server {} --add --allow-principal User:stranger --topic {topic} {operations}",
            broker.bootstrap()
        ));
    };
    // It is there to be seen, but not to be written.
    allow("--operation Describe");
    run(&words, &[&path]).exits(1).says(&format!("topic {topic}"));
    assert_eq!(broker.read(&topic).len(), 0);
    // To be written, but its settings are not to be seen: no more than a remark.
    allow("--operation Write");
    run(&words, &[&path]).exits(0).says("cleanup.policy is not known");
    assert_eq!(broker.read(&topic).len(), 3);
    allow("--operation DescribeConfigs");
    run(&words, &[&path]).exits(0).says_nothing_of("cleanup.policy");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_wrong_password_is_an_error_at_once_and_not_shown() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let path = folder.file("frames.jsonl", frames(0..3));
    let flags = broker.secure_flags("secure");
    let summary = folder.at("summary.json");
    // A give-up longer than a test may take.
    let words =
        format!("count {flags} -X sasl.password=guessed --give-up 1h --summary {summary} -o out");
    let ran =
        run(&words, &[&path]).exits(1).says("authentication failed").says_nothing_of("guessed");
    let real = std::fs::read_to_string(flags.strip_prefix("-F ").unwrap()).unwrap();
    let real = real.lines().find_map(|line| line.strip_prefix("sasl.password=")).unwrap();
    assert!(!ran.stderr.contains(real));
    // An authority that the broker's certificate is not of.
    let words = format!("count {flags} -X ssl.ca.location= --give-up 1h -o out");
    run(&words, &[&path]).exits(1).says("no TLS connection");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn where_no_broker_is_nobody_waits_for_ever() {
    let folder = Folder::new();
    let path = folder.file("frames.jsonl", frames(0..3));
    for words in ["count -o out", "generate --frames 1 -o out"] {
        let more = if words.starts_with("count") { path.as_str() } else { "--threads=1" };
        run(&format!("{words} -b 127.0.0.1:1 --give-up 1s"), &[more])
            .exits(1)
            .says("brokers 127.0.0.1:1: no answer for 1 s");
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_broker_that_comes_back_loses_nothing_and_one_that_does_not_is_an_error() {
    let (broker, folder) = (Broker::own(""), Folder::new());
    let all = folder.file("frames.jsonl", frames(0..1010));
    let topic = broker.results_topic();
    let follow = |give_up: &str| {
        let summary = folder.at("summary.json");
        let words = format!(
            "count -b {} -o {topic} --give-up {give_up} --summary {summary} -",
            broker.bootstrap()
        );
        let mut child = start(&words, &[]);
        let mut stdin = child.stdin.take().unwrap();
        // A thousand frames, until the unit of time is sure; each closes the minute before.
        stdin.write_all(frames(0..1002).as_bytes()).unwrap();
        (child, stdin)
    };

    let (child, mut stdin) = follow("100s");
    wait_until("results", || broker.read(&topic).len() >= 1000);
    broker.script("stop --kill");
    stdin.write_all(frames(1002..1010).as_bytes()).unwrap();
    drop(stdin);
    broker.script("start");
    Ran::of(child.wait_with_output().unwrap()).exits(0);
    assert_eq!(broker.read_lines(&topic), folder.counted(&all));

    let before = broker.read(&topic).len();
    let (child, mut stdin) = follow("2s");
    wait_until("results", || broker.read(&topic).len() >= before + 1000);
    broker.script("stop --kill");
    stdin.write_all(frames(1002..1010).as_bytes()).unwrap();
    drop(stdin);
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(1);
    ran.says("1,010 frames")
        .says(&format!("topic {topic}: cannot write: no acknowledgement within 2 s (--give-up)"));
    let summary: serde_json::Value = serde_json::from_slice(&folder.read("summary.json")).unwrap();
    assert_eq!(summary["ended"], "failed");
    // What may not be there is not said to be.
    let written = summary["windows"].as_u64().unwrap();
    assert!((1000..=1002).contains(&written), "{summary}");

    let words = format!("generate --frames 1M --give-up 2s -b {} -o {topic}", broker.bootstrap());
    run(&words, &[]).exits(1).says("no answer for 2 s");
}
