//! Who may not do all that exactly-once needs is told what is missing.

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{counts, of_minute};
use crate::harness::{Folder, run, wait_until};

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn who_may_not_keep_checkpoints_is_told_what_is_missing() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (input, output) = (broker.topic(1, &[]), broker.results_topic());
    let kept = [("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1")];
    let (state, group) = (broker.topic(1, &kept), broker.free_name());
    let mut frames: Vec<String> = (0..5).map(|minute| of_minute(minute, "user")).collect();
    broker.write_frames(&input, &frames);
    let flags = broker.secure_flags("stranger");
    let words = format!(
        "count {flags} -t {input} -o {output} --state-topic {state} --group {group} --until end --give-up 1m"
    );
    let acls = |rule: &str| {
        let b = broker.bootstrap();
        broker.script(&format!("run acls --bootstrap-server {b} --force {rule}"));
    };
    let may = "--add --allow-principal User:stranger";
    let may_not = "--add --deny-principal User:stranger";
    let again = "--remove --deny-principal User:stranger";
    let id = format!("{group}/{input}/{output}/0");

    acls(&format!("{may} --topic {input} --topic {output} --group {group} --operation All"));
    run(&words, &[]).exits(1).says(&format!("topic {state}: access denied"));
    acls(&format!("{may} --topic {state} --operation All"));
    run(&words, &[]).exits(1).says(&format!("transactional.id {id}: access denied"));
    acls(&format!("{may} --transactional-id {id} --operation All"));
    run(&words, &[]).exits(0);
    assert_eq!(broker.read_lines(&output), folder.counted_of(&frames));

    // All but one.
    let write = |minutes: std::ops::Range<i64>| {
        let more: Vec<String> = minutes.map(|minute| of_minute(minute, "user")).collect();
        broker.write_frames(&input, &more);
        more
    };
    frames.extend(write(5..7));
    for (denied, says) in [
        (format!("--topic {state} --operation Read"), format!("topic {state}: ")),
        (format!("--topic {state} --operation Write"), "to one of them".into()),
        (format!("--group {group} --operation Read"), format!("{id}: access denied to its group")),
    ] {
        acls(&format!("{may_not} {denied}"));
        run(&words, &[]).exits(1).says(&says).says("access denied");
        assert_eq!(broker.read(&output).len(), 5, "{denied}");
        acls(&format!("{again} {denied}"));
    }

    // One that loses its rights while it runs.
    let denied = format!("--topic {state} --operation Write");
    let following = Following::start(&words.replace("--until end", "--idle off"));
    wait_until("a result", || broker.read(&output).len() == 6);
    acls(&format!("{may_not} {denied}"));
    frames.extend(write(7..9));
    following.end().exits(1).says("access denied to one of them");
    // Its transaction is aborted, and holds up nobody.
    assert_eq!(broker.end(&output), broker.written(&output));
    acls(&format!("{again} {denied}"));
    run(&words, &[]).exits(0);
    let results = counts(&broker.read_lines(&output));
    assert_eq!(results, counts(&folder.counted_of(&frames)));
}
