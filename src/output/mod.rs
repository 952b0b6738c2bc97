//! Output: results as lines, rejects, and the stage that puts results together.
//!
//! Results go to stdout or to a file and nothing else does.

pub mod columns;
pub mod cuts;
pub mod lines;
pub mod outbox;
pub mod record;
pub mod reject_lines;
pub mod rejects;
pub mod sink;
pub mod stage;
