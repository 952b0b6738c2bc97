//! The tests of checkpoints: lists, segments, the directory, and what fails in it.
//!
//! `HEADCOUNT_SEED` draws other lives of a counter, `HEADCOUNT_RUNS` says how many; a failure names its seed.

mod dir;
#[cfg(debug_assertions)] // there are no fail points without
mod fail;
mod ids;
mod model;
mod segment;

use std::ops::Range;

use tempfile::TempDir;

use super::Dir;
use crate::error::Error;
use model::{Change, Life, State};

/// The seeds of a test of so many runs.
fn seeds(runs: u64) -> Range<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("HEADCOUNT_SEED").unwrap_or(0);
    first..first + number("HEADCOUNT_RUNS").unwrap_or(runs)
}

/// A folder for a test, in memory where there is one: thousands of files are fsynced.
fn room() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// The state that a directory holds, and its note.
fn state_of(dir: &Dir) -> Result<(State, Vec<u8>), Error> {
    let kept = dir.last()?.unwrap_or_default().kept;
    model::state(dir.segments()?, &kept)
}

fn note(change: &Change) -> Vec<u8> {
    change.note.clone()
}

/// The state of a change that holds all.
fn all_of(life: &Life, change: &Change) -> Change {
    Change { new: life.state.clone(), ..change.clone() }
}

/// Every bit of these bytes flipped in turn, and every end cut off: what `found` is to find.
fn each_damage(bytes: &[u8], mut found: impl FnMut(&[u8], &str)) {
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        found(&bytes, &format!("bit {bit}"));
    }
    for end in 0..bytes.len() {
        found(&bytes[..end], &format!("the end cut off at {end}"));
    }
}
