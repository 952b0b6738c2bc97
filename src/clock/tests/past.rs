//! Days with a past of two days, each rule by the shortest log that shows it. Times are tenths of days.

use super::super::*;
use super::fed::Fed;
use crate::clock::calendar::{Length, Zone};
use crate::input::messages::Entry::Beginning;

const DAY_S: i64 = 86_400;

/// The largest time is the clock, and a window is kept for two days.
fn fed(fill: bool) -> Fed {
    let calendar = Calendar::new(&[Length::Day], &[Zone::utc()]).unwrap();
    let mut fed = Fed::new(&ClockSettings {
        calendar: calendar.with_past(2),
        max_lag_s: 0,
        keep_s: 2 * 86_400,
        agree: None,
        every_s: 3600,
        fill,
        partitioned: true,
        ..ClockSettings::default()
    });
    fed.join(&[Beginning]);
    fed
}

fn log(fed: &mut Fed, tenths: &[i64]) {
    let times: Vec<i64> = tenths.iter().map(|tenth| tenth * DAY_S / 10).collect();
    fed.log(&times, 1);
}

/// Of each result the day, its frames, those of its past, and its revision.
fn told(fed: &mut Fed) -> Vec<(i64, u64, u64, u32)> {
    fed.out.iter().map(|word| (word.ts_s / DAY_S, word.frames, word.past, word.rev)).collect()
}

#[test]
fn a_late_frame_is_news_of_the_windows_it_comes_before() {
    let mut fed = fed(false);
    log(&mut fed, &[105, 115, 125]);
    assert_eq!(told(&mut fed), [(10, 1, 0, 0), (11, 1, 1, 0)]);
    // Late for the 10th, and in the past of the 11th, which is out, and of the 12th, which is not.
    log(&mut fed, &[104, 126, 135]);
    let more = [(10, 2, 0, 1), (11, 1, 2, 1), (12, 2, 3, 0)];
    assert_eq!(told(&mut fed)[2..], more);
}

#[test]
fn a_window_kept_for_its_past_alone_is_as_good_as_none() {
    let mut fed = fed(false);
    log(&mut fed, &[105, 135]);
    fed.finish(false);
    assert_eq!(told(&mut fed), [(10, 1, 0, 0), (13, 1, 0, 0)]);
}

#[test]
fn a_window_kept_for_its_past_alone_is_filled_in_once() {
    let mut fed = fed(true);
    log(&mut fed, &[105, 128]);
    assert_eq!(told(&mut fed), [(10, 1, 0, 0), (11, 0, 0, 0)]);
    // A frame more in its past is no news of an empty one.
    log(&mut fed, &[106, 129]);
    assert_eq!(told(&mut fed)[2..], [(10, 2, 0, 1)]);
    log(&mut fed, &[115, 131]);
    assert_eq!(told(&mut fed)[3..], [(11, 1, 2, 1), (12, 2, 3, 0)]);
}
