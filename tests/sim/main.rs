//! The whole pipeline on one thread: every stage is stepped in seeded random order, with tiny
//! rings, batches and chunks. Whatever the order and the sizes, the output is byte for byte that of
//! the reference (`pipeline/` says how where windows are revised), every frame is accounted for, and
//! nothing ever locks up.
//!
//! `HEADCOUNT_SEED` replays a run, `HEADCOUNT_RUNS` says how many. A failure prints its seed; with
//! that seed one run is enough.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests an unwrap is the assertion")]

mod crashes;
mod faults;
mod logs;
mod partitions;
mod pipeline;

use headcount::engine::Sizes;
use headcount::scan::ScanSettings;
use headcount::topology::{Topology, Wish};
use pipeline::log::Source;
use pipeline::time::Time;
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

/// A run by the plainest clock drawn at random, and how to see it again.
fn plain(seed: u64, random: &mut Random) -> (Case, String) {
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
        time: Time::plain(random.pick(&[0, 5, 70, 700])),
        with_rejects: random.below(2) == 0,
        settings: ScanSettings { validate: random.below(4) == 0, ..ScanSettings::default() },
    };
    (case, format!("HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1"))
}

/// The same with anything the clock can do, and frames of producers hours apart.
fn draw(seed: u64, random: &mut Random) -> (Case, String) {
    let (case, replay) = plain(seed, random);
    let (mut log, mut time) = (case.log, case.time);
    if random.below(4) > 0 {
        log = logs::with_producers_apart(&log, random);
        time = Time::drawn(random);
    }
    (Case { log, time, ..case }, replay)
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
    for seed in seeds(200) {
        let mut random = Random(seed);
        let (case, replay) = draw(seed, &mut random);
        case.check(&mut random, &replay);
    }
}

/// Seeds that once failed, or that cover what random ones rarely do.
#[test]
fn kept_seeds() {
    // The last two: a counter that finds its way back to the clock full.
    for seed in (0..60).chain([183, 3530]) {
        let mut random = Random(seed);
        let (case, replay) = plain(seed, &mut random);
        case.check(&mut random, &replay);
    }
}

/// What random runs are about does happen in them.
#[test]
fn all_verdicts_are_met() {
    let mut met = [0; 5];
    for seed in 0..100 {
        let mut random = Random(seed);
        let (case, replay) = draw(seed, &mut random);
        let Some(accounts) = case.check(&mut random, &replay) else { continue };
        let by_windows = &accounts.frames.by_windows;
        let refused_somewhere: u64 = by_windows.iter().map(|of| of.refused_late).sum();
        let late: u64 = by_windows.iter().map(|of| of.late).sum();
        let revised = accounts.windows > 0 && late > 0;
        let happened = [
            accounts.frames.refused_future > 0,
            accounts.frames.refused_late > 0,
            refused_somewhere > accounts.frames.refused_late * by_windows.len() as u64,
            revised,
            case.time.says_each_once() && by_windows.len() > 1,
        ];
        met.iter_mut().zip(happened).for_each(|(met, happened)| *met += u32::from(happened));
    }
    assert!(
        met.iter().all(|&runs| runs >= 5),
        "future, late, for some windows only, revised, dropping: {met:?}"
    );
}
