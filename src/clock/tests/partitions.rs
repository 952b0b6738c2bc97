//! Logs of several partitions: who holds time back, silence, gaps, and going on after an end.

use std::collections::{BTreeMap, BTreeSet};

use super::super::agreement::Past;
use super::super::restart::{PartitionRestart, Seen};
use super::super::*;
use super::fed::Fed;
use crate::input::messages::Entry::{Beginning, Midway};

#[test]
fn the_lowest_clock_decides_what_is_final() {
    let mut log = Fed::plain(5);
    log.join(&[Beginning, Beginning]);
    log.frames(0, 0, &[60, 300]);
    log.says("");
    log.frames(1, 0, &[61, 124]);
    log.says("");
    log.frames(1, 2, &[125]);
    log.says("[60 2 time part]");
    log.news(&News::Ended { partition: 1 });
    log.says("[120 2 time]");
    log.finish(false);
    log.says("[300 1 end]");
}

#[test]
fn lateness_is_by_the_partitions_own_clock() {
    let mut log = Fed::plain(0);
    log.join(&[Beginning, Beginning]);
    log.frames(0, 0, &[0, 200, 30]);
    log.says("late");
    // The other partition's clock is not there yet: the same time is on time.
    log.frames(1, 0, &[0, 30]);
    log.says("");
    log.finish(false);
    log.says("[0 3 time part] [180 1 end]");
}

#[test]
fn a_partition_without_frames_holds_everything_back_until_it_is_silent() {
    let mut log = Fed::plain(0);
    log.join(&[Beginning, Beginning]);
    log.frames(0, 0, &[0, 60, 120]);
    log.says("");
    log.news(&News::Silent { partition: 1 });
    log.says("[0 1 time part] [60 1 time]");
    // Its frames come after all: on time by its own clock, yet the window is out.
    log.frames(1, 0, &[30, 121]);
    log.says("gone");
    log.frames(0, 3, &[180]);
    log.says("");
    log.frames(1, 2, &[180]);
    log.says("[120 2 time]");
}

#[test]
fn all_silent_windows_come_out_by_the_wall_clock_and_are_revised() {
    let mut log = Fed::plain(5);
    log.join(&[Beginning]);
    log.frames(0, 0, &[60, 130, 110]);
    log.says("[60 1 time part] late");
    log.news(&News::Silent { partition: 0 });
    log.news(&News::AllSilent { now_s: 184 });
    log.says("");
    log.news(&News::AllSilent { now_s: 185 });
    log.news(&News::AllSilent { now_s: 186 });
    log.says("[120 1 silence]");
    assert_eq!(
        log.restart.clone().unwrap().said.iter().map(|of| of.ts_s).collect::<Vec<_>>(),
        [120]
    );
    // Silence moves no clock: a frame of that window is on time and revises it; one of the next window
    // is counted although the wall clock is far beyond it.
    log.frames(0, 3, &[131, 181]);
    log.says("[120 2 silence revised rev 1]");
    log.frames(0, 5, &[245]);
    log.says("[180 1 time]");
    assert!(log.restart.unwrap().said.is_empty());
}

#[test]
fn one_that_ends_its_silence_moves_the_lowest_clock_though_not_its_own() {
    let mut log = Fed::plain(0);
    log.join(&[Beginning, Beginning]);
    log.frames(0, 0, &[0, 200]);
    log.frames(1, 0, &[0, 50]);
    log.news(&News::Silent { partition: 0 });
    log.news(&News::Silent { partition: 1 });
    log.says("");
    // It alone holds time back now, at 200.
    log.frames(0, 2, &[190, 191]);
    log.says("[0 3 time part]");
    log.frames(1, 2, &[51]);
    log.says("gone");
}

#[test]
fn late_for_a_window_no_longer_kept_is_gone() {
    let settings = ClockSettings {
        max_lag_s: 0,
        agree: None,
        keep_s: 100,
        partitioned: true,
        ..ClockSettings::default()
    };
    let mut log = Fed::new(&settings);
    log.join(&[Beginning, Beginning]);
    log.frames(1, 0, &[0, 70]);
    log.news(&News::Silent { partition: 1 });
    log.frames(0, 0, &[0, 159]);
    log.says("[0 2 time part] [60 1 time]");
    // By its own clock it would revise; and does while the window is kept.
    log.frames(1, 2, &[10]);
    log.news(&News::Silent { partition: 1 });
    log.frames(0, 2, &[160]);
    log.says("[0 3 late 1 time revised rev 1 part]");
    log.frames(1, 3, &[10]);
    log.says("gone");
}

#[test]
fn a_window_that_goes_is_said_without_who_still_waits() {
    let settings = ClockSettings {
        max_lag_s: 0,
        late: super::super::settings::Late::Drop,
        agree: Some(super::super::agreement::Agree { small: 2, large: 3, last: 3 }),
        now_s: Some(1000),
        partitioned: true,
        ..ClockSettings::default()
    };
    let mut log = Fed::new(&settings);
    log.join(&[Beginning, Beginning]);
    log.frames(0, 0, &[10]);
    log.frames(1, 0, &[0, 1]);
    log.news(&News::Silent { partition: 0 });
    log.news(&News::Silent { partition: 1 });
    log.news(&News::AllSilent { now_s: 100 });
    log.says("[0 3 silence part]");
    log.frames(1, 2, &[61, 61]);
    log.says("[0 2 time revised rev 1 part]");
    log.frames(0, 1, &[70]);
    log.finish(false);
    // The one that waited, when the other came.
    assert_eq!(log.clock.judged().refused_gone, 1);
}

#[test]
fn windows_are_complete_only_if_all_before_them_was_read() {
    // Entered midway: until its first frame nothing is sure, then what follows it.
    let mut log = Fed::plain(0);
    log.join(&[Beginning, Midway]);
    log.frames(0, 0, &[0, 60, 120, 200]);
    log.frames(1, 70, &[70]);
    log.frames(1, 71, &[200]);
    log.says("[0 1 time part] [60 2 time part] [120 1 time]");
    // Frames lost: again nothing is sure until the next one.
    log.news(&News::Gap { partition: 1, from: 72, to: 80 });
    log.frames(0, 4, &[260]);
    log.frames(1, 80, &[250, 310]);
    log.says("[180 2 time part]");
    log.frames(0, 5, &[310, 370]);
    log.frames(1, 82, &[371]);
    log.says("[240 2 time part] [300 2 time]");
    assert_eq!((log.clock.judged().gaps, log.clock.judged().offsets_skipped), (1, 8));
    // Entered midway and never a frame: it is known to hold nothing once it is silent.
    let mut log = Fed::plain(0);
    log.join(&[Beginning, Midway]);
    log.frames(0, 0, &[0, 60, 90]);
    log.news(&News::Silent { partition: 1 });
    log.says("[0 1 time part]");
    log.frames(0, 3, &[120, 180]);
    log.says("[60 2 time part] [120 1 time]");
}

#[test]
fn a_partition_that_joins_later_holds_time_back_and_takes_nothing_from_completeness() {
    let mut log = Fed::plain(0);
    log.join(&[Beginning]);
    log.frames(0, 0, &[0, 60]);
    log.says("[0 1 time part]");
    log.news(&News::Joined { partition: 1, entry: Beginning });
    log.frames(0, 2, &[120]);
    log.says("");
    log.frames(1, 0, &[110, 120]);
    log.says("[60 2 time]");
    // Late by nobody's clock, but gone.
    log.news(&News::Joined { partition: 2, entry: Beginning });
    log.frames(2, 0, &[59]);
    log.says("gone");
}

#[test]
fn the_restart_point_is_before_the_first_frame_of_every_open_window() {
    let mut log = Fed::plain(30);
    log.join(&[Beginning, Beginning]);
    log.frames(0, 10, &[0, 59, 60, 58, 61]);
    log.frames(1, 20, &[1, 2, 61]);
    log.frames(0, 15, &[95]);
    log.says("");
    log.frames(1, 23, &[94]);
    log.says("[0 5 time part]");
    let point = |partition, offset, judged_to, clock_s| {
        let past = Past { clock_s: Some(clock_s), times_s: vec![clock_s] };
        PartitionRestart { partition, offset, judged_to, past }
    };
    let restart = log.restart.clone().unwrap();
    let seen = Seen { begun_s: Some(0), unread_until_s: None, unread: false };
    assert_eq!((restart.finals_s, restart.seen), (Some(94), seen));
    assert_eq!(restart.partitions, [point(0, 12, 16, 59), point(1, 22, 24, 2)]);
    // A new clock goes on from there: the frame of the window that is out is passed over.
    let mut next = Fed::plain(30);
    next.news(&News::Resumed(Arc::clone(&restart)));
    for at in &restart.partitions {
        let (partition, entry) = (at.partition, Entry::Resumed { clock_s: at.past.clock_s });
        next.news(&News::Joined { partition, entry });
    }
    next.frames(0, 12, &[60, 58, 61, 95, 151]);
    next.frames(1, 22, &[61, 94, 150]);
    next.says("out_before [60 5 time]");
    assert_eq!(next.clock.judged().out_before, 1);
}

/// A small generator (splitmix64), so that a case is its seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    pub(super) fn at(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap()
    }

    pub(super) fn signed(&mut self, n: u64) -> i64 {
        self.below(n).cast_signed()
    }
}

/// Partitions of times that mostly rise.
fn log(random: &mut Random) -> Vec<Vec<i64>> {
    let partitions = 1 + random.below(4);
    (0..partitions)
        .map(|_| {
            let mut now_s = random.below(300).cast_signed();
            (0..random.below(60))
                .map(|_| {
                    now_s += random.below(25).cast_signed();
                    let late_s = if random.below(6) == 0 { random.below(200) } else { 0 };
                    now_s - late_s.cast_signed()
                })
                .collect()
        })
        .collect()
}

/// Frames by window and frames late, from the rule alone: each partition for itself.
fn model(log: &[Vec<i64>], max_lag_s: i64) -> (BTreeMap<i64, u64>, u64) {
    let (mut windows, mut late) = (BTreeMap::new(), 0);
    for times in log {
        let mut clock_s = None;
        for &ts_s in times {
            let start_s = ts_s.div_euclid(60) * 60;
            if clock_s.is_some_and(|clock_s: i64| clock_s >= start_s + 60 + max_lag_s) {
                late += 1;
            } else {
                *windows.entry(start_s).or_default() += 1;
                clock_s = clock_s.max(Some(ts_s));
            }
        }
    }
    (windows, late)
}

/// Feeds a log from these places on, in an order of its own, until `steps` batches are judged or all
/// is; says whether all is.
fn feed(
    fed: &mut Fed,
    log: &[Vec<i64>],
    at: &mut [usize],
    random: &mut Random,
    steps: u64,
) -> bool {
    let mut ended = BTreeSet::new();
    for _ in 0..steps {
        if ended.len() == log.len() {
            return true;
        }
        let partition = usize::try_from(random.below(log.len() as u64)).unwrap();
        let number = Partition::try_from(partition).unwrap();
        let left = &log[partition][at[partition]..];
        if left.is_empty() {
            if ended.insert(partition) {
                fed.news(&News::Ended { partition: number });
            }
            continue;
        }
        let take = left.len().min(1 + usize::try_from(random.below(7)).unwrap());
        fed.frames(number, at[partition] as u64, &left[..take]);
        at[partition] += take;
        if random.below(4) == 0 {
            // A chunk's last batch may have no message.
            fed.frames(number, 0, &[]);
        }
    }
    ended.len() == log.len()
}

#[test]
fn what_is_counted_depends_on_the_partitions_alone() {
    for seed in 0..400 {
        let mut random = Random(seed);
        let log = log(&mut random);
        let max_lag_s = u32::try_from(random.below(100)).unwrap();
        let (windows, late) = model(&log, max_lag_s.into());
        let mut words = Vec::new();
        for _ in 0..3 {
            let mut fed = Fed::plain(max_lag_s);
            fed.join(&vec![Beginning; log.len()]);
            assert!(feed(&mut fed, &log, &mut vec![0; log.len()], &mut random, u64::MAX));
            fed.finish(false);
            let frames: BTreeMap<i64, u64> =
                fed.out.iter().map(|word| (word.ts_s, word.frames)).collect();
            assert_eq!(frames, windows, "seed {seed}");
            assert_eq!(fed.clock.judged().refused_late, late, "seed {seed}");
            assert_eq!(fed.clock.judged().refused_gone, 0, "seed {seed}");
            words.push(fed.out);
        }
        assert!(words.windows(2).all(|two| two[0] == two[1]), "seed {seed}: every word the same");
    }
}

#[test]
fn broken_off_anywhere_and_gone_on_with_every_window_comes_out_once_and_whole() {
    let mut resumed = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let log = log(&mut random);
        let max_lag_s = u32::try_from(random.below(100)).unwrap();
        let mut peace = Fed::plain(max_lag_s);
        peace.join(&vec![Beginning; log.len()]);
        feed(&mut peace, &log, &mut vec![0; log.len()], &mut random, u64::MAX);
        peace.finish(false);

        let mut fed = Fed::plain(max_lag_s);
        fed.join(&vec![Beginning; log.len()]);
        let mut out = Vec::new();
        let mut at = vec![0; log.len()];
        // Longer and longer runs: what is open is read again each time.
        let mut steps = random.below(12);
        while !feed(&mut fed, &log, &mut at, &mut random, steps) {
            steps += 3;
            // By a signal, or after a crash: then what came out since the last restart point was not
            // committed, and the point before counts.
            fed.finish(true);
            out.append(&mut fed.out);
            let restart = fed.restart.take().expect("the end makes a restart point");
            fed = Fed::plain(max_lag_s);
            fed.news(&News::Resumed(Arc::clone(&restart)));
            for point in &restart.partitions {
                let entry = Entry::Resumed { clock_s: point.past.clock_s };
                fed.news(&News::Joined { partition: point.partition, entry });
                at[point.partition as usize] = usize::try_from(point.offset).unwrap();
            }
            resumed += 1;
        }
        fed.finish(false);
        out.append(&mut fed.out);
        out.sort_unstable();
        assert_eq!(out, peace.out, "seed {seed}");
    }
    assert!(resumed > 400, "{resumed}");
}

#[test]
fn gone_on_with_before_a_clock_the_log_begins_where_it_did() {
    let settings = ClockSettings {
        max_lag_s: 0,
        agree: Some(agreement::Agree { small: 2, large: 2, last: 3 }),
        max_ahead_s: 100,
        keep_s: 1000,
        now_s: Some(1000),
        partitioned: true,
        ..ClockSettings::default()
    };
    let (first, others) = ([500], [5000; 64]);
    let mut peace = Fed::new(&settings);
    peace.join(&[Entry::Beginning]);
    peace.frames(0, 0, &[&first[..], &others].concat());
    peace.frames(0, 65, &[510, 130, 190]);
    peace.finish(false);
    // The first one waited for 64 others, which agree with nobody, and was refused.
    let mut before = Fed::new(&settings);
    before.join(&[Entry::Beginning]);
    before.frames(0, 0, &[&first[..], &others].concat());
    before.finish(true);
    let restart = before.restart.take().unwrap();
    assert_eq!((restart.partitions[0].offset, restart.seen.begun_s), (1, Some(500)));
    let mut after = Fed::new(&settings);
    after.news(&News::Resumed(restart));
    after.news(&News::Joined { partition: 0, entry: Entry::Resumed { clock_s: None } });
    after.frames(0, 1, &others);
    after.frames(0, 65, &[510, 130, 190]);
    after.finish(false);
    assert_eq!(after.out, peace.out);
    assert!(after.out.iter().all(|word| word.complete == (word.ts_s > 500)), "{:?}", after.out);
}

#[test]
fn a_batch_without_messages_moves_no_offset() {
    let mut log = Fed::plain(0);
    log.join(&[Beginning, Beginning]);
    log.frames(1, 5, &[0, 1, 2]);
    log.frames(1, 0, &[]);
    log.news(&News::Gap { partition: 0, from: 0, to: 7 });
    log.frames(0, 0, &[]);
    let next: Vec<u64> = log.clock.partitions.all().map(|(_, one)| one.next_offset).collect();
    assert_eq!(next, [7, 8]);
}
