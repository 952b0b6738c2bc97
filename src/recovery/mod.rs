//! Recovery: what joins a run to its checkpoints, so that a run killed at any instruction and begun
//! again ends with the output of one left in peace.
//!
//! ```text
//!  clock ─ cut ─▶ counters' journals ─┐
//!    └─ state ──────────────────▶ output ──▶ keeper's thread: outputs to disk, then the segment;
//!                                            or both in one transaction
//! ```
//!
//! | what is kept | where from | how it is gone on with |
//! | --- | --- | --- |
//! | the clock: partitions, windows, frames that wait | [`crate::clock::state`] | put back before the first frame |
//! | users and their windows | [`crate::count::journal`] | into new counters ([`users`]) |
//! | how far the input is judged | [`crate::input::Point`] | the rest is claimed, if it is the same input ([`inputs`], [`topic`]) |
//! | how long the outputs are | the sinks | what was written later is cut off, and comes again, if they are the same files ([`written`]); to topics nothing is written but together with the checkpoint |
//! | settings | [`note`] | those an answer depends on must be the same |
//!
//! Invariants:
//! - A checkpoint counts only when all results and rejects before it are on the disk.
//! - What is put out is a function of the log and the settings, so what is cut off comes again as it
//!   was: byte by byte, but for where the wall clock has a say.
//! - The end of a log is output only: a checkpoint keeps windows open and frames waiting, so that the
//!   next run can go on with a log that has grown.
//! - A run with as many counters as the one before goes on with its numbers of users, and appends to the
//!   chain. With others it numbers them anew: its first segment holds them all, in place of the chain.

pub mod inputs;
pub mod job;
pub mod keeper;
pub mod note;
pub mod topic;
pub mod users;
pub mod written;
