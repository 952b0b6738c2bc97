//! Messages that are not counted: tombstones, malformed ones, late ones; and where `--rejects` puts them.

use serde_json::{Value, json};

use crate::broker::Broker;
use crate::frames::{START_S, at, counts, of_minute};
use crate::harness::{Folder, run};
use crate::records::Record;

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_is_not_counted_is_accounted_for_and_kept() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(2, &[]);
    let tombstone = || Record { key: Some(b"key".to_vec()), value: None, ..Record::new(0, "") };
    broker.write(
        &topic,
        &[
            Record::new(0, of_minute(0, "a")),
            tombstone(),
            Record::new(0, "nope"),
            Record::new(0, of_minute(5, "a")),
            Record::new(0, ""),
            // Late by this partition's clock, and not by the other's.
            Record::new(0, of_minute(1, "late")),
            tombstone(),
            tombstone(),
            Record::new(1, of_minute(1, "b")),
            Record::new(1, &b"\xff\xfe"[..]),
            Record::new(1, " \r"),
            Record::new(1, "{\"ts\":1700000040}"),
            Record::new(1, at(253_402_300_800, "beyond the year 9999")),
            Record::new(1, of_minute(2, "b") + "\r"),
        ],
    );
    let rejects = folder.at("rejects.jsonl");
    let (results, summary) = folder.count_topic(&broker, &topic, &format!("--rejects {rejects}"));
    let minute = |minute: i64, cnt| (START_S + 60 * minute, cnt, cnt);
    assert_eq!(counts(&results), [minute(0, 1), minute(1, 1), minute(2, 1), minute(5, 1)]);
    for (field, frames) in
        [("frames_read", 14), ("counted", 4), ("empty", 3), ("refused_late", 1), ("malformed", 6)]
    {
        assert_eq!(summary[field], frames, "{field}");
    }

    let written = String::from_utf8(folder.read("rejects.jsonl")).unwrap();
    let mut written: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Each partition's in order; the partitions in any.
    written.sort_by_key(|reject| reject["input"].to_string());
    let late = of_minute(1, "late");
    let beyond = at(253_402_300_800, "beyond the year 9999");
    let rejected: [(&str, i32, u64, &[u8]); 7] = [
        ("not_object", 0, 2, b"nope"),
        ("not_object", 0, 4, b""),
        ("late", 0, 5, late.as_bytes()),
        ("not_object", 1, 1, b"\xff\xfe"),
        ("not_object", 1, 2, b" \r"),
        ("no_uid", 1, 3, b"{\"ts\":1700000040}"),
        ("bad_ts", 1, 4, beyond.as_bytes()),
    ];
    let line = |&(reason, partition, offset, payload): &(&str, i32, u64, &[u8])| {
        let input = format!("{topic}[{partition}]");
        match std::str::from_utf8(payload) {
            Ok(text) => {
                json!({ "reason": reason, "input": input, "offset": offset, "payload": text })
            }
            Err(_) => {
                json!({ "reason": reason, "input": input, "offset": offset, "payload_base64": "//4=" })
            }
        }
    };
    assert_eq!(written, rejected.iter().map(line).collect::<Vec<_>>());

    // The same to a topic, which is made.
    let to = broker.free_name();
    let words = format!("--rejects-topic {to} --create");
    let (again, summary) = folder.count_topic(&broker, &topic, &words);
    assert_eq!((again, &summary["refused_late"]), (results, &1.into()));
    let message = |&(reason, partition, offset, payload): &(&str, i32, u64, &[u8])| {
        let (partition, offset) = (partition.to_string(), offset.to_string());
        let headers =
            [("reason", reason), ("topic", &topic), ("partition", &partition), ("offset", &offset)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        (headers, None, payload.to_vec())
    };
    let mut expected: Vec<_> = rejected.iter().map(message).collect();
    let read = broker.read(&to).into_iter();
    let mut read: Vec<_> = read.map(|one| (one.headers, one.key, one.value.unwrap())).collect();
    read.sort();
    expected.sort();
    assert_eq!(read, expected);
    assert_eq!(broker.setting(&to, "cleanup.policy"), "delete");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_of_rejects_is_looked_at_before_the_run() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (topic, nowhere) = (broker.topic(1, &[]), broker.free_name());
    for (words, code, says) in [
        (format!("--rejects-topic {topic}"), 2, "is the input"),
        (format!("--rejects-topic {nowhere} -o {nowhere}"), 2, "that of the results"),
        ("--create".into(), 2, "no topic is written to"),
        (format!("--rejects-topic {nowhere} --rejects file"), 2, "cannot be used with"),
        (format!("--rejects-topic {nowhere}"), 1, "there is none: --create makes it"),
    ] {
        let words = folder.count_words(&broker, &format!("-t {topic} --until end {words}"));
        run(&words, &[]).exits(code).says(says);
    }
    assert_eq!(broker.partitions(&nowhere), None);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_reject_that_cannot_be_delivered_is_an_error_and_comes_again() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (topic, output) = (broker.topic(1, &[]), broker.results_topic());
    let (small, large) = (broker.topic(1, &[("max.message.bytes", "300")]), broker.topic(1, &[]));
    let malformed = "x".repeat(1000);
    let frames = (0..10).map(|minute| of_minute(minute, "user"));
    let frames: Vec<String> = frames.clone().chain([malformed.clone()]).chain(frames).collect();
    broker.write_frames(&topic, &frames);
    let count = |rejects: &str| {
        let words = format!("-t {topic} -o {output} --until end --rejects-topic {rejects}");
        run(&folder.count_words(&broker, &words), &[])
    };
    let says = format!("topic {small}: cannot write: a message is larger than the topic takes");
    count(&small).exits(1).says(&says);
    // No restart point lies beyond it.
    count(&large).exits(0);
    let values = |topic: &str| -> Vec<_> {
        broker.read(topic).into_iter().map(|one| one.value.unwrap()).collect()
    };
    assert_eq!(values(&large)[0], malformed.as_bytes());
    assert_eq!(counts(&broker.read_lines(&output)).last().unwrap().0, START_S + 540);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_hostile_stream_is_rejected_as_in_a_file() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let flags =
        "--kind hostile --malformed 5% --late 5%:10m --line-end lf --frames 3k --frame-bytes 250";
    let frames = folder.generated(flags);
    let topic = broker.topic(1, &[]);
    let b = broker.bootstrap();
    run(&format!("generate {flags} -b {b} -o {topic}"), &[]).exits(0);
    let read = |name: &str| {
        let rejects = String::from_utf8(folder.read(name)).unwrap();
        let mut rejects: Vec<Value> =
            rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let taken = |reject: &mut Value| reject.as_object_mut().unwrap().remove("offset").unwrap();
        let offsets: Vec<Value> = rejects.iter_mut().map(taken).collect();
        rejects.iter_mut().for_each(|reject| reject["input"] = Value::Null);
        (rejects, offsets)
    };
    let of_file = format!("count --quiet --rejects {}", folder.at("file"));
    run(&of_file, &[&frames]).exits(0);
    let (_, summary) =
        folder.count_topic(&broker, &topic, &format!("--rejects {}", folder.at("topic")));
    let ((expected, _), (rejects, offsets)) = (read("file"), read("topic"));
    assert_eq!(rejects, expected);
    assert!(rejects.len() > 100);
    assert_eq!(
        summary["malformed"].as_u64().unwrap() + summary["refused_late"].as_u64().unwrap(),
        rejects.len() as u64
    );
    // An offset is the message's number here, and a message is a line of the file.
    let lines = std::fs::read(frames).unwrap();
    let lines: Vec<&[u8]> = lines.split(|&byte| byte == b'\n').collect();
    for (reject, offset) in rejects.iter().zip(offsets) {
        let line = lines[usize::try_from(offset.as_u64().unwrap()).unwrap()];
        if let Some(payload) = reject["payload"].as_str() {
            // One carriage return at its end is the line's.
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            assert_eq!(payload.as_bytes(), line, "{offset}");
        }
    }
}
