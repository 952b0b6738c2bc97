//! The real binary, run as a user runs it: its arguments, its files and pipes, what it prints where,
//! and how it ends. What the parts compute is tested beside them; here only the whole counts.
//!
//! Deadlines only catch what hangs; nothing here depends on how long anything takes. What the
//! machine does not allow (mounting, another user) is left out with a line that says so.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is the assertion")]
#![allow(clippy::panic, reason = "in tests a panic is the assertion")]

mod agree;
mod awkward;
mod broken;
mod calendar;
mod changing;
mod checkpoint;
mod commands;
mod config;
mod count;
mod disk;
mod ends;
mod follow;
mod frames;
mod harness;
mod inputs;
mod large;
mod live;
mod log;
#[path = "../shared/ran.rs"]
mod ran;
mod rejects;
mod signals;
mod terminal;
mod time;
mod verify;
