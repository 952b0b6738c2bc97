//! One run of the whole pipeline on one thread, and all that must hold of it: the output is byte for
//! byte that of the recount, every frame is accounted for, and nothing locks up.
//!
//! The simulation draws cases from a seed; the fuzz target `engine` (`fuzz/`) makes them of its bytes.

pub(crate) mod log;
pub(crate) mod machine;
pub(crate) mod unit;

use headcount::accounts::{Accounts, Ended};
use headcount::engine::Sizes;
use headcount::error::Error;
use headcount::scan::ScanSettings;
use headcount::topology::Topology;

use log::{Log, Source};
use machine::{Fault, Machine, Ran};

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

/// A log and all that may not matter to what is counted in it.
pub(crate) struct Case {
    pub(crate) log: Log,
    pub(crate) source: Source,
    pub(crate) settings: ScanSettings,
    pub(crate) max_lag_s: u32,
    pub(crate) topology: Topology,
    pub(crate) sizes: Sizes,
    pub(crate) with_rejects: bool,
}

impl Case {
    /// What it is, for the message of an assertion.
    pub(crate) fn what(&self, replay: &str) -> String {
        let Case { source, topology, sizes, max_lag_s, .. } = self;
        format!("{replay}: {source:?}, {topology}, {sizes:?}, lag {max_lag_s}")
    }

    /// Runs it, the stages in the order the choices give, and asserts; `replay` says how to see a
    /// failure again.
    pub(crate) fn check(&self, random: &mut Random, replay: &str) {
        let what = self.what(replay);
        let Ran { results, rejects, mut outcome, stopped } = Machine::new(self, None)
            .run(random)
            .unwrap_or_else(|locked| panic!("{what}: {locked}"));
        let expected = self.log.expected(&self.settings, self.max_lag_s);
        let (accounts, failed) = Accounts::of(&mut outcome, stopped);
        if let Some(unit) = expected.wrong_unit {
            assert_eq!(results, "", "{what}");
            let said = failed.map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(&format!("--ts-unit {unit} ")), "{what}: {said}");
            return;
        }
        assert!(failed.is_none(), "{what}: {failed:?}");
        assert_eq!(accounts.ended, Ended::Done, "{what}");
        assert_eq!(results, expected.results, "{what}");
        if self.with_rejects {
            assert_eq!(rejects, expected.rejects, "{what}");
        }
        assert_eq!(accounts.frames.frames_read, expected.frames, "{what}");
        assert_eq!(accounts.frames.refused_late, expected.late, "{what}");
        assert_eq!(accounts.frames.malformed_by_reason.0, expected.malformed, "{what}");
        assert_eq!(accounts.bytes, self.log.bytes_total(), "{what}");
    }

    /// The same with a fault: nothing locks up, whatever was put out is the beginning of what a
    /// whole run puts out, and the accounts add up.
    pub(crate) fn check_broken_off(&self, fault: Fault, random: &mut Random, replay: &str) {
        let what = format!("{}, {fault:?}", self.what(replay));
        let ran = Machine::new(self, Some(fault)).run(random);
        let Ran { results, rejects, mut outcome, stopped } =
            ran.unwrap_or_else(|locked| panic!("{what}: {locked}"));
        let expected = self.log.expected(&self.settings, self.max_lag_s);
        if expected.wrong_unit.is_some() {
            // A run that is broken off early does not know it yet; one that knows puts nothing out.
            return;
        }
        let differs =
            expected.results.lines().zip(results.lines()).find(|(right, line)| right != line);
        assert!(expected.results.starts_with(&results), "{what}: {differs:?}");
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
            Fault::Gone(_) => {}
        }
        if accounts.ended == Ended::Done {
            assert_eq!(results, expected.results, "{what}");
            assert_eq!(accounts.frames.frames_read, expected.frames, "{what}");
        }
        // A batch is written to its end before another output is seen to have failed.
        assert!(expected.rejects.starts_with(&rejects), "{what}");
    }
}
