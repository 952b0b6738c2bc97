//! Watching a run: the progress bar on a terminal.

pub mod progress;
