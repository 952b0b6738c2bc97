//! The server of `--http`, asked from outside while a real run of the program goes on over a pipe or a file:
//! what it says, to whom, and that nobody who asks can hold the run up. On a real broker: `tests/kafka`.
//!
//! Nothing here depends on how long anything takes: what is to come is waited for.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is the assertion")]
#![allow(clippy::panic, reason = "in tests a panic is the assertion")]

mod answers;
mod clients;
#[path = "../shared/exposition.rs"]
mod exposition;
#[path = "../shared/http.rs"]
mod http;
#[path = "../shared/ran.rs"]
mod ran;
#[path = "../shared/schema.rs"]
mod schema;
mod starting;
mod watched;
mod why;
