//! The result record: what is said of one window.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::clock::verdict::{ClosedBy, Head, Status};

/// How many different users one window held. Field order is the order of the output: the plainest
/// consumer needs only the first two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowResult {
    /// The window's start, unix seconds.
    pub ts: i64,
    /// Different users in it.
    pub cnt: u64,
    /// Its size, like `minute`.
    pub window: &'static str,
    /// Its start, RFC 3339.
    pub start: Instant,
    /// The first second after it, RFC 3339.
    pub end: Instant,
    /// Frames counted in it.
    pub frames: u64,
    /// Those of them that were late for it.
    pub late: u64,
    /// `final`: the window's last word.
    pub status: &'static str,
    /// Records put out for this window before this one.
    pub rev: u32,
    /// `time`: a clock reached the window's end + max-lag. `silence`: the wall clock did, while nothing
    /// came. `end`: the log ended.
    pub closed_by: &'static str,
    /// Whether the log covers the window from its start.
    pub complete: bool,
}

impl WindowResult {
    /// Puts a head and a count together.
    pub fn new(head: &Head, cnt: u64) -> WindowResult {
        WindowResult {
            ts: head.window.start_s,
            cnt,
            window: head.window.size.as_str(),
            start: Instant(head.window.start_s),
            end: Instant(head.window.end_s),
            frames: head.frames,
            late: head.late,
            status: match head.status {
                Status::Final => "final",
            },
            rev: head.rev,
            closed_by: match head.closed_by {
                ClosedBy::Time => "time",
                ClosedBy::Silence => "silence",
                ClosedBy::End => "end",
            },
            complete: head.complete,
        }
    }
}

const DAY_S: i64 = 86_400;

/// A second of UTC, shown by RFC 3339. The first second after the year 9999 shows as `+010000-…`,
/// as ISO 8601 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant(pub i64);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second_of_day) = (self.0.div_euclid(DAY_S), self.0.rem_euclid(DAY_S));
        let date = jiff::Span::new()
            .try_days(days)
            .and_then(|days| jiff::civil::date(1970, 1, 1).checked_add(days));
        let (hour, minute, second) =
            (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        match date {
            Ok(date) => write!(f, "{date}T{hour:02}:{minute:02}:{second:02}Z"),
            Err(_) => f.write_str("+010000-01-01T00:00:00Z"),
        }
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
        ] {
            assert_eq!(Instant(second).to_string(), text);
        }
    }
}
