//! From a frame to its two fields: finds their keys, follows their paths, reads their values.
//!
//! Values do not steer the search: it ends when both root keys were met, or there is no more. So
//! a bad value and a missing one cost the same, and the order of members changes nothing.

use super::generic::{Search, candidates};
use super::name::Name;
use super::number::{self, Token};
use super::text::{Raw, Unescaped, skip_space, string};
use super::vector::Block;
use super::{FieldPath, TsUnit, rfc3339};
use crate::limits::UID_BYTES_MAX;

/// A kernel: reads one frame.
pub(super) type ReadFn = fn(&Plan, &mut Scratch, &[u8]) -> Reading;

/// What to look for, in the form the search wants it.
pub(super) struct Plan {
    ts: Steps,
    uid: Steps,
    ts_unit: TsUnit,
}

/// A path: a member of the root, and where to go from there.
#[derive(Clone)]
struct Steps {
    root: Name,
    rest: Vec<Name>,
}

impl Steps {
    fn new(path: &FieldPath) -> Steps {
        let mut names = path.names().map(Name::new);
        let root = names.next().expect("a path has a name");
        Steps { root, rest: names.collect() }
    }
}

impl Plan {
    pub(super) fn new(ts: &FieldPath, uid: &FieldPath, ts_unit: TsUnit) -> Plan {
        Plan { ts: Steps::new(ts), uid: Steps::new(uid), ts_unit }
    }

    /// The same for the time alone, in another unit.
    pub(super) fn only_ts(&self, ts_unit: TsUnit) -> Plan {
        Plan { ts: self.ts.clone(), uid: self.ts.clone(), ts_unit }
    }
}

/// Where an unescaped uid is put.
pub(super) struct Scratch(Box<[u8; UID_BYTES_MAX]>);

impl Scratch {
    pub(super) fn new() -> Scratch {
        Scratch(Box::new([0; UID_BYTES_MAX]))
    }

    pub(super) fn bytes(&self, bytes: usize) -> &[u8] {
        &self.0[..bytes]
    }

    /// Takes a text over, if there is room for it; gives its length.
    fn fill(&mut self, text: impl Iterator<Item = u8>) -> Option<usize> {
        let mut len = 0;
        for byte in text {
            *self.0.get_mut(len)? = byte;
            len += 1;
        }
        Some(len)
    }
}

/// What is known of a frame.
pub(super) struct Reading {
    /// Seconds of unix time, in range.
    pub(super) ts: Slot<i64>,
    pub(super) uid: Slot<UidAt>,
    pub(super) end: End,
}

/// A field. Where the reading ended too soon it says nothing.
#[derive(Clone, Copy)]
pub(super) enum Slot<T> {
    Missing,
    Bad,
    Good(T),
}

/// Where a uid's bytes are; there are some, and not too many.
#[derive(Clone, Copy)]
pub(super) enum UidAt {
    Frame { from: usize, to: usize },
    Scratch { bytes: usize },
}

/// How the reading ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    NotObject,
    /// The slice ended before both fields were settled.
    Cut,
    /// Both are settled: there, or nowhere.
    Settled,
}

/// The slice ended inside of what was read.
struct Cut;

/// Reads a frame with one kernel.
#[inline(always)]
pub(super) fn read<B: Block>(plan: &Plan, scratch: &mut Scratch, frame: &[u8]) -> Reading {
    let mut reading = Reading { ts: Slot::Missing, uid: Slot::Missing, end: End::NotObject };
    let root = skip_space(frame, 0);
    if frame.get(root) == Some(&b'{') {
        reading.end = match settle::<B>(plan, scratch, frame, root, &mut reading) {
            Ok(()) => End::Settled,
            Err(Cut) => End::Cut,
        };
    }
    reading
}

#[inline(always)]
fn settle<B: Block>(
    plan: &Plan,
    scratch: &mut Scratch,
    frame: &[u8],
    root: usize,
    reading: &mut Reading,
) -> Result<(), Cut> {
    let [ts_at, uid_at] = values::<B>(frame, root, [&plan.ts.root, &plan.uid.root])?;
    if let Some(at) = follow::<B>(frame, ts_at, &plan.ts.rest)? {
        reading.ts = read_ts(frame, at, plan.ts_unit)?;
    }
    if let Some(at) = follow::<B>(frame, uid_at, &plan.uid.rest)? {
        reading.uid = read_uid(frame, at, scratch)?;
    }
    Ok(())
}

/// The places of the values of two keys of the object at `from`, the first of each, in one pass.
#[inline(always)]
fn values<B: Block>(
    frame: &[u8],
    from: usize,
    names: [&Name; 2],
) -> Result<[Option<usize>; 2], Cut> {
    let object = &frame[from..];
    let mut at = [None; 2];
    let end = candidates::<B>(object, names.map(Name::first), |quote| {
        for (at, name) in at.iter_mut().zip(names) {
            if at.is_none() {
                *at = name.value_at(object, quote);
            }
        }
        at[0].is_none() || at[1].is_none()
    });
    if end == Search::Cut { Err(Cut) } else { Ok(at.map(|at| at.map(|at| from + at))) }
}

/// Where the rest of a path leads from a root member's value.
#[inline(always)]
fn follow<B: Block>(
    frame: &[u8],
    mut at: Option<usize>,
    rest: &[Name],
) -> Result<Option<usize>, Cut> {
    for name in rest {
        let Some(from) = at else { return Ok(None) };
        at = match frame.get(from) {
            None => return Err(Cut),
            Some(b'{') => values::<B>(frame, from, [name, name])?[0],
            Some(_) => None,
        };
    }
    Ok(at)
}

/// The time whose value begins at `at`.
#[inline(always)]
fn read_ts(frame: &[u8], at: usize, unit: TsUnit) -> Result<Slot<i64>, Cut> {
    let seconds = match (frame.get(at), unit.scale()) {
        (None, _) => return Err(Cut),
        (Some(b'"'), scale) => {
            let Raw { from, to, .. } = string(frame, at + 1).ok_or(Cut)?;
            let text = Unescaped::new(&frame[from..to]);
            match scale {
                Some(scale) => number::seconds(text, scale),
                None => rfc3339::seconds(text),
            }
        }
        (Some(b'0'..=b'9' | b'-'), Some(scale)) => match number::short_integer(&frame[at..]) {
            Some((value, len)) if number::may_follow(frame[at + len]) => {
                i64::try_from(value / 10u64.pow(scale)).ok().and_then(number::in_range)
            }
            _ => match number::token(frame, at) {
                Token::Cut => return Err(Cut),
                Token::Bad => None,
                Token::Text(text) => number::seconds(text.iter().copied(), scale),
            },
        },
        // A number, with rfc3339, is bad by its first byte; as is everything else.
        _ => None,
    };
    Ok(seconds.map_or(Slot::Bad, Slot::Good))
}

/// The user whose value begins at `at`.
#[inline(always)]
fn read_uid(frame: &[u8], at: usize, scratch: &mut Scratch) -> Result<Slot<UidAt>, Cut> {
    let uid_at = match frame.get(at) {
        None => return Err(Cut),
        Some(b'"') => {
            let raw = string(frame, at + 1).ok_or(Cut)?;
            if raw.plain {
                Some(UidAt::Frame { from: raw.from, to: raw.to })
            } else {
                uid_text(frame, raw, scratch)
            }
        }
        Some(b'0'..=b'9' | b'-') => match number::token(frame, at) {
            Token::Cut => return Err(Cut),
            Token::Text(text) if number::is_integer(text) => {
                Some(UidAt::Frame { from: at, to: at + text.len() })
            }
            _ => None,
        },
        Some(_) => None,
    };
    let fits = |uid_at: &UidAt| match *uid_at {
        UidAt::Frame { from, to } => (1..=UID_BYTES_MAX).contains(&(to - from)),
        UidAt::Scratch { bytes } => bytes > 0,
    };
    Ok(uid_at.filter(fits).map_or(Slot::Bad, Slot::Good))
}

/// A uid that is not plain: unescaped where it must be, and checked to be text.
fn uid_text(frame: &[u8], raw: Raw, scratch: &mut Scratch) -> Option<UidAt> {
    let text = &frame[raw.from..raw.to];
    if text.contains(&b'\\') {
        let bytes = scratch.fill(Unescaped::new(text))?;
        std::str::from_utf8(scratch.bytes(bytes)).ok()?;
        return Some(UidAt::Scratch { bytes });
    }
    let text = std::str::from_utf8(text).ok()?;
    let control = text.bytes().any(|byte| byte < 0x20);
    (!control).then_some(UidAt::Frame { from: raw.from, to: raw.to })
}
