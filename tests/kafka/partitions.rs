//! Several partitions, each a clock of its own: far apart, empty, and added while they are read.

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{AHEAD_S, Random, START_S, ahead, at, counts, each, of_minute, recount};
use crate::harness::{Folder, wait_until};
use crate::records::Record;

/// Logs hours apart, with frames that are late by seconds or by hours.
fn far_apart(random: &mut Random, partitions: i64) -> Vec<Vec<String>> {
    let mut log = |partition: i64| {
        let mut time_s = START_S + 3600 * partition;
        let mut frame = || {
            time_s += i64::try_from(random.below(9)).unwrap();
            let late_s = match random.below(20) {
                0 => random.below(7200),
                1..4 => random.below(70),
                _ => 0,
            };
            at(time_s - i64::try_from(late_s).unwrap(), random.below(200))
        };
        (0..800).map(|_| frame()).collect()
    };
    (0..partitions).map(&mut log).collect()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn frames_out_of_order_across_partitions_are_counted_as_the_partitions_say() {
    let (broker, folder, mut random) = (Broker::shared(), Folder::new(), Random::new());
    for partitions in [2, 12] {
        let logs = far_apart(&mut random, partitions);
        let (expected, late) = recount(&logs);
        assert!(late > 0);
        let topic = broker.topic(partitions.try_into().unwrap(), &[]);
        broker.write_partitions(&topic, &logs);
        let mut first = None;
        for flags in [
            "",
            "--max-skew 1s --scanners 3",
            "--max-skew 100d --counters 2",
            "--queue-memory 1MiB -X fetch.message.max.bytes=100",
        ] {
            let (results, summary) = folder.count_topic(&broker, &topic, flags);
            assert_eq!(counts(&results), expected, "{flags}");
            assert_eq!(summary["refused_late"], late, "{flags}");
            assert_eq!(summary["refused_gone"], 0, "{flags}");
            // Not a byte depends on how partitions were interleaved.
            assert_eq!(&results, first.get_or_insert(results.clone()), "{flags}");
        }
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn skew_bounds_how_many_windows_are_open() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let log = || (0..2000).map(|n| at(START_S + 60 * n, "user")).collect::<Vec<String>>();
    let topic = broker.topic(4, &[]);
    broker.write_in_batches(&topic, &[log(), log(), log(), log()]);
    // A chunk of each is under way at most, and that is half of it.
    let words = "--max-skew 10m --scanners 1";
    let (results, summary) = folder.count_topic(&broker, &topic, words);
    assert_eq!(counts(&results).len(), 2000);
    let open = summary["windows_open_peak"].as_u64().unwrap();
    assert!(open < 1500, "{open}");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_flipped_time_holds_no_partition_back() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(2, &[]);
    let words = folder.count_words(&broker, &format!("-t {topic} --agree=8,33/64 --idle 1h"));
    let mut run = Following::start(&words);
    // It comes alone, with nothing beside it that says otherwise.
    broker.write(&topic, &[Record::new(0, at(START_S + (1 << 26), "flipped"))]);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let frame = |n: i64| Record::new(i32::from(n % 2 == 0), at(START_S + 5 * n, n));
    broker.write(&topic, &(0..200).map(frame).collect::<Vec<_>>());
    let expected: Vec<_> = (0..15).map(|minute| (START_S + 60 * minute, 12, 12)).collect();
    assert_eq!(counts(&run.lines(15)), expected);
    run.stop().exits(130);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn an_empty_partition_does_not_keep_a_bounded_run_waiting() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let frames: Vec<String> = (0..100).map(|n| of_minute(n / 10, n % 3)).collect();
    let topic = broker.topic(3, &[]);
    broker.write(
        &topic,
        &frames.iter().map(|frame| Record::new(1, frame.as_str())).collect::<Vec<_>>(),
    );
    let (results, _) = folder.count_topic(&broker, &topic, "--idle off");
    assert_eq!(results, folder.counted_of(&frames));
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn an_empty_partition_falls_silent_in_a_following_run() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(2, &[]);
    let words = folder.count_words(&broker, &format!("-t {topic} --idle 1s"));
    let mut run = Following::start(&words);
    // The other one is never silent, and the wall clock has not come to its times.
    let mut written = Vec::new();
    let result = loop {
        written.push(ahead(written.len().try_into().unwrap(), "user"));
        broker.write_frames(&topic, written.last());
        if let Some(result) = run.line_now() {
            break result;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(counts(&result), [(AHEAD_S, 1, 1)]);
    let ran = run.stop().exits(130);
    let expected = folder.counted_of(&written);
    assert!(counts(&expected).starts_with(&counts(&ran.stdout)));
    assert!(each(&ran.stdout, "closed_by").iter().all(|by| by == "time"));
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn with_idle_off_a_quiet_partition_holds_the_others_back() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(2, &[]);
    let quiet: Vec<String> = (0..6).map(|minute| of_minute(minute, "quiet")).collect();
    let busy: Vec<String> = (0..60).map(|minute| of_minute(minute, "busy")).collect();
    broker.write_partitions(&topic, &[quiet, busy]);
    let words = folder.count_words(&broker, &format!("-t {topic} --idle off"));
    let mut run = Following::start(&words);
    let results = run.lines(5);
    // The sixth comes only by the quiet one's word.
    broker.write(&topic, &[Record::new(0, of_minute(6, "quiet"))]);
    let results = results + &run.line();
    let ran = run.stop().exits(130);
    assert_eq!(ran.stdout, results);
    let expected: Vec<_> = (0..6).map(|minute| (START_S + 60 * minute, 2, 2)).collect();
    assert_eq!(counts(&results), expected);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn added_partitions_are_read_from_their_beginning() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(1, &[]);
    broker.write_frames(&topic, [ahead(0, "old"), ahead(1, "old")]);
    // Whatever is said of where to begin is said of the partitions there are.
    let from = format!("--from {}", START_S - 1);
    let words = folder.count_words(&broker, &format!("-t {topic} --idle 1s {from}"));
    let mut run = Following::start(&words);
    run.line();
    broker.grow(&topic, 3);
    wait_until("the partitions", || broker.partitions(&topic) == Some(3));
    // The first partition is silent by now or will be, so the finals follow the added one; the last one
    // stays empty.
    let added = [(0, "gone"), (1, "new"), (1, "newer"), (2, "new")];
    let record = |(minute, uid)| Record::new(1, ahead(minute, uid));
    broker.write(&topic, &added.map(record));
    run.line();
    broker.write(&topic, &[Record::new(2, ahead(2, "last")), Record::new(2, ahead(3, "last"))]);
    broker.write(&topic, &[Record::new(1, ahead(3, "new"))]);
    run.line();
    let ran = run.stop().exits(130);
    let minute = |minute: i64, cnt, frames| (AHEAD_S + 60 * minute, cnt, frames);
    assert_eq!(counts(&ran.stdout), [minute(0, 1, 1), minute(1, 3, 3), minute(2, 2, 2)]);
    let summary = folder.summary();
    assert_eq!(summary["refused_gone"], 1);
    assert_eq!(summary["topic"]["partitions"].as_array().unwrap().len(), 3);
}
