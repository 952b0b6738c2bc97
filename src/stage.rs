//! A stage: a plain struct whose step never waits.
//!
//! A thread steps the stages given to it, and only the thread ever waits (see [`crate::thread`]).
//! So one thread can run them all, and a test can run them in any order. A stage owns its ends of
//! the rings; when it is done it is taken apart, which drops them and so tells its neighbours.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::report::Report;

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something was done; more may be possible at once.
    Worked,
    /// Nothing can be done until a neighbour moves.
    Blocked,
    /// Nothing can be done until a neighbour moves or the input's descriptor is readable.
    BlockedOnInput,
    /// All is done, for good.
    Done,
}

/// A part of the pipeline.
pub trait Stage: Send {
    /// Its name in accounts and plans, like `scan 0`.
    fn name(&self) -> String;

    /// Does a bounded piece of work, or says why not. Never waits for another stage.
    fn step(&mut self) -> Step;

    /// The descriptor to wait on after [`Step::BlockedOnInput`].
    fn input_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// After how long it wants to be stepped again though nothing has moved; none: never.
    fn wake_in(&self) -> Option<Duration> {
        None
    }

    /// Takes the stage apart: its ring ends are dropped, its accounts remain.
    fn finish(self: Box<Self>) -> Report;
}
