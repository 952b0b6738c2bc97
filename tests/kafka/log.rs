//! What is said of a topic, as JSON: with what it names, and librdkafka's own log among it.

use serde_json::Value;

use crate::broker::Broker;
use crate::frames::of_minute;
use crate::harness::{Folder, run};

#[track_caller]
fn said(stderr: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    let lines: Vec<Value> = stderr.lines().map(line).collect();
    for line in &lines {
        for member in ["timestamp", "level", "target", "message"] {
            assert!(line[member].is_string(), "{member}: {line}");
        }
    }
    lines
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn notices_name_topic_partition_and_offset() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (topic, group) = (broker.topic(1, &[]), broker.free_name());
    let frames: Vec<String> = (0..40).map(|n| of_minute(n / 2, n)).collect();
    broker.write_frames(&topic, &frames[..20]);
    let grouped = format!("-t {topic} --until end --group {group} --log-format json");
    folder.count(&broker, &grouped, &[]).0.exits(0);
    broker.write_frames(&topic, &frames[20..]);
    broker.delete_before(&topic, 25);
    let about = |line: &Value| {
        let (topic, partition) = (line["topic"].clone(), line["partition"].clone());
        (line["level"].clone(), topic, partition, line["offset"].clone())
    };
    let named = |level: &str, offset: u64| {
        (level.into(), topic.as_str().into(), 0.into(), Value::from(offset))
    };
    // An error of Kafka is a line as well.
    let (ran, _) = folder.count(&broker, &grouped, &[]);
    let lines = said(&ran.exits(1).stderr);
    let error = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert_eq!((&error["kind"], &error["exit_code"]), (&"kafka".into(), &1.into()));
    let skipping = format!("{grouped} --on-gap skip --log-level debug");
    let (ran, _) = folder.count(&broker, &skipping, &[]);
    let lines = said(&ran.exits(0).stderr);
    let of_kafka: Vec<_> =
        lines.iter().filter(|line| line["target"] == "kafka").map(about).collect();
    let how = ("DEBUG".into(), topic.as_str().into(), Value::Null, Value::Null);
    assert_eq!(of_kafka, [named("WARN", 18), named("DEBUG", 25), how]);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn librdkafkas_log_goes_the_same_way() {
    let broker = Broker::shared();
    let topic = broker.topic(1, &[]);
    let words = format!("count -b {} -t {topic} --until end -X debug=broker", broker.bootstrap());
    let ran = run(&format!("{words} --log-format json --log-level error"), &[]).exits(0);
    let lines = said(&ran.stderr);
    assert!(!lines.is_empty());
    for line in lines {
        assert_eq!(line["target"], "librdkafka", "{line}");
        assert!(line["client"].as_str().unwrap().starts_with("headcount"), "{line}");
    }
    let ran = run(&words, &[]).exits(0);
    assert!(ran.stderr.lines().all(|line| line.starts_with("headcount: ")), "{}", ran.stderr);
    ran.says("headcount: headcount#consumer-1: ");
    let ran = run(&words.replace(" -X debug=broker", " --log-level debug"), &[]).exits(0);
    ran.says("read from offset 0 on").says_nothing_of("consumer-1");
}
