//! Payloads a batch holds until they are judged, where rejects are written; else nothing is held.

use crate::input::Place;
use crate::scan::Malformed;

/// Bytes of a frame too long that are held: enough to see what it was.
const TOO_LONG_HELD_BYTES: usize = 4096;
/// Bytes of memory a batch keeps for payloads when it goes home, in units of its bound: what a
/// single huge frame needed is given back.
const KEEP_FACTOR: usize = 4;

/// The payloads of a batch.
#[derive(Debug)]
pub struct Held {
    bytes_max: usize,
    bytes: Vec<u8>,
    frames: Vec<Entry>,
    facts: u16,
}

/// A payload, and what it is of.
#[derive(Clone, Copy, Debug)]
pub struct HeldFrame<'a> {
    /// Where in the input it stands.
    pub place: Place,
    /// The frame's bytes, or the beginning of a frame too long.
    pub payload: &'a [u8],
    /// Whether it is only the beginning.
    pub cut: bool,
    /// What the scanner made of it.
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    place: Place,
    end: usize,
    cut: bool,
    what: What,
}

/// What the scanner made of a frame.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// A fact, with its place in the batch.
    Fact(u16),
    /// No fact.
    Malformed(Malformed),
}

impl Held {
    /// Nothing held; full beyond this many bytes.
    pub fn new(bytes_max: usize) -> Held {
        Held { bytes_max, bytes: Vec::new(), frames: Vec::new(), facts: 0 }
    }

    /// Whether the batch is to take no further frame.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.bytes_max || self.frames.len() >= usize::from(u16::MAX)
    }

    /// Holds the frame of the fact pushed last.
    pub fn hold_fact(&mut self, frame: &[u8], place: Place) {
        let what = What::Fact(self.facts);
        self.facts += 1;
        self.hold(frame, frame.len(), place, what);
    }

    /// Holds a malformed frame.
    pub fn hold_malformed(&mut self, frame: &[u8], place: Place, reason: Malformed) {
        let bytes = match reason {
            Malformed::TooLong => TOO_LONG_HELD_BYTES.min(frame.len()),
            _ => frame.len(),
        };
        self.hold(frame, bytes, place, What::Malformed(reason));
    }

    fn hold(&mut self, frame: &[u8], bytes: usize, place: Place, what: What) {
        self.bytes.extend_from_slice(&frame[..bytes]);
        let cut = bytes < frame.len();
        self.frames.push(Entry { place, end: self.bytes.len(), cut, what });
    }

    /// All that is held, in log order.
    pub fn frames(&self) -> impl Iterator<Item = HeldFrame<'_>> {
        let mut start = 0;
        self.frames.iter().map(move |&Entry { place, end, cut, what }| {
            let payload = &self.bytes[std::mem::replace(&mut start, end)..end];
            HeldFrame { place, payload, cut, what }
        })
    }

    /// What is held of the fact at this place.
    pub fn fact(&self, place: usize) -> Option<HeldFrame<'_>> {
        // Malformed frames may stand before it.
        let is_it =
            |entry: &Entry| matches!(entry.what, What::Fact(at) if usize::from(at) == place);
        let index = place + self.frames.get(place..)?.iter().position(is_it)?;
        let start = index.checked_sub(1).map_or(0, |before| self.frames[before].end);
        let Entry { place, end, cut, what } = self.frames[index];
        Some(HeldFrame { place, payload: &self.bytes[start..end], cut, what })
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
        self.facts = 0;
        if self.bytes.capacity() > KEEP_FACTOR * self.bytes_max {
            self.bytes.shrink_to(self.bytes_max);
        }
    }
}
