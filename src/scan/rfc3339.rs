//! Times written as text. The form is checked here, strictly; the calendar is jiff's.

use jiff::civil::{Date, date};

use super::number::in_range;

/// Seconds of unix time, floored, of a text in the form the contract gives; nothing if it is not
/// of that form, names no day of the calendar, or lies outside of the range of times.
pub(super) fn seconds(text: impl Iterator<Item = u8>) -> Option<i64> {
    let mut text = text.peekable();
    let text = &mut text;
    let year = digits(text, 4, 9999)?;
    literal(text, b"-")?;
    let month = digits(text, 2, 12)?;
    literal(text, b"-")?;
    let day = digits(text, 2, 31)?;
    literal(text, b"Tt ")?;
    let hour = digits(text, 2, 23)?;
    literal(text, b":")?;
    let minute = digits(text, 2, 59)?;
    literal(text, b":")?;
    // A leap second is the last second before it.
    let second = digits(text, 2, 60)?.min(59);
    if text.next_if_eq(&b'.').is_some() {
        text.next_if(u8::is_ascii_digit)?;
        while text.next_if(u8::is_ascii_digit).is_some() {}
    }
    let offset_s = match literal(text, b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = digits(text, 2, 23)?;
            literal(text, b":")?;
            let offset_s = i64::from(hours) * 3600 + i64::from(digits(text, 2, 59)?) * 60;
            if sign == b'-' { -offset_s } else { offset_s }
        }
        _ => 0,
    };
    if text.next().is_some() {
        return None;
    }
    let clock_s = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    in_range(day_start_s(year, month, day)? + clock_s - offset_s)
}

/// Seconds of unix time at which a day begins in UTC, if there is such a day.
fn day_start_s(year: i16, month: i16, day: i16) -> Option<i64> {
    let month = i8::try_from(month).ok()?;
    let day = i8::try_from(day).ok()?;
    // Asked in this order, no call of the library fails: its errors allocate.
    if month == 0 || day == 0 || day > date(year, month, 1).days_in_month() {
        return None;
    }
    let day = Date::new(year, month, day).ok()?;
    Some(day.duration_since(date(1970, 1, 1)).as_secs())
}

/// As many digits, as a number of at most `max`.
fn digits(text: &mut impl Iterator<Item = u8>, count: usize, max: i16) -> Option<i16> {
    let mut value = 0;
    for _ in 0..count {
        let digit = text.next().filter(u8::is_ascii_digit)? - b'0';
        value = value * 10 + i16::from(digit);
    }
    (value <= max).then_some(value)
}

/// The next byte, if it is one of these.
fn literal(text: &mut impl Iterator<Item = u8>, any: &[u8]) -> Option<u8> {
    text.next().filter(|byte| any.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{TS_S_MAX, TS_S_MIN};

    #[test]
    fn times() {
        let check = |text: &str, answer: i64| {
            assert_eq!(seconds(text.bytes()), Some(answer), "{text}");
        };
        check("1970-01-01T00:00:00Z", 0);
        check("2023-11-14T22:13:20Z", 1_700_000_000);
        check("2023-11-14 22:13:20.999999999999999999999999z", 1_700_000_000);
        check("2023-11-14t23:13:20+01:00", 1_700_000_000);
        check("2023-11-14T22:13:20-00:00", 1_700_000_000);
        check("1969-12-31T23:59:59.5Z", -1);
        check("2016-12-31T23:59:60.9Z", 1_483_228_799);
        check("2017-01-01T00:59:60+01:00", 1_483_228_799);
        check("2000-02-29T00:00:00Z", 951_782_400);
        check("0001-01-01T00:00:00Z", TS_S_MIN);
        check("0000-12-31T23:59:59-00:01", TS_S_MIN + 59);
        check("9999-12-31T23:59:59.9Z", TS_S_MAX);
        check("9999-12-31T23:59:59+23:59", TS_S_MAX - 86_340);
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "1700000000",
            "2023-11-14",
            "2023-11-14T22:13Z",
            "2023-11-14T22:13:20",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20,5Z",
            "2023-11-14T22:13:20 Z",
            "2023-11-14T22:13:20Z ",
            " 2023-11-14T22:13:20Z",
            "2023-11-14  22:13:20Z",
            "2023-11-14T22:13:20+1:00",
            "2023-11-14T22:13:20+0100",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20+00:60",
            "2023-11-14T22:13:20Z[UTC]",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:60:00Z",
            "2023-11-14T22:13:61Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2023-04-31T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-01-00T00:00:00Z",
            "+2023-01-01T00:00:00Z",
            "23-01-01T00:00:00Z",
            "20230101T000000Z",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(seconds(text.bytes()), None, "{text}");
        }
    }
}
