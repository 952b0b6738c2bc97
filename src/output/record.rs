//! The result record: what is said of one window.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::clock::calendar::{SeriesName, write_instant};
use crate::clock::verdict::{Counted, Head};

/// How many different users one window held. Field order is the order of the output: the plainest
/// consumer needs only the first two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowResult {
    /// The window's start, unix seconds; of a rolling window the start of its last day.
    pub ts: i64,
    /// Different users in it.
    pub cnt: u64,
    /// Its length, like `minute`.
    #[serde(serialize_with = "as_text")]
    pub window: Arc<str>,
    /// Whose local time it is by, where that is not UTC.
    #[serde(serialize_with = "as_text_if_any", skip_serializing_if = "Option::is_none")]
    pub zone: Option<Arc<str>>,
    /// Its start, RFC 3339.
    pub start: Instant,
    /// The first second after it, RFC 3339.
    pub end: Instant,
    /// Frames counted in it.
    pub frames: u64,
    /// Those of them that were late for it.
    pub late: u64,
    /// `final`: the window's last word, unless `revised` follows. `provisional`: it is still open.
    pub status: &'static str,
    /// Records put out for this window before this one.
    pub rev: u32,
    /// `time`: a clock reached the window's end + max-lag. `silence`: the wall clock did, while nothing
    /// came. `end`: the log ended. `open`: nothing has closed it yet.
    pub closed_by: &'static str,
    /// Whether the log covers the window from its start.
    pub complete: bool,
    /// Who came back, where that is told.
    #[serde(flatten)]
    pub past: Option<Past>,
}

/// What is said of a window's past: the days before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Past {
    /// Users of the window who were not seen in its past.
    pub new: u64,
    /// Users of the window who were.
    pub returning: u64,
    /// Whether the log covers the past from its start; else some of the new ones may not be new.
    pub past_complete: bool,
}

impl WindowResult {
    /// Puts a head and a count together. `names` are those of the calendar's series.
    pub fn new(head: &Head, counted: Counted, names: &[SeriesName]) -> WindowResult {
        let Counted { users: cnt, returning } = counted;
        let SeriesName { window, zone } = names[usize::from(head.window.series)].clone();
        WindowResult {
            ts: head.window.ts_s,
            cnt,
            window,
            zone,
            start: Instant(head.window.start_s),
            end: Instant(head.window.end_s),
            frames: head.frames,
            late: head.late,
            status: head.status.as_str(),
            rev: head.rev,
            closed_by: head.closed_by.as_str(),
            complete: head.complete,
            past: head.past.map(|past_complete| Past {
                new: cnt - returning,
                returning,
                past_complete,
            }),
        }
    }

    /// What names the window among all of a run: `minute/1700000040`, `day/Europe/Zurich/1700002800`.
    pub fn key(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| match &self.zone {
            Some(zone) => write!(f, "{}/{zone}/{}", self.window, self.ts),
            None => write!(f, "{}/{}", self.window, self.ts),
        })
    }
}

fn as_text<S: Serializer>(name: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

/// Only ever called where there is one.
fn as_text_if_any<S: Serializer>(name: &Option<Arc<str>>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(name.as_deref().unwrap_or_default())
}

/// A second of UTC, shown by RFC 3339. Beyond the year 9999 it shows as `+010000-…`, as ISO 8601 has
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant(pub i64);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_instant(self.0, f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_show_by_rfc_3339() {
        for (second, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_700_000_040, "2023-11-14T22:14:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (crate::limits::TS_S_MIN, "0001-01-01T00:00:00Z"),
            (crate::limits::TS_S_MAX, "9999-12-31T23:59:59Z"),
            (crate::limits::TS_S_MAX + 1, "+010000-01-01T00:00:00Z"),
            (crate::limits::TS_S_MIN - 1, "0000-12-31T23:59:59Z"),
            (-63_000_000_000, "-000027-08-11T08:00:00Z"),
        ] {
            assert_eq!(Instant(second).to_string(), text);
        }
    }
}
