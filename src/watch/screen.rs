//! The terminal: what is drawn on it to be redrawn, and how other lines come by without being torn or tearing
//! it. One for the process, as there is one terminal; it has no part in what is counted.
//!
//! At most one thing is drawn at a time: the bar, or the table with the bar's words below it. Whoever writes
//! to the terminal besides (the log, results as lines) does so by [`beside`], which takes it away, writes,
//! and draws it again. Whoever writes waits for one drawing at most; a terminal that does not take it (^S)
//! would hold up the lines, too.
//!
//! Only where a terminal is: where stdout or stderr is a pipe or a file, or `TERM` is unset or `dumb`, nothing is drawn and
//! all comes as plain lines.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is drawn on the terminal.
pub trait Drawn: Send + Sync {
    /// Takes it away, has something else written, and draws it again below.
    fn beside(&self, write: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()>;
}

static DRAWN: Mutex<Option<Arc<dyn Drawn>>> = Mutex::new(None);

fn drawn() -> MutexGuard<'static, Option<Arc<dyn Drawn>>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has something written beside what is drawn, if anything is.
///
/// # Errors
/// Those of writing.
pub fn beside(write: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
    match &*drawn() {
        Some(drawn) => drawn.beside(write),
        None => write(),
    }
}

/// Lets lines come beside this from now on; it is forgotten when what is returned is dropped.
#[must_use]
pub fn show(shown: Arc<dyn Drawn>) -> Shown {
    *drawn() = Some(shown);
    Shown(())
}

/// Something is drawn.
pub struct Shown(());

impl Drop for Shown {
    fn drop(&mut self) {
        *drawn() = None;
    }
}

/// Whether things can be drawn there: a terminal that can move its cursor.
pub fn can_draw(on: &(impl IsTerminal + AsFd)) -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    on.is_terminal() && !is_dumb
}

/// Whether colours and the like are wanted (<https://no-color.org>).
pub fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A terminal's size, columns and rows; what is usual where it does not say.
pub fn size(of: impl AsFd) -> (usize, usize) {
    let said = rustix::termios::tcgetwinsize(of).ok();
    let said = said.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    said.filter(|&(columns, rows)| columns > 0 && rows > 0).unwrap_or((80, 24))
}

/// Whole lines to stdout, beside what is drawn there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        beside(&mut || {
            let mut out = io::stdout().lock();
            out.write_all(lines)?;
            out.flush()
        })?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
