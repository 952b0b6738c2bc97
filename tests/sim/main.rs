//! The whole pipeline on one thread: every stage is stepped in seeded random order, with tiny
//! rings, batches and chunks. Whatever the order and the sizes, the output is byte for byte that of
//! the recount, every frame is accounted for, and nothing ever locks up.
//!
//! `HEADCOUNT_SEED` replays a run, `HEADCOUNT_RUNS` says how many. A failure prints its seed; with
//! that seed one run is enough.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests an unwrap is the assertion")]

mod faults;
mod log;
mod machine;

use headcount::accounts::{Accounts, Ended};
use headcount::engine::Sizes;
use headcount::scan::ScanSettings;
use headcount::topology::{Topology, Wish};
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

pub(crate) fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn sizes(random: &mut Random) -> Sizes {
    let batches = random.pick(&[1, 2, 3, 8]);
    Sizes {
        chunk_bytes: random.pick(&[1, 7, 100, 999, 4096, 1 << 20]),
        batch_frames: random.pick(&[1, 2, 5, 64, 4096]),
        batch_uid_bytes: random.pick(&[1, 100, 2000, 256 * 1024]),
        batches,
        batch_ring_slots: random.pick(&[1, 2, 8]),
        result_ring_slots: random.pick(&[1, 2, 1024]),
    }
}

/// A run drawn at random.
struct Drawn {
    what: String,
    log: Log,
    settings: ScanSettings,
    wish: machine::Wish,
    machine: Machine,
}

fn draw(seed: u64, random: &mut Random, fault: Option<Fault>) -> Drawn {
    let log = Log::new(random);
    let source = random.pick(&Source::ALL);
    let threads = Wish {
        scanners: Some(1 + random.below(4)),
        counters: Some(1 + random.below(4)),
        pin: false,
    };
    let topology = Topology::new(1 + random.below(6), &threads).unwrap();
    let sizes = sizes(random);
    let max_lag_s = random.pick(&[0, 5, 70, 700]);
    let with_rejects = random.below(2) == 0;
    let settings = ScanSettings { validate: random.below(4) == 0, ..ScanSettings::default() };
    let wish = machine::Wish { max_lag_s, with_rejects, fault };
    let what = format!(
        "HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1: {source:?}, {topology}, {sizes:?}, {wish:?}"
    );
    let machine = Machine::new(&log, source, &settings, &topology, sizes, wish);
    Drawn { what, log, settings, wish, machine }
}

fn one(seed: u64) {
    let mut random = Random(seed);
    let Drawn { what, log, settings, wish, machine } = draw(seed, &mut random, None);
    let Ran { results, rejects, mut outcome, stopped } =
        machine.run(&mut random).unwrap_or_else(|locked| panic!("{what}: {locked}"));
    let expected = log.expected(&settings, wish.max_lag_s);
    assert_eq!(results, expected.results, "{what}");
    if wish.with_rejects {
        assert_eq!(rejects, expected.rejects, "{what}");
    }
    let (accounts, failed) = Accounts::of(&mut outcome, stopped);
    assert!(failed.is_none(), "{what}: {failed:?}");
    assert_eq!(accounts.ended, Ended::Done, "{what}");
    assert_eq!(accounts.frames.frames_read, expected.frames, "{what}");
    assert_eq!(accounts.frames.refused_late, expected.late, "{what}");
    assert_eq!(accounts.frames.malformed_by_reason.0, expected.malformed, "{what}");
    assert_eq!(accounts.bytes, log.bytes_total(), "{what}");
}

/// The seeds of so many runs, unless the environment says otherwise.
fn seeds(runs: u64) -> impl Iterator<Item = u64> {
    let first = env("HEADCOUNT_SEED").unwrap_or_else(|| {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap();
        u64::from(since.subsec_nanos()) << 32 | since.as_secs() & 0xffff_ffff
    });
    let runs = env("HEADCOUNT_RUNS").unwrap_or(runs);
    eprintln!("{runs} runs from HEADCOUNT_SEED={first}");
    (0..runs).map(move |run| first.wrapping_add(run))
}

#[test]
fn any_order_any_sizes_same_answer() {
    seeds(400).for_each(one);
}

/// Seeds that once failed, or that cover what random ones rarely do.
#[test]
fn kept_seeds() {
    for seed in 0..60 {
        one(seed);
    }
}
