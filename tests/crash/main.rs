//! `--checkpoint DIR` over files: a run that is broken off in any way, and started again, ends as one left
//! in peace.
//!
//! The real binary, killed and started again as a user would. Kills come at random moments: `HEADCOUNT_SEED`
//! draws the same logs, settings and moments again, though not where in the run a moment falls;
//! `HEADCOUNT_RUNS` says how many logs, each with five kills in the middle, or signals. No test asserts a time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests an unwrap is the assertion")]

mod changes;
mod damage;
mod disk;
mod grown;
mod harness;
mod inputs;
mod kills;
mod logs;
mod points;
#[path = "../shared/ran.rs"]
mod ran;
mod refused;

use logs::Random;

/// The seeds of so many runs, unless the environment says otherwise.
fn seeds(runs: u64) -> impl Iterator<Item = u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let now = || u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    let first = number("HEADCOUNT_SEED").unwrap_or_else(now);
    let runs = number("HEADCOUNT_RUNS").unwrap_or(runs);
    eprintln!("{runs} runs from HEADCOUNT_SEED={first}");
    (0..runs).map(move |run| first.wrapping_add(run))
}
