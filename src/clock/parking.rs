//! Parking: one partition's frames that lie further ahead than it has reached. They wait until reach comes
//! to them, or until so many further frames have not brought that about.
//!
//! There are never more than [`PARKED_FRAMES_MAX`], since each leaves after as many further frames. What
//! is kept of a frame is what a counter needs, and where frames refused are written, a copy of its
//! payload within a byte bound. Belongs to one partition, on the clock's thread.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::restart::First;
use crate::batch::held::HeldFrame;
use crate::input::Place;
use crate::limits::{PARKED_FRAMES_MAX, PARKED_PAYLOAD_BYTES_MAX};

/// A frame's payload, kept until it is counted or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Where in the input the frame stands.
    pub place: Place,
    /// Its bytes, as far as they were kept.
    #[serde(serialize_with = "as_base64", deserialize_with = "from_base64")]
    pub bytes: Vec<u8>,
    /// Whether that is only the beginning.
    pub cut: bool,
}

fn as_base64<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(from)?).map_err(serde::de::Error::custom)
}

/// A frame that waits.
#[derive(Clone, Debug, Default)]
pub struct Parked {
    /// Its time, unix seconds.
    pub ts_s: i64,
    /// The seeded hash of its uid.
    pub hash: u64,
    /// Its counter.
    pub shard: u8,
    /// Its uid, unescaped.
    pub uid: Vec<u8>,
    /// Which of its partition's frames it is.
    pub number: u64,
    /// Whether a result shows it.
    pub shown: bool,
    /// Where it stands, where a restart point is wanted.
    pub first: Option<First>,
    /// Its payload, where frames refused are written.
    pub payload: Option<Payload>,
}

/// The frames of a partition that wait, in order of arrival.
#[derive(Debug, Default)]
pub struct Parking {
    frames: VecDeque<Parked>,
    /// The earliest of their times.
    least_s: i64,
    payload_bytes: usize,
    /// Frames no longer in use: their memory is.
    spare: Vec<Parked>,
}

impl Parking {
    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The frames that wait, in order of arrival.
    pub fn frames(&self) -> &VecDeque<Parked> {
        &self.frames
    }

    /// The same, to note which are shown.
    pub fn frames_mut(&mut self) -> &mut VecDeque<Parked> {
        &mut self.frames
    }

    /// The number of the further frame with which the one that waits longest is refused.
    pub fn expires_with(&self) -> Option<u64> {
        self.frames.front().map(|frame| frame.number + PARKED_FRAMES_MAX as u64)
    }

    /// An empty frame to be filled and parked.
    pub fn blank(&mut self) -> Parked {
        self.spare.pop().unwrap_or_default()
    }

    /// Lets a frame wait; `held` is what there is of its payload.
    pub fn park(&mut self, mut frame: Parked, held: Option<HeldFrame<'_>>) {
        frame.payload = held.map(|held| {
            let room = PARKED_PAYLOAD_BYTES_MAX.saturating_sub(self.payload_bytes);
            let bytes = held.payload.get(..room).unwrap_or(held.payload);
            let cut = held.cut || bytes.len() < held.payload.len();
            self.payload_bytes += bytes.len();
            Payload { place: held.place, bytes: bytes.to_vec(), cut }
        });
        self.least_s = if self.is_empty() { frame.ts_s } else { self.least_s.min(frame.ts_s) };
        self.frames.push_back(frame);
    }

    /// Lets a frame wait that waited in an earlier run.
    pub fn park_again(&mut self, frame: Parked) {
        self.payload_bytes += frame.payload.as_ref().map_or(0, |payload| payload.bytes.len());
        self.least_s = if self.is_empty() { frame.ts_s } else { self.least_s.min(frame.ts_s) };
        self.frames.push_back(frame);
    }

    /// Takes out the next frame, in order of arrival, that does not lie beyond this time.
    pub fn take_within(&mut self, reach_s: i64) -> Option<Parked> {
        if self.is_empty() || self.least_s > reach_s {
            return None;
        }
        let index = self.frames.iter().position(|frame| frame.ts_s <= reach_s)?;
        let frame = self.frames.remove(index)?;
        self.left(&frame);
        Some(frame)
    }

    /// Takes out the frame that waits longest, if its time is up with the frame of this number.
    pub fn take_expired(&mut self, number: u64) -> Option<Parked> {
        if self.expires_with()? > number {
            return None;
        }
        self.take_first()
    }

    /// Takes out the frame that waits longest.
    pub fn take_first(&mut self) -> Option<Parked> {
        let frame = self.frames.pop_front()?;
        self.left(&frame);
        Some(frame)
    }

    /// Gives back a frame that is done with.
    pub fn give_back(&mut self, mut frame: Parked) {
        frame.uid.clear();
        self.spare.push(Parked { uid: frame.uid, ..Parked::default() });
    }

    fn left(&mut self, frame: &Parked) {
        self.payload_bytes -= frame.payload.as_ref().map_or(0, |payload| payload.bytes.len());
        self.least_s = self.frames.iter().map(|frame| frame.ts_s).min().unwrap_or(i64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::held::What;

    fn parked(number: u64, ts_s: i64) -> Parked {
        Parked { number, ts_s, ..Parked::default() }
    }

    #[test]
    fn those_within_reach_leave_in_order_of_arrival() {
        let mut parking = Parking::default();
        for (number, ts_s) in [(1, 500), (2, 900), (3, 400), (4, 700)] {
            parking.park(parked(number, ts_s), None);
        }
        assert!(parking.take_within(399).is_none());
        let left: Vec<u64> =
            std::iter::from_fn(|| parking.take_within(700)).map(|frame| frame.number).collect();
        assert_eq!(left, [1, 3, 4]);
        assert!(parking.take_within(899).is_none());
        assert_eq!(parking.take_within(900).map(|frame| frame.number), Some(2));
        assert!(parking.is_empty());
    }

    #[test]
    fn a_frame_waits_for_so_many_further_ones() {
        let mut parking = Parking::default();
        parking.park(parked(10, 500), None);
        parking.park(parked(11, 500), None);
        assert!(parking.take_expired(73).is_none());
        assert_eq!(parking.take_expired(74).map(|frame| frame.number), Some(10));
        assert!(parking.take_expired(74).is_none());
    }

    #[test]
    fn payloads_are_kept_within_the_bound() {
        let mut parking = Parking::default();
        let payload = vec![b'x'; PARKED_PAYLOAD_BYTES_MAX / 2 + 1];
        let held = || HeldFrame {
            place: Place::default(),
            payload: &payload,
            cut: false,
            what: What::Fact(0),
        };
        (0..3).for_each(|number| parking.park(parked(number, 0), Some(held())));
        let kept = |frame: Parked| frame.payload.map(|payload| (payload.bytes.len(), payload.cut));
        assert_eq!(parking.take_first().and_then(kept), Some((payload.len(), false)));
        assert_eq!(parking.take_first().and_then(kept), Some((payload.len() - 2, true)));
        assert_eq!(parking.take_first().and_then(kept), Some((0, true)));
        assert_eq!(parking.payload_bytes, 0);
    }
}
