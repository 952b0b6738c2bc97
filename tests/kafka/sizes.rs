//! Small and large messages, and batches larger than what is fetched at a time.

use crate::broker::Broker;
use crate::frames::{Random, of_minute};
use crate::harness::Folder;
use crate::records::Record;

/// Frames of so many bytes, where a frame can be as short; one byte is none.
fn sized(sizes: impl IntoIterator<Item = usize>) -> Vec<String> {
    let frame = |(n, bytes): (i64, usize)| {
        let frame = of_minute(n / 4, n % 7);
        match bytes.checked_sub(frame.len() + 9) {
            Some(more) => frame.replace('}', &format!(",\"pad\":\"{}\"}}", "x".repeat(more))),
            None => "1".repeat(bytes),
        }
    };
    (0..).zip(sizes).map(frame).collect()
}

fn check(broker: &Broker, folder: &Folder, topic: &str, frames: &[String], flags: &str) {
    let expected = folder.counted_of(frames);
    let (results, summary) = folder.count_topic(broker, topic, flags);
    assert_eq!(results, expected, "{flags}");
    assert_eq!(summary["frames_read"], frames.len());
    assert_eq!(summary["bytes"], frames.iter().map(String::len).sum::<usize>());
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn messages_of_one_byte_to_a_megabyte() {
    let (broker, folder, mut random) = (Broker::shared(), Folder::new(), Random::new());
    // As many of each magnitude.
    let mut size = || {
        let least = 1 << random.below(16);
        usize::try_from(least + random.below(least)).unwrap()
    };
    let mut sizes: Vec<usize> = (0..300).map(|_| size()).collect();
    sizes.extend([1, 1_000_000, 1_048_576, 2, 500_000, 1, 1_048_576]);
    let frames = sized(sizes.iter().copied());
    assert!(frames.iter().zip(&sizes).all(|(frame, &bytes)| frame.len() == bytes));
    let topic = broker.topic(1, &[("max.message.bytes", "2000000")]);
    broker.write_frames(&topic, &frames);
    for flags in
        ["", "--queue-memory 1MiB", "-X fetch.message.max.bytes=1", "-X fetch.max.bytes=1000000"]
    {
        check(&broker, &folder, &topic, &frames, flags);
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn batches_larger_than_what_is_fetched() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    for codec in ["none", "lz4"] {
        let frames = sized((0..3000).map(|n| 100 + n % 300));
        let topic = broker.topic(1, &[]);
        let records: Vec<Record> = frames.iter().map(|one| Record::new(0, one.as_str())).collect();
        broker.write_batch(&topic, &records, codec);
        for flags in [
            "--queue-memory 64KiB",
            "-X fetch.message.max.bytes=1000",
            "-X fetch.message.max.bytes=1 --queue-memory 1MiB",
        ] {
            check(&broker, &folder, &topic, &frames, flags);
        }
    }
}
