//! One check a fuzz target: bytes in, a panic if anything disagrees, `false` if they mean nothing.
//!
//! No check looks for crashes only; each has a second opinion: the oracle, the naive reader, the
//! recount, a model. `tests/corpus.rs` takes this folder in by its path and runs every check on the
//! kept corpus, without a fuzzer; so nothing here may name another crate than those both have.

pub mod engine;
pub mod kernels;
#[cfg(feature = "kafka")]
pub mod records;
pub mod ring;
pub mod scanner;

mod edge;
mod wanted;

#[allow(dead_code, reason = "the tests ask them more")]
#[path = "../../../tests/kernels/judges.rs"]
mod judges;
#[path = "../../../tests/ring/pair.rs"]
mod pair;
#[path = "../../../tests/sim/pipeline/mod.rs"]
mod pipeline;
