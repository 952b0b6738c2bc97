//! `headcount checkpoint` of a state topic: what is in it, whether it is whole, and making it small.

use serde_json::Value;

use crate::broker::Broker;
use crate::exactly_once::case::{Case, EXACT};
use crate::exactly_once::small::{KEPT, Small};
use crate::exactly_once::zombie::was_fenced;
use crate::frames::Random;
use crate::harness::{Ran, run, wait_until};
use crate::records::Record;

/// A command of `headcount checkpoint`, once it is known of all that is in the topic whether it is committed.
#[track_caller]
fn checkpoint(broker: &Broker, command: &str, state: &str) -> Ran {
    wait_until("the markers", || broker.end(state) == broker.written(state));
    run(&format!("checkpoint {command} -b {} --state-topic {state}", broker.bootstrap()), &[])
}

/// A number as it is shown.
fn number(word: &str) -> Option<u64> {
    word.replace(',', "").parse().ok()
}

/// Bytes of each segment in the table that `inspect` shows.
fn bytes_of_segments(shown: &str) -> Vec<u64> {
    let row = |line: &str| line.split_whitespace().map(number).collect::<Option<Vec<u64>>>();
    shown.lines().filter_map(row).filter(|row| row.len() == 6).map(|row| row[2]).collect()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_state_topic_is_shown_checked_and_made_small() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    small.write(0, 5..7);
    small.run("").exits(0);
    let of_state = |command: &str| checkpoint(&broker, command, &small.state).exits(0).stdout;

    let shown = of_state("inspect");
    let bytes = bytes_of_segments(&shown);
    assert!(bytes.len() > 1, "{shown}");
    let all = shown.lines().find(|line| line.trim_start().starts_with("all ")).unwrap();
    let all: Vec<u64> = all.split_whitespace().filter_map(number).collect();
    let [all_bytes, users, memberships] = all[..] else { panic!("{shown}") };
    assert_eq!(all_bytes, bytes.iter().sum::<u64>(), "{shown}");
    assert!(users > 0 && memberships > 0, "{shown}");
    let (input, output) = (&small.input, &small.output);
    let says = [
        "1 window kept".into(),
        format!("topic: \"{input}\""),
        format!("results to topic: \"{output}\""),
        "\"offset\":7".into(),
        "frames read: 7".into(),
    ];
    for text in says {
        assert!(shown.contains(&text), "{text}: {shown}");
    }
    let offset = || {
        let note: Value = serde_json::from_str(&of_state("inspect --note")).unwrap();
        note["input"]["partitions"][0]["offset"].clone()
    };
    assert_eq!(offset(), 7);
    let is_whole = |segments: &str| {
        let found = of_state("verify");
        assert!(found.starts_with(&format!("all of {segments} read and whole: ")), "{found}");
        // The last minute is open, and one user is in it.
        assert!(found.ends_with(", 1 window with 1 membership\n"), "{found}");
    };
    is_whole(&format!("{} segments", bytes.len()));

    let made = of_state("compact");
    assert!(made.starts_with(&format!("{} segments of ", bytes.len())), "{made}");
    assert!(made.contains(" became one of "), "{made}");
    is_whole("1 segment");
    assert_eq!((bytes_of_segments(&of_state("inspect")).len(), offset()), (1, 7.into()));
    // And gone on with.
    small.write(0, 7..9);
    small.run("").exits(0).says("7 frames read before");
    small.has(0..9);
    assert!(bytes_of_segments(&of_state("inspect")).len() > 1);
    of_state("verify");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_is_damaged_in_a_state_topic_or_not_there_is_named() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    let records: Vec<Vec<u8>> =
        broker.read(&small.state).into_iter().map(|one| one.value.unwrap()).collect();
    let state_of = |records: &[Vec<u8>]| {
        let state = broker.topic(1, &KEPT);
        let records: Vec<_> = records.iter().map(|value| Record::new(0, &value[..])).collect();
        broker.write(&state, &records);
        state
    };
    let last = records.len() - 1;
    for (record, byte) in [(0, 40), (last, records[last].len() - 1)] {
        let mut other = records.clone();
        other[record][byte] ^= 64;
        let state = state_of(&other);
        let says =
            format!("state topic {state}, offset {record}: damaged: its checksum is another");
        for command in ["verify", "inspect", "compact"] {
            checkpoint(&broker, command, &state).exits(3).says(&says);
        }
        assert_eq!(broker.written(&state), i64::try_from(records.len()).unwrap());
    }
    // A segment without its last piece: the sixth byte says that a record is one.
    let piece = (0..records.len()).rfind(|&at| records[at][5] == 1).unwrap();
    let mut other = records.clone();
    other.remove(piece);
    let ran = checkpoint(&broker, "verify", &state_of(&other)).exits(3);
    ran.says("segment-").says(".hcs: damaged: ");
    // None of that is so of the right ones.
    checkpoint(&broker, "verify", &state_of(&records)).exits(0);
    let empty = state_of(&[]);
    for command in ["verify", "inspect", "compact"] {
        let says = format!("state topic {empty}: no checkpoint is in it");
        checkpoint(&broker, command, &empty).exits(1).says(&says);
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn compacting_ends_the_run_under_way_and_the_next_goes_on() {
    let (broker, mut random) = (Broker::shared(), Random::new());
    let mut case = Case::new(&broker, &mut random, 2, 2000, EXACT);
    let mut first = case.start();
    case.see_it_commit(&mut random, 8, &mut first);
    let made = checkpoint(&broker, "compact", &case.state).exits(0).stdout;
    assert!(made.contains(" became one of "), "{made}");
    wait_until("the end of the run", || {
        case.input.write(&mut random, 16);
        first.is_over()
    });
    was_fenced(&case, first.end());
    // It has put out nothing since.
    let whole = checkpoint(&broker, "verify", &case.state).exits(0).stdout;
    assert!(whole.starts_with("all of 1 segment read and whole: "), "{whole}");
    case.finish();
    checkpoint(&broker, "verify", &case.state).exits(0);
    case.is_as_in_peace("compacted meanwhile");
}
