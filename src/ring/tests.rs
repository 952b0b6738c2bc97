//! Unit tests of the ring. Miri runs all of them, so counts are small there; the long randomised
//! ones are in `tests/ring.rs`.

mod ends;
mod fill;
mod lifetimes;
mod token_stop;
mod waiting;

use super::{Consumer, Producer, Waker, ring};

/// A ring between two ends on one thread.
fn quiet<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    ring(capacity, Waker::none(), Waker::none())
}
