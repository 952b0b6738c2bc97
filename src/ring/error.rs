//! Why an end of a ring could not do what it was asked: nothing here is a failure of the program.

use std::fmt;

/// Why a value was not pushed. It comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError<T> {
    /// Every slot is taken: back-pressure.
    #[error("the ring is full")]
    Full(T),
    /// The consumer is gone: nobody will ever take it.
    #[error("the consumer of the ring is gone")]
    HungUp(T),
}

impl<T> PushError<T> {
    /// The value that was not pushed.
    pub fn into_inner(self) -> T {
        match self {
            PushError::Full(value) | PushError::HungUp(value) => value,
        }
    }
}

// By hand: a batch need not be Debug for its ring to be used with `expect`.
impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PushError::Full(_) => "Full(..)",
            PushError::HungUp(_) => "HungUp(..)",
        })
    }
}

/// Why no slot could be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// Every slot is taken: back-pressure.
    #[error("the ring is full")]
    Full,
    /// The consumer is gone.
    #[error("the consumer of the ring is gone")]
    HungUp,
}

/// Why there is nothing to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PopError {
    /// Nothing now; more may come.
    #[error("the ring is empty")]
    Empty,
    /// The producer is gone and everything it published was taken: nothing will ever come.
    #[error("the ring has ended")]
    Ended,
}
