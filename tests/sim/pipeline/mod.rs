//! One run of the whole pipeline on one thread, and all that must hold of it: the output is byte for
//! byte that of the reference (where windows are revised, that of another machine, and the last word
//! on each window the reference's), every frame is accounted for, and nothing locks up.
//!
//! The simulation draws cases from a seed; the fuzz target `engine` (`fuzz/`) makes them of its bytes.

pub(crate) mod crashing;
pub(crate) mod log;
pub(crate) mod machine;
pub(crate) mod said;
pub(crate) mod time;
pub(crate) mod unit;

use headcount::accounts::{Accounts, Ended};
use headcount::engine::Sizes;
use headcount::error::Error;
use headcount::scan::ScanSettings;
use headcount::topology::{Topology, Wish};

use log::{Expected, Log, Source};
use machine::{Fault, Machine, Ran};
use said::Said;
use time::Time;

/// A small generator of choices (splitmix64, Steele and others 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `n - 1`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A log and all that may not matter to what is counted in it; and what does, its time.
pub(crate) struct Case {
    pub(crate) log: Log,
    pub(crate) source: Source,
    pub(crate) settings: ScanSettings,
    pub(crate) time: Time,
    pub(crate) topology: Topology,
    pub(crate) sizes: Sizes,
    pub(crate) with_rejects: bool,
}

/// What a whole run says, byte for byte, and what it is checked by.
pub(crate) struct Right {
    pub(crate) expected: Expected,
    pub(crate) results: String,
}

impl Case {
    /// What it is, for the message of an assertion.
    pub(crate) fn what(&self, replay: &str) -> String {
        let Case { source, topology, sizes, time, .. } = self;
        format!("{replay}: {source:?}, {topology}, {sizes:?}, {time:?}")
    }

    /// The reference. Where windows have several words, which ones come out is what another machine
    /// says, the plainest there is; their last ones are the reference's.
    pub(crate) fn right(&self, random: &mut Random, what: &str) -> Right {
        let expected = self.log.expected(&self.settings, &self.time);
        let results = if self.time.says_each_once() || expected.wrong_unit.is_some() {
            said::bytes(&expected.replay.words)
        } else {
            let plainest = Case {
                log: self.log.clone(),
                source: Source::Files,
                settings: self.settings.clone(),
                time: self.time.clone(),
                topology: Topology::new(1, &Wish::default()).unwrap(),
                sizes: Sizes::default(),
                with_rejects: false,
            };
            let results = Machine::new(&plainest, None).run(random).unwrap().results;
            let differences = said::differences(&results, &expected.replay.words, false, what);
            assert!(differences.is_empty(), "{what}: {differences:#?}");
            results
        };
        Right { expected, results }
    }

    /// Runs it, the stages in the order the choices give, and asserts; `replay` says how to see a
    /// failure again. Gives the accounts, where they were to be had.
    pub(crate) fn check(&self, random: &mut Random, replay: &str) -> Option<Accounts> {
        let what = self.what(replay);
        let Ran { results, rejects, mut outcome, stopped } = Machine::new(self, None)
            .run(random)
            .unwrap_or_else(|locked| panic!("{what}: {locked}"));
        let right = self.right(random, &what);
        let (accounts, failed) = Accounts::of(&mut outcome, stopped);
        if let Some(unit) = right.expected.wrong_unit {
            assert_eq!(results, "", "{what}");
            let said = failed.map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(&format!("--ts-unit {unit} ")), "{what}: {said}");
            return None;
        }
        assert!(failed.is_none(), "{what}: {failed:?}");
        assert_eq!(accounts.ended, Ended::Done, "{what}");
        assert_eq!(results, right.results, "{what}");
        let Right { expected, .. } = right;
        if self.with_rejects {
            assert_eq!(self.in_order(rejects), self.in_order(expected.rejects), "{what}");
        }
        let frames = &accounts.frames;
        assert_eq!(frames.frames_read, expected.replay.frames, "{what}");
        let refused = |why| expected.replay.refused.get(why).copied().unwrap_or(0);
        let told = [frames.refused_late, frames.refused_future, frames.refused_gone];
        assert_eq!(told, ["late", "future", "gone"].map(refused), "{what}");
        assert_eq!((told[2], frames.parked), (0, 0), "{what}");
        assert_eq!(frames.malformed_by_reason.0, expected.replay.malformed, "{what}");
        assert_eq!(accounts.bytes, self.log.bytes_total(), "{what}");
        Some(accounts)
    }

    /// Rejects come in the order of the log; only a frame that waited comes with the batch that decides.
    pub(crate) fn in_order<R: Ord>(&self, mut rejects: Vec<R>) -> Vec<R> {
        if self.time.clock.agree.is_some() {
            rejects.sort_unstable();
        }
        rejects
    }

    /// The same with a fault: nothing locks up, whatever was put out is the beginning of what a
    /// whole run puts out, and the accounts add up.
    pub(crate) fn check_broken_off(&self, fault: Fault, random: &mut Random, replay: &str) {
        let what = format!("{}, {fault:?}", self.what(replay));
        let ran = Machine::new(self, Some(fault)).run(random);
        let Ran { results, rejects, mut outcome, stopped } =
            ran.unwrap_or_else(|locked| panic!("{what}: {locked}"));
        let right = self.right(random, &what);
        let expected = &right.expected;
        if expected.wrong_unit.is_some() {
            // A run that is broken off early does not know it yet; one that knows puts nothing out.
            return;
        }
        self.is_beginning(&results, &right, &what);
        if matches!(fault, Fault::Gone(_)) {
            // What it counted is gone with it; the engine sees that it panicked.
            return;
        }
        let (accounts, failed) = Accounts::of(&mut outcome, stopped);
        let half_a_line = !results.is_empty() && !results.ends_with('\n');
        let whole = results.lines().count() as u64 - u64::from(half_a_line);
        assert!(accounts.windows <= whole, "{what}: {accounts:?}");
        match fault {
            Fault::Signal(_) | Fault::Closed(_) => assert!(failed.is_none(), "{what}: {failed:?}"),
            Fault::Full(_) | Fault::RejectsFull(_) => {
                assert!(matches!(failed, None | Some(Error::Output { .. })), "{what}: {failed:?}");
            }
            Fault::Shrinks(_) => {
                assert!(matches!(failed, None | Some(Error::Input { .. })), "{what}: {failed:?}");
            }
            Fault::Gone(_) | Fault::Killed(_) => {}
        }
        if accounts.ended == Ended::Done {
            assert_eq!(results, right.results, "{what}");
            assert_eq!(accounts.frames.frames_read, expected.replay.frames, "{what}");
        }
        // A batch is written to its end before another output is seen to have failed.
        let whole = self.in_order(expected.rejects.clone());
        if self.time.clock.agree.is_some() {
            let is_one = |reject| whole.binary_search(reject).is_ok();
            assert!(rejects.iter().all(is_one), "{what}");
        } else {
            assert!(whole.starts_with(&rejects), "{what}");
        }
    }

    /// The beginning of what a whole run puts out. One that is broken off says besides what has become
    /// of windows that were out already, where it had not come to it yet.
    fn is_beginning(&self, results: &str, right: &Right, what: &str) {
        let mut whole = right.results.lines();
        let mut rest = results.split_inclusive('\n').skip_while(|line| {
            let end = whole.next();
            end.is_some_and(|end| *line == format!("{end}\n") || end.starts_with(*line))
        });
        if self.time.says_each_once() {
            let differs = rest.next();
            assert!(differs.is_none(), "{what}: {differs:?}");
            return;
        }
        for line in rest.filter(|line| line.ends_with('\n')) {
            let said = Said::of(line);
            assert!(said.is_on_the_way_to(&right.expected.replay.words), "{what}: {said:?}");
        }
    }
}
