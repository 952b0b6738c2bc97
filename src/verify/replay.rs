//! The replay: a whole run once more, one line at a time, by the reference clock, in ordered maps and
//! sets and with the standard library's reading. No code shared with the engine beyond plain types.
//!
//! Files are one log, in this order, or each a partition of its own. What a window holds is known when
//! the last line is read: its last word.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::lines::{self, Line};
use super::reference_clock::{Fate, ReferenceClock};
use super::rules::Rules;
use super::{borders, borders::Span};
use crate::clock::calendar::{Length, Window};
use crate::scan::{Malformed, ScanSettings};

/// What a replay goes by.
#[derive(Clone, Debug)]
pub struct ReplaySettings {
    /// How frames are read.
    pub scan: ScanSettings,
    /// What is counted where.
    pub rules: Rules,
    /// The windows.
    pub lengths: Vec<Length>,
    /// The names of the time zones.
    pub zones: Vec<String>,
    /// Days before a day, week or month whose users return, if they are told apart.
    pub returning_days: Option<u8>,
    /// Each file is a partition; else all are one log.
    pub partitions: bool,
}

/// What names a window: its length, its zone where that is not UTC, and its second.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The length's name.
    pub window: String,
    /// The zone's.
    pub zone: Option<String>,
    /// The second.
    pub ts: i64,
}

/// The last word on a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its span.
    pub window: Window,
    /// Its users, by number.
    pub users: BTreeSet<usize>,
    /// Frames counted in it.
    pub frames: u64,
    /// Those of them that were late for it.
    pub late: u64,
    /// It starts after the log's begin.
    pub complete: bool,
    /// Some clock came to its end + max-lag.
    pub by_time: bool,
    /// Of a window with a past how many of its users were counted in windows of its kind then, and
    /// whether that starts after the log's begin.
    pub past: Option<(u64, bool)>,
}

/// What became of a log.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// The windows.
    pub words: BTreeMap<Key, Word>,
    /// Frames read.
    pub frames: u64,
    /// Frames refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Malformed frames by reason.
    pub malformed: [u64; Malformed::ALL.len()],
    /// Frames that are not JSON as a whole and were taken by what stands before the fault.
    pub invalid_taken: u64,
}

/// A length in a zone, with the windows already asked for.
struct Series {
    length: Length,
    zone: Option<String>,
    past_days: u8,
    tz: TimeZone,
    /// By the first second for which they are the windows: the second after the last such, and they.
    known: BTreeMap<i64, (i64, Vec<Window>)>,
}

impl Series {
    fn windows_at(&mut self, series: u8, ts_s: i64) -> Vec<Window> {
        if let Some((_, (end_s, windows))) = self.known.range(..=ts_s).next_back()
            && ts_s < *end_s
        {
            return windows.clone();
        }
        let spans = borders::windows_at(self.length, &self.tz, ts_s);
        // Its own, or of rolling windows the first one's last day.
        let (from_s, end_s) =
            spans.first().map_or((ts_s, ts_s), |&(_, end_s, from_s)| (from_s, end_s));
        let past_s = |start_s| match self.past_days {
            0 => start_s,
            days => borders::days_before_s(&self.tz, start_s, days),
        };
        let window = |(start_s, end_s, ts_s): Span| {
            let past_s = past_s(start_s);
            Window { series, start_s, end_s, ts_s, past_s }
        };
        let windows: Vec<Window> = spans.into_iter().map(window).collect();
        self.known.insert(from_s, (end_s, windows.clone()));
        windows
    }
}

/// The series of these lengths and zones: minutes and fixed lengths once, hours by the first zone.
fn series_of(settings: &ReplaySettings) -> Vec<Series> {
    let (data, mut all) = (TimeZoneDatabase::bundled(), Vec::<Series>::new());
    for &length in &settings.lengths {
        let zones = match length {
            Length::Minute | Length::Fixed(_) => &["UTC".to_owned()][..],
            Length::Hour => &settings.zones[..1],
            _ => &settings.zones[..],
        };
        for name in zones {
            let zone = (name != "UTC").then(|| name.clone());
            let is_new = all.iter().all(|other| other.length != length || other.zone != zone);
            if let (true, Ok(tz)) = (is_new, data.get(name)) {
                let has_past = matches!(length, Length::Day | Length::Week | Length::Month);
                let past_days = settings.returning_days.filter(|_| has_past).unwrap_or(0);
                all.push(Series { length, zone, past_days, tz, known: BTreeMap::new() });
            }
        }
    }
    all
}

impl Replay {
    /// Replays files; `-` is stdin.
    ///
    /// # Errors
    /// A file cannot be read: its name, and why.
    pub fn of_files(
        files: &[PathBuf],
        settings: &ReplaySettings,
    ) -> Result<Replay, (String, io::Error)> {
        let partitions = if settings.partitions { files.len() } else { 1 };
        let mut replayer = Replayer::new(settings, partitions);
        for (place, path) in files.iter().enumerate() {
            let fail = |e| (path.display().to_string(), e);
            let partition = if settings.partitions { place } else { 0 };
            let mut log = lines::open(path).map_err(fail)?;
            while let Some(line) = lines::next_line(&mut log).map_err(fail)? {
                replayer.line(partition, &line);
            }
            if settings.partitions {
                replayer.end(partition);
            }
        }
        Ok(replayer.finish())
    }
}

type Windows = Box<dyn FnMut(i64) -> Vec<Window>>;

/// Frames whose refusal is certain now: their numbers, and why.
pub type Refused = Vec<(u64, &'static str)>;

/// A replay under way.
pub struct Replayer {
    scan: ScanSettings,
    max_lag_s: i64,
    names: Vec<(String, Option<String>)>,
    /// By series whether its windows have a past. That of one is empty where a date never was; still its
    /// own days are the past of others.
    have_past: Vec<bool>,
    clock: ReferenceClock<Windows>,
    partitions: usize,
    /// Times and users of frames whose fate is open, by partition and number.
    open: BTreeMap<(u32, u64), (i64, usize)>,
    users: BTreeMap<Vec<u8>, usize>,
    words: BTreeMap<(u8, i64), Word>,
    /// By series and user the times they were counted at, where windows have a past.
    seen: BTreeMap<(u8, usize), BTreeSet<i64>>,
    newest_s: Option<i64>,
    replay: Replay,
}

impl Replayer {
    /// Before the first line of so many partitions.
    pub fn new(settings: &ReplaySettings, partitions: usize) -> Replayer {
        let mut series = series_of(settings);
        let name = |series: &Series| (series.length.to_string(), series.zone.clone());
        let names = series.iter().map(name).collect();
        let have_past = series.iter().map(|series| series.past_days > 0).collect();
        let windows: Windows = Box::new(move |ts_s| {
            let all = (0..).zip(&mut series);
            all.flat_map(|(number, series)| series.windows_at(number, ts_s)).collect()
        });
        let named = (0..).take(partitions);
        Replayer {
            scan: settings.scan.clone(),
            max_lag_s: settings.rules.max_lag_s,
            names,
            have_past,
            clock: ReferenceClock::new(settings.rules, named, windows),
            partitions,
            open: BTreeMap::new(),
            users: BTreeMap::new(),
            words: BTreeMap::new(),
            seen: BTreeMap::new(),
            newest_s: None,
            replay: Replay::default(),
        }
    }

    /// A partition's next line, without its line feed. Lines that are not blank are frames, numbered from
    /// 0 over all partitions.
    pub fn line(&mut self, partition: usize, line: &[u8]) -> Refused {
        let number = self.replay.frames;
        let mut refused = Refused::new();
        match lines::read(line, &self.scan) {
            Line::Blank => return refused,
            Line::Malformed(reason) => self.replay.malformed[reason.index()] += 1,
            Line::Fact { ts_s, uid, valid } => {
                self.replay.invalid_taken += u64::from(!valid);
                let users = self.users.len();
                let user = *self.users.entry(uid).or_insert(users);
                let partition = u32::try_from(partition).unwrap_or(u32::MAX);
                self.open.insert((partition, number), (ts_s, user));
                self.clock.frame(partition, number, ts_s);
                refused = self.settle();
            }
        }
        self.replay.frames += 1;
        refused
    }

    /// A partition's end.
    pub fn end(&mut self, partition: usize) -> Refused {
        self.clock.end(u32::try_from(partition).unwrap_or(u32::MAX));
        self.settle()
    }

    /// A partition holds no time back until its next frame.
    pub fn silent(&mut self, partition: usize) {
        self.clock.silent(u32::try_from(partition).unwrap_or(u32::MAX));
    }

    /// The windows as silence shows them: users and frames, those among them that still wait and are not
    /// beyond this time.
    pub fn shown(&self, now_s: i64) -> BTreeMap<Key, (usize, u64)> {
        let of = |(&window, word): (&(u8, i64), &Word)| (window, (word.users.clone(), word.frames));
        let mut all: BTreeMap<(u8, i64), (BTreeSet<usize>, u64)> =
            self.words.iter().map(of).collect();
        for (&partition, own) in &self.clock.partitions {
            for frame in own.parked.iter().filter(|frame| frame.ts_s <= now_s) {
                let Some(&(_, user)) = self.open.get(&(partition, frame.id)) else { continue };
                for (window, _) in &frame.taken {
                    let (users, frames) = all.entry((window.series, window.ts_s)).or_default();
                    users.insert(user);
                    *frames += 1;
                }
            }
        }
        let named = |((series, ts), (users, frames)): ((u8, i64), (BTreeSet<usize>, u64))| {
            let (window, zone) = self.names[usize::from(series)].clone();
            (Key { window, zone, ts }, (users.len(), frames))
        };
        all.into_iter().map(named).collect()
    }

    /// Enters what has become of frames.
    fn settle(&mut self) -> Refused {
        let mut refused = Refused::new();
        for (id, fate) in std::mem::take(&mut self.clock.fates) {
            let Some((ts_s, user)) = self.open.remove(&id) else { continue };
            match fate {
                Fate::Err(why) => {
                    *self.replay.refused.entry(why).or_default() += 1;
                    refused.push((id.1, why));
                }
                Fate::Ok(windows) => {
                    self.newest_s = self.newest_s.max(Some(ts_s));
                    for (window, late) in windows {
                        let word = self.words.entry((window.series, window.ts_s));
                        let word = word.or_insert_with(|| Word {
                            window,
                            users: BTreeSet::new(),
                            frames: 0,
                            late: 0,
                            complete: false,
                            by_time: false,
                            past: None,
                        });
                        if self.have_past[usize::from(window.series)] {
                            self.seen.entry((window.series, user)).or_default().insert(ts_s);
                        }
                        word.users.insert(user);
                        word.frames += 1;
                        word.late += u64::from(late);
                    }
                }
            }
        }
        refused
    }

    /// The end of all.
    pub fn finish(mut self) -> Replay {
        for partition in 0..self.partitions {
            self.end(partition);
        }
        let (begin_s, largest_s) = (self.clock.begin_s(), self.clock.largest_s());
        for ((series, ts), mut word) in self.words {
            // A rolling window of a day to come.
            if self.newest_s < Some(ts) {
                continue;
            }
            let end_s = word.window.end_s;
            word.complete = begin_s.is_some_and(|begin_s| word.window.start_s > begin_s);
            word.by_time = largest_s.is_some_and(|clock_s| clock_s >= end_s + self.max_lag_s);
            let Window { past_s, start_s, .. } = word.window;
            if past_s < start_s {
                let returns = |user: &&usize| {
                    let times = self.seen.get(&(series, **user));
                    times.is_some_and(|times| times.range(past_s..start_s).next().is_some())
                };
                let returning = word.users.iter().filter(returns).count() as u64;
                word.past = Some((returning, begin_s.is_some_and(|begin_s| past_s > begin_s)));
            }
            let (window, zone) = self.names[usize::from(series)].clone();
            self.replay.words.insert(Key { window, zone, ts }, word);
        }
        self.replay
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockSettings;

    const DAY_S: i64 = 86_400;

    #[test]
    fn rolling_windows_have_the_users_of_their_days_up_to_the_newest() {
        let settings = ReplaySettings {
            scan: ScanSettings::default(),
            rules: Rules::of(&ClockSettings { max_lag_s: 864_000, ..ClockSettings::plain() }),
            lengths: vec![Length::Rolling(3)],
            zones: vec!["UTC".into()],
            returning_days: None,
            partitions: false,
        };
        let mut replayer = Replayer::new(&settings, 1);
        for (day, user) in [(11, "a"), (12, "b"), (12, "b"), (14, "a")] {
            let ts = day * DAY_S + 5;
            replayer.line(0, format!("{{\"ts\":{ts},\"uid\":\"{user}\"}}").as_bytes());
        }
        let words = replayer.finish().words;
        let told: Vec<_> = words
            .iter()
            .map(|(key, word)| {
                let days = (word.window.start_s / DAY_S, word.window.end_s / DAY_S);
                (key.ts / DAY_S, days, word.users.len(), word.frames)
            })
            .collect();
        // The 13th had no frame of its own; the 15th and 16th are days to come.
        let right =
            [(11, (9, 12), 1, 1), (12, (10, 13), 2, 3), (13, (11, 14), 2, 3), (14, (12, 15), 2, 3)];
        assert_eq!(told, right);
    }
}
