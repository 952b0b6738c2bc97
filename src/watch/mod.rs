//! Watching a run: on a terminal, and by the server of `--http`.
//!
//! Map: [`progress`] progress or status, [`table`] results as a table that changes in place, [`screen`] and
//! [`block`] how they are drawn and how other lines come by · [`server`] connections and their bounds · [`answer`]
//! which address says what, and to whom · [`page`] the live page · [`live`], [`windows`], [`why`], [`metrics`]
//! the answers · [`seen`], [`partitions`] what they are made from. All of it only reads [`crate::stats`].

pub mod answer;
pub mod block;
pub mod live;
pub mod metrics;
pub mod page;
pub mod partitions;
pub mod progress;
pub mod screen;
pub mod seen;
pub mod server;
pub mod table;
pub mod why;
pub mod windows;
