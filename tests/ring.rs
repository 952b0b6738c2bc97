//! The ring from outside: against a model, under two threads at full speed, and idle.
//!
//! `HEADCOUNT_RING_ITEMS` sets how many values the stress test sends in all (default 4,000,000),
//! `HEADCOUNT_RING_SEED` replays a run whose seed was printed.

// Real threads have no place in loom's executions; it runs the tests inside the library.
#![cfg(not(feature = "loom"))]

#[path = "ring/idle.rs"]
mod idle;
#[path = "ring/model.rs"]
mod model;
#[path = "ring/pair.rs"]
mod pair;
#[path = "ring/stress.rs"]
mod stress;
