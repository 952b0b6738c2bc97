//! Protobuf: by its wire format, and by prost.

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::frame::Frame;
use crate::ways::{Place, Walk, facts, take, walk};

/// The same message to a reader that knows two fields of it.
#[derive(Clone, PartialEq, Message)]
struct Two {
    #[prost(int64, tag = "1")]
    ts: i64,
    #[prost(string, tag = "2")]
    uid: String,
}

/// Goes from field to field, jumps over those that are not wanted, and stops behind the second. (To
/// Protobuf the last of two equal fields counts, so it would have to go to the end; encoders write none
/// twice.)
pub fn by_hand() -> Walk {
    walk(|mut rest| {
        let (mut ts, mut uid) = (None, None);
        while !rest.is_empty() {
            match decode_key(&mut rest).ok()? {
                (1, WireType::Varint) => ts = Some(decode_varint(&mut rest).ok()? as i64),
                (2, WireType::LengthDelimited) => {
                    let bytes = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
                    uid = Some(take(&mut rest, bytes)?);
                }
                (tag, wire) => skip_field(wire, tag, &mut rest, DecodeContext::default()).ok()?,
            }
            if let (Some(ts), Some(uid)) = (ts, uid) {
                std::str::from_utf8(uid).ok()?;
                return Some(facts(ts, uid));
            }
        }
        None
    })
}

pub fn two() -> Walk {
    walk(|frame| Two::decode(frame).ok().map(|two| facts(two.ts, two.uid.as_bytes())))
}

pub fn whole(frame: &[u8]) -> Frame {
    Frame::decode(frame).expect("a frame")
}

/// Fields may stand in any order, and messages written one after the other are one.
pub fn encode(place: Place, frame: &Frame, out: &mut Vec<u8>) {
    match place {
        Place::First | Place::Mixed => frame.encode(out).expect("a vector takes all"),
        Place::Last => {
            let rest = Frame { ts: 0, uid: String::new(), ..frame.clone() };
            let two = Two { ts: frame.ts, uid: frame.uid.clone() };
            rest.encode(out).expect("a vector takes all");
            two.encode(out).expect("a vector takes all");
        }
    }
}
