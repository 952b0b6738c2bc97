//! Results to a topic.

use std::io::Write;
use std::process::Stdio;

use crate::broker::Broker;
use crate::harness::{Folder, Ran, run, start, wait_until};

/// One frame of a minute, counted from 2023-11-14T22:14:00Z.
fn frame(minute: i64) -> String {
    format!("{{\"ts\":{},\"uid\":\"user\"}}\n", 1_700_000_040 + 60 * minute)
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn results_are_those_of_a_run_to_stdout() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    for flags in
        ["--frames 20k --rate 50", "--kind hostile --frames 20k --frame-bytes 300 --rate 3"]
    {
        let frames = folder.generated(flags);
        let topic = broker.results_topic();
        let (ran, summary) = folder.count(&broker, &format!("-o {topic}"), &[&frames]);
        assert_eq!(ran.exits(0).stdout, "");
        let expected = folder.counted(&frames);
        assert_eq!(broker.read_lines(&topic), expected);
        assert_eq!(summary["windows"], expected.lines().count());
        // Another client, and the keys.
        let keyed = String::from_utf8(broker.kcat(&topic, "%k %s\n")).unwrap();
        let expected: String = expected
            .split_inclusive('\n')
            .map(|line| {
                let ts = &line["{\"ts\":".len()..line.find(',').unwrap()];
                format!("minute/{ts} {line}")
            })
            .collect();
        assert_eq!(keyed, expected);
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_replay_of_many_windows_is_all_there_in_order() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let frames: String = (0..20_000).map(frame).collect();
    let frames = folder.file("frames.jsonl", frames);
    let topic = broker.results_topic();
    // More results than the client's queue takes.
    let words = format!("-o {topic} -X queue.buffering.max.messages=100");
    folder.count(&broker, &words, &[&frames]).0.exits(0);
    assert_eq!(broker.read_lines(&topic), folder.counted(&frames));
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_result_is_in_the_topic_while_the_input_goes_on() {
    let broker = Broker::shared();
    let topic = broker.results_topic();
    let words = format!("count -b {} -o {topic} -", broker.bootstrap());
    let mut child = start(&words, &[]);
    let mut stdin = child.stdin.take().unwrap();
    // Results wait for a thousand frames, or the end, until the unit of time is sure.
    let lines: String = (0..1002).map(frame).collect();
    stdin.write_all(lines.as_bytes()).unwrap();
    wait_until("a result", || broker.read(&topic).len() >= 1000);
    drop(stdin);
    Ran::of(child.wait_with_output().unwrap()).exits(0);
    assert_eq!(broker.read(&topic).len(), 1002);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_that_is_not_there_is_an_error_and_stays_so() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (frames, topic) = (folder.file("frames.jsonl", frame(0)), broker.free_name());
    let words = format!("count -b {} -o {topic}", broker.bootstrap());
    let ran = run(&words, &[&frames]).exits(1);
    ran.says(&format!("topic {topic}: there is none: --create makes it"));
    assert_eq!(broker.partitions(&topic), None);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn create_makes_the_topic_compacted() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (frames, topic) = (folder.file("frames.jsonl", frame(0)), broker.free_name());
    let words = format!("count --create -b {} -o {topic}", broker.bootstrap());
    run(&words, &[&frames]).exits(0).says_nothing_of("cleanup.policy");
    assert_eq!(broker.partitions(&topic), Some(1));
    assert_eq!(broker.replicas(&topic), 1);
    assert_eq!(broker.setting(&topic, "cleanup.policy"), "compact");
    assert_eq!(broker.read_lines(&topic), folder.counted(&frames));
    // It is there now, and taken as it is.
    run(&words, &[&frames]).exits(0);
    assert_eq!(broker.read(&topic).len(), 2);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_policy_that_is_not_compact_is_warned_of() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let frames = folder.file("frames.jsonl", frame(0));
    let topic = broker.topic(1, &[("cleanup.policy", "delete")]);
    let words = format!("count -b {} -o {topic}", broker.bootstrap());
    run(&words, &[&frames]).exits(0).says("cleanup.policy=delete");
    let ran = run(&words, &["--quiet", &frames]).exits(0);
    assert_eq!(ran.stderr, "");
    assert_eq!(broker.read(&topic).len(), 2);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_deleted_meanwhile_is_an_error_and_not_made_again() {
    let broker = Broker::shared();
    let topic = broker.results_topic();
    let words = format!("count --give-up 5s -b {} -o {topic} -", broker.bootstrap());
    let mut child = start(&words, &[]);
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = (0..1002).map(frame).collect();
    stdin.write_all(lines.as_bytes()).unwrap();
    wait_until("a result", || broker.read(&topic).len() >= 1000);
    broker.delete(&topic);
    stdin.write_all((1002..1010).map(frame).collect::<String>().as_bytes()).unwrap();
    drop(stdin);
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(1);
    ran.says(&format!("topic {topic}: cannot write")).says("1,010 frames");
    assert_eq!(broker.partitions(&topic), None);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn keys_land_where_java_clients_put_them() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let frames = folder.file("frames.jsonl", (0..200).map(frame).collect::<String>());
    let (ours, javas) = (broker.topic(7, &[]), broker.topic(7, &[]));
    let words = format!("count -b {} -o {ours}", broker.bootstrap());
    run(&words, &[&frames]).exits(0);
    let records = broker.read(&ours);
    assert_eq!(records.len(), 200);

    let lines: String = records.iter().map(|one| format!("{}\tvalue\n", one.key())).collect();
    let mut java =
        std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/kafka"));
    java.args(["run", "produce", "--property", "parse.key=true", "--topic", &javas]);
    java.args(["--bootstrap-server", broker.bootstrap()]);
    let mut java = java.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    java.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(java.wait().unwrap().success());
    let places = |topic: &str| {
        let records = broker.read(topic);
        let mut places: Vec<(String, i32)> =
            records.iter().map(|one| (one.key().to_owned(), one.partition)).collect();
        places.sort();
        places
    };
    assert_eq!(places(&ours), places(&javas));
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn flags_that_do_not_fit_are_refused() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let frames = folder.file("frames.jsonl", frame(0));
    let b = broker.bootstrap();
    for (words, says) in [
        (format!("count -b {b} -o out --format csv"), "--format"),
        (format!("count -b {b} -o out --format table"), "--format"),
        ("count -o out".to_owned(), "--brokers"),
        (format!("count -b {b} -o out --to file"), "--to"),
        (format!("count -b {b} -o out -X enable.idempotence=false"), "enable.idempotence"),
        (format!("count -b {b} -o out -X acks=1"), "acks"),
        ("count --create".to_owned(), "--output"),
        (format!("generate -b {b}"), "--output"),
        ("generate --codec lz4".to_owned(), "--brokers"),
        (format!("generate -b {b} -o out --partitions 3"), "--create"),
    ] {
        run(&words, &[if words.starts_with("count") { &frames } else { "--frames=1" }])
            .exits(2)
            .says(says);
    }
    let ran = run(&format!("count -b {b} -t same -o same"), &[]);
    ran.exits(2).says("same is the input");
}

#[test]
fn brokers_far_away_are_waited_for() {
    // librdkafka's mock brokers, each answer 300 ms after its question: longer than is waited at first.
    let log = tempfile::NamedTempFile::new().unwrap();
    let path = log.path().to_str().unwrap();
    run(
        "count -b mock:1 -o there-is-none --give-up 30s",
        &[path, "-X", "test.mock.num.brokers=1", "-X", "test.mock.broker.rtt=300"],
    )
    .exits(1)
    .says("there is none");
}
