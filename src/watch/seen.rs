//! What the server knows: first nothing but that the program runs; once the run is there, its counters and
//! what it reads. Handlers only read it.

use std::sync::OnceLock;

use super::progress::Extent;
use crate::ring::{Stop, StopReason};
use crate::stats::{Backlog, Live, Reading, Snapshot, Wired, wall_ms};

/// What is read.
#[derive(Clone, Debug)]
pub struct InputSeen {
    /// What it is called: the topic, or the first file and how many more.
    pub name: String,
    /// How much there is.
    pub extent: Extent,
    /// Whether all it will hold is there already.
    pub bounded: bool,
}

/// A run.
pub struct Run {
    /// Its counters.
    pub live: Live,
    /// Whether it is to stop.
    pub stop: Stop,
    /// What it reads.
    pub input: InputSeen,
    /// What that knows of its partitions, if it has any.
    pub backlog: Option<Box<dyn Backlog>>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does not count yet: what is read is looked at, or what an earlier run left is restored.
    Starting,
    /// It counts.
    Running,
    /// It was asked to stop, nobody reads its results any more, or it has failed.
    Stopping,
    /// It is over; the program ends in a moment.
    Done,
}

/// All of it. See the module's header.
pub struct Seen {
    /// When the program started, unix milliseconds.
    pub started_ms: i64,
    run: OnceLock<Run>,
    over: OnceLock<()>,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { started_ms: wall_ms(), run: OnceLock::new(), over: OnceLock::new() }
    }
}

impl Seen {
    /// There is a run now. There is one a program.
    pub fn begin(&self, run: Run) {
        let _ = self.run.set(run);
    }

    /// It is over.
    pub fn end(&self) {
        let _ = self.over.set(());
    }

    /// The run, once there is one.
    pub fn run(&self) -> Option<&Run> {
        self.run.get()
    }

    /// The run as it is wired, once it counts.
    pub fn wired(&self) -> Option<(&Run, &Wired)> {
        let run = self.run()?;
        Some((run, run.live.wired.get()?))
    }

    /// How far it is.
    pub fn state(&self) -> State {
        let is_stopping = self.run().is_some_and(|run| run.stop.reason() != StopReason::Running);
        match () {
            () if self.over.get().is_some() => State::Done,
            () if is_stopping => State::Stopping,
            () if self.wired().is_some() => State::Running,
            () => State::Starting,
        }
    }
}

impl State {
    /// The name in `/live`.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Running => "running",
            State::Stopping => "stopping",
            State::Done => "done",
        }
    }
}

impl Run {
    /// How much was read, in the unit of the extent.
    pub fn done(&self, reading: &Reading) -> u64 {
        let partitions = self.backlog.as_ref().map(|backlog| backlog.partitions());
        self.input.extent.done(reading, partitions.as_deref())
    }

    /// The clock's newest snapshot; an empty one before the first.
    pub fn snapshot(&self) -> Snapshot {
        self.live.watched.as_ref().map(|watched| watched.clock.read()).unwrap_or_default()
    }
}
