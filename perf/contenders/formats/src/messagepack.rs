//! MessagePack: by its markers (rmp), and by serde (rmp-serde).

use rmp::Marker;
use serde::Serialize;

use crate::frame::Frame;
use crate::ways::{Two, Walk, facts, take, walk};

/// Goes from member to member, jumps over each value that is not wanted, and stops behind the second field.
pub fn by_hand() -> Walk {
    walk(|mut rest| {
        let members = match marker(&mut rest)? {
            Marker::FixMap(n) => u64::from(n),
            Marker::Map16 => number(&mut rest, 2)?,
            Marker::Map32 => number(&mut rest, 4)?,
            _ => return None,
        };
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

fn marker(rest: &mut &[u8]) -> Option<Marker> {
    take(rest, 1).map(|byte| Marker::from_u8(byte[0]))
}

/// An unsigned number of so many bytes.
fn number(rest: &mut &[u8], bytes: usize) -> Option<u64> {
    Some(take(rest, bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let bytes = match marker(rest)? {
        Marker::FixStr(n) => u64::from(n),
        Marker::Str8 => number(rest, 1)?,
        Marker::Str16 => number(rest, 2)?,
        Marker::Str32 => number(rest, 4)?,
        _ => return None,
    };
    take(rest, bytes as usize)
}

fn integer(rest: &mut &[u8]) -> Option<i64> {
    rmp::decode::read_int(rest).ok()
}

/// Over one value, and all in it.
fn skip(rest: &mut &[u8]) -> Option<()> {
    let mut values = 1u64;
    while values > 0 {
        values -= 1;
        let (bytes, inside) = match marker(rest)? {
            Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => {
                (0, 0)
            }
            Marker::U8 | Marker::I8 => (1, 0),
            Marker::U16 | Marker::I16 => (2, 0),
            Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
            Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
            Marker::FixStr(n) => (u64::from(n), 0),
            Marker::Str8 | Marker::Bin8 => (number(rest, 1)?, 0),
            Marker::Str16 | Marker::Bin16 => (number(rest, 2)?, 0),
            Marker::Str32 | Marker::Bin32 => (number(rest, 4)?, 0),
            Marker::FixArray(n) => (0, u64::from(n)),
            Marker::Array16 => (0, number(rest, 2)?),
            Marker::Array32 => (0, number(rest, 4)?),
            Marker::FixMap(n) => (0, 2 * u64::from(n)),
            Marker::Map16 => (0, 2 * number(rest, 2)?),
            Marker::Map32 => (0, 2 * number(rest, 4)?),
            // extensions: no frame has one
            _ => return None,
        };
        take(rest, bytes as usize)?;
        values += inside;
    }
    Some(())
}

pub fn two() -> Walk {
    walk(|frame| rmp_serde::from_slice::<Two<'_>>(frame).ok().map(|two| two.facts()))
}

pub fn whole(frame: &[u8]) -> Frame {
    rmp_serde::from_slice(frame).expect("a frame")
}

/// A frame, or the value of a frame's JSON; objects are maps with their keys.
pub fn encode(frame: &impl Serialize, out: &mut Vec<u8>) {
    frame
        .serialize(&mut rmp_serde::Serializer::new(out).with_struct_map())
        .expect("a vector takes all");
}
