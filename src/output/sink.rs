//! Sinks: where results end up.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::lines::{Format, LineWriter};
use super::record::WindowResult;
use crate::clock::restart::Restart;

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

/// Lines to a writer.
pub struct LineSink<W: Write + Send> {
    name: String,
    lines: LineWriter,
    out: BufWriter<W>,
    taken: u64,
    flushed: u64,
}

impl<W: Write + Send> LineSink<W> {
    /// Lines of this format to this writer.
    pub fn new(name: &str, format: Format, out: W) -> LineSink<W> {
        let lines = LineWriter::new(format);
        LineSink { name: name.into(), lines, out: BufWriter::new(out), taken: 0, flushed: 0 }
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
        self.out.write_all(self.lines.line(result)?)
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
