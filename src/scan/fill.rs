//! Filling a batch: frames of a chunk, scanned one after the other until the batch is full or the chunk
//! ends. Each frame becomes a fact or a malformed one; both are in the tally.

use crate::batch::{Batch, BatchEnd};
use crate::clock::unit_check::Hint;
use crate::count::hash::UidHasher;
use crate::input::Place;
use crate::input::frames::{FrameReader, Next};
use crate::input::messages::MessageReader;
use crate::input::read_buf::LINE_BYTES_MAX;
use crate::limits::{TS_S_PLAUSIBLE_MAX, TS_S_PLAUSIBLE_MIN};
use crate::scan::{Malformed, Scanner, TsUnit, content, without_mark};

/// What turns a frame into a fact of a batch.
pub(super) struct Frames<'s> {
    pub scanner: &'s mut Scanner,
    pub hasher: &'s UidHasher,
    pub ts_unit: TsUnit,
    pub checking_unit: bool,
}

impl Frames<'_> {
    /// Scans a frame into the batch; whether it became a fact. Where payloads are held, `payload` is.
    #[inline]
    fn take(&mut self, frame: &[u8], payload: &[u8], place: Place, batch: &mut Batch) -> bool {
        batch.tally.frames += 1;
        match self.scanner.scan(frame) {
            Ok(fact) => {
                let ts_s = fact.ts_s;
                let hash = self.hasher.table(fact.uid);
                let shard = self.hasher.shard(fact.uid);
                batch.push(ts_s, fact.uid, hash, shard);
                if let Some(held) = &mut batch.held {
                    held.hold_fact(payload, place);
                }
                if self.checking_unit {
                    batch.hints.push(hint(self.scanner, self.ts_unit, frame, Some(ts_s)));
                }
                true
            }
            Err(reason) => {
                refuse(batch, reason, payload, place);
                if self.checking_unit {
                    batch.hints.push(hint(self.scanner, self.ts_unit, frame, None));
                }
                false
            }
        }
    }
}

pub(super) fn from_lines(
    lines: &mut FrameReader,
    frames: &mut Frames<'_>,
    batch: &mut Batch,
) -> BatchEnd {
    while !batch.is_full() {
        match lines.next_line() {
            Next::Line(line, place) if line.len() <= LINE_BYTES_MAX => match content(line) {
                Some(frame) => {
                    frames.take(frame, frame, place_of(frame, line, place), batch);
                }
                None => batch.tally.blank_lines += 1,
            },
            // The same whether its end was found with it or not: what becomes of a line must not
            // depend on where it begins in a read.
            Next::Line(start, place) | Next::TooLong(start, place) => {
                batch.tally.frames += 1;
                let frame = without_mark(start);
                let place = place_of(frame, start, place);
                refuse(batch, Malformed::TooLong, frame, place);
            }
            Next::Done(bytes) => {
                batch.tally.bytes += bytes;
                batch.ends_at = lines.chunk_ends_at();
                return BatchEnd::ChunkDone;
            }
            Next::Failed(error) => return BatchEnd::Failed(error),
        }
    }
    BatchEnd::More
}

pub(super) fn from_messages(
    messages: &mut dyn MessageReader,
    frames: &mut Frames<'_>,
    batch: &mut Batch,
) -> BatchEnd {
    while !batch.is_full() {
        let Some(message) = messages.next() else { return BatchEnd::ChunkDone };
        batch.next_offset = message.offset + 1;
        let Some(payload) = message.payload else {
            batch.tally.frames += 1;
            batch.tally.empty += 1;
            continue;
        };
        batch.tally.bytes += payload.len() as u64;
        // The same bytes are the same frame as in a line; but a message is a frame, however blank.
        let frame = content(payload).unwrap_or_default();
        let place = Place { input: batch.partition, offset: message.offset };
        if frames.take(frame, payload, place, batch) {
            batch.push_offset(message.offset);
        }
    }
    BatchEnd::More
}

/// Where a frame stands: behind the byte order mark of its line, which is not the frame's.
fn place_of(frame: &[u8], line: &[u8], line_at: Place) -> Place {
    let mark_bytes = frame.as_ptr().addr() - line.as_ptr().addr();
    Place { offset: line_at.offset + mark_bytes as u64, ..line_at }
}

fn refuse(batch: &mut Batch, reason: Malformed, payload: &[u8], place: Place) {
    batch.tally.malformed[reason.index()] += 1;
    if let Some(held) = &mut batch.held {
        held.hold_malformed(payload, place, reason);
    }
}

/// What a frame's time could mean; the cold path of the check on the unit.
fn hint(scanner: &mut Scanner, unit: TsUnit, frame: &[u8], ts_s: Option<i64>) -> Hint {
    if let Some(TS_S_PLAUSIBLE_MIN..=TS_S_PLAUSIBLE_MAX) = ts_s {
        return Hint::Plausible;
    }
    let units = scanner.plausible_units(frame);
    if units.contains(unit) {
        // The frame is no good, but its time is.
        Hint::Plausible
    } else if units.is_empty() && ts_s.is_none() {
        Hint::None
    } else {
        Hint::Other(units)
    }
}
