//! The output's counters: results and checkpoints. Written by the output's thread when it hears that something
//! is safe: rarely.

use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::own::Own;

/// What a watcher sees of the results.
#[derive(Debug, Default)]
pub struct OutputCounters {
    inner: CachePadded<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    safe: Own,
}

impl OutputCounters {
    /// So many results of this run, those that revise others among them, are safe: flushed to their file or
    /// pipe, acknowledged by the brokers, or committed. Owner only.
    pub fn safe(&self, results: u64) {
        self.inner.safe.set(results);
    }

    /// Results that are safe.
    pub fn results(&self) -> u64 {
        self.inner.safe.get()
    }
}

/// What a watcher sees of the checkpoints this run keeps.
#[derive(Debug, Default)]
pub struct CheckpointCounters {
    inner: CachePadded<Checkpoints>,
}

#[derive(Debug, Default)]
struct Checkpoints {
    kept: Own,
    kept_at_ms: Own,
    took_ns: Own,
}

/// A reading of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckpointReading {
    /// Checkpoints kept by this run.
    pub kept: u64,
    /// When the last one was kept, unix milliseconds; none before the first.
    pub kept_at_ms: Option<u64>,
    /// How long it took from when all stages were cut and what comes before it was safe, until it was kept.
    pub took: Option<Duration>,
}

impl CheckpointCounters {
    /// One was kept just now, and took so long. Owner only.
    pub fn kept(&self, took: Duration) {
        let Checkpoints { kept, kept_at_ms, took_ns } = &*self.inner;
        kept_at_ms.set(super::wall_ms().unsigned_abs());
        took_ns.set(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        kept.add(1);
    }

    /// A reading.
    pub fn read(&self) -> CheckpointReading {
        let Checkpoints { kept, kept_at_ms, took_ns } = &*self.inner;
        let kept = kept.get();
        CheckpointReading {
            kept,
            kept_at_ms: (kept > 0).then(|| kept_at_ms.get()),
            took: (kept > 0).then(|| Duration::from_nanos(took_ns.get())),
        }
    }
}
