//! From a frame to its two fields: finds their keys, follows their paths, reads their values.
//!
//! Values do not steer the search: it ends when both root keys were met, or there is no more. So
//! a bad value and a missing one cost the same, and the order of members changes nothing.

use super::generic::{Cut, ValuesFn};
use super::name::Name;
use super::number::{self, Token};
use super::text::{Raw, Unescaped, skip_space, string};
use super::{FieldPath, TsUnit, rfc3339};
use crate::limits::UID_BYTES_MAX;

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

/// Reads a frame; `values` is the kernel.
#[inline]
pub(super) fn read(values: ValuesFn, plan: &Plan, scratch: &mut Scratch, frame: &[u8]) -> Reading {
    let mut reading = Reading { ts: Slot::Missing, uid: Slot::Missing, end: End::NotObject };
    let root = skip_space(frame, 0);
    if frame.get(root) == Some(&b'{') {
        reading.end = match settle(values, plan, scratch, frame, root, &mut reading) {
            Ok(()) => End::Settled,
            Err(Cut) => End::Cut,
        };
    }
    reading
}

#[inline(always)]
fn settle(
    values: ValuesFn,
    plan: &Plan,
    scratch: &mut Scratch,
    frame: &[u8],
    root: usize,
    reading: &mut Reading,
) -> Result<(), Cut> {
    let inside = root + 1;
    let places = values(&frame[inside..], [&plan.ts.root, &plan.uid.root])?;
    let [ts_at, uid_at] = places.map(|at| at.map(|at| inside + at));
    if let Some(at) = follow(values, frame, ts_at, &plan.ts.rest)? {
        reading.ts = read_ts(frame, at, plan.ts_unit)?;
    }
    if let Some(at) = follow(values, frame, uid_at, &plan.uid.rest)? {
        reading.uid = read_uid(frame, at, scratch)?;
    }
    Ok(())
}

/// Where the rest of a path leads from a root member's value.
#[inline]
fn follow(
    values: ValuesFn,
    frame: &[u8],
    mut at: Option<usize>,
    rest: &[Name],
) -> Result<Option<usize>, Cut> {
    for name in rest {
        let Some(from) = at else { return Ok(None) };
        at = match frame.get(from) {
            None => return Err(Cut),
            Some(b'{') => {
                let inside = from + 1;
                values(&frame[inside..], [name, name])?[0].map(|at| inside + at)
            }
            Some(_) => None,
        };
    }
    Ok(at)
}

/// The time whose value begins at `at`.
#[inline(always)]
fn read_ts(frame: &[u8], at: usize, unit: TsUnit) -> Result<Slot<i64>, Cut> {
    if let Some(divisor) = unit.divisor()
        && let Some((value, len)) = number::short_integer(&frame[at..])
        && number::may_follow(frame[at + len])
    {
        // A division is slow, and by 1 the usual one.
        let seconds = if divisor == 1 { value } else { value / divisor };
        let seconds = i64::try_from(seconds).ok().and_then(number::in_range);
        return Ok(seconds.map_or(Slot::Bad, Slot::Good));
    }
    read_ts_slowly(frame, at, unit)
}

/// A time that is no short integer.
#[inline(never)]
fn read_ts_slowly(frame: &[u8], at: usize, unit: TsUnit) -> Result<Slot<i64>, Cut> {
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
        (Some(b'0'..=b'9' | b'-'), Some(scale)) => match number::token(frame, at) {
            Token::Cut => return Err(Cut),
            Token::Bad => None,
            Token::Text(text) => number::seconds(text.iter().copied(), scale),
        },
        // A number, with rfc3339, is bad by its first byte; as is everything else.
        _ => None,
    };
    Ok(seconds.map_or(Slot::Bad, Slot::Good))
}

/// The user whose value begins at `at`.
#[inline(always)]
fn read_uid(frame: &[u8], at: usize, scratch: &mut Scratch) -> Result<Slot<UidAt>, Cut> {
    if frame.get(at) == Some(&b'"')
        && let Some(Raw { from, to, plain: true }) = string(frame, at + 1)
    {
        let fits = (1..=UID_BYTES_MAX).contains(&(to - from));
        return Ok(if fits { Slot::Good(UidAt::Frame { from, to }) } else { Slot::Bad });
    }
    read_uid_slowly(frame, at, scratch)
}

/// A user that is no plain string.
#[inline(never)]
fn read_uid_slowly(frame: &[u8], at: usize, scratch: &mut Scratch) -> Result<Slot<UidAt>, Cut> {
    let uid_at = match frame.get(at) {
        None => return Err(Cut),
        Some(b'"') => uid_text(frame, string(frame, at + 1).ok_or(Cut)?, scratch),
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
