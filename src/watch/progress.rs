//! How far a run is, in a line on a terminal: of bounded input what is done, the time left and the rate; of
//! input without a known end what comes in now, how far behind it is, and the newest result.
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
use crate::output::record::{Instant as Second, WindowResult};
use crate::stats::{Backlog, Live, PartitionBacklog, Reading, wall_ms};

/// How much there is to read; none where nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Bytes of files.
    Bytes(Option<u64>),
    /// Messages of a topic, counted as offsets: markers of transactions and what was compacted are among them.
    Messages(Option<u64>),
}

impl Extent {
    fn total(self) -> Option<u64> {
        match self {
            Extent::Bytes(total) | Extent::Messages(total) => total,
        }
    }

    /// How much of it was read, in its unit; `partitions` is what its source tells of them, if it has any.
    pub fn done(self, reading: &Reading, partitions: Option<&[PartitionBacklog]>) -> u64 {
        match (self, partitions) {
            (Extent::Bytes(_), _) => reading.input_bytes,
            (Extent::Messages(_), Some(partitions)) => partitions.iter().map(|one| one.done).sum(),
            (Extent::Messages(_), None) => reading.frames,
        }
    }

    fn shown(self, done: u64) -> String {
        match self {
            Extent::Bytes(_) => DecimalBytes(done).to_string(),
            Extent::Messages(_) => format!("{} messages", HumanCount(done)),
        }
    }
}

/// Over how long the rate of input without a known end is taken.
const RATE_OVER: Duration = Duration::from_secs(2);
/// Event time further behind than this is not said to lag: the log is no live one.
const LIVE_S: u64 = 86_400;

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
    backlog: Option<Box<dyn Backlog>>,
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

/// Whether the newest result is to be said: where no end is known and nothing else shows results in place.
pub fn wants_results(extent: Extent, quiet: bool, table: Option<&LiveTable>) -> bool {
    !quiet && extent.total().is_none() && table.is_none() && screen::can_draw(&io::stderr())
}

impl Progress {
    /// That of a run over so much, whose results are this table, if they are one. `backlog` tells what is
    /// unread of a topic.
    pub fn new(
        live: Live,
        extent: Extent,
        quiet: bool,
        table: Option<LiveTable>,
        backlog: Option<Box<dyn Backlog>>,
    ) -> Progress {
        let is_said = !quiet && screen::can_draw(&io::stderr());
        let said = is_said.then(|| Said::new(live, extent, table.is_none(), backlog));
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
        match (&self.table, &self.said) {
            (Some(table), _) => table.finish(),
            (None, Some(said)) => said.bar.finish_and_clear(),
            (None, None) => {}
        }
        self.shown = None;
    }
}

impl Said {
    fn new(live: Live, extent: Extent, is_drawn: bool, backlog: Option<Box<dyn Backlog>>) -> Said {
        let bar = match (is_drawn, extent.total()) {
            (true, Some(total)) => ProgressBar::new(total),
            (true, None) => ProgressBar::new_spinner(),
            (false, _) => ProgressBar::hidden(),
        };
        if let Some(total) = extent.total() {
            bar.set_length(total);
        }
        let is_bar = extent.total().is_some();
        let template = if is_bar { "{bar:16} {wide_msg}" } else { "{spinner} {wide_msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Said { bar, live, extent, backlog, started: Instant::now(), before: VecDeque::new() }
    }

    /// What is first does not get lost where the terminal is narrow.
    fn words(&mut self) -> String {
        let (now, reading) = (Instant::now(), self.live.read());
        let partitions = self.backlog.as_ref().map(|backlog| backlog.partitions());
        let done = self.extent.done(&reading, partitions.as_deref());
        self.bar.set_position(done);
        let Some(total) = self.extent.total() else {
            let rate = self.rate_now(now, reading);
            let (far, unread) = (far(&reading), unread(&partitions.unwrap_or_default()));
            let newest = self.newest().unwrap_or_default();
            return format!("{rate}{far}{unread}{newest}  {}", self.extent.shown(done));
        };
        let (done, total) = (self.extent.shown(done), self.extent.shown(total));
        let rate = rate(&Reading::default(), &reading, now - self.started);
        format!("{done} of {total}  {:#} left  {rate}", HumanDuration(self.bar.eta()))
    }

    /// The newest result that is no provisional one; none where there is nobody who keeps them.
    fn newest(&self) -> Option<String> {
        let closed = self.live.watched.as_ref()?.words.newest_closed()?;
        let WindowResult { window, start, cnt, .. } = closed;
        Some(format!("  newest: {window} {start} {}", HumanCount(cnt)))
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

/// What of a topic is there and not read, as far as it is known: nothing is said where it is of no partition.
fn unread(partitions: &[PartitionBacklog]) -> String {
    let known = partitions.iter().filter_map(|one| one.unread).reduce(|all, one| all + one);
    known.map_or(String::new(), |unread| format!("  {} unread", HumanCount(unread)))
}

/// How far event time is: behind the wall clock, or where that says nothing, when.
fn far(reading: &Reading) -> String {
    let Some(clock_s) = reading.clock.lowest_s else { return String::new() };
    let lag_s = (wall_ms().div_euclid(1000) - clock_s).max(0);
    match u64::try_from(lag_s) {
        Ok(lag_s) if lag_s < LIVE_S => {
            format!("  lag {:#}", HumanDuration(Duration::from_secs(lag_s)))
        }
        _ => format!("  clock {}", Second(clock_s)),
    }
}

fn rate(before: &Reading, now: &Reading, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    // A rate, rounded down, for people: no precision is lost that they would see.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let frames_per_s = ((now.frames - before.frames) as f64 / seconds) as u64;
    let gb_per_s = (now.bytes - before.bytes) as f64 / seconds / 1e9;
    format!("{} frames/s  {gb_per_s:.2} GB/s", HumanCount(frames_per_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two partitions of which this much is unread; 60 offsets of 40 frames are read of each.
    struct Two(Option<u64>, Option<u64>);

    impl Backlog for Two {
        fn partitions(&self) -> Vec<PartitionBacklog> {
            let one = |(partition, unread)| PartitionBacklog {
                partition,
                done: 60,
                unread,
                is_held: false,
            };
            [(0, self.0), (1, self.1)].map(one).into()
        }
    }

    fn words(total: Option<u64>, unread: Two) -> String {
        let live = Live::new(1);
        live.scanners[0].add(&crate::batch::Tally { frames: 80, ..Default::default() });
        Said::new(live, Extent::Messages(total), false, Some(Box::new(unread))).words()
    }

    #[test]
    fn what_is_done_of_a_topic_is_counted_as_what_there_is() {
        let said = words(Some(150), Two(Some(30), Some(0)));
        assert!(said.starts_with("120 messages of 150 messages  "), "{said}");
    }

    #[test]
    fn what_is_unread_is_said_once_something_is_known_of_it() {
        for (unread, word) in [
            (Two(None, None), None),
            (Two(Some(0), None), Some("  0 unread")),
            (Two(Some(1000), Some(7)), Some("  1,007 unread")),
        ] {
            let said = words(None, unread);
            assert_eq!(said.contains("unread"), word.is_some(), "{said}");
            assert!(word.is_none_or(|word| said.contains(word)), "{said}");
        }
    }
}
