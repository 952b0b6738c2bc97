//! Brokers that go away while a topic is read, for a while or for good, and ones that are not there.

use std::time::Duration;

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{START_S, ahead, at, counts, each, last_words, minute_past_s};
use crate::harness::{Folder, run, wait_until};

const FRAMES: u64 = 40_000;
/// So little is fetched ahead that most of a topic is not fetched before it is counted.
const SMALL: &str = "--queue-memory 64KiB";

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_broker_that_comes_back_changes_nothing_and_one_that_does_not_is_an_error() {
    let (broker, folder) = (Broker::own(""), Folder::new());
    // A frame a minute, so that there are many results, which nobody reads for a while: the run stands in
    // the middle of the topic. Batches and fetches are small, so that it is not fetched whole by then.
    let flags = format!("--frames {FRAMES} --frame-bytes 100 --rate 0.016666");
    let expected = folder.counted(&folder.generated(&flags));
    let (topic, live, output) =
        (broker.topic(1, &[]), broker.topic(1, &[]), broker.results_topic());
    let b = broker.bootstrap();
    run(&format!("generate {flags} -b {b} -o {topic} -X batch.num.messages=50"), &[]).exits(0);
    let held = |words: &str| {
        let words = format!("-t {topic} --until end {SMALL} {words}");
        let run = Following::start_unread(&folder.count_words(&broker, &words));
        // It has begun to put out: its pipe is not empty.
        wait_until("a first result", || run.has_put_out());
        run
    };
    let frames: Vec<String> = (0..10).map(|minute| ahead(minute, "user")).collect();
    broker.write_frames(&live, &frames[..5]);
    let words = format!("count -b {b} -t {live} -o {output} --idle 1s");
    let follow = |more: &str| Following::start(&format!("{words} {more}"));

    // For a while, politely and by force.
    let (read, following) = (held(""), follow(""));
    wait_until("results", || broker.end(&output) == 4);
    broker.script("stop");
    broker.script("start");
    broker.write_frames(&live, &frames[5..8]);
    wait_until("results", || broker.end(&output) == 7);
    broker.script("stop --kill");
    broker.script("start");
    assert_eq!(read.end().exits(0).stdout, expected);
    broker.write_frames(&live, &frames[8..]);
    wait_until("results", || broker.end(&output) == 9);
    following.stop().exits(130);
    let results = broker.read_lines(&output);
    assert_eq!(counts(&results), counts(&folder.counted_of(&frames))[..9]);

    // For good.
    let (read, following) = (held("--give-up 2s"), follow("--give-up 2s --from beginning"));
    wait_until("results", || broker.end(&output) == 18);
    broker.script("stop --kill");
    let ran = following.end().exits(1);
    ran.says(&format!("topic {live}, partition 0, offset 10: no answer of the brokers for 2 s"))
        .says("10 read = 10 counted")
        .says("it failed: 1 window still open");
    let ran = read.end().exits(1);
    let summary = folder.summary();
    let next = summary["topic"]["partitions"][0]["next"].as_u64().unwrap();
    assert!(next < FRAMES, "all was fetched before");
    let ran =
        ran.says(&format!("topic {topic}, partition 0, offset {next}: no answer of the brokers"));
    assert_eq!((&summary["ended"], &summary["counted"]), (&"failed".into(), &next.into()));
    // What came out is right.
    assert!(expected.starts_with(&ran.stdout) && !ran.stdout.is_empty());

    // Nobody from the start.
    for words in ["count --until end", "measure read"] {
        run(&format!("{words} -b {b} -t {topic} --give-up 1s"), &[])
            .exits(1)
            .says(&format!("brokers {b}: no answer for 1 s"));
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn an_outage_is_not_silence_and_changes_no_last_word_of_a_backfill() {
    let (broker, folder) = (Broker::own(""), Folder::new());
    // Three partitions an hour apart, with frames that are late and ones that wait, read in the middle.
    let (history, live) = (broker.topic(3, &[]), broker.topic(1, &[]));
    let log = |partition: i64| {
        let frame = move |n: i64| {
            let late_s = [0, 0, 30, 0, 400, 0, -900][usize::try_from(n % 7).unwrap()];
            at(START_S + 3600 * partition + 20 * n - late_s, n % 50)
        };
        (0..6000).map(frame).collect::<Vec<String>>()
    };
    broker.write_in_batches(&history, &[log(0), log(1), log(2)]);
    let words =
        format!("-t {history} --until end --agree=8,33/64 --late=revise --every=1h {SMALL}");
    // How often a window is revised hangs on how the partitions come between one another.
    let counted = |results: &str| {
        let words = last_words(results).into_iter();
        words.map(|(ts_s, [cnt, frames, _rev])| (ts_s, cnt, frames)).collect::<Vec<_>>()
    };
    let (ran, _) = folder.count(&broker, &words, &[]);
    let expected = counted(&ran.exits(0).stdout);
    assert!(expected.len() > 2000);
    let past_s = minute_past_s();
    broker.write_frames(&live, [at(past_s - 60, "a"), at(past_s + 10, "a")]);

    let backfill = Following::start_unread(&folder.count_words(&broker, &words));
    wait_until("a first result", || backfill.has_put_out());
    let words = format!("count -b {} -t {live} --idle 5s", broker.bootstrap());
    let mut following = Following::start(&words);
    assert_eq!(counts(&following.line()), [(past_s - 60, 1, 1)]);
    broker.script("stop --kill");
    // Twice as long as silence takes.
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(following.line_now(), None);
    broker.script("start");
    let silent = following.line();
    assert_eq!(counts(&silent), [(past_s, 1, 1)]);
    assert_eq!(each(&silent, "closed_by"), ["silence"]);
    following.stop().exits(130);
    assert_eq!(counted(&backfill.end().exits(0).stdout), expected);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn leaders_that_move_change_nothing() {
    let (broker, folder) = (Broker::own("--brokers 3"), Folder::new());
    let (topic, live) = (broker.replicated(3), broker.replicated(1));
    let log = |partition: i64| {
        (0..6000).map(move |n| at(START_S + 60 * n, 10 * partition + n % 7)).collect::<Vec<_>>()
    };
    broker.write_in_batches(&topic, &[log(0), log(1), log(2)]);
    let words = format!("-t {topic} --until end --idle off {SMALL}");
    let (ran, _) = folder.count(&broker, &words, &[]);
    let expected = counts(&ran.exits(0).stdout);
    assert_eq!(expected.len(), 6000);

    let reading = Following::start_unread(&folder.count_words(&broker, &words));
    wait_until("a first result", || reading.has_put_out());
    let mut following = Following::start(&format!("count -b {} -t {live}", broker.bootstrap()));
    let frames: Vec<String> = (0..8).map(|minute| ahead(minute, "user")).collect();
    let mut written = frames.chunks(2);
    let mut lines = 0;
    let mut goes_on = |broker: &Broker| {
        let frames = written.next().unwrap();
        broker.write_frames(&live, frames);
        for _ in 0..frames.len() - usize::from(lines == 0) {
            assert_eq!(counts(&following.line()).len(), 1);
            lines += 1;
        }
    };
    goes_on(&broker);
    // Each in turn loses what it leads, by force and politely.
    for (node, how) in [(1, "stop --kill"), (2, "stop"), (3, "stop --kill")] {
        let is_led_by_others = || {
            let leaders = [broker.leaders(&topic), broker.leaders(&live)].concat();
            leaders.iter().all(|&leader| leader >= 0 && leader != node)
        };
        broker.script(&format!("{how} {node}"));
        wait_until("other leaders", is_led_by_others);
        goes_on(&broker);
        broker.script(&format!("start {node}"));
    }
    let ran = following.stop().exits(130);
    assert_eq!(counts(&ran.stdout), counts(&folder.counted_of(&frames))[..7]);
    assert_eq!(counts(&reading.end().exits(0).stdout), expected);
}
