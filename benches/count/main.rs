//! The count stage alone: nanoseconds a frame and the longest step, from ten thousand users to ten
//! million, three in four frames new in their minute.
//!
//! Every window's count is compared with a plain set's first. A figure is of whole runs of several
//! minutes of the log from an empty counter; the time a frame leaves the first two out, in which
//! nearly all users are new, the steps are of all of it. `HEADCOUNT_BENCH_USERS=10000000` (several by
//! commas) takes other numbers of users than the three of a plain run.
//!
//! As a test (`cargo test --benches`, `cargo bench -- --test`) it counts a thousand users once.

// criterion's macros make undocumented items.
#![allow(missing_docs)]
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench prints and may stop")]

mod drive;
mod stream;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use drive::Counting;
use headcount::batch::Batch;
use headcount::clock::ClockSettings;
use headcount::clock::verdict::Slot;
use headcount::count::Counter;
use stream::Stream;

/// Minutes of the log in a run, and those of them that are warm-up.
const MINUTES: u64 = 6;
const WARM_MINUTES: u64 = 2;

struct Real(Counter);

impl Real {
    fn new() -> Real {
        Real(Counter::new(ClockSettings::plain().windows_open_max()))
    }
}

impl Counting for Real {
    fn open(&mut self, slot: Slot) {
        self.0.open(slot);
    }

    fn users_in(&self, slot: Slot) -> u64 {
        self.0.users_in(slot)
    }

    fn free(&mut self, slot: Slot) {
        self.0.free(slot);
    }

    fn count(&mut self, batch: &Batch, places: &[u16]) -> usize {
        self.0.count(batch, places).expect("users enough for no test")
    }
}

/// Counts once and compares every window that is over.
fn check(users: u64) {
    let lag_s = ClockSettings::plain().max_lag_s;
    let frames = Stream::new(users, &ClockSettings::plain()).frames_in(MINUTES);
    let expected = Stream::plain_counts(users, frames, i64::from(lag_s));
    let run = drive::run(&mut Real::new(), users, MINUTES, WARM_MINUTES);
    assert_eq!(expected.len() as u64, MINUTES - 1);
    assert_eq!(run.counts[..expected.len()], expected, "{users} users");
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

fn main() {
    let (sizes, testing) = wanted();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("count");
    for users in sizes {
        check(users);
        let mut worst_ms = (0f64, 0f64);
        group.throughput(Throughput::Elements(1));
        // A run gives one figure; a sample is one run.
        group.sample_size(10).warm_up_time(Duration::from_nanos(1));
        group.measurement_time(Duration::from_nanos(1));
        group.bench_function(BenchmarkId::from_parameter(users), |bencher| {
            bencher.iter_custom(|frames| {
                let run = drive::run(&mut Real::new(), users, MINUTES, WARM_MINUTES);
                worst_ms = (worst_ms.0.max(run.step_ms(1000)), worst_ms.1.max(run.step_ms(999)));
                if !testing {
                    println!(
                        "{users} users: {:.1} ns a frame; {} steps, longest {:.3} ms, 99.9 % within {:.3} ms",
                        run.ns_a_frame(),
                        run.steps_ns.len(),
                        run.step_ms(1000),
                        run.step_ms(999),
                    );
                }
                Duration::from_secs_f64(run.ns_a_frame() * frames as f64 / 1e9)
            });
        });
        if !testing {
            println!(
                "{users} users: of all runs the longest step {:.3} ms, 99.9 % within {:.3} ms",
                worst_ms.0, worst_ms.1
            );
        }
    }
    group.finish();
    criterion.final_summary();
}
