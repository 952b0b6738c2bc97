//! Topics that are written in transactions: open, committed and aborted ones.

use rdkafka::producer::Producer as _;

use crate::broker::Broker;
use crate::frames::{START_S, counts, of_minute};
use crate::harness::{DEADLINE, Folder};
use crate::records::Record;

/// A record of a minute.
fn record(partition: i32, minute: i64, uid: &str) -> Record {
    Record::new(partition, of_minute(minute, uid))
}

fn minutes(counts: &[(i64, u64)]) -> Vec<(i64, u64, u64)> {
    counts.iter().map(|&(minute, cnt)| (START_S + 60 * minute, cnt, cnt)).collect()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_was_aborted_is_not_counted_and_markers_are_no_frames() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(3, &[]);
    broker.write_transaction(&topic, &[record(0, 0, "a"), record(1, 0, "b")], true);
    broker.write_transaction(&topic, &[record(0, 0, "never"), record(0, 1, "never")], false);
    broker.write(&topic, &[record(0, 1, "a")]);
    broker.write_transaction(&topic, &[record(0, 1, "b"), record(0, 2, "b")], true);
    // Ends of partitions that no message stands at: an abort, a commit; and one with nothing else.
    broker.write_transaction(&topic, &[record(0, 7, "never"), record(2, 7, "never")], false);
    let (results, summary) = folder.count_topic(&broker, &topic, "");
    assert_eq!(counts(&results), minutes(&[(0, 2), (1, 2), (2, 1)]));
    assert_eq!(summary["frames_read"], 5);
    let ends: Vec<i64> = summary["topic"]["partitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["until"].as_i64().unwrap())
        .collect();
    assert_eq!(ends[0], broker.end(&topic));
    assert_eq!((ends[1], ends[2]), (2, 2));
    // All of it, for who asks for that.
    let (results, _) = folder.count_topic(&broker, &topic, "-X isolation.level=read_uncommitted");
    assert_eq!(
        counts(&results),
        [minutes(&[(0, 3), (1, 3), (2, 1)]), vec![(START_S + 420, 1, 2)]].concat()
    );
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn until_end_is_the_last_stable_offset_and_says_what_lies_beyond() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(2, &[]);
    broker.write(&topic, &[record(0, 0, "a"), record(1, 0, "b")]);
    let open = broker.begin_transaction(&topic, &[record(0, 1, "open"), record(0, 1, "open too")]);
    // Behind an open transaction nothing is stable.
    broker.write(&topic, &[record(0, 2, "behind"), record(1, 2, "b")]);
    let words = format!("-t {topic} --until end");
    let (ran, _) = folder.count(&broker, &words, &[]);
    let ran = ran.exits(0);
    assert_eq!(counts(&ran.stdout), minutes(&[(0, 2), (2, 1)]));
    ran.says(&format!("topic {topic}: 3 offsets lie behind open transactions"))
        .says("(partitions 0)");
    let (results, _) = folder.count_topic(&broker, &topic, "-X isolation.level=read_uncommitted");
    assert_eq!(counts(&results), minutes(&[(0, 2), (1, 2), (2, 2)]));
    open.commit_transaction(DEADLINE).unwrap();
    let (ran, _) = folder.count(&broker, &words, &[]);
    let ran = ran.exits(0).says_nothing_of("open transactions");
    assert_eq!(counts(&ran.stdout), minutes(&[(0, 2), (1, 2), (2, 2)]));
}
