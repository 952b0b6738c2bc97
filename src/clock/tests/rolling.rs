//! Rolling windows of three days, each rule by the shortest log that shows it. Times are tenths of days,
//! windows are named by their last days.

use super::super::settings::Late;
use super::super::*;
use super::fed::Fed;
use super::partitions::Random;
use crate::clock::calendar::{Length, Zone};
use crate::input::messages::Entry::Beginning;

const DAY_S: i64 = 86_400;

/// The largest time is the clock, and a window is kept for a day and a half.
fn fed(more: impl FnOnce(&mut ClockSettings)) -> Fed {
    let mut settings = ClockSettings {
        calendar: Calendar::new(&[Length::Rolling(3)], &[Zone::utc()]).unwrap(),
        max_lag_s: 0,
        keep_s: 36 * 3600,
        agree: None,
        every_s: 3600,
        partitioned: true,
        ..ClockSettings::default()
    };
    more(&mut settings);
    let mut fed = Fed::new(&settings);
    fed.join(&[Beginning]);
    fed
}

fn log(fed: &mut Fed, tenths: &[i64]) {
    let times: Vec<i64> = tenths.iter().map(|tenth| tenth * DAY_S / 10).collect();
    fed.log(&times, 1);
}

#[track_caller]
fn says(fed: &mut Fed, expected: &str) {
    let in_days = |said: String| match said.strip_prefix('[').and_then(|said| said.split_once(' '))
    {
        Some((ts_s, more)) => format!("[{} {more}", ts_s.parse::<i64>().unwrap() / DAY_S),
        None => said,
    };
    let said: Vec<String> = fed.said.drain(..).map(in_days).collect();
    assert_eq!(said.join(" "), expected);
}

#[test]
fn one_comes_out_each_day_and_none_for_days_to_come() {
    for late in [Late::Revise, Late::Drop] {
        let mut fed = fed(|settings| settings.late = late);
        log(&mut fed, &[105, 115, 116, 165]);
        // The 14th had nobody of its own, nor had the 13th; with the 15th all were gone.
        says(&mut fed, "[10 1 time part] [11 3 time part] [12 3 time part] [13 2 time]");
        fed.finish(false);
        says(&mut fed, "[16 1 end]");
        let judged = fed.clock.judged();
        assert_eq!((judged.not_begun, judged.frames_not_begun, judged.left_open), (2, 2, 0));
        assert_eq!(judged.by_series[0].counted, 4);
    }
}

#[test]
fn a_frame_late_for_a_window_is_on_time_for_the_next() {
    let mut fed = fed(|settings| settings.late = Late::Drop);
    log(&mut fed, &[105, 115, 104]);
    says(&mut fed, "[10 1 time part]");
    fed.finish(false);
    says(&mut fed, "[11 3 end part]");
    let of = fed.clock.judged().by_series[0];
    assert_eq!((of.counted, of.late, of.refused_late), (3, 0, 0));
}

#[test]
fn a_frame_is_refused_where_all_its_windows_are_over() {
    let mut fed = fed(|settings| settings.late = Late::Drop);
    log(&mut fed, &[105, 135, 101]);
    says(&mut fed, "[10 1 time part] [11 1 time part] [12 1 time part] late");
    let of = fed.clock.judged().by_series[0];
    assert_eq!((of.counted, of.refused_late), (2, 1));
}

#[test]
fn a_late_frame_revises_every_window_it_changes() {
    let mut fed = fed(|_| {});
    log(&mut fed, &[105, 125]);
    says(&mut fed, "[10 1 time part] [11 1 time part]");
    // The 10th is no longer kept when it comes; late for the 11th, on time for the 12th.
    log(&mut fed, &[104, 130]);
    says(&mut fed, "[11 2 late 1 time revised rev 1 part] [12 3 time part]");
    let of = fed.clock.judged().by_series[0];
    assert_eq!((of.counted, of.late, of.refused_late), (4, 1, 0));
    fed.finish(false);
    says(&mut fed, "[13 2 end]");
}

#[test]
fn open_ones_are_said_from_their_last_day_on() {
    let mut fed = fed(|settings| settings.updates = true);
    log(&mut fed, &[105, 106, 115, 116]);
    says(
        &mut fed,
        "[10 1 open provisional part] [10 2 open provisional rev 1 part] [10 2 time rev 2 part] \
         [11 3 open provisional part] [11 4 open provisional rev 1 part]",
    );
}

#[test]
fn empty_ones_are_filled_in_where_nobody_came_for_so_long() {
    let mut fed = fed(|settings| settings.fill = true);
    log(&mut fed, &[105, 155]);
    says(&mut fed, "[10 1 time part] [11 1 time part] [12 1 time part] [13 0 time] [14 0 time]");
    fed.finish(false);
    says(&mut fed, "[15 1 end]");
}

#[test]
fn silence_says_no_more_than_the_end_would() {
    let all = |settings: &mut ClockSettings| {
        settings.agree = Some(agreement::Agree { small: 2, large: 2, last: 3 });
        settings.max_ahead_s = 3600;
        settings.keep_s = 3600;
    };
    let mut fed = fed(all);
    // The third frame waits.
    log(&mut fed, &[105, 105, 115]);
    says(&mut fed, "");
    fed.news(&News::Silent { partition: 0 });
    fed.news(&News::AllSilent { now_s: 20 * DAY_S });
    // It is shown in its windows; two more days hold it and have not begun.
    says(&mut fed, "[10 2 silence part] [11 3 silence part]");
    // It waits in vain.
    let times = vec![10 * DAY_S + 50_000; 64];
    fed.log(&times, 64);
    fed.finish(false);
    says(
        &mut fed,
        "[10 3 silence revised rev 1 part] [11 4 silence revised rev 1 part] \
         [10 66 end revised rev 2 part] [11 66 end revised rev 2 part]",
    );
}

#[test]
fn broken_off_what_had_begun_is_left_open() {
    let mut fed = fed(|_| {});
    log(&mut fed, &[105, 115]);
    fed.finish(true);
    says(&mut fed, "[10 1 time part]");
    let judged = fed.clock.judged();
    assert_eq!((judged.left_open, judged.frames_left_open), (1, 2));
    assert_eq!((judged.not_begun, judged.frames_not_begun), (2, 3));
}

#[test]
fn a_date_that_never_was_ends_no_window() {
    // Apia had no 30 December 2011.
    let apia = "Pacific/Apia".parse().unwrap();
    let mut fed = fed(|settings| {
        settings.calendar = Calendar::new(&[Length::Rolling(3)], &[apia]).unwrap();
    });
    // The 29th at noon, the 31st, 1 and 2 January.
    let noon_s = 1_325_196_000;
    let times: Vec<i64> = (0..4).map(|day| noon_s + day * DAY_S).collect();
    fed.log(&times, 1);
    fed.finish(false);
    let frames: Vec<u64> = fed.out.iter().map(|word| word.frames).collect();
    assert_eq!(frames, [1, 2, 2, 3]);
    let gone = fed.clock.judged();
    assert_eq!(gone.in_windows, 2 + 3 + 3 + 3);
}

#[test]
fn no_more_are_kept_at_once_than_said() {
    for (seed, max_lag_s) in (0..).zip([0, 100_000, 432_000].into_iter().cycle().take(90)) {
        let settings = ClockSettings {
            calendar: Calendar::new(&[Length::Rolling(5)], &[Zone::utc()]).unwrap(),
            max_lag_s,
            ..ClockSettings::plain()
        };
        let (mut fed, mut random) = (Fed::new(&settings), Random(seed));
        let mut time_s = 0;
        for _ in 0..200 {
            time_s += i64::try_from(random.below(9) * random.below(2)).unwrap() * DAY_S;
            let late_s = i64::try_from(random.below(20 * 86_400)).unwrap();
            fed.log(&[time_s, time_s + DAY_S - 1 - late_s], 1);
        }
        fed.finish(false);
        let (peak, most) = (fed.clock.judged().open_peak, settings.windows_open_max());
        assert!(peak <= most, "seed {seed}: {peak} > {most}");
        assert!(most <= peak + 3, "seed {seed}: {peak} of {most}");
    }
}
