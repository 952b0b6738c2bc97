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
mod formats;
mod grown;
mod harness;
mod inputs;
mod kills;
mod logs;
mod points;
#[path = "../shared/ran.rs"]
mod ran;
#[path = "../shared/random.rs"]
mod random;
mod refused;

use random::{Random, seeds};
