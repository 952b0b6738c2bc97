//! What a frame says, by serde_json: the scanner's contract (`scan`) once more, for valid JSON.
//!
//! Frames that are not UTF-8 and JSON as a whole are `Invalid` here: of those the scanner may
//! know better, as it stops early, and they are not compared. Everything else must be equal, the
//! reasons too. Nothing here recurses with the frame's nesting; everything allocates.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits::{FRAME_BYTES_MAX, TS_S_MAX, TS_S_MIN, UID_BYTES_MAX};
use crate::scan::{FieldPath, Malformed, ScanSettings, TsUnit};

/// Seconds of unix time and the user's bytes.
///
/// # Errors
/// Why there are none; `Invalid` for all that is not valid JSON.
pub fn read(frame: &[u8], settings: &ScanSettings) -> Result<(i64, Vec<u8>), Malformed> {
    if frame.len() > FRAME_BYTES_MAX {
        return Err(Malformed::TooLong);
    }
    let text = std::str::from_utf8(frame).map_err(|_| Malformed::Invalid)?;
    let root = raw(text).ok_or(Malformed::Invalid)?;
    if !root.starts_with('{') {
        return Err(Malformed::NotObject);
    }
    let ts = value_at(root, &settings.ts_field).ok_or(Malformed::NoTs)?;
    let ts_s = ts_of(ts.as_bytes(), settings.ts_unit).ok_or(Malformed::BadTs)?;
    let uid = value_at(root, &settings.uid_field).ok_or(Malformed::NoUid)?;
    let uid = uid_of(uid.as_bytes()).ok_or(Malformed::BadUid)?;
    Ok((ts_s, uid))
}

/// The time a value's text stands for, in seconds, floored.
#[must_use]
pub fn ts_of(value: &[u8], unit: TsUnit) -> Option<i64> {
    let value = std::str::from_utf8(value).ok()?;
    let content = string(value);
    let seconds = match unit {
        TsUnit::Rfc3339 => rfc3339(&content?)?,
        TsUnit::S => decimal(content.as_deref().unwrap_or(value), 0)?,
        TsUnit::Ms => decimal(content.as_deref().unwrap_or(value), 3)?,
        TsUnit::Us => decimal(content.as_deref().unwrap_or(value), 6)?,
        TsUnit::Ns => decimal(content.as_deref().unwrap_or(value), 9)?,
    };
    (TS_S_MIN..=TS_S_MAX).contains(&seconds).then_some(seconds)
}

/// The user a value's text stands for.
#[must_use]
pub fn uid_of(value: &[u8]) -> Option<Vec<u8>> {
    let value = std::str::from_utf8(value).ok()?;
    let integer = || is_number(value) && !value.contains(['.', 'e', 'E']);
    let uid = string(value).or_else(|| integer().then(|| value.to_owned()))?;
    (1..=UID_BYTES_MAX).contains(&uid.len()).then(|| uid.into_bytes())
}

/// The text of a JSON value without the white space around it.
fn raw(text: &str) -> Option<&str> {
    serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get)
}

fn string(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && raw(text) == Some(text)
}

fn value_at<'a>(root: &'a str, path: &FieldPath) -> Option<&'a str> {
    path.names().try_fold(root, |value, name| {
        let mut json = serde_json::Deserializer::from_str(value);
        json.disable_recursion_limit();
        json.deserialize_map(FirstMember { name }).ok().flatten()
    })
}

/// The text of the first member of that name.
struct FirstMember<'n> {
    name: &'n str,
}

impl<'de> Visitor<'de> for FirstMember<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut first = None;
        while let Some(wanted) = members.next_key_seed(KeyIs { name: self.name })? {
            if wanted && first.is_none() {
                first = Some(members.next_value::<&RawValue>()?.get());
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(first)
    }
}

/// Whether a key is that name; as bytes, for a lone surrogate is an error in a string.
struct KeyIs<'n> {
    name: &'n str,
}

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<bool, D::Error> {
        key.deserialize_bytes(self)
    }
}

impl Visitor<'_> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<bool, E> {
        Ok(key == self.name.as_bytes())
    }
}

/// A JSON number divided by 10^`scale`, floored: by moving the point through its digits.
fn decimal(number: &str, scale: i64) -> Option<i64> {
    if !is_number(number) {
        return None;
    }
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or((1, mantissa), |rest| (-1, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    // An exponent too large to be read is larger than any frame can have digits.
    let huge = if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
    let exponent = exponent.parse::<i64>().unwrap_or(huge).clamp(i64::MIN / 4, i64::MAX / 4);
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(whole.len()).ok()? - dropped + exponent - scale;
    let point = usize::try_from(point.max(0)).ok().filter(|&point| point < 18)?;
    let padded = format!("{significant:0<point$}");
    let (whole, rest) = padded.split_at(point);
    let magnitude = format!("0{whole}").parse::<i64>().ok()?;
    let borrow = i64::from(sign < 0 && rest.contains(|digit| digit != '0'));
    Some(sign * magnitude - borrow)
}

/// Seconds of unix time of a text whose shape is that of RFC 3339, a space for the T allowed.
fn rfc3339(text: &str) -> Option<i64> {
    let shape = |text: &str| text.replace(|byte: char| byte.is_ascii_digit(), "9");
    let (local, rest) = text.split_at_checked(19)?;
    if shape(local).replace(['t', ' '], "T") != "9999-99-99T99:99:99" {
        return None;
    }
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|byte: char| byte.is_ascii_digit());
            Some(zone).filter(|zone| zone.len() < fraction.len())?
        }
        None => rest,
    };
    let offset_s = match shape(zone).as_str() {
        "Z" | "z" => 0,
        "+99:99" | "-99:99" => {
            let hours = zone[1..3].parse::<i64>().ok().filter(|&hours| hours < 24)?;
            let minutes = zone[4..6].parse::<i64>().ok().filter(|&minutes| minutes < 60)?;
            (hours * 3600 + minutes * 60) * if zone.starts_with('-') { -1 } else { 1 }
        }
        _ => return None,
    };
    // jiff reads a leap second, in any minute, as the second before it.
    let local: jiff::civil::DateTime = local.replace(['t', ' '], "T").parse().ok()?;
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    Some(local.duration_since(epoch).as_secs() - offset_s)
}
