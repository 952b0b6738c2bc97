//! The bytes of one frame: an object of the size planned, with the two fields where planned.
//!
//! ```text
//! { members text  first-field  members text  second-field  (repeated keys)  members text } \n
//!   └─ gap, drawn ─┘           └─ gap, the rest ─┘       ▲ fields_end              bytes ▲
//! ```
//!
//! Everything in the root ends in a comma, and the last comma becomes the brace. A text member
//! makes each part exactly as long as planned; only where less room is left than its key takes
//! (up to 12 bytes) is a part shorter.

use super::fields::{Fields, write_space};
use super::members::{Members, Used};
use super::plan::{Malformed, Plan, Planner, Reading, Truth};
use super::random::{Purpose, Random};
use super::text::Text;
use super::users::Users;
use super::{TsUnit, Workload};

/// Frames looked at to say how large a stream will be.
const SAMPLE_FRAMES: u64 = 2_048;

/// Behind both fields, one part in so many is members: what lies there is mostly one long text.
const TAIL_MEMBERS_PART: usize = 4;

/// Not objects, whole. Arrays and strings are made apart.
const NOT_OBJECTS: [&str; 6] = ["null", "true", "1700000000", "-1.5e3", "[]", r#""""#];

/// A workload with its tables made: makes any frame of the stream, and tells the truth about it.
/// Shared by all threads.
#[derive(Debug)]
pub struct Generator {
    workload: Workload,
    planner: Planner,
    users: Users,
    members: Members,
    text: Text,
}

/// What a thread keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    fields: Fields,
}

/// Where in the output an object's root was opened, and where its later field ends.
struct Marks {
    opened: usize,
    fields_end: usize,
}

impl Generator {
    pub(super) fn new(workload: Workload) -> Result<Self, String> {
        workload.check()?;
        Ok(Generator {
            planner: Planner::new(&workload),
            users: Users::new(&workload),
            members: Members::new(workload.lookalikes),
            text: Text::new(workload.lookalikes),
            workload,
        })
    }

    /// The settings it was made from.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// Sets the number of frames so that the stream takes about `bytes` (at least one frame).
    ///
    /// # Errors
    /// What [`Workload::check`] says of so many frames.
    pub fn resize(&mut self, bytes: u64) -> Result<(), String> {
        let (sample_bytes, sample_frames) = self.sample();
        let frames = u128::from(bytes) * u128::from(sample_frames) / u128::from(sample_bytes);
        self.workload.frames = u64::try_from(frames).unwrap_or(u64::MAX).max(1);
        self.workload.check()
    }

    /// Bytes of the whole stream, to about a percent.
    pub fn bytes_expected(&self) -> u64 {
        let (sample_bytes, sample_frames) = self.sample();
        let bytes =
            u128::from(self.workload.frames) * u128::from(sample_bytes) / u128::from(sample_frames);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Bytes and number of some frames. Large frames need fewer of them.
    fn sample(&self) -> (u64, u64) {
        let frames = SAMPLE_FRAMES.min((1 << 28) / (self.workload.frame_bytes as u64 + 1));
        let mut out = Vec::new();
        let bytes = (0..frames)
            .map(|i| {
                out.clear();
                self.frame(i, &mut out);
                out.len() as u64
            })
            .sum();
        (bytes, frames)
    }

    /// What a right reader must see in frame `i`, at most [`super::FRAMES_MAX`].
    pub fn truth(&self, i: u64) -> Truth {
        let plan = self.planner.plan(i, &self.users);
        let reading = match plan.malformed {
            Some(kind) => Reading::Malformed(kind),
            None if !plan.ts_in_range() => Reading::Malformed(Malformed::BadTs),
            None => {
                let mut uid = Vec::new();
                self.users.write_uid(plan.user, &mut uid);
                Reading::Good { ts_s: plan.ts_s, uid }
            }
        };
        Truth {
            reading,
            user: plan.user,
            late_s: plan.late_s,
            flipped: plan.flipped,
            repeat_of: (plan.source != i).then_some(plan.source),
        }
    }

    /// Appends frame `i`, at most [`super::FRAMES_MAX`], with its line end.
    pub fn frame(&self, i: u64, out: &mut Vec<u8>) {
        self.write_frame(i, &mut Scratch::default(), out);
    }

    pub(super) fn write_frame(&self, i: u64, scratch: &mut Scratch, out: &mut Vec<u8>) {
        let plan = self.planner.plan(i, &self.users);
        let draws = &mut Random::new(self.workload.seed, plan.source, Purpose::Layout);
        match plan.malformed {
            Some(Malformed::Garbage) => write_garbage(plan.bytes.max(1), draws, out),
            Some(Malformed::NotObject) => self.write_not_object(&plan, scratch, draws, out),
            Some(Malformed::CutOff) => {
                let marks = self.write_object(&plan, scratch, draws, out);
                out.truncate(marks.opened + draws.below_len(marks.fields_end - marks.opened));
            }
            _ => {
                self.write_object(&plan, scratch, draws, out);
                if plan.spaces {
                    write_space(draws, out);
                }
            }
        }
        out.extend_from_slice(if plan.crlf { b"\r\n" } else { b"\n" });
    }

    fn write_object(
        &self,
        plan: &Plan,
        scratch: &mut Scratch,
        draws: &mut Random,
        out: &mut Vec<u8>,
    ) -> Marks {
        let unit: TsUnit = self.workload.ts_unit;
        let fields = &mut scratch.fields;
        fields.make(plan, unit, &self.users, draws);
        let (first, second) =
            if plan.ts_first { (&fields.ts, &fields.uid) } else { (&fields.uid, &fields.ts) };
        let begin = out.len();
        let mut used = Used::default();

        if plan.spaces {
            write_space(draws, out);
        }
        out.push(b'{');
        let opened = out.len();
        let room = (begin + plan.fields_end).saturating_sub(opened + first.len() + second.len());
        let gap = draws.below_len(room + 1);
        self.members.write(gap, &mut used, draws, out);
        self.pad("msg", opened + gap, draws, out);
        out.extend_from_slice(first);
        let between = out.len();
        self.members.write(room - gap, &mut used, draws, out);
        self.pad("detail", between + room - gap, draws, out);
        out.extend_from_slice(second);
        let value = out[..out.len() - 1].trim_ascii_end();
        let fields_end = value.len();

        // a frame without one of them stays so
        if plan.repeated_keys && !first.is_empty() && !second.is_empty() {
            out.extend_from_slice(br#""ts":1,"uid":"user-000000000","#);
        }
        let room = (begin + plan.bytes).saturating_sub(out.len());
        self.members.write(room / TAIL_MEMBERS_PART, &mut used, draws, out);
        self.pad("body", begin + plan.bytes, draws, out);
        // the comma that every member ends in
        out.pop();
        out.push(b'}');
        Marks { opened, fields_end }
    }

    /// Appends a text under `key` that reaches to `end`, if there is room for one.
    fn pad(&self, key: &str, end: usize, draws: &mut Random, out: &mut Vec<u8>) {
        let around = r#""":"","#.len() + key.len();
        if let Some(bytes) = end.checked_sub(out.len() + around) {
            out.push(b'"');
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":\"");
            self.text.write(bytes, draws, out);
            out.extend_from_slice(b"\",");
        }
    }

    fn write_not_object(
        &self,
        plan: &Plan,
        scratch: &mut Scratch,
        draws: &mut Random,
        out: &mut Vec<u8>,
    ) {
        match draws.below(3) {
            0 => {
                out.push(b'[');
                self.write_object(plan, scratch, draws, out);
                out.push(b']');
            }
            1 => {
                out.push(b'"');
                self.text.write(plan.bytes.saturating_sub(2), draws, out);
                out.push(b'"');
            }
            _ => out.extend_from_slice(draws.pick(&NOT_OBJECTS).as_bytes()),
        }
    }
}

/// Random bytes; the first is no ASCII and begins no UTF-8 (nor a byte order mark), none is a line
/// feed or a carriage return.
fn write_garbage(bytes: usize, draws: &mut Random, out: &mut Vec<u8>) {
    let begin = out.len();
    while out.len() - begin < bytes {
        let left = bytes - (out.len() - begin);
        let eight = draws.next().to_le_bytes();
        out.extend_from_slice(&eight[..left.min(8)]);
    }
    for byte in &mut out[begin..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b'{';
        }
    }
    out[begin] = 0x80 | out[begin] & 0x3f;
}
