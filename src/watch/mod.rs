//! Watching a run: the progress bar on a terminal, and the server of `--http`.
//!
//! Map: [`progress`] the bar · [`server`] connections and their bounds · [`answer`] which address says what,
//! and to whom · [`page`] the live page · [`live`], [`windows`], [`why`], [`metrics`] the answers ·
//! [`seen`], [`partitions`] what they are made from. All of it only reads [`crate::stats`].

pub mod answer;
pub mod live;
pub mod metrics;
pub mod page;
pub mod partitions;
pub mod progress;
pub mod seen;
pub mod server;
pub mod why;
pub mod windows;
