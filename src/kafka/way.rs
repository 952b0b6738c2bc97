//! How results and rejects get to their topics: by a producer, at once; or through the outbox, with the next
//! checkpoint.

use std::io;

use super::producer::Producer;
use crate::output::outbox::{Outbox, To};

/// The way there.
pub enum Way {
    /// Safe once acknowledged.
    Producer(Box<Producer>),
    /// Safe once the checkpoint is committed.
    Outbox(Outbox, To),
}

impl Way {
    /// How many of those given are safe.
    ///
    /// # Errors
    /// One could not be delivered.
    pub fn settled(&mut self) -> io::Result<u64> {
        match self {
            Way::Producer(producer) => producer.delivered(),
            Way::Outbox(outbox, to) => Ok(outbox.settled(*to)),
        }
    }

    /// Whether they are safe with the next checkpoint and not before.
    pub fn goes_with_cuts(&self) -> bool {
        matches!(self, Way::Outbox(..))
    }
}
