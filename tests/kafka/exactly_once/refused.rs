//! What cannot be gone on with is refused, and named; nothing is put out then.

use rdkafka::producer::Producer as _;

use crate::broker::Broker;
use crate::exactly_once::small::{KEPT, Small};
use crate::frames::{START_S, counts, of_minute};
use crate::harness::{DEADLINE, Folder, HEADCOUNT, Ran, plain, run, wait_until};
use crate::records::Record;

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_run_that_has_ended_leaves_no_users_in_the_folder_for_temporary_files() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let small = Small::new(&broker, true);
    let place = folder.at("temporary");
    std::fs::create_dir(&place).unwrap();
    let words = small.words(&format!("--until end {}", small.state_flag()));
    for minute in 5..9 {
        for (more, code) in [("--quiet", 0), ("--ts-field=time", 2)] {
            small.write(0, minute..minute + 1);
            let mut command = assert_cmd::Command::new(HEADCOUNT);
            command.args(plain(&words)).arg(more).env("TMPDIR", &place);
            Ran::of(command.output().unwrap()).exits(code);
            assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "{more}");
        }
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_state_topic_is_made_where_that_is_wanted_and_as_it_has_to_be() {
    let broker = Broker::shared();
    let small = Small::new(&broker, false);
    let name = format!("headcount.{}.{}.state", small.input, small.output);
    // Something of checkpoints has to be said: tests are without, otherwise.
    let every = "--checkpoint-every 1s";
    small.run_with(every, "").exits(1).says(&format!("topic {name}: there is none: --create"));
    assert_eq!(broker.partitions(&name), None);
    small.has(0..0);
    small.run_with(every, "--create").exits(0);
    small.has(0..5);
    assert_eq!(broker.partitions(&name), Some(1));
    for (key, value) in KEPT {
        assert_eq!(broker.setting(&name, key), value);
    }
    // It is there now, and gone on with.
    small.write(0, 5..7);
    small.run_with(every, "").exits(0).says("5 frames read before");
    small.has(0..7);
    // Nothing new, no transaction.
    let written = broker.written(&name);
    small.run_with(every, "").exits(0).says("7 frames read before");
    assert_eq!(broker.written(&name), written);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_that_would_lose_state_is_refused() {
    let broker = Broker::shared();
    let small = Small::new(&broker, false);
    for (wrong, value) in [
        ("cleanup.policy", "compact"),
        ("retention.ms", "1000000000"),
        ("retention.bytes", "1000000000"),
    ] {
        let settings = KEPT.map(|(key, kept)| (key, if key == wrong { value } else { kept }));
        let state = broker.topic(1, &settings);
        let says = format!("state topic {state}: its {wrong} is {value}, and is to be");
        small.run_with("", &format!("--state-topic {state}")).exits(1).says(&says);
    }
    let state = broker.topic(2, &KEPT);
    let says = format!("state topic {state}: it has 2 partitions, and is to have one");
    small.run_with("", &format!("--state-topic {state}")).exits(1).says(&says);
    small.has(0..0);
    let (input, output) = (&small.input, &small.output);
    for state in [input, output] {
        small.run_with("", &format!("--state-topic {state}")).exits(2).says("give another topic");
    }
    let folder = Folder::new();
    small
        .run_with("", &format!("--checkpoint {}", folder.at("checkpoint")))
        .exits(2)
        .says("see --state-topic");
    small.has(0..0);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_others_wrote_into_a_state_topic_is_found() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    let offset = broker.end(&small.state);
    broker.write(&small.state, &[Record::new(0, "something else")]);
    small.write(0, 5..6);
    small
        .run("")
        .exits(1)
        .says(&format!("state topic {}, offset {offset}: a record that is none of", small.state));
    small.has(0..5);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_damaged_record_is_found_and_named() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    small.write(0, 5..7);
    small.run("").exits(0);
    let records: Vec<Vec<u8>> =
        broker.read(&small.state).into_iter().map(|one| one.value.unwrap()).collect();
    // A topic with these records, and the message of a run that goes on from it.
    let refused = |records: &[Vec<u8>], says: &str| {
        let state = broker.topic(1, &KEPT);
        let records: Vec<_> = records.iter().map(|value| Record::new(0, &value[..])).collect();
        broker.write(&state, &records);
        let group = broker.free_name();
        let words = format!("--state-topic {state} --group {group}");
        small.run_with("", &words).exits(1).says(&format!("state topic {state}, offset {says}"));
        (state, group)
    };
    let last = records.len() - 1;
    // By record: a bit of what tells whose it is, of its format, of its content, of its checksum.
    for (record, byte, says) in [
        (0, 0, ": a record that is none of this program's"),
        (1, 4, ": written in format"),
        (0, 40, ": damaged: its checksum is another"),
        (1, 30, ": damaged: its checksum is another"),
        (last, records[last].len() - 1, ": damaged: its checksum is another"),
    ] {
        let mut other = records.clone();
        other[record][byte] ^= 64;
        refused(&other, &format!("{record}{says}"));
    }
    // And its end missing; with --fresh that is no matter.
    let mut other = records.clone();
    other[last].pop();
    let (state, group) = refused(&other, &format!("{last}: damaged: its checksum is another"));
    small.run_with("", &format!("--state-topic {state} --group {group} --fresh")).exits(0);
    assert_eq!(counts(&broker.read_lines(&small.output)).len(), 14);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_state_with_a_part_missing_is_not_gone_on_with() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    let records: Vec<Vec<u8>> =
        broker.read(&small.state).into_iter().map(|one| one.value.unwrap()).collect();
    // The sixth byte says what a record is: a piece of a segment.
    let mut pieces = (0..records.len()).filter(|&at| records[at][5] == 1);
    let last = pieces.next_back().unwrap();
    let left = (0..records.len()).filter(|&at| at != last);
    let left: Vec<Record> = left.map(|at| Record::new(0, &records[at][..])).collect();
    let state = broker.topic(1, &KEPT);
    broker.write(&state, &left);
    let words = format!("--state-topic {state} --group {}", broker.free_name());
    small.run_with("", &words).exits(1).says("damaged").says("--fresh");
    small.has(0..5);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_is_committed_behind_an_open_transaction_is_waited_for() {
    let broker = Broker::shared();
    let small = Small::new(&broker, false);
    let following = small.start("--idle off");
    let wait_for = |results| {
        wait_until("results", || broker.read(&small.output).len() == results);
    };
    wait_for(4);
    // Another program's; behind it lies what the run goes on to commit.
    let open = broker.begin_transaction(&small.state, &[Record::new(0, "of another")]);
    small.write(0, 5..7);
    wait_for(6);
    following.kill();
    let ran = small.run("--give-up 3s").exits(1);
    let (stable, end) = (broker.end(&small.state), broker.written(&small.state));
    assert!(stable < end, "the transaction was over: {}", ran.stderr);
    ran.says(&format!("state topic {}: read up to offset", small.state))
        .says(&format!("of {end}, and nothing more comes: a transaction may be open in it"))
        .says("--give-up says how long to wait");
    small.has(0..6);
    // As an administrator does where nobody is there who could.
    assert_eq!(broker.end_open_transactions(&small.state), 1);
    drop(open);
    small.run("").exits(0).says("7 frames read before");
    small.has(0..7);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_topic_made_again_between_two_runs_is_another_one() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    broker.delete(&small.input);
    broker.make(&small.input, 1, &[]);
    small.write(0, 0..9);
    let says = format!("topic {} was deleted and made again since", small.input);
    small.run("").exits(1).says(&says).says(&small.state).says("--fresh");
    small.has(0..5);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn offsets_that_somebody_else_committed_are_an_error() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    broker.commit(&small.input, &small.group(), 2);
    small.write(0, 5..6);
    small.run("").exits(1).says("differ").says(&small.group());
    small.has(0..5);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn settings_an_answer_depends_on_have_to_be_the_same() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let small = Small::new(&broker, true);
    small.write(0, 5..6);
    small
        .run("--ts-field time")
        .exits(2)
        .says(&small.state)
        .says("--ts-field is \"time\" and was \"ts\"");
    small.has(0..5);
    // Nor can files be gone on with where a topic was counted, and the other way round.
    let checkpoint = folder.at("checkpoint");
    let (to, b) = (folder.at("out"), broker.bootstrap());
    let of_topic =
        format!("count -b {b} -t {} --until end --checkpoint {checkpoint} --to {to}", small.input);
    run(&of_topic, &[]).exits(0);
    let path = folder.file("frames", of_minute(0, "user") + "\n");
    let of_file = format!("count {path} --checkpoint {checkpoint} --to {to}");
    run(&of_file, &[]).exits(2).says(&format!("of a run of topic {}", small.input));
    run(&of_file, &["--fresh"]).exits(0);
    run(&of_topic, &[]).exits(2).says("of a run of files");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_group_of_checkpoints_is_not_gone_on_with_without_them() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    small.write(0, 5..6);
    small.run_with("", "--no-checkpoint").exits(1).says(&small.state);
    small.has(0..5);
    small.run("").exits(0);
    small.has(0..6);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn offsets_gone_before_they_were_read_are_an_error() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    small.write(0, 5..9);
    broker.delete_before(&small.input, 7);
    small.run("").exits(1).says("offsets 5 to 6 were deleted before they were read");
    small.has(0..5);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_partition_is_entered_where_it_was_left_and_a_new_one_at_its_beginning() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    small.write(0, 5..7);
    small.run("--from end").exits(0).says("--from holds for partitions that the checkpoint does");
    small.has(0..7);
    broker.grow(&small.input, 2);
    wait_until("it", || broker.partitions(&small.input) == Some(2));
    small.write(1, 7..9);
    small.run("").exits(0);
    small.has(0..9);
    // And that is known from then on.
    small.write(1, 9..11);
    small.run("").exits(0).says("9 frames read before");
    small.has(0..11);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn from_end_is_for_partitions_that_the_checkpoint_does_not_know() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    broker.grow(&small.input, 2);
    wait_until("it", || broker.partitions(&small.input) == Some(2));
    small.write(0, 5..7);
    small.write(1, 7..9);
    small.run("--from end").exits(0).says("--from holds for partitions that the checkpoint does");
    small.has(0..7);
    // Where it was entered is known from then on.
    small.write(1, 9..11);
    small.run("").exits(0).says("7 frames read before");
    small.has((0..7).chain(9..11));
    small.run("--from beginning").exits(0).says("9 frames read before");
    small.has((0..7).chain(9..11));
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn fresh_starts_over() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    small.write(0, 5..6);
    small.run("--fresh --from beginning").exits(0).says_nothing_of("read before");
    let results = counts(&broker.read_lines(&small.output));
    let minutes: Vec<i64> = results.iter().map(|(ts_s, ..)| (ts_s - START_S) / 60).collect();
    assert_eq!(minutes, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5]);
    // What was forgotten stays so.
    small.write(0, 6..7);
    small.run("").exits(0).says("6 frames read before");
    assert_eq!(counts(&broker.read_lines(&small.output)).len(), 12);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_a_group_commits_in_an_open_transaction_is_waited_for() {
    let broker = Broker::shared();
    let small = Small::new(&broker, true);
    let open = broker.begin_commit(&small.input, &small.group(), 5);
    small
        .run("--give-up 3s")
        .exits(1)
        .says(&format!("group {}: what it committed was not told for 3 s", small.group()))
        .says("a transaction that commits for it may be open");
    open.abort_transaction(DEADLINE).unwrap();
    small.write(0, 5..7);
    small.run("").exits(0).says("5 frames read before");
    small.has(0..7);
}
