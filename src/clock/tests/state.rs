//! A clock's state: put into another clock, at any moment, nothing is said otherwise; and a log that has
//! grown after its end is gone on with.

use std::collections::BTreeMap;

use super::super::*;
use super::fed::{Fed, Word};
use super::partitions::Random;
use super::reference::{Case, seeds};
use crate::count::hash::UidHasher;
use crate::input::messages::Entry::Beginning;

/// A partition's next times; none: it ends. The same order whoever is fed.
type Step = (usize, Option<std::ops::Range<usize>>);

fn steps(log: &[Vec<i64>], random: &mut Random) -> Vec<Step> {
    let mut at: Vec<Option<usize>> = vec![Some(0); log.len()];
    let mut steps = Vec::new();
    while at.iter().any(Option::is_some) {
        let partition = random.at(log.len());
        let Some(from) = at[partition] else { continue };
        let most = [3, 20, 300][random.at(3)];
        let to = (from + 1 + random.at(most)).min(log[partition].len());
        let rest = (from < to).then_some(from..to);
        at[partition] = rest.is_some().then_some(to);
        steps.push((partition, rest));
    }
    steps
}

fn feed(fed: &mut Fed, log: &[Vec<i64>], (partition, times): &Step) {
    let number = Partition::try_from(*partition).unwrap();
    match times {
        Some(times) => fed.frames(number, times.start as u64, &log[*partition][times.clone()]),
        None => fed.news(&News::Ended { partition: number }),
    }
}

#[test]
fn put_into_another_clock_nothing_is_said_otherwise() {
    for seed in seeds(500) {
        let mut random = Random(seed);
        let case = Case::draw(&mut random);
        let steps = steps(&case.log, &mut random);
        let new = || {
            let mut fed = Fed::new(&case.settings);
            fed.join(&vec![Beginning; case.log.len()]);
            fed
        };
        let (mut peace, mut fed) = (new(), new());
        let (mut out, often) = (Vec::new(), 1 + random.at(6));
        for step in &steps {
            feed(&mut peace, &case.log, step);
            feed(&mut fed, &case.log, step);
            if random.at(often) == 0 {
                let left = fed.leave(false);
                out.append(&mut fed.out);
                fed.go_on_from(&case.settings, &left);
            }
        }
        let parked = fed.clock.parked();
        peace.finish(false);
        fed.finish(false);
        out.append(&mut fed.out);
        assert_eq!(out, peace.out, "seed {seed}: {parked} waited; {:?}", case.settings);
        let (now, right) = (fed.clock.judged(), peace.clock.judged());
        // How many windows were ever open is of one run.
        assert_eq!(
            Judged { open_peak: 0, ..now.clone() },
            Judged { open_peak: 0, ..right.clone() }
        );
    }
}

#[test]
fn a_log_that_has_grown_is_gone_on_with() {
    let mut revised = 0;
    for seed in seeds(500) {
        let mut random = Random(seed);
        let mut case = Case::draw(&mut random);
        // One partition, as files are.
        case.log.truncate(1);
        let log = std::mem::take(&mut case.log[0]);
        let mut peace = Fed::new(&case.settings);
        peace.join(&[Beginning]);
        peace.log(&log, 64);
        peace.finish(false);
        let mut fed = Fed::new(&case.settings);
        fed.join(&[Beginning]);
        let (mut out, mut at) = (Vec::<Word>::new(), 0);
        while at < log.len() {
            let to = (at + 1 + random.at(100)).min(log.len());
            for times in log[at..to].chunks(64) {
                fed.frames(0, at as u64, times);
                at += times.len();
            }
            let left = fed.leave(true);
            out.append(&mut fed.out);
            fed.go_on_from(&case.settings, &left);
        }
        fed.leave(true);
        out.append(&mut fed.out);
        let mut last = BTreeMap::new();
        for word in &out {
            let before: Option<&Word> = last.insert((word.series, word.ts_s), word);
            let rev = before.map_or(0, |before| before.rev + 1);
            assert_eq!(word.rev, rev, "seed {seed}: {word:?} after {before:?}");
            revised += u32::from(rev > 0);
        }
        // One that waited, was shown, and is refused after all may leave a window empty.
        let last: Vec<Word> = last.into_values().filter(|word| word.frames > 0).cloned().collect();
        let words = peace.out.iter().map(|word| ((word.series, word.ts_s), word));
        let right: BTreeMap<_, _> = words.collect();
        let held =
            |word: &Word| (word.series, word.ts_s, word.frames, word.late, word.users, word.past);
        let (said, right): (Vec<_>, Vec<_>) =
            (last.iter().map(held).collect(), right.into_values().map(held).collect());
        // A rolling window begun by a frame that was shown and then refused has been spoken of for good.
        let has_to_be = |of: &(u8, i64, u64, u64, u64, u64)| {
            case.settings.calendar.series()[usize::from(of.0)].length.overlap() == 1
                || right.iter().any(|one| (one.0, one.1) == (of.0, of.1))
        };
        let said: Vec<_> = said.into_iter().filter(has_to_be).collect();
        assert_eq!(said, right, "seed {seed}: {:?}", case.settings);
    }
    assert!(revised > 100, "{revised}");
}

/// Rules may change between two runs: a window that the old ones let go is not opened again by the new
/// ones, and one of a new series is complete only if it begins after all that was counted before.
#[test]
fn by_other_rules_nothing_is_said_twice_or_too_early() {
    let minutes = |keep_s: u32, lengths: &[calendar::Length]| ClockSettings {
        calendar: Calendar::new(lengths, &[calendar::Zone::utc()]).unwrap(),
        keep_s,
        partitioned: true,
        ..ClockSettings { late: settings::Late::Revise, ..ClockSettings::plain() }
    };
    let (minute, hour) = (calendar::Length::Minute, calendar::Length::Hour);
    let (short, long) = (minutes(10, &[minute]), minutes(7200, &[minute, hour]));
    let mut fed = Fed::new(&short);
    fed.join(&[Beginning]);
    fed.frames(0, 0, &[3600, 3661, 3700, 3730]);
    fed.says("[3600 1 time part] [3660 2 time]");
    let left = fed.leave(false);
    fed.go_on_from(&long, &left);
    // The minute of 3600 was let go at 3675; that of 3660 would have been at 3735.
    fed.frames(0, 4, &[3601, 3662, 3745]);
    fed.says("[3660 3 late 1 time revised rev 1]");
    fed.frames(0, 7, &[3760, 7200, 10_805]);
    fed.says("[3720 3 time] [1:3600 4 time part] [7200 1 time] [1:7200 1 time]");
    // Back again: of hours nothing is said any more.
    let left = fed.leave(false);
    fed.go_on_from(&short, &left);
    fed.frames(0, 10, &[3663, 10_870]);
    // What was said of hours is not known any more.
    let state = serde_json::from_slice(&fed.leave(false).state).unwrap();
    assert!(Clock::restore(&long, state, &UidHasher::new(1)).is_err());
    fed.finish(false);
    fed.says("late [10800 1 time] [10860 1 end]");
}
