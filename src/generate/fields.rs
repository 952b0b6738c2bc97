//! The two fields a reader wants, as root members ending in a comma: written plainly, written
//! oddly but equal, or wrongly.

use super::TsUnit;
use super::plan::{Malformed, Plan};
use super::random::Random;
use super::users::{Users, write_digits};
use crate::limits::UID_BYTES_MAX;

/// Values no reader may take for a time, whatever the unit.
const BAD_TIMES: [&str; 11] = [
    "null",
    "true",
    "false",
    r#""""#,
    r#""yesterday""#,
    r#""1700000000x""#,
    "[1700000000]",
    r#"{"ts":1700000000}"#,
    "1e40",
    "-1e40",
    r#""1e40""#,
];

/// Values no reader may take for a user. The too long one is made apart.
const BAD_USERS: [&str; 10] = [
    "null",
    "true",
    "false",
    r#""""#,
    "4.5",
    r#"["user-000000001"]"#,
    r#"{"uid":"user-000000001"}"#,
    r#""\ud800""#,
    r#""user-\udc00x""#,
    r#""\ud83d\u0041""#,
];

/// What may stand between two tokens of a line.
const SPACES: [&str; 6] = [" ", "  ", "\t", " \t ", "\r", ""];

/// The two members of a frame, made before their places are known. Kept from frame to frame, so
/// that nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Empty, or `"ts":…,`.
    pub(super) ts: Vec<u8>,
    /// Empty, or `"uid":…,`.
    pub(super) uid: Vec<u8>,
    /// The uid alone.
    value: Vec<u8>,
}

/// Appends white space, maybe none.
pub(super) fn write_space(draws: &mut Random, out: &mut Vec<u8>) {
    out.extend_from_slice(draws.pick(&SPACES).as_bytes());
}

impl Fields {
    /// Makes both members as `plan` says.
    pub(super) fn make(&mut self, plan: &Plan, unit: TsUnit, users: &Users, draws: &mut Random) {
        self.ts.clear();
        self.uid.clear();
        self.value.clear();
        // at least one of: the uid, its key, the key of the time
        let escaped = if plan.escapes { 1 + draws.below(7) } else { 0 };
        let [escaped_uid, escaped_uid_key, escaped_ts_key] = [1, 2, 4].map(|bit| escaped & bit > 0);
        if plan.malformed != Some(Malformed::NoTs) {
            let bad = plan.malformed == Some(Malformed::BadTs);
            write_member(b"ts", escaped_ts_key, plan.spaces, draws, &mut self.ts, |draws, out| {
                if bad {
                    out.extend_from_slice(draws.pick(&BAD_TIMES).as_bytes());
                } else {
                    write_ts(plan, unit, draws, out);
                }
            });
        }
        if plan.malformed != Some(Malformed::NoUid) {
            let is_integer = users.write_uid(plan.user, &mut self.value);
            let (bad, value) = (plan.malformed == Some(Malformed::BadUid), &self.value);
            write_member(
                b"uid",
                escaped_uid_key,
                plan.spaces,
                draws,
                &mut self.uid,
                |draws, out| {
                    if bad {
                        write_bad_uid(draws, out);
                    } else if is_integer && !escaped_uid && draws.coin() {
                        out.extend_from_slice(value);
                    } else {
                        write_string(value, escaped_uid, draws, out);
                    }
                },
            );
        }
    }
}

fn write_member(
    key: &[u8],
    escaped: bool,
    spaces: bool,
    draws: &mut Random,
    out: &mut Vec<u8>,
    write_value: impl FnOnce(&mut Random, &mut Vec<u8>),
) {
    let space = |draws: &mut Random, out: &mut Vec<u8>| {
        if spaces {
            write_space(draws, out);
        }
    };
    space(draws, out);
    write_string(key, escaped, draws, out);
    space(draws, out);
    out.push(b':');
    space(draws, out);
    write_value(draws, out);
    space(draws, out);
    out.push(b',');
}

/// Writes `text`, UTF-8 that needs no escapes, as a string; with some if `escaped`, at least one.
fn write_string(text: &[u8], escaped: bool, draws: &mut Random, out: &mut Vec<u8>) {
    out.push(b'"');
    if escaped {
        let text = std::str::from_utf8(text).expect("keys and uids are UTF-8");
        let one = draws.below_len(text.chars().count());
        for (at, char) in text.chars().enumerate() {
            if at == one || draws.coin() {
                write_escape(char, draws, out);
            } else {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    } else {
        out.extend_from_slice(text);
    }
    out.push(b'"');
}

/// Writes one `\u` escape, or two where UTF-16 takes a pair, in capital or small digits.
fn write_escape(char: char, draws: &mut Random, out: &mut Vec<u8>) {
    for &mut unit in char.encode_utf16(&mut [0; 2]) {
        let digits = if draws.coin() { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
        out.extend_from_slice(b"\\u");
        out.extend([12, 8, 4, 0].map(|shift| digits[usize::from(unit >> shift & 15)]));
    }
}

fn write_bad_uid(draws: &mut Random, out: &mut Vec<u8>) {
    let which = draws.below_len(BAD_USERS.len() + 1);
    match BAD_USERS.get(which) {
        Some(bad) => out.extend_from_slice(bad.as_bytes()),
        None => {
            out.push(b'"');
            out.extend(std::iter::repeat_n(b'u', UID_BYTES_MAX + 1));
            out.push(b'"');
        }
    }
}

fn write_ts(plan: &Plan, unit: TsUnit, draws: &mut Random, out: &mut Vec<u8>) {
    // zero has no other digits to be written with
    if !plan.odd_ts || plan.ts_s == 0 {
        return write_units(plan, unit, out);
    }
    // any other fraction would take a negative number to the second below
    let (fraction, least): (&[u8], &[u8]) =
        if plan.ts_s < 0 { (b".0", b".00") } else { (b".75", b".000000000000000000000001") };
    match draws.below(6) {
        0 => {
            out.push(b'"');
            write_units(plan, unit, out);
            out.push(b'"');
        }
        1 => {
            write_units(plan, unit, out);
            out.extend_from_slice(fraction);
        }
        2 => {
            out.push(b'"');
            write_units(plan, unit, out);
            out.extend_from_slice(fraction);
            out.push(b'"');
        }
        3 => {
            write_units(plan, unit, out);
            out.extend_from_slice(b"E+0");
        }
        4 => {
            write_units(plan, unit, out);
            out.extend_from_slice(b"0e-1");
        }
        _ => {
            write_units(plan, unit, out);
            out.extend_from_slice(least);
        }
    }
}

/// The time as an integer of `unit`.
fn write_units(plan: &Plan, unit: TsUnit, out: &mut Vec<u8>) {
    let per_s = unit.per_s();
    let below_s = plan.ts_ns / u64::from(1_000_000_000 / per_s);
    let units =
        plan.ts_s.checked_mul(i64::from(per_s)).and_then(|u| u.checked_add_unsigned(below_s));
    match units {
        Some(units) => {
            if units < 0 {
                out.push(b'-');
            }
            write_digits(units.unsigned_abs(), 1, out);
        }
        // a flipped bit took it beyond 64 bits: rare, so it may be slow
        None => {
            let units = i128::from(plan.ts_s) * i128::from(per_s) + i128::from(below_s);
            out.extend_from_slice(units.to_string().as_bytes());
        }
    }
}
