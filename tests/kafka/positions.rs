//! Where a topic is entered and left: `--from` and `--until`.

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{START_S, at, counts, each, of_minute};
use crate::harness::{Folder, run};
use crate::records::Record;

/// A frame every ten seconds, whose record time is the frame's time and a day, in turn over partitions.
fn frames(partitions: i32) -> Vec<Record> {
    let frame = |n: i64| {
        let ts_s = START_S + 10 * n;
        let partition = i32::try_from(n).unwrap() % partitions;
        let time_ms = Some((ts_s + 86_400) * 1000);
        Record { time_ms, ..Record::new(partition, at(ts_s, n % 5)) }
    };
    (0..100).map(frame).collect()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn times_are_the_records_times() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    for partitions in [1, 4] {
        let (topic, all) = (broker.topic(partitions, &[]), frames(partitions));
        broker.write(&topic, &all);
        let second = |n: i64| START_S + 86_400 + 10 * n;
        let text = |n: i64| jiff::Timestamp::from_second(second(n)).unwrap().to_string();
        for (flags, expected) in [
            (format!("--from {} --until end", second(30)), 30..100),
            (format!("--until {}", text(71)), 0..71),
            // Between two records.
            (format!("--from {} --until {}", second(29) + 1, second(70) + 1), 30..71),
            (format!("--from {} --until {}", text(20), text(20)), 20..20),
            // Before all, and after all, which is past.
            (format!("--from 0 --until {}", text(1_000_000)), 0..100),
            (format!("--from {} --until end", text(1000)), 100..100),
        ] {
            let (ran, summary) = folder.count(&broker, &format!("-t {topic} {flags}"), &[]);
            let results = ran.exits(0).stdout;
            let some = &all[expected.clone()];
            let whole = folder.counted_of(some.iter().map(|one| one.value.clone().unwrap()));
            assert_eq!(counts(&results), counts(&whole), "{partitions}: {flags}");
            assert_eq!(summary["counted"], some.len());
            // Entered midway, the first minute is perhaps a part; entered at the beginning, the first
            // frame's minute is no more certain.
            let complete: Vec<bool> = (0..results.lines().count()).map(|n| n > 0).collect();
            assert_eq!(each(&results, "complete"), complete, "{partitions}: {flags}");
        }
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn until_a_time_to_come_ends_then() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(2, &[]);
    let now_ms = || i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    broker.write_frames(&topic, [of_minute(0, "a"), of_minute(1, "a")]);
    // Late enough that the first minute is out by then, and what follows it is written.
    let until = (now_ms() / 1000) + 8;
    let words = folder.count_words(&broker, &format!("-t {topic} --until {until} --idle 1s"));
    let mut run = Following::start(&words);
    // One that comes while it waits, and one that is of that time and so not counted.
    run.line();
    let timed = |minute, time_ms| Record {
        time_ms: Some(time_ms),
        ..Record::new(0, of_minute(minute, "a"))
    };
    broker.write(&topic, &[timed(2, until * 1000 - 1), timed(3, until * 1000)]);
    let ran = run.end().exits(0);
    assert!(now_ms() >= until * 1000);
    let minute = |minute: i64| (START_S + 60 * minute, 1, 1);
    assert_eq!(counts(&ran.stdout), [minute(0), minute(1), minute(2)]);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn from_end_counts_only_what_comes() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(1, &[]);
    broker.write_frames(&topic, (0..50).map(|minute| of_minute(minute, "old")));
    let words = folder.count_words(&broker, &format!("-t {topic} --from end"));
    let mut run = Following::start(&words);
    // Nobody knows when it has begun, but then it goes on.
    let mut minute = 50;
    while run.line_now().is_none() {
        broker.write_frames(&topic, [of_minute(minute, "new"), of_minute(minute, "newer")]);
        minute += 1;
    }
    let ran = run.stop().exits(130);
    let summary = folder.summary();
    let entered = summary["topic"]["partitions"][0]["entered"].as_i64().unwrap();
    assert!(entered >= 50, "{entered}");
    let counted = counts(&ran.stdout);
    assert!(counted.iter().all(|&(ts, cnt, _)| ts >= START_S + 60 * 50 && cnt <= 2), "{counted:?}");
    let complete = each(&ran.stdout, "complete");
    assert!(complete.iter().enumerate().all(|(n, complete)| *complete == (n > 0)), "{complete:?}");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn from_committed_wants_a_group_with_a_restart_point() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(1, &[]);
    let frames: Vec<String> = (0..20).map(|n| of_minute(n / 2, n)).collect();
    broker.write_frames(&topic, &frames);
    let count = |flags: &str| {
        run(&format!("count -b {} -t {topic} --until end {flags}", broker.bootstrap()), &[])
    };
    count("--from committed").exits(2).says("--group");
    let group = broker.free_name();
    count(&format!("--from committed --group {group}"))
        .exits(1)
        .says(&format!("group {group}: it has no restart point of topic {topic}"));
    // Without being asked, it begins at the beginning; once it has a restart point, there.
    let all = count(&format!("--group {group}")).exits(0).stdout;
    assert_eq!(all, folder.counted_of(&frames));
    // The end of a bounded run put the last minute out, but did not make it final: it is read again, and
    // there is nothing new to say of it.
    count(&format!("--group {group}"))
        .exits(0)
        .says("2 read = 2 counted")
        .says("0 results put out");
    // Asked for the beginning, it begins there all the same.
    assert_eq!(count(&format!("--group {group} --from beginning")).exits(0).stdout, all);
    // Offsets that another program committed are places to begin at, and no more.
    let other = broker.free_name();
    broker.commit(&topic, &other, 7);
    let rest = count(&format!("--group {other}")).exits(0).stdout;
    assert_eq!(counts(&rest), counts(&folder.counted_of(&frames[7..])));
    assert_eq!(each(&rest, "complete")[..2], [false, true]);
    // Beyond the end there is nothing.
    let beyond = broker.free_name();
    broker.commit(&topic, &beyond, 21);
    count(&format!("--group {beyond}")).exits(1).says("offset 21 lies beyond its end at 20");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn flags_that_do_not_fit_are_refused() {
    let broker = Broker::shared();
    let (b, topic) = (broker.bootstrap(), broker.topic(1, &[]));
    for (words, says) in [
        (format!("count -b {b}"), "--topic"),
        (format!("count -t {topic}"), "--brokers"),
        (format!("count -b {b} -t {topic} file"), "not both"),
        (format!("count -b {b} -t {topic} --from yesterday"), "--from"),
        (format!("count -b {b} -t {topic} --until beginning"), "--until"),
        (format!("count -b {b} -t {topic} --idle 0s"), "--idle"),
        (format!("count -b {b} -t {topic} -X group.id=x"), "use --group"),
        (format!("count -b {b} -t {topic} -X enable.auto.commit=true"), "--group"),
        (format!("count -b {b} -t {topic} -X auto.offset.reset=latest"), "--on-gap"),
        (format!("count -b {b} -t {topic} -X nope=1"), "no such setting"),
        (format!("count -b {b} -t a/b --until end"), "a topic's name"),
    ] {
        run(&words, &[]).exits(2).says(says);
    }
}
