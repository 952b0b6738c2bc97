//! Sinks: where results end up.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::lines::{Format, LineWriter};
use super::record::WindowResult;
use crate::clock::cutting::ClockCut;
use crate::clock::restart::Restart;
use crate::count::journal::ShardCut;
use crate::error::Error;

/// Takes results, in order.
pub trait ResultSink: Send {
    /// Its name in messages.
    fn name(&self) -> &str;
    /// Takes one.
    fn put(&mut self, result: &WindowResult) -> io::Result<()>;
    /// Sends everything taken so far on its way.
    fn flush(&mut self) -> io::Result<()>;
    /// How many of the results taken are safe where they went. Not all are at once where another
    /// machine has to say so.
    fn settled(&mut self) -> io::Result<u64>;
    /// Where it has a length, what that is after all results taken, bytes.
    fn length(&self) -> Option<u64> {
        None
    }
    /// Whether results are safe with the next checkpoint and not before.
    fn goes_with_cuts(&self) -> bool {
        false
    }
}

/// Keeps restart points where another run finds them.
pub trait RestartKeeper: Send {
    /// Its name in messages.
    fn name(&self) -> &str;
    /// Sends a restart point on its way; the newest is the one that counts.
    fn keep(&mut self, restart: &Restart) -> io::Result<()>;
    /// Whether none is on its way any more.
    fn is_kept(&mut self) -> io::Result<bool>;
}

/// Keeps checkpoints where another run finds them.
pub trait CutKeeper: Send {
    /// Its name in messages.
    fn name(&self) -> &str;
    /// Sends a cut on its way. All before it is where it should be, but perhaps not on the disk.
    fn keep(&mut self, cut: Cut) -> Result<(), Error>;
    /// Whether none is on its way any more.
    fn is_kept(&mut self) -> Result<bool, Error>;
    /// Whether so much waits to go with the next one that it should come soon.
    fn is_crowded(&self) -> bool {
        false
    }
    /// Whether so much waits that no more is to be taken while one is on its way.
    fn is_full(&self) -> bool {
        false
    }
}

/// All stages' parts of one cut of the log.
#[derive(Debug)]
pub struct Cut {
    /// The clock's.
    pub clock: Box<ClockCut>,
    /// The counters', by shard.
    pub shards: Vec<ShardCut>,
    /// Results before it, of this run.
    pub results: u64,
    /// Rejects before it, of this run.
    pub rejects: u64,
    /// Bytes of the results up to it, where they have a length.
    pub results_bytes: Option<u64>,
    /// Bytes of the rejects up to it, likewise.
    pub rejects_bytes: Option<u64>,
}

/// Lines to a writer.
pub struct LineSink<W: Write + Send> {
    name: String,
    lines: LineWriter,
    out: BufWriter<W>,
    taken: u64,
    flushed: u64,
    /// Of a file that is gone on with.
    bytes: Option<u64>,
}

impl<W: Write + Send> LineSink<W> {
    /// Lines of this format to this writer.
    pub fn new(name: &str, format: Format, out: W) -> LineSink<W> {
        let lines = LineWriter::new(format);
        let out = BufWriter::new(out);
        LineSink { name: name.into(), lines, out, taken: 0, flushed: 0, bytes: None }
    }

    /// The same into a file, after so many bytes that an earlier run wrote.
    #[must_use]
    pub fn after(mut self, bytes: u64) -> LineSink<W> {
        if bytes > 0 {
            self.lines = self.lines.without_header();
        }
        self.bytes = Some(bytes);
        self
    }

    /// The same with columns about the windows' past.
    #[must_use]
    pub fn with_past(mut self, with_past: bool) -> LineSink<W> {
        self.lines = self.lines.with_past(with_past);
        self
    }
}

impl<W: Write + Send> ResultSink for LineSink<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn put(&mut self, result: &WindowResult) -> io::Result<()> {
        self.taken += 1;
        let line = self.lines.line(result)?;
        self.bytes = self.bytes.map(|bytes| bytes + line.len() as u64);
        self.out.write_all(line)
    }

    fn length(&self) -> Option<u64> {
        self.bytes
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.flushed = self.taken;
        Ok(())
    }

    fn settled(&mut self) -> io::Result<u64> {
        Ok(self.flushed)
    }
}

/// Results kept in memory, for a caller inside the program.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    results: Arc<Mutex<Vec<WindowResult>>>,
    taken: u64,
}

impl Collected {
    /// What was put so far, taken out.
    pub fn take(&self) -> Vec<WindowResult> {
        std::mem::take(&mut self.results.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResultSink for Collected {
    fn name(&self) -> &str {
        "memory"
    }

    fn put(&mut self, result: &WindowResult) -> io::Result<()> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(result.clone());
        self.taken += 1;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn settled(&mut self) -> io::Result<u64> {
        Ok(self.taken)
    }
}

/// Drops results: for runs that only measure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard {
    taken: u64,
}

impl ResultSink for Discard {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn put(&mut self, _: &WindowResult) -> io::Result<()> {
        self.taken += 1;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn settled(&mut self) -> io::Result<u64> {
        Ok(self.taken)
    }
}
