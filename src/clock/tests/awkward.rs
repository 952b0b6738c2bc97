//! Awkward logs, with the clock as it is by default and with `--late drop`: what becomes of each frame.
//!
//! Unless said otherwise: 20 frames a second for ten minutes, one partition.

use super::super::settings::Late;
use super::super::*;
use super::fed::Fed;
use crate::clock::calendar::{Length, Zone};
use crate::input::messages::Entry::Beginning;

const START_S: i64 = 1_700_000_040;
const FRAMES: i64 = 20 * 600;

fn steady() -> Vec<i64> {
    (0..FRAMES).map(|n| START_S + n / 20).collect()
}

fn settings(late: Late) -> ClockSettings {
    let calendar = Calendar::new(&[Length::Minute, Length::Day], &[Zone::utc()]).unwrap();
    ClockSettings { calendar, late, partitioned: true, ..ClockSettings::default() }
}

/// What became of a log.
struct Came {
    judged: Judged,
    /// The last word on each window.
    last: std::collections::BTreeMap<(u8, i64), super::fed::Word>,
}

impl Came {
    /// Refused as late, as future, as gone; counted though late for the minute.
    fn verdicts(&self) -> [u64; 4] {
        let Judged { refused_late, refused_future, refused_gone, by_series, .. } = &self.judged;
        [*refused_late, *refused_future, *refused_gone, by_series[0].late]
    }

    fn frames(&self, ts_s: i64) -> u64 {
        self.last.get(&(0, ts_s)).map_or(0, |word| word.frames)
    }
}

/// Feeds a log, the wall clock at `now_s`, in batches of several sizes, all with the same words.
fn came_with(settings: &ClockSettings, times: &[i64]) -> Came {
    let mut words = None;
    for step in [1, 7, 64, 5000] {
        if step == 1 && times.len() > 3000 {
            continue;
        }
        let mut fed = Fed::new(settings);
        fed.join(&[Beginning]);
        fed.log(times, step);
        fed.finish(false);
        let (_, out, judged) =
            words.get_or_insert_with(|| (step, fed.out.clone(), fed.clock.judged().clone()));
        assert_eq!(*out, fed.out, "batches of {step}");
        assert_eq!(*judged, *fed.clock.judged(), "batches of {step}");
    }
    let (_, out, judged) = words.unwrap();
    if settings.late == Late::Drop {
        assert!(out.iter().all(|word| word.rev == 0), "dropping, each word is the only one");
        let in_order = |of: &[super::fed::Word]| of[0].ts_s <= of[1].ts_s;
        let minutes: Vec<_> = out.iter().filter(|word| word.series == 0).cloned().collect();
        assert!(minutes.windows(2).all(in_order));
    }
    let last = out.into_iter().map(|word| ((word.series, word.ts_s), word)).collect();
    Came { judged, last }
}

/// With `--late revise` and with `--late drop`, which must refuse and count the same on time.
fn came(times: &[i64]) -> Came {
    let drop = came_with(&settings(Late::Drop), times);
    let revise = came_with(&settings(Late::Revise), times);
    assert_eq!(drop.judged.refused_future, revise.judged.refused_future);
    let dropped = drop.judged.by_series[0].refused_late;
    let late = revise.judged.by_series[0].late + revise.judged.by_series[0].refused_late;
    assert_eq!(dropped, late);
    revise
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn in_order_nothing_happens_to_any() {
    let came = came(&steady());
    assert_eq!(came.verdicts(), [0, 0, 0, 0]);
    assert_eq!(came.judged.counted, FRAMES as u64);
    assert!((0..10).all(|minute| came.frames(START_S + 60 * minute) == 1200));
    assert_eq!(came.last.len(), 11);
    // The log begins in the first minute, and in the day.
    assert!(
        came.last
            .values()
            .filter(|word| !word.complete)
            .map(|word| word.ts_s)
            .eq([START_S, START_S.div_euclid(86_400) * 86_400])
    );
}

#[test]
fn one_bit_of_one_time_flipped_harms_no_other_frame() {
    let steady = steady();
    for place in [0, 1, 5, 7, 8, 40, 5000, 11_990, 11_999] {
        for bit in (0..34).chain([40, 62, 63]) {
            let mut times = steady.clone();
            times[place] ^= 1 << bit;
            if !(crate::limits::TS_S_MIN..=crate::limits::TS_S_MAX).contains(&times[place]) {
                continue;
            }
            // One of every two batch sizes is enough here.
            for late in [Late::Revise, Late::Drop] {
                let mut fed =
                    Fed::new(&ClockSettings { now_s: Some(START_S + 900), ..settings(late) });
                fed.join(&[Beginning]);
                fed.log(&times, 4096);
                fed.finish(false);
                let judged = fed.clock.judged();
                let minute = &judged.by_series[0];
                let refused = judged.refused_late + judged.refused_future + judged.refused_gone;
                let harmed = minute.refused_late + minute.late;
                assert!(harmed <= 1, "frame {place}, bit {bit}, {late:?}: {judged:?}");
                assert!(refused <= 1, "frame {place}, bit {bit}, {late:?}: {judged:?}");
                assert_eq!(judged.counted + refused, FRAMES as u64);
                // Every other frame is in its own minute: all that differs is one.
                let mut frames = std::collections::BTreeMap::new();
                for word in fed.out.iter().filter(|word| word.series == 0) {
                    frames.insert(word.ts_s, word.frames);
                }
                for n in 0..10 {
                    let got = frames.get(&(START_S + 60 * n)).copied().unwrap_or(0);
                    let own = i64::try_from(place).unwrap() / 1200 == n;
                    let right = if own { 1199..=1200 } else { 1200..=1201 };
                    assert!(right.contains(&got), "frame {place}, bit {bit}, minute {n}: {got}");
                }
            }
        }
    }
}

#[test]
fn the_first_frame_far_ahead_is_refused_and_far_past_gets_its_own_window() {
    let mut times = steady();
    times[0] = START_S + 4_000_000_000;
    let ahead = came(&times);
    assert_eq!(ahead.verdicts(), [0, 1, 0, 0]);
    assert_eq!(ahead.frames(START_S), 1199);
    times[0] = 0;
    let past = came(&times);
    assert_eq!(past.verdicts(), [0, 0, 0, 0]);
    assert_eq!((past.frames(0), past.frames(START_S)), (1, 1199));
}

#[test]
fn a_batch_of_eight_a_day_ahead_makes_nothing_else_late() {
    let mut times = steady();
    for time_s in &mut times[6000..6008] {
        *time_s += 86_400;
    }
    let came = came(&times);
    assert_eq!(came.verdicts(), [0, 0, 0, 0]);
    assert_eq!(came.frames(START_S + 300 + 86_400), 8);
    assert_eq!(came.frames(START_S + 300), 1192);
}

#[test]
fn after_a_gap_of_three_hours_nothing_is_refused_or_late() {
    let times: Vec<i64> =
        (0..FRAMES).map(|n| START_S + n / 20 + if n < 6000 { 0 } else { 10_800 }).collect();
    let came = came(&times);
    assert_eq!(came.verdicts(), [0, 0, 0, 0]);
    assert_eq!(came.frames(START_S + 300 + 10_800), 1200);
}

#[test]
fn of_two_producers_two_hours_apart_nothing_is_refused() {
    let times: Vec<i64> = (0..FRAMES).map(|n| START_S + n / 20 - n % 2 * 7200).collect();
    // The clock is that of the one behind: the other one's half is no majority, and its step is too large
    // for fewer.
    let came = came(&times);
    assert_eq!(came.verdicts(), [0, 0, 0, 0]);
    assert_eq!(came.judged.counted, FRAMES as u64);
}

#[test]
fn sparse_logs_lose_nothing() {
    for step_s in [60, 3600, 86_400] {
        let times: Vec<i64> = (0..600).map(|n| START_S + n * step_s).collect();
        let came = came(&times);
        assert_eq!(came.verdicts(), [0, 0, 0, 0], "one frame each {step_s} s");
        assert_eq!(came.judged.counted, 600);
    }
    // Five among them.
    for few in 1..8_i64 {
        let times: Vec<i64> = (0..few).map(|n| START_S + n * 3 * 86_400).collect();
        let came = came(&times);
        assert_eq!(came.judged.counted, few.cast_unsigned(), "{few} frames days apart");
        assert_eq!(came.verdicts(), [0, 0, 0, 0]);
        assert!(came.last.values().all(|word| word.closed_by == "end"));
    }
}

#[test]
fn of_random_times_of_years_nothing_else_suffers() {
    let (from_s, years_s) = (631_152_000, 36 * 31_557_600);
    for (per_mille, late) in
        [(10, Late::Drop), (10, Late::Revise), (100, Late::Drop), (100, Late::Revise)]
    {
        let mut state = per_mille;
        // Those before the log are late, those beyond its reach wait in vain.
        let (mut before, mut beyond) = (0, 0);
        let mut times = steady();
        let mut own = vec![1200_i64; 10];
        for (n, time_s) in times.iter_mut().enumerate().skip(8) {
            if random(&mut state) % 1000 < per_mille {
                *time_s = from_s + i64::try_from(random(&mut state) % years_s).unwrap();
                own[n / 1200] -= 1;
                let apart_s = *time_s - START_S;
                assert!(!(-4000..1500).contains(&apart_s), "a draw too near to be sure of");
                *if apart_s < 0 { &mut before } else { &mut beyond } += 1;
            }
        }
        assert!(before > 100 * per_mille / 10 && beyond >= per_mille / 2);
        let settings = ClockSettings { now_s: Some(START_S + 900), ..settings(late) };
        let came = came_with(&settings, &times);
        for (minute, frames) in (0..).zip(own) {
            let got = i64::try_from(came.frames(START_S + 60 * minute)).unwrap();
            assert_eq!(got, frames, "{per_mille} in 1,000, minute {minute}");
        }
        assert_eq!(came.verdicts(), [before, beyond, 0, 0], "{per_mille} in 1,000");
    }
}

#[test]
fn random_times_agree_on_nothing() {
    // A log of the year 2000, read much later: of the times in its place, most are ahead of it and before
    // the wall clock. Each eight of them in the last 64 would once have let others in.
    let (begin_s, years_s, mut state) = (946_684_800, 26 * 31_557_600, 7);
    let time_s = |n: i64| {
        let is_random = n >= 8 && random(&mut state).is_multiple_of(10);
        let ahead_s = i64::try_from(random(&mut state) % years_s).unwrap();
        begin_s + n / 20 + if is_random { 100_000 + ahead_s } else { 0 }
    };
    let times: Vec<i64> = (0..200_000).map(time_s).collect();
    let wrong = times.iter().filter(|&&time_s| time_s > begin_s + 20_000).count() as u64;
    let settings = ClockSettings { now_s: Some(1_790_000_000), ..settings(Late::Drop) };
    let came = came_with(&settings, &times);
    let [late, future, gone, _] = came.verdicts();
    assert_eq!((late, gone), (0, 0));
    // Those at the end are settled by it, as nothing after them says otherwise.
    let settled = usize::try_from(wrong - future).unwrap();
    assert!(
        settled < 64 && came.judged.open_peak < 20 + 2 * settled,
        "{settled}, {:?}",
        came.judged
    );
    assert_eq!(came.judged.counted, times.len() as u64 - future);
}

/// One frame in a hundred comes so much later than the others of its time.
fn delayed(by_s: i64) -> Vec<i64> {
    let late_s = |n| if n >= 100 && n % 100 == 50 { by_s } else { 0 };
    (0..FRAMES).map(|n| START_S + n / 20 - late_s(n)).collect()
}

#[test]
fn delayed_frames_are_late_for_what_is_out_and_on_time_for_the_day() {
    let all = FRAMES as u64 / 100 - 1;
    // By so much, and how many are late for their minute, and refused there: the clock is at the time
    // before the frame's own, and max-lag 5 s.
    for (by_s, late, refused) in
        [(1, 0, 0), (5, 0, 0), (90, all, 0), (1800, all, 0), (3604, all, 0), (4000, 0, all)]
    {
        let came = came(&delayed(by_s));
        let minute = &came.judged.by_series[0];
        assert_eq!((minute.late, minute.refused_late), (late, refused), "by {by_s} s");
        let day = &came.judged.by_series[1];
        assert_eq!((day.counted, day.late), (FRAMES as u64, 0), "by {by_s} s");
        // Nothing is refused everywhere.
        assert_eq!((came.judged.counted, came.verdicts()[0]), (FRAMES as u64, 0));
    }
}

#[test]
fn a_restart_in_the_middle_changes_no_word() {
    let mut noisy = delayed(90);
    noisy[3000] += 86_400;
    noisy[3001..3009].iter_mut().for_each(|time_s| *time_s += 10_800);
    noisy[7000] = 0;
    for times in [steady(), noisy] {
        let settings = ClockSettings { now_s: Some(START_S + 900), ..settings(Late::Drop) };
        let whole = came_with(&settings, &times);
        // Wherever it breaks off; before the clock, with frames parked, within and behind a minute.
        for at in [5, 1200, 1220, 3000, 3001, 3004, 3020, 7001, 11_999] {
            let mut fed = Fed::new(&settings);
            fed.join(&[Beginning]);
            fed.log(&times[..at], 64);
            fed.finish(true);
            let mut out = std::mem::take(&mut fed.out);
            let restart = fed.restart.take().unwrap();
            let point = &restart.partitions[0];
            let mut fed = Fed::new(&settings);
            fed.news(&News::Resumed(Arc::clone(&restart)));
            fed.join(&[Entry::Resumed { clock_s: point.past.clock_s }]);
            let from = usize::try_from(point.offset).unwrap();
            for (index, left) in times[from..].chunks(64).enumerate() {
                fed.frames(0, point.offset + 64 * index as u64, left);
            }
            fed.finish(false);
            out.append(&mut fed.out);
            assert!(out.iter().all(|word| word.rev == 0), "broken off at {at}");
            let words = out.len();
            let last: std::collections::BTreeMap<_, _> =
                out.into_iter().map(|word| ((word.series, word.ts_s), word)).collect();
            assert_eq!((words, &last), (whole.last.len(), &whole.last), "broken off at {at}");
        }
    }
}

#[test]
fn a_partition_that_ends_years_before_the_others_takes_nothing_from_them() {
    for early_first in [true, false] {
        for late in [Late::Revise, Late::Drop] {
            let mut fed = Fed::new(&settings(late));
            fed.join(&[Beginning, Beginning]);
            let (old, new): (Vec<i64>, Vec<i64>) =
                ((0..200).map(|n| n / 2).collect(), steady()[..4000].to_vec());
            if early_first {
                fed.frames(0, 0, &old);
                fed.news(&News::Ended { partition: 0 });
                fed.frames(1, 0, &new);
            } else {
                fed.frames(1, 0, &new);
                fed.frames(0, 0, &old);
                fed.news(&News::Ended { partition: 0 });
            }
            fed.news(&News::Ended { partition: 1 });
            fed.finish(false);
            let judged = fed.clock.judged();
            assert_eq!((judged.counted, judged.by_series[0].late), (4200, 0));
            let minutes: Vec<_> =
                fed.out.iter().filter(|word| word.series == 0).map(|word| word.frames).collect();
            assert_eq!(minutes, [120, 80, 1200, 1200, 1200, 400]);
        }
    }
}

#[test]
fn one_that_falls_silent_and_resumes_is_counted_as_far_as_windows_are_kept() {
    for (away_s, gone) in [(600, 0), (7200, 200)] {
        let mut fed = Fed::new(&settings(Late::Revise));
        fed.join(&[Beginning, Beginning]);
        let rising = |from_s: i64, n: i64| (0..n).map(|n| from_s + n / 20).collect::<Vec<_>>();
        fed.frames(0, 0, &rising(START_S, 200));
        fed.frames(1, 0, &rising(START_S, 200));
        fed.news(&News::Silent { partition: 1 });
        // The other one goes on: windows come out without the silent one.
        let on = rising(START_S + 10, 20 * away_s);
        for (index, times) in on.chunks(4096).enumerate() {
            fed.frames(0, 200 + 4096 * index as u64, times);
        }
        let minute = fed.out.iter().find(|word| word.series == 0).unwrap();
        assert_eq!((minute.ts_s, minute.frames, minute.rev), (START_S, 1400, 0));
        // It resumes where it was: on time by its own clock.
        fed.frames(1, 200, &rising(START_S + 10, 200));
        fed.finish(false);
        let judged = fed.clock.judged();
        assert_eq!(judged.by_series[0].refused_gone, gone, "away for {away_s} s");
        assert_eq!(judged.by_series[0].late, 0);
        // For its day they are counted in any case.
        assert_eq!(judged.refused_gone, 0);
        let last = fed.out.iter().rfind(|word| word.series == 0 && word.ts_s == START_S).unwrap();
        assert_eq!(last.frames, if gone == 0 { 1600 } else { 1400 });
    }
}
