//! A chunk whose last message fills a batch of the program: then an empty one ends it, in which no offset is told.

use headcount::limits::BATCH_FRAMES_MAX;

use crate::broker::Broker;
use crate::exactly_once::small::Small;
use crate::frames::of_minute;
use crate::records::Record;

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_just_fills_a_batch_is_gone_on_behind() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    let record = |_| Record::new(0, of_minute(5, "user"));
    assert_eq!(BATCH_FRAMES_MAX, 4096, "said below");
    let records: Vec<Record> = (0..BATCH_FRAMES_MAX).map(record).collect();
    // Fetched directly, it is drawn whole if it is one batch of Kafka's, too.
    broker.write_batch(&small.input, &records, "none");
    small.run("").exits(0).says("4,096 read = 4,096 counted");
    let before = "4,101 frames read before";
    small.run("").exits(0).says(before).says("0 read");
}
