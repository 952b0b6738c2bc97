//! Checkpoints: the format of their segments, and the directory that holds them.
//!
//! A checkpoint is a chain of *segments*. Each holds what was newly counted since the one before: by
//! shard the new users, number to uid; by shard and window the numbers new in it. A window is named
//! by the *serial* of its slot's opening, used once in a chain. A segment also says which serials are
//! kept at its moment, and carries a *note*: the clock, the input's point and whatever else its
//! writer wants back, bytes that nothing here looks into.
//!
//! The state at the chain's end is: by shard each number's uid, of several the last one's; by serial
//! kept in the last segment the union of its numbers; the last segment's note. What else the
//! chain holds is garbage, which merging leaves out.
//!
//! | file | what it owns |
//! | --- | --- |
//! | `sorting` | lists of numbers, sorted |
//! | `ids` | ascending lists of numbers as bits |
//! | `section` | the parts of a segment's bytes: head, sections, end, and their checksums |
//! | `writer`, `reader` | a segment as bytes, and back |
//! | `tail` | a segment's end: what can be known of it without reading all |
//! | `merge` | a run of segments as one stream, each number once |
//! | `manifest` | the list of the segments that count |
//! | `folder` | its files: the lock, how a file becomes durable |
//! | `dir` | the directory: changes all or nothing, when to merge |
//! | `replica` | where a directory is copied to, if that is what counts |
//! | `check` | whether all of it is whole and fits together, without the lock |
//! | `fail` | the points at which a test has it fail or be killed |
//!
//! All of it works on the thread that calls it, one at a time; nothing here knows the engine. The
//! format is written down in docs/checkpoint.md.

pub mod check;
pub mod dir;
pub mod fail;
mod folder;
mod ids;
pub mod manifest;
pub mod merge;
pub mod reader;
pub mod replica;
mod section;
mod sorting;
pub mod tail;
#[cfg(test)]
mod tests;
mod varint;
pub mod writer;

pub use dir::{Dir, Open, Written};
pub use folder::Out;
pub use manifest::{Manifest, SegmentEntry};
pub use merge::{Sink, merge};
pub use reader::{Section, SegmentReader, Users};
pub use replica::Replica;
pub use section::FORMAT;
pub use sorting::Sorting;
pub use tail::{Index, Tail};
pub use writer::SegmentWriter;

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong(&'static str);
