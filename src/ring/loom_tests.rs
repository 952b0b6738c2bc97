//! The ring under loom: every interleaving of small programs, and every value a load may return.
//!
//! loom sees a missing hand-over of a slot (its log of accesses, `sync.rs`), a lost wake-up (a deadlock),
//! a value dropped twice or leaked (values are loom's Arcs). Its holes: no more than three threads
//! and a few values, and preemptions are bounded where the state space explodes. For a deep run
//! LOOM_MAX_PREEMPTIONS overrides the bound, and LOOM_MAX_DURATION (seconds) ends each test's search.

mod handover;
mod waking;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use loom::sync::Arc;

/// Checks every execution of `program` with at most `preemptions` forced switches of thread, and
/// says how many there were.
fn check(preemptions: usize, program: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    let preemptions = *model.preemption_bound.get_or_insert(preemptions);
    // How often loom looks at the time.
    model.checkpoint_interval = 1000;
    let duration_max = model.max_duration.unwrap_or(Duration::MAX);
    let executions = std::sync::Arc::new(AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&executions);
    let started = Instant::now();
    model.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        program();
    });
    eprintln!(
        "loom: {} executions, {preemptions} preemptions at most, {}: {}",
        executions.load(Ordering::Relaxed),
        if started.elapsed() < duration_max { "all there are" } else { "as far as the time went" },
        std::thread::current().name().unwrap_or_default(),
    );
}

/// A value whose leak or double drop loom reports.
type Value = Arc<usize>;

fn value(n: usize) -> Value {
    Arc::new(n)
}
