//! The topic itself: not there, deleted, or deleted and made again while it is read.

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::of_minute;
use crate::harness::{Folder, run};

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_that_is_not_there_is_an_error_and_stays_so() {
    let broker = Broker::shared();
    let topic = broker.free_name();
    for words in ["count", "measure read"] {
        for until in ["", "--until end"] {
            let words = format!("{words} -b {} -t {topic} {until}", broker.bootstrap());
            let ran = run(&words, &[]).exits(1);
            assert_eq!(ran.stdout, "");
            ran.says(&format!("topic {topic}: there is none on {}", broker.bootstrap()));
        }
    }
    assert_eq!(broker.partitions(&topic), None);
    let listed =
        broker.script(&format!("run topics --bootstrap-server {} --list", broker.bootstrap()));
    assert!(!listed.stdout.contains(&topic), "{}", listed.stdout);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn an_empty_topic_is_read_to_its_end() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    for partitions in [1, 5] {
        let topic = broker.topic(partitions, &[]);
        for words in ["", "--from end", "--until 2023-01-01T00:00:00Z"] {
            let (results, summary) = folder.count_topic(&broker, &topic, words);
            assert_eq!(results, "");
            assert_eq!((&summary["frames_read"], &summary["ended"]), (&0.into(), &"done".into()));
        }
    }
}

/// A run that follows a topic and has read it.
fn follow(broker: &Broker, folder: &Folder, topic: &str) -> Following {
    broker.write_frames(topic, [of_minute(0, "user"), of_minute(1, "user")]);
    let mut run = Following::start(&folder.count_words(broker, &format!("-t {topic} --idle 1s")));
    run.line();
    run
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_deleted_while_it_is_read_stops_the_run() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(1, &[]);
    let run = follow(&broker, &folder, &topic);
    broker.delete(&topic);
    let ran = run.end().exits(1);
    ran.says(&format!("topic {topic}: it was deleted while it was read"))
        .says("2 read = 2 counted");
    assert_eq!(broker.partitions(&topic), None);
    assert_eq!(folder.summary()["ended"], "failed");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_made_again_while_it_is_read_stops_the_run() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    // With fewer partitions, and with as many and other frames.
    for (before, after) in [(2, 1), (1, 1)] {
        let topic = broker.topic(before, &[]);
        let run = follow(&broker, &folder, &topic);
        broker.delete(&topic);
        broker.make(&topic, after, &[]);
        broker.write_frames(&topic, (0..10).map(|minute| of_minute(minute, "other")));
        let ran = run.end().exits(1);
        ran.says(&format!("topic {topic}: it was deleted and made again while it was read"));
        assert_eq!(folder.summary()["ended"], "failed");
    }
}
