//! Checkpoints of topics: however often a run is broken off and in whatever way, a reader of what is
//! committed sees what one run left in peace puts out.
//!
//! The real binary against real brokers, killed and started again by the same command. `HEADCOUNT_SEED`
//! draws the same log and the same moments again, though not where in a run a moment falls;
//! `HEADCOUNT_KILLS` says how many kills there are. No test asserts a time.

mod broker;
mod case;
mod commands;
mod denied;
mod filled;
mod held;
mod kills;
mod log;
mod points;
mod refused;
mod revs;
mod small;
mod trimmed;
mod zombie;

/// How often the run is killed that goes from topic to topic; others are a share of that.
fn kills() -> usize {
    std::env::var("HEADCOUNT_KILLS").map_or(24, |text| text.parse().unwrap())
}
