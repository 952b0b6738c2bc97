//! `--http` on a topic: each partition's clock, what is unread of it, and which one holds time back.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::exposition::Exposition;
use crate::following::Following;
use crate::frames::{START_S, at, of_minute};
use crate::harness::{Folder, wait_until};
use crate::http::get;

/// Longer than the clock takes to be told of anew.
const STILL: Duration = Duration::from_millis(600);

/// A run of a topic that is watched.
struct Watched {
    run: Following,
    address: String,
}

impl Watched {
    fn start(folder: &Folder, broker: &Broker, words: &str) -> Watched {
        // It was free just now.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let words = folder.count_words(broker, &format!("{words} --http {address}"));
        let run = Following::start(&words);
        let listens = || std::net::TcpStream::connect(&address).is_ok();
        wait_until("a server", listens);
        Watched { run, address }
    }

    fn json(&self, path: &str) -> Value {
        let answer = get(&self.address, path).ok();
        assert_eq!(answer.header("content-type"), "application/json");
        answer.json()
    }

    fn metrics(&self) -> Exposition {
        Exposition::of(&get(&self.address, "/metrics").ok().body)
    }

    #[track_caller]
    fn wait(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let mut live = Value::Null;
        wait_until(what, || {
            live = self.json("/live");
            so(&live)
        });
        live
    }
}

/// A frame of each minute up to this one, many times over.
fn log(minutes: i64, times: usize) -> Vec<String> {
    (0..minutes).flat_map(|minute| (0..times).map(move |user| of_minute(minute, user))).collect()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn the_partition_that_holds_time_back_is_named() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(3, &[]);
    broker.write_partitions(&topic, &[log(20, 100), log(5, 10), log(20, 10)]);
    let words = format!("-t {topic} --idle off --max-skew 10d");
    let mut watched = Watched::start(&folder, &broker, &words);
    let live = watched.wait("all that is there", |live| {
        live["outcomes"]["counted"] == 2250 && live["totals"]["results"] == 4
    });
    assert_eq!(
        live["input"],
        json!({
            "kind": "topic", "name": topic, "bounded": false, "unit": "messages", "total": null, "done": 2250,
        })
    );
    watched.wait("a snapshot of the end", |live| {
        let clock = |partition: usize| live["partitions"][partition]["clock"].as_i64();
        [0, 1, 2].map(clock) == [19, 4, 19].map(|minute| Some(START_S + 60 * minute + 30))
    });
    // Minute 4 of partition 1 is not over yet.
    let why = watched.json("/why");
    assert_eq!(why["held_by"].as_array().unwrap().len(), 1, "{why}");
    let held_by = &why["held_by"][0];
    assert_eq!((&held_by["partition"], &held_by["why"]), (&json!(1), &json!("lowest")), "{why}");
    assert_eq!(
        (&held_by["clock"], &why["lowest_clock"]),
        (&why["lowest_clock"], &held_by["clock"])
    );
    assert!(held_by["since_ms"].as_i64().unwrap() >= live["started_ms"].as_i64().unwrap());
    let windows = why["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 16, "{why}");
    for window in &windows[..15] {
        assert_eq!((&window["waits_for"], &window["partition"]), (&json!("partition"), &json!(1)));
        assert_eq!(window["since_ms"], held_by["since_ms"]);
        let text = window["text"].as_str().unwrap();
        assert!(text.starts_with("Partition 1 holds time back"), "{text}");
        assert!(text.contains("2 of 3 partitions") && text.contains("nothing unread"), "{text}");
    }
    // The last minute no partition is past.
    assert_eq!(windows[15]["waits_for"], "time", "{why}");
    let metrics = watched.metrics();
    for (partition, holds) in [("0", 0.0), ("1", 1.0), ("2", 0.0)] {
        let of = |name| metrics.of_label(name, "partition", partition);
        assert_eq!(of("headcount_partition_holds_time_back"), holds);
        assert_eq!(of("headcount_partition_unread_messages"), 0.0);
        assert!(of("headcount_partition_clock_seconds") >= metrics.one("headcount_clock_seconds"));
    }
    assert_eq!(metrics.of_label("headcount_partitions", "state", "reading"), 3.0);
    // Others move on; since when it holds time back stays the same.
    let began = Instant::now();
    for second in (1..).take_while(|&second| second < 3 || began.elapsed() < STILL) {
        let moved_s = START_S + 60 * 19 + 30 + second;
        let on: Vec<String> = (0..100).map(|user| at(moved_s, user)).collect();
        broker.write_partitions(&topic, &[on.clone(), vec![], on]);
        watched.wait("the others to move", |live| {
            [0, 2].iter().all(|&other: &usize| live["partitions"][other]["clock"] == moved_s)
        });
        let still = &watched.json("/why")["held_by"];
        assert_eq!(still.as_array().unwrap().len(), 1, "{still}");
        for member in ["partition", "clock", "since_ms", "moved_ms"] {
            assert_eq!(still[0][member], held_by[member], "{member}: {still}");
        }
    }
    // It goes on: nothing waits for it any more.
    broker.write_partitions(&topic, &[vec![], log(20, 10), vec![]]);
    watched.run.lines(19);
    watched
        .wait("time to go on", |_| watched.json("/why")["windows"].as_array().unwrap().len() == 1);
    watched.run.signal(Signal::TERM);
    watched.run.end().exits(130);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_partition_far_ahead_is_held_and_its_messages_are_unread() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(2, &[]);
    broker.write_in_batches(&topic, &[log(100, 100), log(1, 10)]);
    let words = format!("-t {topic} --idle off --max-skew 2m");
    let watched = Watched::start(&folder, &broker, &words);
    let live = watched.wait("a partition that is held", |live| {
        let of = |partition: usize, name| &live["partitions"][partition][name];
        (of(0, "state"), of(1, "state"), of(1, "unread"))
            == (&json!("held"), &json!("reading"), &json!(0))
    });
    let unread = live["partitions"][0]["unread"].as_u64().unwrap();
    assert!(unread > 0 && unread < 10_000, "{live}");
    let metrics = watched.metrics();
    assert!(metrics.one("headcount_unread_messages") > 0.0);
    assert_eq!(metrics.of_label("headcount_partitions", "state", "held"), 1.0);
    watched.run.signal(Signal::TERM);
    watched.run.end().exits(130);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn checkpoints_and_how_soon_results_are_there_are_told() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (topic, to) = (broker.topic(1, &[]), broker.results_topic());
    broker.write_partitions(&topic, &[log(30, 100)]);
    // From topic to topic each result is committed with a checkpoint.
    let state = broker.free_name();
    let words = format!("-t {topic} -o {to} --state-topic {state} --create --idle off");
    let watched = Watched::start(&folder, &broker, &words);
    // Results are told as they are put, the checkpoint they are in once it is kept.
    let live = watched.wait("all results but the last, and a checkpoint", |live| {
        live["totals"]["results"] == 29 && live["checkpoint"]["kept"].as_u64().unwrap() > 0
    });
    assert!(
        live["checkpoint"]["age_s"].is_f64() && live["checkpoint"]["last_s"].is_f64(),
        "{live}"
    );
    let metrics = watched.metrics();
    assert!(metrics.one("headcount_checkpoints_total") > 0.0);
    assert!(metrics.one("headcount_checkpoint_age_seconds") >= 0.0);
    assert!(metrics.one("headcount_checkpoint_duration_seconds") > 0.0);
    let measured = metrics.one("headcount_result_latency_seconds_count");
    assert!(measured > 0.0 && measured <= 29.0, "{measured}");
    let newest = watched.json("/windows?limit=1");
    assert_eq!(newest["results"][0]["cnt"], 100, "{newest}");
    watched.run.signal(Signal::TERM);
    watched.run.end().exits(130);
}
