//! The ring: how one stage hands values to the next.
//!
//! A bounded queue for exactly one producer and one consumer, each the only owner of its end, so
//! neither ever competes with its like. Nothing here waits: a full or empty ring is an answer, and
//! what a thread does about it is the business of [`wait`], the only place that waits.
//!
//! ```text
//!   Producer ──▶ [ slot | slot | slot | slot ] ──▶ Consumer
//!    owns tail     head … tail is readable          owns head
//!    remembers the head it last saw                 remembers the tail it last saw
//! ```
//!
//! Invariants
//! - `head <= tail <= head + capacity`. The slots of `head..tail` are initialised and the
//!   consumer's; all others are the producer's. Storing an index with Release hands slots over,
//!   loading it with Acquire takes them.
//! - Only the producer stores the tail, only the consumer the head; each word also carries the bit
//!   that says its owner is gone (`shared.rs`), so "empty" and "ended" are read in one load.
//! - After each hand-over the peer's [`Waker`] is told; that costs a fence and a load while the
//!   peer is awake. Batches ([`Producer::reserve`], [`Consumer::release`]) pay it once.
//! - Nothing is allocated after [`ring`].
//!
//! Where ideas come from: the cached peer index, commit of several slots at once and the value that
//! comes back in the error are those of the `rtrb` crate (which names `FastForward`/`MCRingBuffer`
//! before it); the padding and the swap of core's atomics for loom's are crossbeam's habit.
//!
//! Left out on purpose: many producers or consumers (the topology needs none), growing, and waiting
//! in `push` or `pop` (it would ignore the wait policy).
//!
//! Map: `shared` indexes and slots · `producer`, `reservation`, `consumer` the ends, `end` what
//! both have, `fill` what a watcher sees · [`sync`] core or
//! loom · [`wait`] policies, parker · `token` a claim that is tried · `stop` why the run stops.

mod consumer;
mod end;
mod error;
mod fill;
mod producer;
mod reservation;
mod shared;
mod stop;
pub mod sync;
mod token;
pub mod wait;

#[cfg(all(test, feature = "loom"))]
mod loom_tests;
#[cfg(all(test, not(feature = "loom")))]
mod tests;

pub use consumer::Consumer;
pub use error::{PopError, PushError, ReserveError};
pub use fill::Fill;
pub use producer::Producer;
pub use reservation::Reservation;
pub use stop::{Stop, StopReason};
pub use token::{Guard, Token};
pub use wait::{Parker, WaitPolicy, Waiter, Waker};

/// Makes a ring of `capacity` slots and gives out its two ends.
///
/// `wake_producer` is told when slots come free or the consumer goes, `wake_consumer` when values
/// arrive or the producer goes. Ends that live on one thread take [`Waker::none`].
///
/// Values still in the ring are dropped when the second of its ends is.
///
/// # Panics
///
/// Where `capacity` is 0.
#[must_use]
pub fn ring<T>(
    capacity: usize,
    wake_producer: Waker,
    wake_consumer: Waker,
) -> (Producer<T>, Consumer<T>) {
    let shared = sync::Arc::new(shared::Shared::new(capacity));
    let producer = Producer::new(end::End::new(sync::Arc::clone(&shared), wake_consumer));
    (producer, Consumer::new(end::End::new(shared, wake_producer)))
}
