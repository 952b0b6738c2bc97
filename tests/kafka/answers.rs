//! A topic gives the results that a file of the same frames gives.

use crate::broker::Broker;
use crate::frames::counts;
use crate::harness::{Folder, run};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn one_partition_gives_the_results_of_the_file_byte_for_byte() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    for kind in ["plain", "hostile"] {
        let flags = format!("--kind {kind} --frames 4k --frame-bytes 400 --rate 11");
        let expected = folder.counted(&folder.generated(&flags));
        assert!(expected.lines().count() > 5);
        for codec in CODECS {
            let topic = broker.topic(1, &[]);
            let b = broker.bootstrap();
            run(&format!("generate {flags} -b {b} -o {topic} --codec {codec}"), &[]).exits(0);
            let (results, summary) = folder.count_topic(&broker, &topic, "");
            assert_eq!(results, expected, "{kind}, {codec}");
            assert_eq!(summary["frames_read"], 4000);
            assert_eq!(summary["topic"]["partitions"][0]["next"], 4000);
        }
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn many_partitions_give_the_same_counts() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    // No frame is late, whatever partition it is dealt to.
    let flags = "--frames 4k --frame-bytes 400 --rate 11";
    let expected = folder.counted(&folder.generated(flags));
    for partitions in [4, 12] {
        for (index, codec) in CODECS.into_iter().enumerate() {
            let topic = broker.topic(partitions, &[]);
            let key = if index % 2 == 0 { "--key uid" } else { "" };
            let b = broker.bootstrap();
            run(&format!("generate {flags} {key} -b {b} -o {topic} --codec {codec}"), &[]).exits(0);
            let (results, summary) = folder.count_topic(&broker, &topic, "");
            assert_eq!(counts(&results), counts(&expected), "{partitions}, {codec}");
            assert_eq!(summary["counted"], 4000);
        }
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn from_topic_to_topic_another_client_reads_the_same() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let flags = "--kind hostile --frames 4k --frame-bytes 300 --rate 7";
    let expected = folder.counted(&folder.generated(flags));
    let (input, output) = (broker.topic(1, &[]), broker.results_topic());
    run(&format!("generate {flags} -b {} -o {input}", broker.bootstrap()), &[]).exits(0);
    let (stdout, summary) = folder.count_topic(&broker, &input, &format!("-o {output}"));
    assert_eq!(stdout, "");
    assert_eq!(summary["windows"], expected.lines().count());
    assert_eq!(String::from_utf8(broker.kcat(&output, "%s\n")).unwrap(), expected);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn each_part_measures_all_of_it() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(4, &[]);
    let flags = "--frames 4k --frame-bytes 300";
    let bytes = folder.generated(flags);
    // A file has line ends besides.
    let bytes = std::fs::metadata(bytes).unwrap().len() - 4000;
    run(&format!("generate {flags} -b {} -o {topic}", broker.bootstrap()), &[]).exits(0);
    for part in ["read", "scan", "count"] {
        let words = format!("measure {part} -b {} -t {topic} --until end", broker.bootstrap());
        let ran = run(&words, &["--rounds=2"]).exits(0);
        let rounds = crate::frames::each(&ran.stdout, "frames");
        assert_eq!(rounds, [4000, 4000], "{part}");
        assert_eq!(crate::frames::each(&ran.stdout, "bytes"), [bytes, bytes], "{part}");
    }
}
