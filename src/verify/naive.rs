//! What a frame says, byte by byte: the scanner's contract on any bytes, valid JSON or not.
//!
//! It has nothing to do with the real kernels and agrees with them on frames that are no JSON, too:
//! of those the oracle does not speak. Values are the oracle's. Tests hold the kernels against it,
//! and a recount asks it about what serde_json refuses.

use super::oracle;
use crate::limits::FRAME_BYTES_MAX;
use crate::scan::{FieldPath, Malformed, ScanSettings, TsUnit};

/// The slice ended too soon.
struct Cut;

/// Seconds of unix time and the user's bytes.
///
/// # Errors
/// Why there are none. `validate` is not heeded.
pub fn read(frame: &[u8], settings: &ScanSettings) -> Result<(i64, Vec<u8>), Malformed> {
    if frame.len() > FRAME_BYTES_MAX {
        return Err(Malformed::TooLong);
    }
    let root = root(frame).ok_or(Malformed::NotObject)?;
    let numbers = settings.ts_unit != TsUnit::Rfc3339;
    let value = |path, numbers| value(frame, place(frame, root, path)?, numbers);
    let ts = value(&settings.ts_field, numbers).map_err(|Cut| Malformed::CutOff)?;
    let uid = value(&settings.uid_field, true).map_err(|Cut| Malformed::CutOff)?;
    let ts_s = oracle::ts_of(ts.ok_or(Malformed::NoTs)?, settings.ts_unit);
    let ts_s = ts_s.ok_or(Malformed::BadTs)?;
    let uid = oracle::uid_of(uid.ok_or(Malformed::NoUid)?).ok_or(Malformed::BadUid)?;
    Ok((ts_s, uid))
}

/// Seconds of unix time, whatever there is of a user.
#[must_use]
pub fn read_ts(frame: &[u8], settings: &ScanSettings) -> Option<i64> {
    let root = root(frame).filter(|_| frame.len() <= FRAME_BYTES_MAX)?;
    let numbers = settings.ts_unit != TsUnit::Rfc3339;
    let at = place(frame, root, &settings.ts_field).ok()?;
    oracle::ts_of(value(frame, at, numbers).ok()??, settings.ts_unit)
}

/// Where the object begins.
fn root(frame: &[u8]) -> Option<usize> {
    Some(space(frame, 0)).filter(|&root| frame.get(root) == Some(&b'{'))
}

/// Where a path leads.
fn place(frame: &[u8], root: usize, path: &FieldPath) -> Result<Option<usize>, Cut> {
    let mut at = root;
    for name in path.names() {
        match frame.get(at) {
            None => return Err(Cut),
            Some(b'{') => {}
            Some(_) => return Ok(None),
        }
        let Some(next) = member(frame, at, name)? else { return Ok(None) };
        at = next;
    }
    Ok(Some(at))
}

/// The value of the first member of that name of the object at `from`.
fn member(frame: &[u8], from: usize, name: &str) -> Result<Option<usize>, Cut> {
    let (mut depth, mut opened, mut escaped) = (0, None, false);
    for (at, &byte) in frame.iter().enumerate().skip(from) {
        let quote = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        match (opened, byte) {
            (None, b'"') if quote => opened = Some(at),
            (Some(open), b'"') if quote => {
                opened = None;
                let colon = space(frame, at + 1);
                if depth == 1 && frame.get(colon) == Some(&b':') && says(&frame[open..=at], name) {
                    return Ok(Some(space(frame, colon + 1)));
                }
            }
            (None, b'{' | b'[') => depth += 1,
            (None, b'}' | b']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(None);
        }
    }
    Err(Cut)
}

fn says(string: &[u8], name: &str) -> bool {
    string.len() <= 2 + 6 * name.len()
        && serde_json::from_slice::<String>(string).is_ok_and(|text| text == name)
}

/// The text of the value at a place; of values that are bad anyway, their first byte.
fn value(frame: &[u8], at: Option<usize>, numbers: bool) -> Result<Option<&[u8]>, Cut> {
    let Some(at) = at else { return Ok(None) };
    let rest = &frame[at..];
    let len = match rest.first() {
        None => return Err(Cut),
        Some(b'"') => {
            let mut escaped = false;
            let close = rest[1..].iter().position(|&byte| {
                let quote = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                quote
            });
            close.ok_or(Cut)? + 2
        }
        Some(b'0'..=b'9' | b'-') if numbers => {
            let len = rest.iter().take_while(|byte| b"0123456789+-.eE".contains(byte)).count();
            if !b" \t\r\n,]}".contains(rest.get(len).ok_or(Cut)?) {
                return Ok(Some(b"!"));
            }
            len
        }
        Some(_) => return Ok(Some(b"!")),
    };
    Ok(Some(&rest[..len]))
}

fn space(frame: &[u8], from: usize) -> usize {
    from + frame[from..].iter().take_while(|byte| b" \t\r\n".contains(byte)).count()
}
