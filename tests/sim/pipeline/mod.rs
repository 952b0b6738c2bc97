//! One run of the whole pipeline on one thread, and all that must hold of it: the output is byte for
//! byte that of the recount, every frame is accounted for, and nothing locks up.
//!
//! The simulation draws cases from a seed; the fuzz target `engine` (`fuzz/`) makes them of its bytes.

pub(crate) mod log;
pub(crate) mod machine;
pub(crate) mod unit;

use headcount::accounts::{Accounts, Ended};
use headcount::engine::Sizes;
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

    /// The stages of it, with what goes wrong.
    pub(crate) fn machine(&self, fault: Option<Fault>) -> Machine {
        Machine::new(self, fault)
    }

    /// Runs it, the stages in the order the choices give, and asserts; `replay` says how to see a
    /// failure again.
    pub(crate) fn check(&self, random: &mut Random, replay: &str) {
        let what = self.what(replay);
        let Ran { results, rejects, mut outcome, stopped } =
            self.machine(None).run(random).unwrap_or_else(|locked| panic!("{what}: {locked}"));
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
}
