//! The facts of a frame, drawn before any of its bytes: who, when, and what is wrong with it.
//!
//! The draws are made in a fixed order and number, whatever the settings, so that a share turned
//! on changes only the frames it falls on.

use super::random::{Purpose, Random, Share};
use super::users::Users;
use super::{FieldOrder, LineEnd, Workload};
use crate::limits::{TS_S_MAX, TS_S_MIN};

/// How many frames back a repeat may reach.
const REPEAT_REACH: u64 = 16;

/// What is wrong with a malformed frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Malformed {
    /// Valid JSON, but an array, a string, a number or a literal.
    NotObject,
    /// No `ts` at the root.
    NoTs,
    /// No `uid` at the root.
    NoUid,
    /// `ts` is not a time, or not one of the years 1 to 9999.
    BadTs,
    /// `uid` is empty, too long, a lone surrogate, or neither string nor integer.
    BadUid,
    /// An object that ends before the later of its two fields does.
    CutOff,
    /// Random bytes without a line feed; the first belongs to no JSON and no UTF-8.
    Garbage,
}

impl Malformed {
    /// All kinds; each is as frequent as the others.
    pub const ALL: [Malformed; 7] = [
        Malformed::NotObject,
        Malformed::NoTs,
        Malformed::NoUid,
        Malformed::BadTs,
        Malformed::BadUid,
        Malformed::CutOff,
        Malformed::Garbage,
    ];
}

/// What a right reader must see in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A frame to be counted.
    Good {
        /// Its `ts`, floored to the second.
        ts_s: i64,
        /// Its `uid`, unescaped.
        uid: Vec<u8>,
    },
    /// A frame to be refused.
    Malformed(Malformed),
}

/// All that is known of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// What a right reader must see.
    pub reading: Reading,
    /// The number of its user, also where the frame does not show it.
    pub user: u64,
    /// Seconds by which it is late; 0 if it is not.
    pub late_s: u32,
    /// Whether a bit of its time is flipped.
    pub flipped: bool,
    /// The frame it is an exact repeat of.
    pub repeat_of: Option<u64>,
}

/// The facts of a frame, and how it is to be written.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The frame whose facts these are: the frame itself, or the one it repeats.
    pub(super) source: u64,
    pub(super) malformed: Option<Malformed>,
    pub(super) user: u64,
    /// The time as written: late and flipped where it is to be, so any 64 bits.
    pub(super) ts_s: i64,
    /// What follows the second, ns.
    pub(super) ts_ns: u64,
    pub(super) late_s: u32,
    pub(super) flipped: bool,
    pub(super) ts_first: bool,
    pub(super) escapes: bool,
    pub(super) odd_ts: bool,
    pub(super) spaces: bool,
    pub(super) repeated_keys: bool,
    pub(super) crlf: bool,
    /// Bytes of the frame without its line end.
    pub(super) bytes: usize,
    /// Where the later field is to end, in bytes from the frame's begin.
    pub(super) fields_end: usize,
}

impl Plan {
    /// Whether the frame's time, as written, is one a reader accepts.
    pub(super) fn ts_in_range(&self) -> bool {
        (TS_S_MIN..=TS_S_MAX).contains(&self.ts_s)
    }
}

/// The settings in the form the draws need.
#[derive(Debug)]
pub(super) struct Planner {
    seed: u64,
    start_s: i64,
    rate_milli: u64,
    frame_bytes: usize,
    order: FieldOrder,
    line_end: LineEnd,
    /// Where the later field ends: least share of the frame and how far above it, in 2^-16.
    span_least: usize,
    span_more: usize,
    escapes: Share,
    odd_ts: Share,
    spaces: Share,
    repeated_keys: Share,
    flips: Share,
    duplicates: Share,
    malformed: Share,
    /// Summed shares, and the longest delay of each group.
    late: Vec<(Share, u32)>,
}

impl Planner {
    /// The settings must have passed `check`.
    pub(super) fn new(workload: &Workload) -> Self {
        let span = workload.field_span;
        let span_half = (span / 2.0).min(1.0 - span);
        let mut sum = 0.0;
        let mut late_up_to = |share: f64| {
            sum += share;
            Share::new(f64::min(sum, 1.0))
        };
        Planner {
            seed: workload.seed,
            start_s: workload.start_s,
            rate_milli: rate_milli(workload),
            frame_bytes: workload.frame_bytes,
            order: workload.order,
            line_end: workload.line_end,
            span_least: in_65536ths(span - span_half),
            span_more: in_65536ths(span_half * 2.0),
            escapes: Share::new(workload.escapes),
            odd_ts: Share::new(workload.odd_ts),
            spaces: Share::new(workload.spaces),
            repeated_keys: Share::new(workload.repeated_keys),
            flips: Share::new(workload.flips),
            duplicates: Share::new(workload.duplicates),
            malformed: Share::new(workload.malformed),
            late: workload.late.iter().map(|l| (late_up_to(l.share), l.delay_s_max)).collect(),
        }
    }

    /// The facts of frame `i`.
    pub(super) fn plan(&self, i: u64, users: &Users) -> Plan {
        let mut source = i;
        let mut draws = Random::new(self.seed, source, Purpose::Facts);
        while draws.chance(self.duplicates) && source > 0 {
            source -= 1 + draws.below(REPEAT_REACH.min(source));
            draws = Random::new(self.seed, source, Purpose::Facts);
        }
        draws.next(); // how far back, had it been a repeat
        let user = users.at(draws.next());
        let malformed = draws.chance(self.malformed);
        let malformed_kind = draws.pick(&Malformed::ALL);
        let late_draw = draws.next();
        let delay_draw = draws.next();
        let flipped = draws.chance(self.flips) && !malformed;
        let flipped_bit = draws.below(64);
        let ts_first = draws.coin();
        let crlf = draws.coin();
        let escapes = draws.chance(self.escapes);
        let odd_ts = draws.chance(self.odd_ts);
        let spaces = draws.chance(self.spaces);
        let repeated_keys = draws.chance(self.repeated_keys);
        let more_or_less = self.frame_bytes / 10;
        let bytes = self.frame_bytes - more_or_less + draws.below_len(2 * more_or_less + 1);
        let span = self.span_least + draws.below_len(self.span_more + 1);

        let late_s = self.late_s(late_draw, delay_draw);
        let (offset_s, ts_ns) = offset(source, self.rate_milli);
        let mut ts_s = self.start_s.wrapping_add_unsigned(offset_s) - i64::from(late_s);
        if flipped {
            ts_s ^= 1 << flipped_bit;
        }
        let crlf = match self.line_end {
            LineEnd::Lf => false,
            LineEnd::Crlf => true,
            LineEnd::Mixed => crlf,
        };
        Plan {
            source,
            malformed: malformed.then_some(malformed_kind),
            user,
            ts_s,
            ts_ns,
            late_s,
            flipped,
            ts_first: match self.order {
                FieldOrder::TsFirst => true,
                FieldOrder::UidFirst => false,
                FieldOrder::Mixed => ts_first,
            },
            escapes,
            odd_ts,
            spaces,
            repeated_keys,
            crlf,
            bytes: bytes.saturating_sub(1 + usize::from(crlf)),
            // at most 2^24 bytes times 2^16: within 64 bits, and an offset of a frame again
            fields_end: ((bytes as u64 * span as u64) >> 16).try_into().expect("within a frame"),
        }
    }

    fn late_s(&self, late_draw: u64, delay_draw: u64) -> u32 {
        let group = self.late.iter().find(|(share_up_to, _)| share_up_to.holds(late_draw));
        group.map_or(0, |&(_, delay_s_max)| {
            let delay_s = super::random::scale(delay_draw, u64::from(delay_s_max)).1 + 1;
            u32::try_from(delay_s).expect("a delay is at most its group's longest")
        })
    }
}

/// Seconds from frame 0 to the last frame.
pub(super) fn offset_s_max(workload: &Workload) -> u64 {
    offset(workload.frames.saturating_sub(1), rate_milli(workload)).0
}

/// Time of frame `i` after frame 0, as seconds and nanoseconds. Nothing overflows: i ≤ 10^15, and
/// the remainder is below the rate, at most 10^10.
fn offset(i: u64, rate_milli: u64) -> (u64, u64) {
    let (s, rest) = (i * 1000 / rate_milli, i * 1000 % rate_milli);
    // 10^10 × 10^9 = 10^19 < 2^64
    (s, rest * 1_000_000_000 / rate_milli)
}

/// Frames in 1,000 seconds.
// checked: between 0.001 and 10^7 a second, so a whole number from 1 to 10^10
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn rate_milli(workload: &Workload) -> u64 {
    (workload.rate_per_s * 1000.0 + 0.5) as u64
}

// a share of 0 to 1 gives 0 to 65,536
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn in_65536ths(share: f64) -> usize {
    (share * 65_536.0) as usize
}
