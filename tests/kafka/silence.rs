//! A topic in which nothing comes any more: what is open comes out by the wall clock.

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{at, counts, each, minute_past_s};
use crate::harness::{Folder, run, wait_until};

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn the_last_window_comes_out_by_the_wall_clock_once() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let topic = broker.topic(2, &[]);
    let past_s = minute_past_s();
    broker.write_frames(&topic, [at(past_s - 60, "a"), at(past_s + 10, "a"), at(past_s + 20, "b")]);
    let words = folder.count_words(&broker, &format!("-t {topic} --idle 1s"));
    let mut run = Following::start(&words);
    let results = run.lines(2);
    assert_eq!(counts(&results), [(past_s - 60, 1, 1), (past_s, 2, 2)]);
    assert_eq!(each(&results, "closed_by"), ["time", "silence"]);
    // Silence has moved no clock: one more of it is on time and revises it. A later minute, which is not
    // over, waits until another closes it; then one more of the first is late.
    let ahead_s = past_s + 7200;
    let later = [(past_s + 30, "c"), (ahead_s, "c"), (ahead_s + 70, "c")];
    let last = [(past_s + 40, "late"), (ahead_s + 140, "c")];
    broker.write_frames(&topic, later.into_iter().chain(last).map(|(ts_s, uid)| at(ts_s, uid)));
    let results = run.lines(3);
    assert_eq!(counts(&results), [(past_s, 3, 3), (ahead_s, 1, 1), (ahead_s + 60, 1, 1)]);
    assert_eq!(each(&results, "status"), ["revised", "final", "final"]);
    assert_eq!(each(&results, "rev"), [1, 0, 0]);
    let ran = run.stop().exits(130);
    assert_eq!(ran.stdout.lines().count(), 5);
    ran.says("1 late").says("1 window still open and not put out, with 1 frame");
    let summary = folder.summary();
    for (field, frames) in
        [("frames_read", 8), ("counted", 7), ("refused_gone", 0), ("refused_late", 1)]
    {
        assert_eq!(summary[field], frames, "{field}");
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_window_put_out_by_silence_is_revised_by_the_next_run() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (topic, output) = (broker.topic(1, &[]), broker.results_topic());
    let past_s = minute_past_s();
    broker.write_frames(&topic, [at(past_s - 60, "a"), at(past_s + 10, "a")]);
    let words = folder.count_words(&broker, &format!("-t {topic} -o {output} --idle 1s"));
    let following = Following::start(&words);
    wait_until("results", || broker.end(&output) == 2);
    following.stop().exits(130);
    let before = broker.read_lines(&output);
    assert_eq!(each(&before, "closed_by"), ["time", "silence"]);
    // Nothing new is nothing to say; what is new is said once.
    let to_the_end = || run(&words, &["--until=end"]).exits(0);
    to_the_end();
    assert_eq!(broker.read_lines(&output), before);
    broker.write_frames(&topic, [at(past_s + 30, "b"), at(past_s + 70, "c")]);
    to_the_end();
    let lines = broker.read_lines(&output);
    let after = lines.strip_prefix(&before).expect("what was said stays");
    assert_eq!(counts(after), [(past_s, 2, 2), (past_s + 60, 1, 1)]);
    assert_eq!(each(after, "rev"), [1, 0]);
    // No clock had come to its end yet.
    assert_eq!(each(after, "closed_by"), ["silence", "end"]);
}
