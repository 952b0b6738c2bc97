//! The count stage alone: nanoseconds a frame and the longest step, from ten thousand users to ten
//! million, three in four frames new in their minute, for several sets of windows.
//!
//! Every window's count is compared with a plain one's first. A figure is of whole runs of several
//! minutes of the log from an empty counter; the time a frame leaves the first two out, in which
//! nearly all users are new, the steps are of all of it. `HEADCOUNT_BENCH_USERS=10000000` (several by
//! commas) takes other numbers of users than those of a plain run, `HEADCOUNT_BENCH_UID_BYTES=36` longer
//! uids. The set of windows is chosen by criterion's filter: `cargo bench --bench count -- 'all six'`.
//! `HEADCOUNT_BENCH_ONCE='all six'` counts once in place of criterion, says what memory that took, and
//! is what callgrind is given. `HEADCOUNT_BENCH_PAUSE=1000000` says how long a cut stops a counter
//! (`pause.rs`).
//!
//! As a test (`cargo test --benches`, `cargo bench -- --test`) it counts a thousand users once.

// criterion's macros make undocumented items.
#![allow(missing_docs)]
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench prints and may stop")]

#[path = "../shared/anonymous.rs"]
mod anonymous;
mod drive;
mod pause;
mod plain;
#[path = "../shared/random.rs"]
mod random;
mod stream;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use drive::Run;
use stream::Workload;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Minutes of the log in a run, and those of them that are warm-up.
const MINUTES: u64 = 6;
const WARM_MINUTES: u64 = 2;

/// Cuts of a run that measures pauses.
const CUTS: usize = 200;

/// Counts once and compares every window.
fn check(workload: &Workload) -> Run {
    let run = drive::run(workload, MINUTES, WARM_MINUTES);
    assert_eq!(run.counts, workload.plain_counts(run.frames), "{workload:?}");
    run
}

/// Numbers of users, and whether it is only a test.
fn wanted() -> (Vec<u64>, bool) {
    // As criterion decides it: cargo gives `--bench` when it is to be measured.
    let testing =
        std::env::args().any(|arg| arg == "--test") || std::env::args().all(|arg| arg != "--bench");
    let users = std::env::var("HEADCOUNT_BENCH_USERS").ok().map_or_else(
        || if testing { vec![1000] } else { vec![10_000, 100_000, 1_000_000] },
        |users| users.split(',').map(|n| n.parse().expect("a number of users")).collect(),
    );
    (users, testing)
}

fn say(workload: &Workload, run: &Run) {
    println!(
        "{}, {} users: {:.1} ns a frame; {} steps, longest {:.3} ms, 99.9 % within {:.3} ms; {:.1} bytes a user",
        workload.windows.name,
        workload.users,
        run.ns_a_frame(),
        run.steps_ns.len(),
        run.step_ms(1000),
        run.step_ms(999),
        run.anonymous_bytes as f64 / workload.users as f64,
    );
}

fn main() {
    // As the program does.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let (sizes, testing) = wanted();
    let uid_bytes = std::env::var("HEADCOUNT_BENCH_UID_BYTES")
        .map_or(14, |bytes| bytes.parse().expect("a number of bytes"));
    if let Ok(name) = std::env::var("HEADCOUNT_BENCH_ONCE") {
        let windows = plain::ALL.into_iter().find(|windows| windows.name == name);
        for users in sizes {
            let windows = windows.expect("the name of a set of windows");
            let workload = Workload { windows, users, uid_bytes };
            let run = check(&workload);
            say(&workload, &run);
        }
        return;
    }
    if let Ok(users) = std::env::var("HEADCOUNT_BENCH_PAUSE") {
        return pause::run(users.parse().expect("a number of users"), CUTS);
    }
    if testing {
        pause::run(1000, 3);
    }
    let mut criterion = Criterion::default().configure_from_args();
    for windows in plain::ALL {
        let mut group = criterion.benchmark_group(format!("count, {}", windows.name));
        for &users in &sizes {
            let workload = Workload { windows, users, uid_bytes };
            check(&workload);
            let mut worst_ms = (0f64, 0f64);
            group.throughput(Throughput::Elements(1));
            // A run gives one figure; a sample is one run.
            group.sample_size(10).warm_up_time(Duration::from_nanos(1));
            group.measurement_time(Duration::from_nanos(1));
            group.bench_function(BenchmarkId::from_parameter(users), |bencher| {
                bencher.iter_custom(|frames| {
                    let run = drive::run(&workload, MINUTES, WARM_MINUTES);
                    worst_ms =
                        (worst_ms.0.max(run.step_ms(1000)), worst_ms.1.max(run.step_ms(999)));
                    if !testing {
                        say(&workload, &run);
                    }
                    Duration::from_secs_f64(run.ns_a_frame() * frames as f64 / 1e9)
                });
            });
            if !testing {
                println!(
                    "{}, {users} users: of all runs the longest step {:.3} ms, 99.9 % within {:.3} ms",
                    windows.name, worst_ms.0, worst_ms.1
                );
            }
        }
        group.finish();
    }
    criterion.final_summary();
}
