//! CBOR: by its heads, and by serde (minicbor-serde).

use serde::Serialize;

use crate::frame::Frame;
use crate::ways::{Two, Walk, facts, take, walk};

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

/// Goes from member to member, jumps over each value that is not wanted, and stops behind the second field.
/// (minicbor's own `skip` would check the UTF-8 of every text on the way.)
pub fn by_hand() -> Walk {
    walk(|mut rest| {
        let (MAP, members) = head(&mut rest)? else { return None };
        let (mut ts, mut uid) = (None, None);
        for _ in 0..members {
            match text(&mut rest)? {
                b"ts" if ts.is_none() => ts = Some(integer(&mut rest)?),
                b"uid" if uid.is_none() => uid = Some(text(&mut rest)?),
                _ => skip(&mut rest)?,
            }
            if let (Some(ts), Some(uid)) = (ts, uid) {
                std::str::from_utf8(uid).ok()?;
                return Some(facts(ts, uid));
            }
        }
        None
    })
}

/// A value's kind and its number. Those without a length told ahead are none of ours.
#[inline]
fn head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let byte = take(rest, 1)?[0];
    let number = match byte & 0x1f {
        n @ 0..=23 => u64::from(n),
        n @ 24..=27 => {
            let bytes = take(rest, 1 << (n - 24))?;
            bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
        }
        _ => return None,
    };
    Some((byte >> 5, number))
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (TEXT, bytes) = head(rest)? else { return None };
    take(rest, bytes as usize)
}

fn integer(rest: &mut &[u8]) -> Option<i64> {
    match head(rest)? {
        (UNSIGNED, n) => i64::try_from(n).ok(),
        (NEGATIVE, n) => i64::try_from(n).ok().map(|n| -1 - n),
        _ => None,
    }
}

/// Over one value, and all in it.
fn skip(rest: &mut &[u8]) -> Option<()> {
    let mut values = 1u64;
    while values > 0 {
        values -= 1;
        match head(rest)? {
            (UNSIGNED | NEGATIVE | SIMPLE, _) => {}
            (BYTES | TEXT, bytes) => _ = take(rest, bytes as usize)?,
            (LIST, inside) => values += inside,
            (MAP, inside) => values += 2 * inside,
            (TAG, _) => values += 1,
            _ => return None,
        }
    }
    Some(())
}

pub fn two() -> Walk {
    walk(|frame| minicbor_serde::from_slice::<Two<'_>>(frame).ok().map(|two| two.facts()))
}

pub fn whole(frame: &[u8]) -> Frame {
    minicbor_serde::from_slice(frame).expect("a frame")
}

/// A frame, or the value of a frame's JSON.
pub fn encode(frame: &impl Serialize, out: &mut Vec<u8>) {
    let mut to = minicbor_serde::Serializer::new(out);
    // null; as it is, `()` would be an empty list
    to.serialize_unit_as_null(true);
    frame.serialize(&mut to).expect("a vector takes all");
}
