//! The progress bar: bytes done, rate, frames a second and the time left, on a terminal only.
//!
//! Drawn by the thread that waits for the run, from counters it only reads.

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::input::Input;
use crate::stats::Live;

/// A bar, or nothing where nobody would see it.
pub struct Progress {
    shown: Option<Shown>,
}

struct Shown {
    bar: ProgressBar,
    live: Live,
    started: Instant,
}

impl Progress {
    /// A bar for a run over these inputs; how far it is can be told where their sizes are known.
    pub fn new(live: Live, inputs: &[Input], quiet: bool) -> Progress {
        if quiet || !std::io::stderr().is_terminal() {
            return Progress { shown: None };
        }
        let size_bytes = inputs.iter().map(|input| input.size_bytes).sum::<Option<u64>>();
        let (bar, template) = match size_bytes {
            Some(size_bytes) => (
                ProgressBar::new(size_bytes),
                "{bar:30} {decimal_bytes} of {decimal_total_bytes}  {msg}  {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {decimal_bytes}  {msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress { shown: Some(Shown { bar, live, started: Instant::now() }) }
    }

    /// Draws it anew.
    pub fn tick(&self) {
        let Some(Shown { bar, live, started }) = &self.shown else { return };
        let reading = live.read();
        let seconds = started.elapsed().as_secs_f64().max(1e-3);
        bar.set_position(reading.input_bytes);
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
