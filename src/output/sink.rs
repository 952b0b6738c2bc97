//! Sinks: where results end up.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::lines::{Format, LineWriter};
use super::record::WindowResult;

/// Takes results, in order.
pub trait ResultSink: Send {
    /// Its name in messages.
    fn name(&self) -> &str;
    /// Takes one.
    fn put(&mut self, result: &WindowResult) -> io::Result<()>;
    /// Lets everything taken so far be seen.
    fn flush(&mut self) -> io::Result<()>;
}

/// Lines to a writer.
pub struct LineSink<W: Write + Send> {
    name: String,
    lines: LineWriter,
    out: BufWriter<W>,
}

impl<W: Write + Send> LineSink<W> {
    /// Lines of this format to this writer.
    pub fn new(name: &str, format: Format, out: W) -> LineSink<W> {
        LineSink { name: name.into(), lines: LineWriter::new(format), out: BufWriter::new(out) }
    }
}

impl<W: Write + Send> ResultSink for LineSink<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn put(&mut self, result: &WindowResult) -> io::Result<()> {
        self.out.write_all(self.lines.line(result)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Results kept in memory, for a caller inside the program.
#[derive(Clone, Debug, Default)]
pub struct Collected(Arc<Mutex<Vec<WindowResult>>>);

impl Collected {
    /// What was put so far, taken out.
    pub fn take(&self) -> Vec<WindowResult> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResultSink for Collected {
    fn name(&self) -> &str {
        "memory"
    }

    fn put(&mut self, result: &WindowResult) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(result.clone());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Drops results: for runs that only measure.
#[derive(Clone, Copy, Debug)]
pub struct Discard;

impl ResultSink for Discard {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn put(&mut self, _: &WindowResult) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
