//! What is said when, each rule by the shortest log that shows it. Two times of three agree on a small
//! step, three on a large one; a frame may be 100 s ahead, and a window is kept for 1,000 s.

use super::super::agreement::Agree;
use super::super::*;
use super::fed::Fed;
use crate::input::messages::Entry::Beginning;

fn fed(more: impl FnOnce(&mut ClockSettings)) -> Fed {
    let mut settings = ClockSettings {
        max_lag_s: 0,
        agree: Some(Agree { small: 2, large: 3, last: 3 }),
        max_ahead_s: 100,
        keep_s: 1000,
        every_s: 30,
        now_s: Some(1_000_000),
        partitioned: true,
        ..ClockSettings::default()
    };
    more(&mut settings);
    let mut fed = Fed::new(&settings);
    fed.join(&[Beginning]);
    fed
}

#[test]
fn a_late_frame_revises_once_every_so_often() {
    let mut log = fed(|_| {});
    log.log(&[0, 1, 60, 60], 1);
    log.says("[0 2 time part]");
    // Late twice within the half minute, said once at its end.
    log.log(&[2, 3, 80, 80, 89, 89], 1);
    log.says("");
    log.log(&[90, 90], 1);
    log.says("[0 4 late 2 time revised rev 1 part]");
    log.log(&[100, 100, 4], 1);
    log.finish(false);
    log.says("[0 5 late 3 time revised rev 2 part] [60 10 end]");
}

#[test]
fn what_is_pending_comes_out_when_its_window_goes() {
    let mut log = fed(|settings| settings.every_s = 100_000);
    log.log(&[0, 1, 60, 60, 2, 900, 900, 901, 1059, 1059], 1);
    log.says("[0 2 time part] [60 2 time] [900 3 time]");
    log.log(&[1060, 1060], 1);
    log.says("[0 3 late 1 time revised rev 1 part]");
    // From now on it is refused.
    log.log(&[5], 1);
    log.says("late");
    log.finish(false);
    log.says("[1020 4 end]");
}

#[test]
fn what_is_pending_comes_out_though_the_run_is_broken_off() {
    let mut log = fed(|_| {});
    log.log(&[0, 1, 60, 60, 2], 1);
    log.says("[0 2 time part]");
    log.finish(true);
    log.says("[0 3 late 1 time revised rev 1 part]");
    let judged = log.clock.judged();
    assert_eq!((judged.left_open, judged.frames_left_open), (1, 2));
}

#[test]
fn updates_say_what_has_changed_of_open_windows() {
    let mut log = fed(|settings| settings.updates = true);
    log.log(&[0, 1, 29, 29], 1);
    log.says("[0 2 open provisional part]");
    log.log(&[30, 30], 1);
    log.says("[0 6 open provisional rev 1 part]");
    log.log(&[60, 60], 1);
    log.says("[0 6 time rev 2 part] [60 2 open provisional]");
    log.log(&[120, 120], 1);
    log.says("[60 2 time rev 1] [120 2 open provisional]");
}

#[test]
fn a_frame_too_far_ahead_waits_and_is_counted_or_refused() {
    let mut log = fed(|_| {});
    log.log(&[0, 1, 102], 1);
    assert_eq!(log.clock.judged().counted, 2);
    // Two times agree now that the first one exists; not so the second.
    log.log(&[500], 1);
    log.says("[0 2 time part]");
    assert_eq!(log.clock.judged().counted, 3);
    log.log(&[103], 1);
    assert_eq!(log.clock.judged().counted, 4);
    log.log(&[103; 61], 1);
    assert_eq!(log.clock.judged().refused_future, 0);
    log.log(&[103; 3], 1);
    assert_eq!(log.clock.judged().refused_future, 1);
}

#[test]
fn what_is_beyond_the_wall_clock_agrees_with_nobody_and_the_end_refuses_it() {
    for (now_s, counted, future) in [(1000, 5, 0), (399, 3, 2)] {
        let mut log = fed(|settings| settings.now_s = Some(now_s));
        log.log(&[0, 1, 1, 500, 501], 1);
        log.finish(false);
        let judged = log.clock.judged();
        // At 1000 they agree; at 399 they lie too far beyond, and beyond the wall clock when the log ends.
        assert_eq!((judged.counted, judged.refused_future), (counted, future), "now {now_s}");
    }
    // The wall clock may come with the log.
    let mut log = fed(|settings| settings.now_s = None);
    log.frames_at(0, 0, &[0, 1, 1], Some(50));
    log.frames_at(0, 3, &[500, 501], Some(50));
    assert_eq!(log.clock.judged().counted, 3);
    log.frames_at(0, 5, &[500, 501], Some(500));
    assert_eq!(log.clock.judged().counted, 7);
}

#[test]
fn silence_shows_what_waits_and_takes_back_what_is_refused() {
    let mut log = fed(|_| {});
    // One that has no clock, and one far ahead of it.
    log.log(&[10], 1);
    log.news(&News::Silent { partition: 0 });
    log.news(&News::AllSilent { now_s: 59 });
    log.says("");
    log.news(&News::AllSilent { now_s: 60 });
    log.news(&News::AllSilent { now_s: 61 });
    log.says("[0 1 silence part]");
    // It is counted after all, and another one.
    log.log(&[11, 12], 1);
    log.says("[0 2 silence revised rev 1 part]");
    log.log(&[900], 1);
    log.news(&News::Silent { partition: 0 });
    log.news(&News::AllSilent { now_s: 1000 });
    log.says("[0 3 silence revised rev 2 part] [900 1 silence]");
    // Nobody comes to it: it is refused, and its window is empty after all.
    log.log(&[13; 64], 1);
    log.finish(false);
    log.says("[0 67 end revised rev 3 part] [900 0 end revised rev 1]");
    assert_eq!(log.clock.judged().refused_future, 1);
}

#[test]
fn what_is_taken_back_is_said_though_the_number_stays() {
    let mut log = fed(|_| {});
    log.log(&[0, 1, 959], 1);
    log.news(&News::Silent { partition: 0 });
    log.news(&News::AllSilent { now_s: 1000 });
    log.says("[0 2 silence part] [900 1 silence]");
    // Another frame is counted in its place: as many, but not the same user.
    log.log(&[801, 801, 801, 900], 1);
    log.log(&[801; 60], 1);
    log.finish(false);
    log.says("[780 63 end] [900 1 end revised rev 1]");
}

#[test]
fn empty_windows_come_out_in_their_order() {
    let mut log = fed(|settings| settings.fill = true);
    log.log(&[0, 1, 250, 250, 250, 310, 310], 1);
    log.says("[0 2 time part] [60 0 time] [120 0 time] [180 0 time] [240 3 time]");
    // One of them is not empty after all.
    log.log(&[130, 330, 330], 1);
    log.says("[120 1 late 1 time revised rev 1]");
    log.finish(false);
    log.says("[300 4 end]");
}
