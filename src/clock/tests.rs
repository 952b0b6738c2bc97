//! The rules of the clock, each with the shortest log that shows it.

mod awkward;
mod fed;
mod partitions;
mod past;
mod reference;
mod rolling;
mod rules;
mod state;
mod stops;

use super::verdict::{ClosedBy, Deed, NO_SLOT};
use super::*;
use crate::batch::{Batch, BatchShape};

/// A batch of frames of these times, all of different users, and their offsets if there are any; with
/// verdicts for so many series and places.
fn batch(times: &[i64], first_offset: Option<u64>, width: [usize; 2]) -> Batch {
    let [series, places] = width;
    let mut batch = Batch::new(&BatchShape {
        frames_max: times.len(),
        uid_bytes_max: times.len() * 16 + 16,
        shards: 1,
        series,
        places,
        held_bytes: None,
        partitioned: first_offset.is_some(),
    });
    for (place, &ts_s) in (0..).zip(times) {
        let number = first_offset.unwrap_or(0) + place;
        batch.push(ts_s, number.to_string().as_bytes(), number, 0);
        if first_offset.is_some() {
            batch.push_offset(number);
        }
    }
    batch
}

/// Judges the times in batches of `step`, and says what happened as text.
fn check(max_lag_s: u32, step: usize, times: &[i64], expected: &str) {
    let settings = ClockSettings { max_lag_s, ..ClockSettings::plain() };
    let mut clock = Clock::new(&settings);
    let mut said = Vec::new();
    let mut verdicts = Verdicts::new(step, 1, 1);
    let mut slot_start = vec![None; settings.windows_open_max()];
    let batches = times.chunks(step).map(Some).chain([None]);
    for batch in batches {
        verdicts.clear();
        match batch {
            Some(times) => clock.judge(
                &Frames {
                    partition: 0,
                    facts: &super::tests::batch(times, None, [1, 1]).facts,
                    held: None,
                    next_offset: 0,
                    wall_s: None,
                },
                &mut verdicts,
            ),
            None => clock.finish(LogEnd::Read, &mut verdicts),
        }
        let mut heads = verdicts.heads().iter();
        let mut marks = verdicts.marks().iter().peekable();
        for place in 0..=verdicts.route_of().len() {
            while let Some(mark) = marks.next_if(|m| usize::from(m.place) == place) {
                match mark.deed {
                    Deed::Open => slot_start[usize::from(mark.slot)] = Some(()),
                    Deed::Report => {
                        let h = heads.next().unwrap();
                        let how = if h.closed_by == ClosedBy::End { "end" } else { "time" };
                        let part = if h.complete { "" } else { " part" };
                        said.push(format!("[{} {} {how}{part}]", h.window.start_s, h.frames));
                    }
                    Deed::Free => assert!(slot_start[usize::from(mark.slot)].take().is_some()),
                    Deed::OpenPast(_) | Deed::Show(_) | Deed::Release(_) | Deed::Cut => {
                        unreachable!("nobody waits, there is no past, and nobody cuts")
                    }
                }
            }
            if let Some(&route) = verdicts.route_of().get(place) {
                match verdicts.slots(route) {
                    [NO_SLOT] => said.push("late".into()),
                    [slot] => assert!(slot_start[usize::from(*slot)].is_some()),
                    _ => unreachable!(),
                }
            }
        }
    }
    assert_eq!(said.join(" "), expected, "batches of {step}");
    let judged = clock.judged();
    assert_eq!(judged.counted + judged.refused_late, times.len() as u64);
    assert_eq!(judged.frames_put_out, judged.counted);
    assert!(judged.open_peak <= settings.windows_open_max());
}

fn check_all(max_lag_s: u32, times: &[i64], expected: &str) {
    for step in 1..=times.len().max(1) {
        check(max_lag_s, step, times, expected);
    }
}

#[test]
fn a_window_is_final_exactly_at_its_end_plus_max_lag() {
    check_all(5, &[0, 59, 64, 59, 65, 59], "[0 3 time part] late [60 2 end]");
    check_all(0, &[0, 59, 60, 59], "[0 2 time part] late [60 1 end]");
}

#[test]
fn lateness_is_judged_by_the_clock_before_the_frame() {
    // 125 closes 60..120 only after it has been counted itself.
    check_all(5, &[60, 125, 119], "[60 1 time part] late [120 1 end]");
}

#[test]
fn a_gap_closes_the_windows_in_order_and_leaves_empty_ones_out() {
    check_all(
        70,
        &[0, 61, 100, 30, 100_000, 99_800],
        "[0 2 time part] [60 2 time] late [99960 1 end]",
    );
    check_all(120, &[0, 100_000, 99_900], "[0 1 time part] [99900 1 end] [99960 1 end]");
}

#[test]
fn windows_before_the_first_frame_are_parts() {
    check_all(600, &[90, 30, 120], "[0 1 end part] [60 1 end part] [120 1 end]");
    check_all(600, &[60, 120], "[60 1 end part] [120 1 end]");
}

#[test]
fn the_far_ends_of_time_are_windows_like_others() {
    use crate::limits::{TS_S_MAX, TS_S_MIN};
    let (first, last) = (TS_S_MIN.div_euclid(60) * 60, TS_S_MAX.div_euclid(60) * 60);
    check_all(5, &[TS_S_MIN, TS_S_MAX], &format!("[{first} 1 time part] [{last} 1 end]"));
}

#[test]
fn broken_off_puts_nothing_out() {
    let mut clock = Clock::new(&ClockSettings::plain());
    let mut verdicts = Verdicts::new(8, 1, 1);
    let facts = &batch(&[0, 1, 61], None, [1, 1]).facts;
    let frames = Frames { partition: 0, facts, held: None, next_offset: 0, wall_s: None };
    clock.judge(&frames, &mut verdicts);
    verdicts.clear();
    clock.finish(LogEnd::BrokenOff, &mut verdicts);
    assert!(verdicts.marks().is_empty());
    assert_eq!((clock.judged().left_open, clock.judged().frames_left_open), (2, 3));
}
