//! The whole pipeline on one thread: every stage is stepped in seeded random order, with tiny
//! rings, batches and chunks. Whatever the order and the sizes, the output is byte for byte that of
//! the recount, every frame is accounted for, and nothing ever locks up.
//!
//! `HEADCOUNT_SEED` replays a run, `HEADCOUNT_RUNS` says how many. A failure prints its seed; with
//! that seed one run is enough.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests an unwrap is the assertion")]

mod faults;
mod logs;
mod partitions;
mod pipeline;

use headcount::engine::Sizes;
use headcount::scan::ScanSettings;
use headcount::topology::{Topology, Wish};
use pipeline::log::Source;
use pipeline::{Case, Random};

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn sizes(random: &mut Random) -> Sizes {
    let batches = random.pick(&[1, 2, 3, 8]);
    Sizes {
        window_bytes: random.pick(&[0, 1, 100_000, 1 << 20]),
        chunk_bytes: random.pick(&[1, 7, 100, 999, 4096, 1 << 20]),
        batch_frames: random.pick(&[1, 2, 5, 64, 4096]),
        batch_uid_bytes: random.pick(&[1, 100, 2000, 256 * 1024]),
        batches,
        batch_ring_slots: random.pick(&[1, 2, 8]),
        result_ring_slots: random.pick(&[1, 2, 1024]),
        memory_bytes: u64::MAX,
    }
}

/// A run drawn at random, and how to see it again.
fn draw(seed: u64, random: &mut Random) -> (Case, String) {
    let log = logs::generated(random);
    let source = random.pick(&Source::ALL);
    let threads = Wish {
        scanners: Some(1 + random.below(4)),
        counters: Some(1 + random.below(4)),
        pin: false,
    };
    let case = Case {
        log,
        source,
        topology: Topology::new(1 + random.below(6), &threads).unwrap(),
        sizes: sizes(random),
        max_lag_s: random.pick(&[0, 5, 70, 700]),
        with_rejects: random.below(2) == 0,
        settings: ScanSettings { validate: random.below(4) == 0, ..ScanSettings::default() },
    };
    (case, format!("HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1"))
}

fn one(seed: u64) {
    let mut random = Random(seed);
    let (case, replay) = draw(seed, &mut random);
    case.check(&mut random, &replay);
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
    // The last two: a counter that finds its way back to the clock full.
    for seed in (0..60).chain([183, 3530]) {
        one(seed);
    }
}
