//! Watching a run on a terminal: progress or status, results as a table that changes in place, and how
//! other lines come by.

pub mod block;
pub mod progress;
pub mod screen;
pub mod table;
