//! JSON numbers, read as the decimals they are: no float, no rounding, no allocation, any length.

use crate::limits::{TS_S_MAX, TS_S_MIN};

use super::text::is_space;

/// Digits a time in seconds has at most.
const SECONDS_DIGITS_MAX: i64 = 12;
const _: () = assert!(TS_S_MAX < 10i64.pow(12) && TS_S_MIN > -(10i64.pow(12)));

/// Exponents are counted up to here. A frame has far fewer digits than that, so a larger one
/// gives the same answer: out of range, or a fraction.
const EXPONENT_MAX: i64 = 1 << 40;
const _: () = assert!((crate::limits::FRAME_BYTES_MAX as u64) < (EXPONENT_MAX as u64) / 2);

/// A number's text, by its place in the frame.
pub(super) enum Token<'a> {
    /// It runs to the end of the slice: there may be more of it.
    Cut,
    /// What follows is nothing that may follow a value.
    Bad,
    Text(&'a [u8]),
}

/// The longest run from `from` on of bytes a number may have.
pub(super) fn token(bytes: &[u8], from: usize) -> Token<'_> {
    let rest = &bytes[from..];
    let number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    match rest.iter().position(|byte| !number(byte)) {
        None => Token::Cut,
        Some(len) if may_follow(rest[len]) => Token::Text(&rest[..len]),
        Some(_) => Token::Bad,
    }
}

/// Whether the byte may stand behind a value.
#[inline(always)]
pub(super) fn may_follow(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']') || is_space(byte)
}

/// Whether the text is a number without fraction and exponent.
pub(super) fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [] => false,
        [b'0', _, ..] => false,
        _ => digits.iter().all(u8::is_ascii_digit),
    }
}

/// The usual number: one to 18 digits, the first not 0 unless it is alone, and nothing else.
/// Gives it with its length; nothing if it is not of this form, or the slice ends with it.
#[inline(always)]
pub(super) fn short_integer(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (len, &byte) in bytes.iter().take(19).enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (len == 1 || len > 1 && bytes[0] != b'0').then_some((value, len));
        }
        value = value * 10 + u64::from(digit);
    }
    None
}

/// The number divided by 10^`scale`, floored, if it is a number and lies in the range of times.
///
/// The text is gone through twice: for its form and the place of its point, then for its digits.
pub(super) fn seconds(text: impl Iterator<Item = u8> + Clone, scale: u32) -> Option<i64> {
    let form = Form::of(text.clone())?;
    let Some(leading_zeros) = form.leading_zeros else { return Some(0) };
    // Digits before the point, from the first that is not 0 on; below 1 if the point is before it.
    let whole_digits = form.point + form.exponent - i64::from(scale) - leading_zeros;
    if whole_digits > SECONDS_DIGITS_MAX {
        return None;
    }
    let mut digits = text
        .take_while(|byte| !matches!(byte, b'e' | b'E'))
        .filter(u8::is_ascii_digit)
        .map(|byte| i64::from(byte - b'0'))
        .skip_while(|&digit| digit == 0);
    let mut whole = 0;
    for _ in 0..whole_digits {
        whole = whole * 10 + digits.next().unwrap_or(0);
    }
    let fraction = digits.any(|digit| digit != 0);
    let seconds = if form.negative { -whole - i64::from(fraction) } else { whole };
    in_range(seconds)
}

/// The time, if it lies in the years 1 to 9999.
#[inline(always)]
pub(super) fn in_range(seconds: i64) -> Option<i64> {
    (TS_S_MIN..=TS_S_MAX).contains(&seconds).then_some(seconds)
}

/// What there is to know of a number but for its digits.
struct Form {
    negative: bool,
    /// Digits before the point as written.
    point: i64,
    /// Digits, on both sides of the point, before the first that is not 0; nothing if all are.
    leading_zeros: Option<i64>,
    exponent: i64,
}

impl Form {
    /// By the grammar of RFC 8259, nothing if the text is not of it.
    fn of(text: impl Iterator<Item = u8>) -> Option<Form> {
        let mut text = text.peekable();
        let negative = text.next_if_eq(&b'-').is_some();
        let mut digits = 0;
        let mut leading_zeros = None;
        let mut digit = |byte: u8| {
            if byte != b'0' && leading_zeros.is_none() {
                leading_zeros = Some(digits);
            }
            digits += 1;
        };
        let is_digit = |byte: &u8| byte.is_ascii_digit();

        let first = text.next_if(is_digit)?;
        digit(first);
        let mut point = 1;
        while first != b'0'
            && let Some(byte) = text.next_if(is_digit)
        {
            digit(byte);
            point += 1;
        }
        if text.next_if_eq(&b'.').is_some() {
            digit(text.next_if(is_digit)?);
            while let Some(byte) = text.next_if(is_digit) {
                digit(byte);
            }
        }
        let mut exponent = 0;
        if text.next_if(|byte| matches!(byte, b'e' | b'E')).is_some() {
            let sign = text.next_if(|byte| matches!(byte, b'+' | b'-'));
            exponent = i64::from(text.next_if(is_digit)? - b'0');
            while let Some(byte) = text.next_if(is_digit) {
                exponent = (exponent * 10 + i64::from(byte - b'0')).min(EXPONENT_MAX);
            }
            if sign == Some(b'-') {
                exponent = -exponent;
            }
        }
        text.next().is_none().then_some(Form { negative, point, leading_zeros, exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, scale: u32, answer: Option<i64>) {
        assert_eq!(seconds(text.bytes(), scale), answer, "{text} by 10^{scale}");
    }

    #[test]
    fn decimals_are_floored() {
        check("0", 0, Some(0));
        check("-0", 0, Some(0));
        check("-0.0e-5", 0, Some(0));
        check("1700000000", 0, Some(1_700_000_000));
        check("1700000000999", 3, Some(1_700_000_000));
        check("-1", 3, Some(-1));
        check("-1000", 3, Some(-1));
        check("-1001", 3, Some(-2));
        check("-0.0000001", 0, Some(-1));
        check("1.7e9", 0, Some(1_700_000_000));
        check("1.7E+9", 0, Some(1_700_000_000));
        check("17000000001e-1", 0, Some(1_700_000_000));
        check("-17000000001e-1", 0, Some(-1_700_000_001));
        check("0.0000000017e18", 0, Some(1_700_000_000));
        check("0.1e10", 9, Some(1));
        check("1e-99999999999999999999", 0, Some(0));
        check("-1e-99999999999999999999", 0, Some(-1));
        check("0e99999999999999999999", 0, Some(0));
        check(&format!("1700000000.{}", "9".repeat(2000)), 0, Some(1_700_000_000));
        check(&format!("{}e-2000", "1".repeat(2003)), 0, Some(111));
        check(&format!("0.{}5e2001", "0".repeat(2000)), 0, Some(5));
    }

    #[test]
    fn the_range_is_exact() {
        check("253402300799.999", 0, Some(TS_S_MAX));
        check("253402300800", 0, None);
        check("-62135596800", 0, Some(TS_S_MIN));
        check("-62135596800.0001", 0, None);
        check("1e400", 0, None);
        check("-1e12", 0, None);
        check("1e99999999999999999999", 9, None);
    }

    #[test]
    fn only_the_grammar_of_json() {
        for text in [
            "", "-", "+1", "01", "-01", "1.", ".5", "-.5", "1e", "1e+", "1.e5", "1 ", " 1", "0x10",
            "1_000", "NaN", "Infinity", "1.2.3", "1e5.0", "--1", "1e5e5", "٣",
        ] {
            check(text, 0, None);
        }
    }

    #[test]
    fn short_integers() {
        let check =
            |text: &str, answer| assert_eq!(short_integer(text.as_bytes()), answer, "{text}");
        check("1700000000,", Some((1_700_000_000, 10)));
        check("0}", Some((0, 1)));
        check("999999999999999999 ", Some((999_999_999_999_999_999, 18)));
        for text in ["", "1", ",", "-1,", "01,", "1000000000000000000,"] {
            check(text, None);
        }
    }

    #[test]
    fn integers() {
        for text in ["0", "-0", "7", "-10", "123456789012345678901234567890"] {
            assert!(is_integer(text.as_bytes()), "{text}");
        }
        for text in ["", "-", "00", "-01", "1.0", "1e3", "+1"] {
            assert!(!is_integer(text.as_bytes()), "{text}");
        }
    }
}
