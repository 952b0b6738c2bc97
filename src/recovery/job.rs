//! What a run needs to make checkpoints and to go on from one: its part of the engine's job.

use crate::clock::cutting::{ClockCut, CutEvery};
use crate::clock::state::SlotSerial;
use crate::count::Counter;
use crate::count::hash::UidHasher;
use crate::error::Error;
use crate::output::sink::CutKeeper;

/// How checkpoints are made.
pub struct Checkpoints {
    /// Where they are kept.
    pub keeper: Box<dyn CutKeeper>,
    /// How often.
    pub every: CutEvery,
    /// The one that is gone on from.
    pub restored: Option<Restored>,
}

/// What an earlier run has left.
pub struct Restored {
    /// The clock, and how far the log is judged.
    pub clock: ClockCut,
    /// The users.
    pub users: Box<dyn KeptUsers>,
    /// There are as many counters as then, and users keep their numbers.
    pub keeps_numbers: bool,
}

/// The users of a checkpoint.
pub trait KeptUsers: Send {
    /// Puts them into counters, whose windows are open in these slots; under the numbers they had, or
    /// under new ones.
    ///
    /// # Errors
    /// They cannot be read, or there are too many.
    fn put_into(
        &mut self,
        counters: &mut [Counter],
        slots: &[SlotSerial],
        hasher: &UidHasher,
        keeps_numbers: bool,
    ) -> Result<(), Error>;
}
