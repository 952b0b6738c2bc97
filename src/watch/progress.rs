//! How far a run is, in a line on a terminal: of bounded input what is done, the rate and the time left; of
//! one without a known end what comes in now.
//!
//! Drawn by the thread that waits for the run, from counters it only reads: a bar of its own on stderr, or
//! words below the table where results are one ([`super::table`]).

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use super::screen::{self, Drawn};
use super::table::LiveTable;
use crate::stats::{Live, Reading};

/// How much there is to read; none where nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Bytes of files.
    Bytes(Option<u64>),
    /// Messages of a topic, or a few less.
    Messages(Option<u64>),
}

impl Extent {
    fn total(self) -> Option<u64> {
        match self {
            Extent::Bytes(total) | Extent::Messages(total) => total,
        }
    }

    fn done(self, reading: &Reading) -> u64 {
        match self {
            Extent::Bytes(_) => reading.input_bytes,
            Extent::Messages(_) => reading.frames,
        }
    }
}

/// Over how long the rate of input without a known end is taken.
const RATE_OVER: Duration = Duration::from_secs(2);

/// A line, or nothing where nobody would see it.
pub struct Progress {
    said: Option<Said>,
    /// The table below which it is said.
    table: Option<LiveTable>,
    shown: Option<screen::Shown>,
}

struct Said {
    /// Hidden where there is a table: it then only knows the time left.
    bar: ProgressBar,
    live: Live,
    extent: Extent,
    started: Instant,
    /// Readings of the last while.
    before: VecDeque<(Instant, Reading)>,
}

/// A bar, as what is drawn on the screen.
struct Bar(ProgressBar);

impl Drawn for Bar {
    fn beside(&self, write: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        self.0.suspend(write)
    }
}

impl Progress {
    /// That of a run over so much, whose results are this table, if they are one.
    pub fn new(live: Live, extent: Extent, quiet: bool, table: Option<LiveTable>) -> Progress {
        let is_said = !quiet && screen::can_draw(&io::stderr());
        let said = is_said.then(|| Said::new(live, extent, table.is_none()));
        let drawn: Option<Arc<dyn Drawn>> = match (&table, &said) {
            (Some(table), _) => Some(Arc::new(table.clone())),
            (None, Some(said)) => Some(Arc::new(Bar(said.bar.clone()))),
            (None, None) => None,
        };
        Progress { said, table, shown: drawn.map(screen::show) }
    }

    /// Draws it anew.
    pub fn tick(&mut self) {
        let words = self.said.as_mut().map(Said::words);
        match (&self.table, &self.said) {
            (Some(table), _) => table.tick(words),
            (None, Some(said)) => {
                said.bar.set_message(words.unwrap_or_default());
                said.bar.tick();
            }
            (None, None) => {}
        }
    }
}

impl Drop for Progress {
    /// Takes it away.
    fn drop(&mut self) {
        self.shown = None;
        match (&self.table, &self.said) {
            (Some(table), _) => table.finish(),
            (None, Some(said)) => said.bar.finish_and_clear(),
            (None, None) => {}
        }
    }
}

impl Said {
    fn new(live: Live, extent: Extent, is_drawn: bool) -> Said {
        let bar = match (is_drawn, extent.total()) {
            (true, Some(total)) => ProgressBar::new(total),
            (true, None) => ProgressBar::new_spinner(),
            (false, _) => ProgressBar::hidden(),
        };
        if let Some(total) = extent.total() {
            bar.set_length(total);
        }
        let template = if extent.total().is_some() { "{bar:30} {msg}" } else { "{spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Said { bar, live, extent, started: Instant::now(), before: VecDeque::new() }
    }

    fn words(&mut self) -> String {
        let (now, reading) = (Instant::now(), self.live.read());
        let done = self.extent.done(&reading);
        self.bar.set_position(done);
        let so_far = match self.extent {
            Extent::Bytes(_) => DecimalBytes(done).to_string(),
            Extent::Messages(_) => HumanCount(done).to_string(),
        };
        let Some(total) = self.extent.total() else {
            return format!("{so_far}  {}", self.rate_now(now, reading));
        };
        let total = match self.extent {
            Extent::Bytes(_) => DecimalBytes(total).to_string(),
            Extent::Messages(_) => format!("{} messages", HumanCount(total)),
        };
        let rate = rate(&Reading::default(), &reading, now - self.started);
        format!("{so_far} of {total}  {rate}  {:#} left", HumanDuration(self.bar.eta()))
    }

    fn rate_now(&mut self, now: Instant, reading: Reading) -> String {
        self.before.push_back((now, reading));
        while self.before.len() > 2 && now - self.before[1].0 >= RATE_OVER {
            self.before.pop_front();
        }
        let (then, before) = self.before[0];
        rate(&before, &reading, now - then)
    }
}

fn rate(before: &Reading, now: &Reading, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    // A rate, rounded down, for people: no precision is lost that they would see.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let frames_per_s = ((now.frames - before.frames) as f64 / seconds) as u64;
    let gb_per_s = (now.bytes - before.bytes) as f64 / seconds / 1e9;
    format!("{gb_per_s:.2} GB/s  {} frames/s", HumanCount(frames_per_s))
}
