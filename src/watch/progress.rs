//! The progress bar: bytes or messages done, rate, frames a second and the time left, on a terminal
//! only.
//!
//! Drawn by the thread that waits for the run, from counters it only reads.

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::stats::Live;

/// How much there is to read; none where nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Bytes of files.
    Bytes(Option<u64>),
    /// Messages of a topic, or a few less.
    Messages(Option<u64>),
}

/// A bar, or nothing where nobody would see it.
pub struct Progress {
    shown: Option<Shown>,
}

struct Shown {
    bar: ProgressBar,
    live: Live,
    extent: Extent,
    started: Instant,
}

impl Progress {
    /// A bar for a run over this much.
    pub fn new(live: Live, extent: Extent, quiet: bool) -> Progress {
        if quiet || !std::io::stderr().is_terminal() {
            return Progress { shown: None };
        }
        let (bar, template) = match extent {
            Extent::Bytes(Some(bytes)) => (
                ProgressBar::new(bytes),
                "{bar:30} {decimal_bytes} of {decimal_total_bytes}  {msg}  {eta} left",
            ),
            Extent::Bytes(None) => (ProgressBar::new_spinner(), "{spinner} {decimal_bytes}  {msg}"),
            Extent::Messages(Some(messages)) => (
                ProgressBar::new(messages),
                "{bar:30} {human_pos} of {human_len} messages  {msg}  {eta} left",
            ),
            Extent::Messages(None) => {
                (ProgressBar::new_spinner(), "{spinner} {human_pos} messages  {msg}")
            }
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress { shown: Some(Shown { bar, live, extent, started: Instant::now() }) }
    }

    /// Draws it anew.
    pub fn tick(&self) {
        let Some(Shown { bar, live, extent, started }) = &self.shown else { return };
        let reading = live.read();
        let seconds = started.elapsed().as_secs_f64().max(1e-3);
        bar.set_position(match extent {
            Extent::Bytes(_) => reading.input_bytes,
            Extent::Messages(_) => reading.frames,
        });
        // A rate, rounded down, for people: no precision is lost that they would see.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let frames_per_s = (reading.frames as f64 / seconds) as u64;
        let gb_per_s = reading.bytes as f64 / seconds / 1e9;
        bar.set_message(format!("{gb_per_s:.2} GB/s  {} frames/s", HumanCount(frames_per_s)));
        bar.tick();
    }

    /// Takes it away.
    pub fn finish(self) {
        if let Some(shown) = self.shown {
            shown.bar.finish_and_clear();
        }
    }
}
