//! Who may read a topic and who may not; and that secrets stay where they are.

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::of_minute;
use crate::harness::{Folder, run};

fn secret(flags: &str) -> String {
    let settings = std::fs::read_to_string(flags.strip_prefix("-F ").unwrap()).unwrap();
    settings.lines().find_map(|line| line.strip_prefix("sasl.password=")).unwrap().to_owned()
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn tls_and_scram_read_and_show_no_secret() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (topic, output) = (broker.topic(2, &[]), broker.results_topic());
    let frames: Vec<String> = (0..10).map(|minute| of_minute(minute, "user")).collect();
    broker.write_frames(&topic, &frames);
    let flags = broker.secure_flags("secure");
    let expected = folder.counted_of(&frames);
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] {
        let words = format!("count {flags} -X sasl.mechanisms={mechanism} -t {topic} --until end");
        assert_eq!(run(&words, &[]).exits(0).stdout, expected, "{mechanism}");
    }
    let summary = folder.at("summary.json");
    let words = format!("count {flags} -t {topic} -o {output} --idle 1s --summary {summary}");
    let run = Following::start(&words);
    crate::harness::wait_until("results", || broker.end(&output) >= 9);
    let (secret, shown) = (secret(&flags), run.shown());
    assert!(shown.contains("secure.properties") && !shown.contains(&secret), "{shown}");
    run.stop().exits(130).says_nothing_of(&secret);
    let summary = String::from_utf8(folder.read("summary.json")).unwrap();
    assert!(!summary.contains(&secret), "{summary}");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_does_not_let_us_in_is_an_error_at_once_and_shows_no_secret() {
    let broker = Broker::shared();
    let topic = broker.topic(1, &[]);
    let flags = broker.secure_flags("secure");
    let secret = secret(&flags);
    for (wrong, says) in [
        ("sasl.password=guessed", "authentication failed"),
        ("sasl.username=nobody", "authentication failed"),
        // An authority that the broker's certificate is not of.
        ("ssl.ca.location=", "no TLS connection"),
    ] {
        // A give-up longer than a test may take.
        let words = format!("count {flags} -X {wrong} --give-up 1h -t {topic} --until end");
        run(&words, &[]).exits(1).says(says).says_nothing_of("guessed").says_nothing_of(&secret);
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn who_may_not_read_is_told_what_is_missing() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(1, &[]);
    let frames: Vec<String> = (0..10).map(|minute| of_minute(minute, "user")).collect();
    broker.write_frames(&topic, &frames);
    let flags = broker.secure_flags("stranger");
    let words = format!("count {flags} -t {topic} --until end --give-up 1h");
    let allow = |operations: &str| {
        broker.script(&format!(
            "run acls --bootstrap-server {} --add --allow-principal User:stranger --topic {topic} {operations}",
            broker.bootstrap()
        ));
    };
    let denied =
        format!("topic {topic}: access denied: the user needs the rights DESCRIBE and READ");
    run(&words, &[]).exits(1).says(&denied);
    // It may be looked at, but not read.
    allow("--operation Describe");
    run(&words, &[]).exits(1).says(&denied);
    // It may be read; only, nothing may be kept with a group. Without one, that is nobody's trouble.
    allow("--operation Read");
    let ran = run(&words, &[]).exits(0).says_nothing_of("roup");
    assert_eq!(ran.stdout, folder.counted_of(&frames));
    run(&format!("{words} --group theirs"), &[])
        .exits(1)
        .says("group theirs: access denied: the user needs the right READ on it");
}
