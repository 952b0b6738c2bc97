//! Offsets that no message stands at: compacted away, or deleted before they were read.

use rustix::process::Signal;

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{START_S, counts, each, of_minute};
use crate::harness::{Folder, wait_until};
use crate::records::Record;

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn the_holes_of_a_compacted_topic_are_no_gaps() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(
        1,
        &[
            ("cleanup.policy", "compact"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("segment.ms", "60000"),
        ],
    );
    // Each round's records are a segment, by their times. One of a round's keys is its own; the others
    // come again, and end as tombstones.
    let round = |round: i64| {
        let record = |n: i64, value: Option<String>| Record {
            key: Some(
                if n == 0 { format!("own {round}") } else { format!("key {n}") }.into_bytes(),
            ),
            value: value.map(String::into_bytes),
            time_ms: Some((START_S + 3600 * round) * 1000),
            ..Record::new(0, "")
        };
        let frame = |n| (n == 0 || round < 5).then(|| of_minute(round, n));
        (0..20).map(|n| record(n, frame(n))).collect::<Vec<_>>()
    };
    for n in 0..7 {
        broker.write(&topic, &round(n));
    }
    // What the cleaner leaves: each round's own, and of the rest the tombstones of the last segment that
    // it cleans, with the segment that it does not touch.
    let left = || broker.read(&topic);
    wait_until("the cleaner", || left().iter().filter(|one| one.value.is_some()).count() == 7);
    let (left, end) = (left(), broker.end(&topic));
    assert!(left.len() < 60 && end == 140, "{}", left.len());
    let frames = left.iter().filter_map(|one| one.value.clone());
    let expected = folder.counted_of(frames.collect::<Vec<_>>());
    let (results, summary) = folder.count_topic(&broker, &topic, "");
    assert_eq!(results, expected);
    assert_eq!((&summary["gaps"], &summary["counted"]), (&0.into(), &7.into()));
    assert_eq!(summary["empty"], left.len() - 7);
    // Its end may be an aborted transaction's besides.
    let aborted = Record { key: Some("aborted".into()), ..Record::new(0, of_minute(9, "x")) };
    broker.write_transaction(&topic, &[aborted], false);
    let (results, summary) = folder.count_topic(&broker, &topic, "");
    assert_eq!(results, expected);
    assert_eq!(summary["topic"]["partitions"][0]["until"], 142);
    // To begin in a hole is to begin behind it.
    let group = broker.free_name();
    broker.commit(&topic, &group, 23);
    assert!(left.iter().all(|one| one.offset != 23));
    let (results, summary) = folder.count_topic(&broker, &topic, &format!("--group {group}"));
    assert_eq!(counts(&results), counts(&expected)[2..]);
    assert_eq!(summary["gaps"], 0);
}

/// Deletes messages under a run that is held, and lets it go on.
fn overtaken(broker: &Broker, folder: &Folder, topic: &str, flags: &str) -> Following {
    broker.write_frames(topic, (0..6).map(|minute| of_minute(minute, "before")));
    // One batch a fetch: an answer under way holds one at most.
    let words = format!("-t {topic} -X fetch.message.max.bytes=1 {flags}");
    let mut run = Following::start(&folder.count_words(broker, &words));
    run.lines(5);
    run.hold();
    broker.write_frames(topic, [of_minute(6, "perhaps read")]);
    broker.write_frames(topic, (0..20).map(|n| of_minute(7, n)));
    broker.delete_before(topic, 20);
    broker.write_frames(topic, (8..11).map(|minute| of_minute(minute, "after")));
    run.signal(Signal::CONT);
    run
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn messages_deleted_before_they_are_read_are_an_error() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(1, &[]);
    let ran = overtaken(&broker, &folder, &topic, "").end().exits(1);
    let fail = |from: u32| {
        let what = format!("topic {topic}, partition 0: offsets {from} to 19 were deleted before");
        ran.stderr.contains(&what)
    };
    assert!(fail(6) || fail(7), "{}", ran.stderr);
    let ran = ran.says("the first there is: 20").says("--on-gap skip");
    assert_eq!(counts(&ran.stdout).len(), 5 + usize::from(fail_at_seven(&ran.stderr)));
    assert_eq!(folder.summary()["ended"], "failed");
}

fn fail_at_seven(stderr: &str) -> bool {
    stderr.contains("offsets 7 to 19")
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn messages_deleted_before_they_are_read_may_be_passed_over_with_account() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(1, &[]);
    let mut run = overtaken(&broker, &folder, &topic, "--on-gap skip");
    // What the minutes up to the ninth came to, the sixth perhaps among them.
    let mut results = String::new();
    while counts(&results).last().is_none_or(|last| last.0 < START_S + 60 * 9) {
        results += &run.line();
    }
    let ran = run.stop().exits(130);
    let summary = folder.summary();
    let read_six = fail_at_seven(&ran.stderr);
    let skipped = if read_six { 13 } else { 14 };
    assert_eq!((&summary["gaps"], &summary["offsets_skipped"]), (&1.into(), &skipped.into()));
    ran.says(&format!("offsets {} to 19 were deleted", 20 - skipped))
        .says("going on with 20")
        .says("windows about them are not complete");
    let minute = |minute: i64, cnt: u64| (START_S + 60 * minute, cnt, cnt);
    let mut expected: Vec<_> = vec![minute(5, 1), minute(7, 7), minute(8, 1), minute(9, 1)];
    let mut complete = vec![false, false, true, true];
    if read_six {
        expected.insert(1, minute(6, 1));
        // The frame of the sixth minute closed the fifth before the gap.
        complete.insert(0, true);
    }
    assert_eq!(counts(&results), expected);
    assert_eq!(each(&results, "complete"), complete);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_restart_point_whose_messages_are_gone() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (topic, group) = (broker.topic(1, &[]), broker.free_name());
    let frames: Vec<String> = (0..40).map(|n| of_minute(n / 2, n)).collect();
    broker.write_frames(&topic, &frames[..20]);
    let grouped = format!("-t {topic} --until end --group {group}");
    let (first, _) = folder.count(&broker, &grouped, &[]);
    assert_eq!(counts(&first.exits(0).stdout).len(), 10);
    // The last minute is not final: its first frame, 18, is where it would begin again.
    broker.write_frames(&topic, &frames[20..]);
    broker.delete_before(&topic, 25);
    let (ran, _) = folder.count(&broker, &grouped, &[]);
    ran.exits(1).says("partition 0: offsets 18 to 24 were deleted before they were read");
    let (ran, summary) = folder.count(&broker, &format!("{grouped} --on-gap skip"), &[]);
    let ran = ran.exits(0).says("going on with 25");
    assert_eq!(counts(&ran.stdout), counts(&folder.counted_of(&frames[25..])));
    assert_eq!(each(&ran.stdout, "complete")[..3], [false, true, true]);
    assert_eq!((&summary["gaps"], &summary["offsets_skipped"]), (&1.into(), &7.into()));
    // From the beginning there is nothing to miss; only, nobody knows what was there.
    let (results, summary) = folder.count_topic(&broker, &topic, "");
    assert_eq!(results, ran.stdout);
    assert_eq!(summary["gaps"], 0);
}
