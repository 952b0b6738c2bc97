//! The kernels against the oracle, against one another, and against a naive peer: on named edge
//! cases, on generated frames at every alignment and every split, on bytes of no sense at all.
//!
//! `HEADCOUNT_SEED` replays a run, `HEADCOUNT_FRAMES` says how many frames to generate,
//! `HEADCOUNT_TIMES` how many times as many as usual. A failure names the seed of the frame it
//! happened on: with that seed, one frame is enough.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests an unwrap is the assertion")]

mod differential;
mod frames;
mod hostile;
mod judges;
mod page;
mod random;
mod table;
mod table_values;
