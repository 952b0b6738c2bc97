//! Periods of dates: which dates the day, week, month or year about a date has. Dates are days since
//! 1970-01-01, of any size: the calendar repeats every 400 years, weekdays included, so that the
//! library is only ever asked about the years 1970 to 2370.

use std::ops::Range;

use jiff::civil::{Date, date};

/// Seconds of a day without a change of clocks.
pub(crate) const DAY_S: i64 = 86_400;

/// Days of 400 years: 20,871 weeks.
const CYCLE_DAYS: i64 = 146_097;

const EPOCH: Date = date(1970, 1, 1);

/// A span of whole dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Day,
    /// From Monday on.
    Week,
    Month,
    Year,
}

impl Period {
    /// The dates of the period that a date lies in.
    pub(crate) fn around(self, day: i64) -> Range<i64> {
        if self == Period::Day {
            return day..day + 1;
        }
        let (date, _) = date_of(day);
        let first = match self {
            Period::Day => day,
            Period::Week => day - i64::from(date.weekday().to_monday_zero_offset()),
            Period::Month => day - i64::from(date.day() - 1),
            Period::Year => day - i64::from(date.day_of_year() - 1),
        };
        let days = match self {
            Period::Day => 1,
            Period::Week => 7,
            Period::Month => date.days_in_month().into(),
            Period::Year => date.days_in_year().into(),
        };
        first..first + days
    }
}

/// A date of 1970 to 2370, and by how many times 400 years it is too early.
pub(crate) fn date_of(day: i64) -> (Date, i64) {
    let day_of_cycle = jiff::Span::new().days(day.rem_euclid(CYCLE_DAYS));
    (EPOCH.checked_add(day_of_cycle).unwrap_or(EPOCH), day.div_euclid(CYCLE_DAYS))
}

/// A second of UTC by RFC 3339; years outside of 0 to 9999 as ISO 8601 expands them.
pub(crate) fn write_instant(second: i64, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let (date, cycles) = date_of(second.div_euclid(DAY_S));
    let year = i64::from(date.year()) + 400 * cycles;
    match year {
        0..=9999 => write!(f, "{year:04}")?,
        _ => write!(f, "{year:+07}")?,
    }
    let of_day = second.rem_euclid(DAY_S);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    write!(f, "-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", date.month(), date.day())
}
