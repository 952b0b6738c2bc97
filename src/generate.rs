//! Seeded streams of JSON log frames, one a line, for demo, tests and benchmarks.
//!
//! Invariants:
//! - The bytes of frame i follow from (settings, seed, i) and nothing else: not from the host, the
//!   number of threads or the frames before it (a repeat makes the frame it repeats again). So no
//!   libm (only IEEE add, mul, div and sqrt, which are exact), no hash order, no `usize` in a draw.
//! - What a right reader must see in frame i is known before its bytes are ([`Generator::truth`]),
//!   so that the engine can be checked without trusting any parser.
//! - Each share draws at its own place: turning one on leaves users and times as they were (a
//!   repeat or a malformed frame aside).
//!
//! The way of the data: `plan` draws the facts of a frame, `fields` writes its `ts` and `uid`,
//! `frame` lays the object out among `members` and `text`, `stream` makes blocks of frames on
//! worker threads and writes them in order.
//!
//! Left out on purpose: blank lines and a byte order mark (frame i is line i), random text that
//! compresses like a real log (the filler is cut from one pool of 256 KiB).

mod fields;
mod frame;
mod members;
mod plan;
mod random;
mod stream;
mod text;
mod users;

use std::io::{self, Write};

use crate::limits::{FRAME_BYTES_MAX, TS_S_MAX, TS_S_MIN};

pub use frame::Generator;
pub use plan::{Malformed, Reading, Truth};
pub use stream::Written;

/// Frames of a stream at most: keeps `frame number × 1000` within 64 bits.
pub const FRAMES_MAX: u64 = 1_000_000_000_000_000;
/// Frames a second at most, for the same reason.
pub const RATE_PER_S_MAX: f64 = 10_000_000.0;
/// Users of a uniform stream at most: their numbers have 12 digits.
pub const USERS_MAX: u64 = 1_000_000_000_000;
/// Users of a Zipf stream at most: its table takes 8 bytes each, and 24 while it is built.
pub const ZIPF_USERS_MAX: u64 = 1 << 26;
/// Share of repeats at most: a repeat of a repeat of a … must soon come to its end.
pub const DUPLICATES_MAX: f64 = 0.5;

/// How often each user is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skew {
    /// All alike.
    Uniform,
    /// User k (from 0) with a weight of `1 / (k + 1)^(quarters / 4)`: not permuted, so user 0 is
    /// the most frequent. Steps of a quarter, so that the power needs square roots only.
    Zipf {
        /// Four times the exponent, 1 to 16.
        quarters: u32,
    },
}

/// Which of `ts` and `uid` stands first in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FieldOrder {
    /// `ts`, then `uid`.
    TsFirst,
    /// `uid`, then `ts`.
    UidFirst,
    /// Either, one frame in two.
    Mixed,
}

/// What ends a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LineEnd {
    /// `\n`.
    Lf,
    /// `\r\n`.
    Crlf,
    /// Either, one frame in two.
    Mixed,
}

/// What uids look like. Different users have different uids in each form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum UidForm {
    /// `user-000042317`, for all.
    Plain,
    /// By the user's number modulo 4: `user-…`; 16 hex digits; `ü😀-` and 9 digits; or 12
    /// digits, written as a JSON integer or as a string, one frame in two.
    Mixed,
}

/// The unit `ts` counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TsUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl TsUnit {
    /// How many of the unit make a second.
    pub fn per_s(self) -> u32 {
        match self {
            TsUnit::S => 1,
            TsUnit::Ms => 1_000,
            TsUnit::Us => 1_000_000,
            TsUnit::Ns => 1_000_000_000,
        }
    }
}

/// A group of late frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Late {
    /// Share of all frames, 0 to 1.
    pub share: f64,
    /// Each is late by 1 to this many seconds, all equally likely.
    pub delay_s_max: u32,
}

/// The settings of a stream. All shares are of all frames, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Frames, malformed ones and repeats included.
    pub frames: u64,
    /// Users frames are drawn from.
    pub users: u64,
    /// How often each of them is drawn.
    pub skew: Skew,
    /// Frames a second of event time, kept to a thousandth.
    pub rate_per_s: f64,
    /// Time of frame 0, unix seconds.
    pub start_s: i64,
    /// Bytes of a frame with its line end: 10 % more or less, but never fewer than `ts` and `uid`
    /// take (about 42).
    pub frame_bytes: usize,
    /// Which field stands first.
    pub order: FieldOrder,
    /// Where the later of the two fields ends, on average, as a share of the frame.
    pub field_span: f64,
    /// The unit of `ts`.
    pub ts_unit: TsUnit,
    /// What uids look like.
    pub uid_form: UidForm,
    /// What ends a frame.
    pub line_end: LineEnd,
    /// Keys like `ts` and `uid` at the root, those very keys in nested objects, and text that
    /// looks like them inside strings.
    pub lookalikes: bool,
    /// Frames in which the uid or one of the keys is written with `\u` escapes.
    pub escapes: f64,
    /// Frames whose `ts` is written another way: in a string, with a fraction or an exponent.
    pub odd_ts: f64,
    /// Frames with white space around the fields, before and behind the object.
    pub spaces: f64,
    /// Frames with a second `ts` and `uid` at the root: the first ones count.
    pub repeated_keys: f64,
    /// Groups of late frames, together at most 1; a frame is in one of them or in none.
    pub late: Vec<Late>,
    /// Frames with one random bit of their 64-bit seconds flipped, whatever comes of it.
    pub flips: f64,
    /// Exact repeats of one of the 16 frames before (at most [`DUPLICATES_MAX`]).
    pub duplicates: f64,
    /// Malformed frames, a mix of all kinds ([`Malformed`]).
    pub malformed: f64,
    /// Where all randomness comes from.
    pub seed: u64,
}

impl Default for Workload {
    /// The benchmark stream: three in four frames are new in their minute.
    fn default() -> Self {
        Workload {
            frames: 1_000_000,
            users: 100_000,
            skew: Skew::Uniform,
            rate_per_s: 1_000.0,
            start_s: 1_700_000_000,
            frame_bytes: 2_080,
            order: FieldOrder::TsFirst,
            field_span: 0.2,
            ts_unit: TsUnit::S,
            uid_form: UidForm::Plain,
            line_end: LineEnd::Lf,
            lookalikes: true,
            escapes: 0.0,
            odd_ts: 0.0,
            spaces: 0.0,
            repeated_keys: 0.0,
            late: Vec::new(),
            flips: 0.0,
            duplicates: 0.0,
            malformed: 0.0,
            seed: 1,
        }
    }
}

impl Workload {
    /// Everything that may go wrong in a log, at once.
    pub fn hostile() -> Self {
        Workload {
            skew: Skew::Zipf { quarters: 4 },
            order: FieldOrder::Mixed,
            field_span: 0.5,
            uid_form: UidForm::Mixed,
            line_end: LineEnd::Mixed,
            escapes: 0.1,
            odd_ts: 0.1,
            spaces: 0.1,
            repeated_keys: 0.05,
            late: vec![
                Late { share: 0.01, delay_s_max: 5 },
                Late { share: 0.001, delay_s_max: 600 },
            ],
            flips: 0.001,
            duplicates: 0.01,
            malformed: 0.01,
            ..Workload::default()
        }
    }

    /// Whether the settings can be met; if not, which one cannot and why.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: f64, min: f64, max: f64| {
            // false for NaN too
            if (min..=max).contains(&value) {
                Ok(())
            } else {
                Err(format!("{name} is {value}, but must lie between {min} and {max}"))
            }
        };
        for (name, share, max) in [
            ("escapes", self.escapes, 1.0),
            ("odd-ts", self.odd_ts, 1.0),
            ("spaces", self.spaces, 1.0),
            ("repeated-keys", self.repeated_keys, 1.0),
            ("flips", self.flips, 1.0),
            ("malformed", self.malformed, 1.0),
            ("field-span", self.field_span, 1.0),
            ("duplicates", self.duplicates, DUPLICATES_MAX),
        ] {
            within(name, share, 0.0, max)?;
        }
        within("rate", self.rate_per_s, 0.001, RATE_PER_S_MAX)?;
        let mut late_sum = 0.0;
        for late in &self.late {
            within("late", late.share, 0.0, 1.0)?;
            if late.delay_s_max == 0 {
                return Err("late: the longest delay must be at least 1 s".into());
            }
            late_sum += late.share;
        }
        within("the sum of the late groups", late_sum, 0.0, 1.0)?;
        if self.frames > FRAMES_MAX {
            return Err(format!("frames is {}, but may be {FRAMES_MAX} at most", self.frames));
        }
        let users_max = match self.skew {
            Skew::Uniform => USERS_MAX,
            Skew::Zipf { quarters: 1..=16 } => ZIPF_USERS_MAX,
            Skew::Zipf { .. } => return Err("zipf: the exponent must lie in 0.25 to 4".into()),
        };
        if !(1..=users_max).contains(&self.users) {
            return Err(format!("users is {}, but must lie in 1 to {users_max}", self.users));
        }
        let frame_bytes_max = FRAME_BYTES_MAX / 11 * 10;
        if self.frame_bytes > frame_bytes_max {
            return Err(format!("frame-bytes may be {frame_bytes_max} at most"));
        }
        let delay_s = self.late.iter().map(|late| i64::from(late.delay_s_max)).max().unwrap_or(0);
        let first_s = self.start_s.checked_sub(delay_s);
        let last_s = self.start_s.checked_add_unsigned(plan::offset_s_max(self));
        if first_s.is_none_or(|s| s < TS_S_MIN) || last_s.is_none_or(|s| s > TS_S_MAX) {
            return Err("the stream's times leave the years 1 to 9999".into());
        }
        Ok(())
    }

    /// The generator of the stream, with its tables made.
    ///
    /// # Errors
    /// What [`Workload::check`] says.
    pub fn generator(&self) -> Result<Generator, String> {
        Generator::new(self.clone())
    }

    /// Writes the whole stream; see [`Generator::write_to`].
    ///
    /// # Errors
    /// `InvalidInput` for what [`Workload::check`] says, or the error of `out`.
    pub fn write_to(&self, out: &mut dyn Write, threads: usize) -> io::Result<Written> {
        self.generator()
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?
            .write_to(out, threads)
    }
}
