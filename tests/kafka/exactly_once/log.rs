//! Frames of all kinds: on time, late, twice there, far ahead, malformed; over hours, with gaps of days
//! between, so that windows of every length close in the middle. At its end they are on time, so that none
//! waits: what waits at an end goes on waiting with the checkpoint, and is no reject yet.

use crate::frames::{Random, START_S, at};
use crate::records::Record;

const HOUR_S: i64 = 3600;
/// Frames of a partition, after which no other one waits any more.
const CALM: usize = 70;

/// Records in the order in which they are written.
pub(super) fn records(random: &mut Random, partitions: i32, count: usize) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::with_capacity(count);
    let mut now_s = START_S;
    let calm = count - CALM * usize::try_from(partitions).unwrap();
    for n in 0..count {
        now_s += 2;
        if n >= calm {
            let partition = i32::try_from(n).unwrap() % partitions;
            records.push(Record::new(partition, at(now_s, random.below(300))));
            continue;
        }
        if n % 500 == 499 {
            now_s += HOUR_S * i64::try_from(1 + random.below(30 * 24)).unwrap();
        }
        let mut upto = |most: u64| i64::try_from(random.below(most)).unwrap();
        let partition = i32::try_from(upto(partitions.unsigned_abs().into())).unwrap();
        let (kind, some_s) = (upto(100), upto(100));
        let (hours_s, ahead_s) = (upto(5000), 600 + upto(1200));
        let uid = upto(300);
        let value = match kind {
            0 => format!("nothing, {n}"),
            1 => at(now_s - hours_s, uid),
            2..12 => at(now_s - some_s, uid),
            12..14 => at(now_s + ahead_s, uid),
            // Beyond any wall clock.
            14 => at(now_s + 1_000_000 * HOUR_S, uid),
            15..18 if n > 100 => {
                let same = records[n - usize::try_from(1 + some_s).unwrap()].clone();
                records.push(Record { partition, ..same });
                continue;
            }
            18 => {
                records.push(Record {
                    key: Some(b"of nobody".into()),
                    value: None,
                    ..Record::new(partition, "")
                });
                continue;
            }
            _ => at(now_s, uid),
        };
        records.push(Record::new(partition, value));
    }
    records
}
