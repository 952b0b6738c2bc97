//! What a run needs to make checkpoints and to go on from one: its part of the engine's job.

use std::time::Duration;

use crate::clock::cutting::ClockCut;
use crate::clock::state::SlotSerial;
use crate::count::Counter;
use crate::count::hash::UidHasher;
use crate::error::Error;
use crate::output::sink::CutKeeper;

/// How checkpoints are made.
pub struct Checkpoints {
    /// Where they are kept.
    pub keeper: Box<dyn CutKeeper>,
    /// How long after the last one the next is begun, at least.
    pub every: Duration,
    /// The one that is gone on from.
    pub restored: Option<Restored>,
}

/// What an earlier run has left.
pub struct Restored {
    /// The clock, and how far the log is judged.
    pub clock: ClockCut,
    /// The users.
    pub users: Box<dyn KeptUsers>,
}

/// The users of a checkpoint.
pub trait KeptUsers: Send {
    /// Puts them into counters, whose windows are open in these slots.
    ///
    /// # Errors
    /// They cannot be read, or there are too many.
    fn put_into(
        &mut self,
        counters: &mut [Counter],
        slots: &[SlotSerial],
        hasher: &UidHasher,
    ) -> Result<(), Error>;
}
