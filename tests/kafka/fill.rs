//! `headcount generate` to a topic.

use std::collections::HashMap;

use crate::broker::Broker;
use crate::harness::{Folder, Ran, run, start, wait_until};

/// The frames of a generated file, without their line ends.
fn frames(folder: &Folder, flags: &str) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(folder.generated(flags)).unwrap();
    let lines = bytes.strip_suffix(b"\n").unwrap().split(|&byte| byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect()
}

fn values(broker: &Broker, topic: &str) -> Vec<Vec<u8>> {
    broker.read(topic).into_iter().map(|one| one.value.unwrap()).collect()
}

fn sorted(mut frames: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    frames.sort();
    frames
}

/// The codec of the first batch in a partition's log, by the format's number: 0 none, 1 gzip, 2 snappy, 3
/// lz4, 4 zstd.
fn codec(broker: &Broker, topic: &str) -> u8 {
    // Offset 8 bytes, length 4, epoch 4, magic 1, checksum 4, attributes 2: the codec in their last 3 bits.
    broker.segment(topic)[22] & 7
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn all_codecs_carry_the_same_frames_in_order() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let flags = "--frames 5k --frame-bytes 500";
    let expected = frames(&folder, flags);
    for (number, name) in (0..).zip(["none", "gzip", "snappy", "lz4", "zstd"]) {
        let topic = broker.topic(1, &[]);
        let words = format!("generate {flags} -b {} -o {topic} --codec {name}", broker.bootstrap());
        let ran = run(&words, &[]).exits(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
        assert!(values(&broker, &topic) == expected, "{name}");
        assert!(broker.read(&topic).iter().all(|one| one.key.is_none()));
        assert_eq!(codec(&broker, &topic), number, "{name}");
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn keyed_frames_of_a_user_are_in_one_partition_in_order() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let flags = "--kind hostile --frames 20k --frame-bytes 300 --users 500";
    let expected = frames(&folder, flags);
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = broker.topic(4, &[]);
        let words = format!(
            "generate {flags} --key uid -b {} -o {topic} --codec {codec}",
            broker.bootstrap()
        );
        run(&words, &[]).exits(0);
        let records = broker.read(&topic);
        let mut partition_of = HashMap::new();
        for one in records.iter().filter(|one| one.key.is_some()) {
            let partition = *partition_of.entry(one.key()).or_insert(one.partition);
            assert_eq!(partition, one.partition, "{}", one.key());
        }
        assert!(partition_of.len() > 100, "{}", partition_of.len());
        let with_key = |key: &str| -> Vec<&[u8]> {
            records
                .iter()
                .filter(|one| one.key.as_deref() == Some(key.as_bytes()))
                .map(|one| one.value())
                .collect()
        };
        // The most frequent user's frames, in the order of the stream (its uid stands there unescaped or not).
        let of_user = with_key("user-000000000");
        let mut stream = expected.iter();
        assert!(
            of_user.len() > 100 && of_user.iter().all(|frame| stream.any(|other| other == frame))
        );
        // A key's frame shows that user.
        assert!(
            of_user
                .iter()
                .filter(|frame| frame.windows(14).any(|at| at == b"user-000000000"))
                .count()
                > 100
        );
        let values = records.into_iter().map(|one| one.value.unwrap()).collect();
        assert!(sorted(values) == sorted(expected.clone()), "{codec}");
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn keyless_frames_are_dealt_out_evenly_and_in_order() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let flags = "--frames 20k --frame-bytes 300";
    let expected = frames(&folder, flags);
    let topic = broker.free_name();
    let words =
        format!("generate {flags} --create --partitions 4 -b {} -o {topic}", broker.bootstrap());
    run(&words, &[]).exits(0);
    assert_eq!(broker.partitions(&topic), Some(4));
    assert_eq!(broker.setting(&topic, "cleanup.policy"), "delete");
    let records = broker.read(&topic);
    for partition in 0..4 {
        let own: Vec<&[u8]> = records
            .iter()
            .filter(|one| one.partition == partition)
            .map(|one| one.value())
            .collect();
        assert!((4_000..=6_000).contains(&own.len()), "{}", own.len());
        let mut stream = expected.iter();
        assert!(own.iter().all(|frame| stream.any(|other| other == frame)), "order");
    }
    assert!(sorted(values(&broker, &topic)) == sorted(expected));
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn frames_of_a_megabyte_and_more_go_through() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    for flags in ["--frames 12 --frame-bytes 1MB", "--frames 3 --frame-bytes 8MB"] {
        let expected = frames(&folder, flags);
        let topic = broker.topic(2, &[("max.message.bytes", "16000000")]);
        run(&format!("generate {flags} -b {} -o {topic}", broker.bootstrap()), &[]).exits(0);
        assert!(sorted(values(&broker, &topic)) == sorted(expected));
    }
    // A topic that does not take them.
    let topic = broker.topic(1, &[("max.message.bytes", "100000")]);
    let words =
        format!("generate --frames 3 --frame-bytes 1MB -b {} -o {topic}", broker.bootstrap());
    run(&words, &[]).exits(1).says(&format!("topic {topic}: cannot write"));
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn an_interrupt_leaves_the_beginning_of_the_stream() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(1, &[]);
    let child = start(&format!("generate --frames 1G -b {} -o {topic}", broker.bootstrap()), &[]);
    wait_until("a first frame", || broker.end(&topic) > 0);
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(130);
    let made = values(&broker, &topic);
    let n = made.len();
    let said: String = ran.stderr.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(said, n.to_string(), "{}", ran.stderr);
    assert!(made == frames(&folder, &format!("--frames {n}")));
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_that_is_not_there_is_not_filled() {
    let broker = Broker::shared();
    let topic = broker.free_name();
    run(&format!("generate --frames 1 -b {} -o {topic}", broker.bootstrap()), &[])
        .exits(1)
        .says("--create makes it");
    assert_eq!(broker.partitions(&topic), None);
}
