//! Why a window is not out yet. With partitions: `tests/kafka/watched.rs`.

use serde_json::json;

use crate::watched::{A_MINUTE, START_S, Watched, frame, minutes};

#[test]
fn a_window_of_a_pipe_waits_for_its_first_frames_and_then_for_time() {
    let mut run = Watched::start("--idle off --keep 3m --max-lag 7s");
    run.feed((0..7).map(|n| frame(START_S + n, n)).collect::<String>());
    // Parked: there is no clock to judge them by, and no window yet.
    run.wait("seven frames that wait", |live| live["outcomes"]["parked"] == 7);
    let why = run.json("/why");
    assert_eq!((&why["lowest_clock"], &why["windows"]), (&json!(null), &json!([])), "{why}");
    assert_eq!(why["held_by"][0]["why"], "no_clock", "{why}");

    run.feed(&minutes(3)[minutes(1).len()..]);
    let live = run.wait_for(7 + 2 * A_MINUTE, 2);
    let why = run.json("/why");
    let last_s = START_S + 3 * 60 - 1;
    assert_eq!(why["lowest_clock"], last_s, "{why}");
    assert_eq!(live["clock"]["lowest"], last_s);
    assert_eq!(why["held_by"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&why["held_by"][0]["partition"], &why["held_by"][0]["why"]),
        (&json!(0), &json!("lowest"))
    );
    assert_eq!(why["kept_for_late"], 2, "{why}");
    let windows = why["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 1, "{why}");
    let window = &windows[0];
    assert_eq!(
        (&window["window"], &window["start"]),
        (&json!("minute"), &json!("2023-11-14T22:16:00Z"))
    );
    assert_eq!(window["final_at"], START_S + 180 + 7);
    assert_eq!((&window["waits_for"], &window["partition"]), (&json!("time"), &json!(0)));
    assert_eq!((&window["frames"], &window["clock"]), (&json!(A_MINUTE), &json!(last_s)));
    let text = window["text"].as_str().unwrap();
    assert!(text.contains("2023-11-14T22:17:07Z"), "{text}");
    run.end().exits(0);
}

#[test]
fn in_silence_it_waits_for_the_wall_clock() {
    let now_s = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let mut run = Watched::start("--idle 1s --windows year");
    run.feed((0..20).map(|n| frame(now_s, n)).collect::<String>());
    run.wait("silence", |live| live["partitions"][0]["state"] == "silent");
    let why = run.json("/why");
    assert_eq!(
        (&why["held_by"], &why["windows"][0]["waits_for"]),
        (&json!([]), &json!("time")),
        "{why}"
    );
    let text = why["windows"][0]["text"].as_str().unwrap();
    assert!(text.contains("wall clock"), "{text}");
    run.end().exits(0);
}
