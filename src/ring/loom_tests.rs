//! The ring under loom: every interleaving of small programs, and every value a load may return.
//!
//! loom sees a missing hand-over of a slot (its log of accesses, `sync.rs`), a lost wake-up (a deadlock),
//! a value dropped twice or leaked (values are loom's Arcs). Its holes: no more than three threads
//! and a few values, and preemptions are bounded where the state space explodes; the environment
//! variable LOOM_MAX_PREEMPTIONS overrides the bound for a deep run.

mod handover;
mod waking;

use loom::sync::Arc;

/// Checks every execution of `program` with at most `preemptions` forced switches of thread.
fn check(preemptions: usize, program: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(preemptions));
    model.check(program);
}

/// A value whose leak or double drop loom reports.
type Value = Arc<usize>;

fn value(n: usize) -> Value {
    Arc::new(n)
}
