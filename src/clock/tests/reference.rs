//! Against the reference clock: random logs of several partitions, interleaved and cut into batches at
//! random. The last word on every window is the reference's, whatever the interleaving; with `--late
//! drop` every word is the same. Broken off and gone on with, no word changes either.

use std::collections::BTreeMap;

use super::super::agreement::Agree;
use super::super::settings::Late;
use super::super::*;
use super::fed::{Fed, Word};
use super::partitions::Random;
use crate::clock::calendar::{Length, Window, Zone};
use crate::input::messages::Entry::Beginning;
use crate::verify::reference_clock::ReferenceClock;
use crate::verify::rules::Rules;

const NOW_S: i64 = 1_700_100_000;

/// By window, what is said of it last.
type Words = BTreeMap<(u8, i64), Held>;
/// By reason, how many frames are counted nowhere.
type Refused = BTreeMap<&'static str, u64>;

/// A case drawn from a seed.
pub(super) struct Case {
    pub(super) settings: ClockSettings,
    pub(super) log: Vec<Vec<i64>>,
}

impl Case {
    pub(super) fn draw(random: &mut Random) -> Case {
        let lengths = [
            &[Length::Minute][..],
            &[Length::Minute, Length::Hour, Length::Day],
            &[Length::Fixed(45), Length::Minute, Length::Fixed(600)],
            &[Length::Rolling(3), Length::Hour, Length::Rolling(2), Length::Rolling(1)],
            &[Length::Week],
        ][random.at(5)];
        let zones = ["UTC", "Asia/Kathmandu"].map(|name| name.parse::<Zone>().unwrap());
        let agree = [
            Some(Agree::default()),
            Some(Agree::default()),
            Some(Agree { small: 2, large: 3, last: 4 }),
            None,
        ][random.at(4)];
        let settings = ClockSettings {
            calendar: Calendar::new(lengths, &zones[..=random.at(2)])
                .unwrap()
                .with_past([0, 0, 1, 3][random.at(4)]),
            max_lag_s: [0, 5, 70][random.at(3)],
            late: [Late::Revise, Late::Drop][random.at(2)],
            keep_s: [0, 100, 3600][random.at(3)],
            agree,
            max_ahead_s: [0, 60, 600][random.at(3)],
            every_s: [1, 10, 300][random.at(3)],
            updates: random.below(4) == 0,
            now_s: Some(NOW_S),
            partitioned: true,
            ..ClockSettings::default()
        };
        let partitions = 1 + random.at(4);
        Case { settings, log: (0..partitions).map(|_| times(random)).collect() }
    }

    fn rules(&self) -> Rules {
        let never = i64::MAX / 4;
        let agree = self.settings.agree.unwrap_or(Agree::ONE);
        Rules {
            max_lag_s: self.settings.max_lag_s.into(),
            keep_s: self.settings.keep_s.into(),
            drop: self.settings.late == Late::Drop,
            agree: (agree.small, agree.large, agree.last),
            max_ahead_s: self.settings.agree.map_or(never, |_| self.settings.max_ahead_s.into()),
            now_s: if self.settings.agree.is_some() { NOW_S } else { never },
        }
    }

    /// What the reference says: frames and late ones of each window, whether it is complete and closed
    /// by time; and how many were refused, by reason.
    fn reference(&self) -> (Words, Refused) {
        let mut calendar = self.settings.calendar.clone();
        let all = calendar.series().to_vec();
        let windows = |ts_s| {
            let mut windows = Vec::<Window>::new();
            for (number, of) in (0..).zip(&all) {
                windows.push(calendar.window_at(number, ts_s));
                for _ in 1..of.length.overlap() {
                    windows.push(calendar.next(windows.last().unwrap()));
                }
            }
            windows
        };
        let partitions = u32::try_from(self.log.len()).unwrap();
        let mut clock = ReferenceClock::new(self.rules(), 0..partitions, windows);
        for (partition, times) in (0..).zip(&self.log) {
            for (id, &ts_s) in (0..).zip(times) {
                clock.frame(partition, id, ts_s);
            }
        }
        (0..partitions).for_each(|partition| clock.end(partition));
        let (begin_s, largest_s) = (clock.begin_s(), clock.largest_s());
        let lag_s = i64::from(self.settings.max_lag_s);
        let (mut held, mut refused, mut newest_s) = (Words::new(), Refused::new(), i64::MIN);
        let mut counted = Vec::new();
        for ((partition, id), fate) in &clock.fates {
            match fate {
                Ok(windows) => {
                    let times = &self.log[*partition as usize];
                    newest_s = newest_s.max(times[usize::try_from(*id).unwrap()]);
                    for (window, late) in windows {
                        let of = held.entry((window.series, window.ts_s)).or_default();
                        of.frames += 1;
                        of.late += u64::from(*late);
                        of.complete = begin_s.is_some_and(|begin_s| window.start_s > begin_s);
                        of.by_time = largest_s.is_some_and(|s| s >= window.end_s + lag_s);
                        of.past_s = (window.past_s, window.start_s);
                        counted.push((window.series, times[usize::try_from(*id).unwrap()]));
                    }
                }
                Err(why) => *refused.entry(*why).or_default() += 1,
            }
        }
        for (key, of) in &mut held {
            let (from_s, to_s) = std::mem::take(&mut of.past_s);
            let is_past =
                |&&(series, ts_s): &&(u8, i64)| series == key.0 && (from_s..to_s).contains(&ts_s);
            of.past = counted.iter().filter(is_past).count() as u64;
        }
        // Rolling windows of days to come are not said.
        held.retain(|&(_, ts_s), _| ts_s <= newest_s);
        (held, refused)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    frames: u64,
    late: u64,
    complete: bool,
    by_time: bool,
    /// Frames counted in the days before, where those are told of.
    past: u64,
    past_s: (i64, i64),
}

impl Held {
    fn of(word: &Word) -> Held {
        Held {
            frames: word.frames,
            late: word.late,
            complete: word.complete,
            by_time: word.closed_by == "time",
            past: word.past,
            past_s: (0, 0),
        }
    }
}

/// Times that mostly rise, with all that goes wrong.
fn times(random: &mut Random) -> Vec<i64> {
    let mut now_s = 1_700_000_000 + random.signed(4000);
    let step_s = [1, 3, 40, 2000, 50_000][random.at(5)];
    (0..random.below(260))
        .map(|_| {
            now_s += random.signed(step_s + 1);
            if random.below(150) == 0 {
                now_s += random.signed(20_000);
            }
            match random.below(40) {
                0 => now_s ^ 1 << random.below(34),
                1 => now_s + random.signed(2000),
                2 => now_s - random.signed(8000),
                3..8 => now_s - random.signed(200),
                _ => now_s,
            }
        })
        .collect()
}

/// Feeds what is left of a log in an order of its own, `steps` batches at most; whether that was all.
fn feed(
    fed: &mut Fed,
    log: &[Vec<i64>],
    at: &mut [usize],
    random: &mut Random,
    steps: u64,
) -> bool {
    let mut ended = vec![false; log.len()];
    let steps_of = |random: &mut Random| {
        let most = [3, 20, 300][random.at(3)];
        1 + random.at(most)
    };
    for _ in 0..steps {
        if ended.iter().all(|&ended| ended) {
            return true;
        }
        let partition = random.at(log.len());
        let number = Partition::try_from(partition).unwrap();
        let left = &log[partition][at[partition]..];
        if left.is_empty() {
            if !std::mem::replace(&mut ended[partition], true) {
                fed.news(&News::Ended { partition: number });
            }
            continue;
        }
        let take = left.len().min(steps_of(random));
        fed.frames(number, at[partition] as u64, &left[..take]);
        at[partition] += take;
    }
    ended.iter().all(|&ended| ended)
}

fn last_words(out: &[Word]) -> Words {
    out.iter().map(|word| ((word.series, word.ts_s), Held::of(word))).collect()
}

/// The seeds of so many logs, from 0 on; or those that the environment asks for.
pub(super) fn seeds(logs: u64) -> impl Iterator<Item = u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("HEADCOUNT_SEED").unwrap_or(0);
    (0..number("HEADCOUNT_RUNS").unwrap_or(logs)).map(move |run| first.wrapping_add(run))
}

#[test]
fn the_last_word_is_the_references() {
    for seed in seeds(600) {
        let mut random = Random(seed);
        let case = Case::draw(&mut random);
        let (held, refused) = case.reference();
        let mut words: Option<Vec<Word>> = None;
        for _ in 0..3 {
            let mut fed = Fed::new(&case.settings);
            fed.join(&vec![Beginning; case.log.len()]);
            feed(&mut fed, &case.log, &mut vec![0; case.log.len()], &mut random, u64::MAX);
            fed.finish(false);
            let said = last_words(&fed.out);
            let wrong: Vec<_> =
                held.iter().filter(|(key, held)| said.get(key) != Some(held)).collect();
            let got: Vec<_> =
                said.iter().filter(|(key, said)| held.get(key) != Some(said)).collect();
            assert!(
                wrong.is_empty() && got.is_empty(),
                "seed {seed}: {got:?} in place of {wrong:?}"
            );
            let judged = fed.clock.judged();
            let of = |why| refused.get(why).copied().unwrap_or(0);
            assert_eq!(judged.refused_late, of("late"), "seed {seed}");
            assert_eq!(judged.refused_future, of("future"), "seed {seed}");
            assert_eq!((judged.refused_gone, of("gone")), (0, 0), "seed {seed}");
            if case.settings.late == Late::Drop && !case.settings.updates {
                let known = words.get_or_insert_with(|| fed.out.clone());
                assert_eq!(*known, fed.out, "seed {seed}: every word the same");
                assert!(fed.out.iter().all(|word| word.rev == 0));
            }
        }
    }
}

/// With `--late drop` the runs together say each word once. With `revise` a window that was final when
/// a run was broken off cannot be revised by the next one; what is then said of the others is right.
#[test]
fn broken_off_and_gone_on_with_no_word_changes() {
    let mut resumed = 0;
    for seed in seeds(500) {
        let mut random = Random(seed);
        let case = Case::draw(&mut random);
        let drop = case.settings.late == Late::Drop;
        let mut peace = Fed::new(&case.settings);
        peace.join(&vec![Beginning; case.log.len()]);
        feed(&mut peace, &case.log, &mut vec![0; case.log.len()], &mut random, u64::MAX);
        peace.finish(false);
        let mut fed = Fed::new(&case.settings);
        fed.join(&vec![Beginning; case.log.len()]);
        let (mut out, mut at) = (Vec::new(), vec![0; case.log.len()]);
        let mut steps = random.below(12);
        while !feed(&mut fed, &case.log, &mut at, &mut random, steps) {
            steps += 6;
            fed.finish(true);
            out.append(&mut fed.out);
            let restart = fed.restart.take().expect("the end makes a restart point");
            fed = Fed::new(&case.settings);
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
        let (said, right) = (last_words(&out), last_words(&peace.out));
        if drop {
            assert_eq!(said, right, "seed {seed}: {:?}", case.settings);
            if !case.settings.updates {
                let mut keys: Vec<_> = out.iter().map(|word| (word.series, word.ts_s)).collect();
                keys.sort_unstable();
                assert!(keys.windows(2).all(|two| two[0] != two[1]), "seed {seed}: each once");
            }
        } else {
            for (key, said) in &said {
                let right = &right[key];
                assert!(said.frames <= right.frames && said.late <= right.late, "seed {seed}");
            }
        }
    }
    assert!(resumed > seeds(500).count(), "{resumed}");
}
