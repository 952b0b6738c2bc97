//! A topic in which nothing comes any more: what is open comes out by the wall clock.

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{at, counts, each};
use crate::harness::Folder;

/// The start of a minute that is over by now, its max-lag too.
fn minute_past_s() -> i64 {
    let now_s = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    now_s.div_euclid(60) * 60 - 180
}

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
    // One more of it is refused; a later minute, which is not over, waits; another closes that.
    let ahead_s = past_s + 7200;
    broker.write_frames(&topic, [at(past_s + 30, "late"), at(ahead_s, "c"), at(ahead_s + 70, "c")]);
    assert_eq!(counts(&run.line()), [(ahead_s, 1, 1)]);
    let ran = run.stop().exits(130);
    assert_eq!(ran.stdout.lines().count(), 3);
    ran.says("1 gone").says("1 window still open and not put out, with 1 frame");
    let summary = folder.summary();
    for (field, frames) in
        [("frames_read", 6), ("counted", 5), ("refused_gone", 1), ("refused_late", 0)]
    {
        assert_eq!(summary[field], frames, "{field}");
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_window_put_out_by_silence_is_not_put_out_again_by_the_next_run() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (topic, output) = (broker.topic(1, &[]), broker.results_topic());
    let past_s = minute_past_s();
    broker.write_frames(&topic, [at(past_s - 60, "a"), at(past_s + 10, "a")]);
    let words = folder.count_words(&broker, &format!("-t {topic} -o {output} --idle 1s"));
    let run = Following::start(&words);
    crate::harness::wait_until("results", || broker.end(&output) == 2);
    run.stop().exits(130);
    let before = broker.read_lines(&output);
    assert_eq!(each(&before, "closed_by"), ["time", "silence"]);
    broker.write_frames(&topic, [at(past_s + 30, "late"), at(past_s + 70, "c")]);
    crate::harness::run(&words, &["--until=end"]).exits(0).says("out before");
    let lines = broker.read_lines(&output);
    assert_eq!(counts(&lines), [(past_s - 60, 1, 1), (past_s, 1, 1), (past_s + 60, 1, 1)]);
    assert!(lines.starts_with(&before));
}
