//! The scanner: finds the user and the time of one frame and looks at nothing after them.
//!
//! Owned by the thread that scans; it holds no shared state, waits for nothing and, once made,
//! allocates nothing (but with `validate`, and there only for deep nesting).
//!
//! # The contract
//!
//! A frame is one slice. Lines are cut, and `\r`, byte order mark and blank lines dealt with, by
//! the caller through [`content`]. On valid JSON (UTF-8, RFC 8259) `verify::oracle` defines the
//! answer and every kernel gives it. On anything else the kernels give one and the same answer,
//! never panic and never read outside of the slice.
//!
//! **Fields.** The root must be an object. A field is a member of the root, or what a dotted path
//! leads to: each step takes the first member with that key, and a step into something that is no
//! object leads nowhere. The first of two equal keys wins. A key written with escapes equals its
//! unescaped form; one with a lone surrogate equals nothing. The `}` of the root ends the frame.
//!
//! **ts.** A JSON number, or a string that is exactly a JSON number once unescaped, in the unit of
//! the settings, floored to the second as a decimal of any length: no float is involved. With
//! [`TsUnit::Rfc3339`] a string, and no number: `YYYY-MM-DD`, then `T`, `t` or a space,
//! `hh:mm:ss`, a fraction of any length or none, then `Z`, `z` or `±hh:mm` (hh up to 23). The
//! second 60 is allowed in any minute and read as 59, with whatever fraction: unix time has no
//! leap seconds, and the frame stays in its minute. The answer lies in
//! [`TS_S_MIN`](crate::limits::TS_S_MIN)..=[`TS_S_MAX`](crate::limits::TS_S_MAX).
//!
//! **uid.** A string of 1 to [`UID_BYTES_MAX`](crate::limits::UID_BYTES_MAX) bytes of UTF-8 once
//! unescaped, without lone surrogates and raw control characters; or a JSON number without
//! fraction and exponent, which is the same user as the string of its text (`-0` is not `0`).
//!
//! **Settled.** A field is settled by the last byte that can matter to it: the closing quote of a
//! string, the byte *after* a number (a number at the end of the slice may be the half of one),
//! the first byte of any other value or of a number where the unit takes none, the first byte of a path's step that is no object, the `}`
//! of a path's object without the key. The search ends once both fields are settled, or at the
//! root's end, or at the slice's. A bad field does not end it. So junk after both is not seen.
//!
//! **Reasons.** The first that applies of: `TooLong`, `NotObject` (also a slice of white space),
//! `CutOff` (the slice ended first), `NoTs`, `BadTs`, `NoUid`, `BadUid`, `Invalid`. The order of
//! members changes nothing. `Invalid`, with `validate`, comes last: the setting moves frames from
//! counted to invalid, and leaves the other accounts as they are.
//!
//! # On invalid JSON
//!
//! These rules make kernels agree; they are no promise to users. A backslash escapes the byte
//! after it, in a string or not, as far as quotes and backslashes are concerned. Brackets nest
//! without regard to their shape. A key is a string that opens at depth 1 and has a `:` behind it.
//! A number is the longest run of `0-9+-.eE`, and must be followed by white space or one of `,]}`.
//!
//! # The way through the files
//!
//! `generic` finds two keys by masks of 64 bytes over the trait in `vector`: that is a kernel, one
//! each in `portable`, `avx2`, `avx512`. `fields` makes of their places two settled fields, by
//! `text`, `number`, `rfc3339`, the same for all kernels.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod fields;
mod fill;
mod generic;
mod name;
mod number;
mod path;
mod portable;
mod rfc3339;
mod settings;
pub mod stage;
mod text;
mod units;
mod vector;

pub use path::{FieldPath, FieldPathError};
pub use settings::{Kernel, ScanSettings};
pub use units::{TsUnit, UnitSet};

use crate::limits::{FRAME_BYTES_MAX, TS_S_PLAUSIBLE_MAX, TS_S_PLAUSIBLE_MIN};
use fields::{End, Plan, Reading, Scratch, Slot, UidAt, read};
use generic::ValuesFn;

/// What a frame says: this user, at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact<'a> {
    /// Seconds of unix time, floored.
    pub ts_s: i64,
    /// The user's bytes, unescaped; in the frame itself, or in the scanner if it had escapes.
    pub uid: &'a [u8],
}

/// Why a frame says nothing. Which one, where several apply, is in the contract; the order here
/// is that of the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Malformed {
    /// The root is no object.
    NotObject,
    /// The time's member is missing.
    NoTs,
    /// The user's member is missing.
    NoUid,
    /// The time is not of its form, or outside of the years 1 to 9999.
    BadTs,
    /// The user is not of its form, empty, or too long.
    BadUid,
    /// The frame is longer than [`FRAME_BYTES_MAX`].
    TooLong,
    /// The frame ends before both are known.
    CutOff,
    /// With `validate`: not JSON as a whole.
    Invalid,
}

impl Malformed {
    /// All reasons, each at its [`index`](Malformed::index).
    pub const ALL: [Malformed; 8] = [
        Malformed::NotObject,
        Malformed::NoTs,
        Malformed::NoUid,
        Malformed::BadTs,
        Malformed::BadUid,
        Malformed::TooLong,
        Malformed::CutOff,
        Malformed::Invalid,
    ];

    /// The name in accounts, rejects and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Malformed::NotObject => "not_object",
            Malformed::NoTs => "no_ts",
            Malformed::NoUid => "no_uid",
            Malformed::BadTs => "bad_ts",
            Malformed::BadUid => "bad_uid",
            Malformed::TooLong => "too_long",
            Malformed::CutOff => "cut_off",
            Malformed::Invalid => "invalid",
        }
    }

    /// Its place in [`Malformed::ALL`], for an array of counters.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads frames, one at a time, with the kernel chosen when it was made.
pub struct Scanner {
    /// The kernel.
    values: ValuesFn,
    plan: Plan,
    scratch: Scratch,
    validate: bool,
}

impl Scanner {
    /// Prepares the keys and chooses the kernel, once.
    #[must_use]
    pub fn new(settings: &ScanSettings) -> Scanner {
        Scanner {
            values: settings.kernel.values_fn(),
            plan: Plan::new(&settings.ts_field, &settings.uid_field, settings.ts_unit),
            scratch: Scratch::new(),
            validate: settings.validate,
        }
    }

    /// The user and the time of a frame, or why there are none; see the contract above.
    ///
    /// # Errors
    /// The first reason that applies, in the order of the contract.
    #[inline]
    pub fn scan<'a>(&'a mut self, frame: &'a [u8]) -> Result<Fact<'a>, Malformed> {
        if frame.len() > FRAME_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let (ts_s, uid_at) = verdict(read(self.values, &self.plan, &mut self.scratch, frame))?;
        if self.validate && !is_json(frame) {
            return Err(Malformed::Invalid);
        }
        let uid = match uid_at {
            UidAt::Frame { from, to } => &frame[from..to],
            UidAt::Scratch { bytes } => self.scratch.bytes(bytes),
        };
        Ok(Fact { ts_s, uid })
    }

    /// The units in which this frame's ts, a number or a number in a string, would lie in the
    /// years 1990 to 2100. Says nothing of the uid. Slow, for the check of the first frames.
    pub fn plausible_units(&mut self, frame: &[u8]) -> UnitSet {
        let mut units = UnitSet::default();
        if frame.len() > FRAME_BYTES_MAX {
            return units;
        }
        for unit in [TsUnit::S, TsUnit::Ms, TsUnit::Us, TsUnit::Ns] {
            let plan = self.plan.only_ts(unit);
            if let Slot::Good(ts_s) = read(self.values, &plan, &mut self.scratch, frame).ts
                && (TS_S_PLAUSIBLE_MIN..=TS_S_PLAUSIBLE_MAX).contains(&ts_s)
            {
                units.insert(unit);
            }
        }
        units
    }
}

/// The order of reasons, in one place.
#[inline]
fn verdict(reading: Reading) -> Result<(i64, UidAt), Malformed> {
    match reading.end {
        End::NotObject => return Err(Malformed::NotObject),
        End::Cut => return Err(Malformed::CutOff),
        End::Settled => {}
    }
    let ts_s = match reading.ts {
        Slot::Good(ts_s) => ts_s,
        Slot::Bad => return Err(Malformed::BadTs),
        Slot::Missing => return Err(Malformed::NoTs),
    };
    match reading.uid {
        Slot::Good(uid_at) => Ok((ts_s, uid_at)),
        Slot::Bad => Err(Malformed::BadUid),
        Slot::Missing => Err(Malformed::NoUid),
    }
}

/// Whether the whole frame is UTF-8 and JSON. Nesting of any depth is.
fn is_json(frame: &[u8]) -> bool {
    std::str::from_utf8(frame)
        .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// A line without a byte order mark before it and a `\r` after it; nothing if the line is blank
/// (spaces, tabs and `\r` at most).
#[inline]
#[must_use]
pub fn content(frame: &[u8]) -> Option<&[u8]> {
    if let [b'{', .., b'}'] = frame {
        return Some(frame);
    }
    let frame = without_mark(frame);
    let frame = frame.strip_suffix(b"\r").unwrap_or(frame);
    let blank = frame.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
    (!blank).then_some(frame)
}

/// A line without the byte order mark before it.
#[must_use]
pub fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
}
