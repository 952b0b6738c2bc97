//! Stops: gone on with by another clock, and after a failure.

use std::collections::BTreeMap;

use super::super::agreement::Agree;
use super::super::calendar::Length;
use super::super::settings::Late;
use super::super::*;
use super::batch;
use super::fed::Fed;
use super::partitions::Random;
use crate::input::messages::Entry::{self, Beginning};

fn settings(random: &mut Random) -> ClockSettings {
    let lengths: [Length; 3] = [Length::Minute, Length::Hour, Length::Fixed(7)];
    let calendar = Calendar::new(&lengths[..1 + random.at(3)], &[calendar::Zone::utc()]).unwrap();
    ClockSettings {
        calendar,
        late: if random.below(2) == 0 { Late::Drop } else { Late::Revise },
        max_lag_s: u32::try_from(random.below(100)).unwrap(),
        keep_s: [0, 50, 1000][random.at(3)],
        agree: Some(Agree { small: 2, large: 3, last: 3 }),
        max_ahead_s: 100,
        every_s: 30,
        updates: random.below(2) == 0,
        now_s: Some(5000),
        partitioned: true,
        ..ClockSettings::default()
    }
}

/// Times that wander, with some far from their neighbours.
fn log(random: &mut Random) -> Vec<i64> {
    let (mut now_s, frames) = (random.signed(200), random.below(80));
    let mut next = |_| {
        now_s += random.signed(20);
        match random.below(12) {
            0 => now_s - random.signed(300),
            1 => now_s + random.signed(400),
            2 => now_s + random.signed(20_000),
            _ => now_s,
        }
    };
    (0..frames).map(&mut next).collect()
}

fn resume(settings: &ClockSettings, restart: &Arc<Restart>) -> Fed {
    let mut next = Fed::new(settings);
    next.news(&News::Resumed(Arc::clone(restart)));
    for at in &restart.partitions {
        let (partition, entry) = (at.partition, Entry::Resumed { clock_s: at.past.clock_s });
        next.news(&News::Joined { partition, entry });
    }
    next
}

#[test]
fn the_number_of_a_record_rises_by_one_whatever_stops() {
    let mut gone_on = 0;
    for seed in 0..4000 {
        let random = &mut Random(seed);
        let settings = settings(random);
        let logs: Vec<Vec<i64>> = (0..=random.below(3)).map(|_| log(random)).collect();
        let mut fed = Fed::new(&settings);
        for partition in (0..).take(logs.len()) {
            fed.news(&News::Joined { partition, entry: Beginning });
        }
        let (mut at, mut out) = (vec![0; logs.len()], Vec::new());
        for steps in [random.below(20), random.below(20), 1000] {
            for _ in 0..steps {
                let one = random.at(logs.len());
                let left = &logs[one][at[one]..];
                let take = left.len().min(1 + random.at(9));
                if take > 0 {
                    let partition = Partition::try_from(one).unwrap();
                    fed.frames(partition, at[one] as u64, &left[..take]);
                    at[one] += take;
                }
            }
            fed.finish(steps < 1000);
            out.append(&mut fed.out);
            let restart = fed.restart.take().expect("the end makes a restart point");
            fed = resume(&settings, &restart);
            for point in &restart.partitions {
                at[point.partition as usize] = usize::try_from(point.offset).unwrap();
                gone_on += 1;
            }
        }
        let mut records = BTreeMap::new();
        for word in &out {
            let before = records.insert((word.series, word.ts_s), word.rev);
            assert_eq!(word.rev, before.map_or(0, |rev| rev + 1), "seed {seed}: {word:?}");
        }
    }
    assert!(gone_on > 8000, "{gone_on}");
}

#[test]
fn nothing_comes_out_after_a_failure() {
    let settings = ClockSettings { fill: true, ..ClockSettings::default() };
    let (mut clock, mut heads, mut failed) = (Clock::new(&settings), 0, 0);
    // A first minute long ago: the empty ones until now are too many.
    let logs = [vec![-40_000_000; 8], vec![0; 33], (0..2000).map(|n| n * 60).collect(), vec![0; 9]];
    for times in &logs {
        let (batch, mut verdicts) = (batch(times, None, [1, 1]), Verdicts::new(times.len(), 1, 1));
        let facts = &batch.facts;
        let frames = Frames { partition: 0, facts, held: None, next_offset: 0, wall_s: None };
        clock.judge(&frames, &mut verdicts);
        heads += verdicts.heads().len();
        failed += usize::from(matches!(clock.take_failed(), Some(Error::TooManyEmpty)));
    }
    let mut verdicts = Verdicts::new(1, 1, 1);
    clock.finish(LogEnd::BrokenOff, &mut verdicts);
    assert_eq!((failed, heads + verdicts.heads().len()), (1, 0));
}

#[test]
fn more_frames_can_be_shown_than_a_batch_holds() {
    const PARTITIONS: Partition = 9400;
    let settings =
        ClockSettings { partitioned: true, now_s: Some(1_000_000), ..ClockSettings::default() };
    let mut fed = Fed::new(&settings);
    (0..PARTITIONS).for_each(|partition| {
        fed.news(&News::Joined { partition, entry: Beginning });
    });
    (0..PARTITIONS).for_each(|partition| fed.frames(partition, 0, &[60; 7]));
    (0..PARTITIONS).for_each(|partition| fed.news(&News::Silent { partition }));
    fed.news(&News::AllSilent { now_s: 1000 });
    let frames: Vec<u64> = fed.out.iter().map(|word| word.frames).collect();
    assert_eq!(frames, [7 * u64::from(PARTITIONS)]);
}
