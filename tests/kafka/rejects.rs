//! Messages that are not counted: tombstones, malformed ones, late ones; and where `--rejects` puts them.

use serde_json::{Value, json};

use crate::broker::Broker;
use crate::frames::{START_S, at, counts, of_minute};
use crate::harness::Folder;
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
    let inputs = [format!("{topic}[0]"), format!("{topic}[1]")];
    let reject = |reason: &str, partition: usize, offset: u64, payload: &str| {
        let input = &inputs[partition];
        json!({ "reason": reason, "input": input, "offset": offset, "payload": payload })
    };
    let mut expected = vec![
        reject("not_object", 0, 2, "nope"),
        reject("not_object", 0, 4, ""),
        reject("late", 0, 5, &of_minute(1, "late")),
        reject("not_object", 1, 1, ""),
        reject("not_object", 1, 2, ""),
        reject("no_uid", 1, 3, "{\"ts\":1700000040}"),
        reject("bad_ts", 1, 4, &at(253_402_300_800, "beyond the year 9999")),
    ];
    let bytes = &mut expected[3].as_object_mut().unwrap();
    bytes.remove("payload");
    bytes.insert("payload_base64".into(), "//4=".into());
    assert_eq!(written, expected);
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
    crate::harness::run(&format!("generate {flags} -b {b} -o {topic}"), &[]).exits(0);
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
    crate::harness::run(&of_file, &[&frames]).exits(0);
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
