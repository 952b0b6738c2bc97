//! headcount counts exactly how many different users a log of JSON frames holds per window.
//!
//! ```text
//!               ┌────────────── empty batches come back ──────────────┐
//!  input  ──▶  scan  ──▶  clock  ──▶  count  ──▶  output
//!  files,       N scanners   which windows   M counters,   lines,
//!  stdin, topic (ts, uid)    each frame is in  by uid      topic, rejects
//! ```
//!
//! Data flows one way. Each stage is a plain struct whose step never waits ([`stage`]); a thread
//! steps the stages given to it ([`thread`]) and the topology says which ([`topology`]). Stages are
//! joined by bounded single-producer single-consumer rings ([`ring`]) that carry batches of
//! columns ([`batch`]); a full ring holds the stages before it back, up to the input.
//!
//! | thread | owns |
//! | --- | --- |
//! | of a scanner | its read buffer, its window of a file, its scanner, the batch it fills |
//! | of the clock | the clock, the list of open windows, every batch from merge to return |
//! | of a counter | its shard's users and window slots |
//! | of the output | the results being put together, the sink |
//! | of checkpoints, where they are made | the directory they lie in |
//! | of the server, with `--http` | its connections; of the run it only reads |
//!
//! Invariants:
//! - Only `input`, `output`, `kafka`, `checkpoint`, `recovery`, `watch`, `verify`, `generate`, `commands`,
//!   `config`, `log` and `accounts` (the process's own figures) do I/O; besides them the ring's sleep and the threads' signals.
//! - Every mutable thing has one owning thread, or is under the token of the claims. Locks stand only where
//!   threads meet that rarely do, and are held for a copy in memory or one write to the terminal: what is
//!   read by whoever watches (the newest results and the clock's snapshot in [`stats`], the positions of a
//!   topic's partitions in `kafka`), the table and what else is drawn on the terminal ([`watch`]), results
//!   that go with a checkpoint (`output/outbox.rs`), and whom a stop wakes ([`ring`]). Atomic types
//!   come only through [`ring::sync`]: rings, parkers, the count of claims, the stop flag, the flags
//!   that ask for hints on the unit and say that a cut is on its way, the counters of [`stats`]. The one exception is the table in
//!   which the handler of SIGBUS finds a mapped file (`input/mapped.rs`).
//! - Unsafe code stands only in [`ring`], in the kernels of [`scan`] (instructions asked for at run
//!   time), for mapped files ([`input`]), in `kafka` (its C interface), and in the hint to
//!   fetch a cache line (`prefetch`).
//! - What comes out is a function of the log and the settings: not of threads, chunks, batches,
//!   rings, the order in which stages are stepped, or where a run was killed and gone on with. `tests/sim` holds us to it.
//! - Nothing of ours allocates once running, unless users or windows exceed any earlier maximum;
//!   `tests/memory.rs` holds us to it. Payloads held for rejects, what goes into checkpoints, and
//!   where somebody watches, a copy of each result and the answers are the exceptions.
//! - Reaching a bound of [`limits`] is a loud error or an account, never a smaller count.
//!
//! The map, in the order of the data: [`cli`] and [`config`] say what is wanted, [`commands`] does
//! it; [`engine`] allocates, wires and starts; [`input`] reads and cuts frames, `kafka` is another
//! input and output; [`scan`] finds time
//! and user; [`clock`] judges; [`count`] counts; [`output`] writes; [`accounts`] adds up what became
//! of every frame; [`recovery`] has a run gone on with from its last [`checkpoint`]; [`watch`] shows a run while it goes on, and [`mod@log`] says what it has to say besides. [`verify`] is the definition of right;
//! [`generate`] makes sample streams.

pub mod accounts;
pub mod batch;
pub mod checkpoint;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod count;
pub mod engine;
pub mod error;
pub mod generate;
pub mod input;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod limits;
pub mod log;
pub mod needs;
pub mod output;
mod prefetch;
pub mod recovery;
pub mod report;
pub mod ring;
pub mod scan;
pub mod stage;
pub mod stats;
pub mod thread;
pub mod topology;
pub mod verify;
pub mod watch;
