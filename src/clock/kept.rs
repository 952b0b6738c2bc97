//! The windows kept: those that can still be counted in, with their slots, their frames and what was said
//! of them.
//!
//! A slot's number is the window's name to the counters. The one freed last is opened first, as its
//! memory is warm and grown. Windows of one series follow one another, a rolling one by its last day, so
//! that named by a time is found by its end; other rolling ones that hold the time come after it.

use std::collections::VecDeque;
use std::ops::{Index, IndexMut};

use super::calendar::{SeriesIndex, Window};
use super::restart::{First, Said};
use super::state::Serial;
use super::verdict::Slot;
use crate::input::messages::Partition;
use crate::limits::WINDOWS_OPEN_MAX;

/// A window that is kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// Names this opening of the slot, or of its past's.
    pub(super) serial: Serial,
    /// Which.
    pub(super) window: Window,
    /// Frames counted in it.
    pub(super) frames: u64,
    /// Those of them that were late.
    pub(super) late: u64,
    /// What was said of it.
    pub(super) said: Said,
    /// Frames of its past.
    pub(super) past_frames: u64,
    /// The slot of its past; of that slot the window's.
    pub(super) other: Option<Slot>,
    /// What was said is wrong whatever the numbers.
    pub(super) wrong: bool,
    /// By partition its first frame, where a restart point is wanted.
    firsts: Vec<Option<First>>,
}

impl Kept {
    /// Whether something is to be said that was not said yet; `shown` frames are to be shown besides its
    /// own.
    pub(super) fn has_news(&self, shown: u64) -> bool {
        let frames = self.frames + shown;
        self.wrong
            || (frames, self.late) != (self.said.frames, self.said.late)
            || frames > 0 && self.past_frames != self.said.past_frames
    }

    /// A partition's first frame of it.
    pub(super) fn first(&self, partition: Partition) -> Option<&First> {
        self.firsts.get(partition as usize)?.as_ref()
    }

    /// It is final: nobody has to read it again.
    pub(super) fn forget_firsts(&mut self) {
        self.firsts = Vec::new();
    }

    /// Notes a partition's frame, in case none before it was noted.
    pub(super) fn note(
        &mut self,
        partition: Partition,
        offset: u64,
        first: impl FnOnce() -> First,
    ) {
        let at = partition as usize;
        if self.firsts.len() <= at {
            self.firsts.resize(at + 1, None);
        }
        let known = &mut self.firsts[at];
        if known.as_ref().is_none_or(|known| known.offset > offset) {
            *known = Some(first());
        }
    }
}

/// The windows kept. See the module's header.
#[derive(Debug)]
pub(super) struct KeptWindows {
    by_slot: Vec<Kept>,
    free: Vec<Slot>,
    /// By series, the slots of its windows, in order of their ends.
    by_end: Vec<VecDeque<Slot>>,
    next_serial: Serial,
    peak: usize,
}

impl KeptWindows {
    /// None, of so many series.
    pub(super) fn new(series: usize) -> KeptWindows {
        KeptWindows {
            by_slot: Vec::new(),
            free: Vec::new(),
            by_end: vec![VecDeque::new(); series],
            next_serial: 0,
            peak: 0,
        }
    }

    /// The serial of the next opening.
    pub(super) fn next_serial(&self) -> Serial {
        self.next_serial
    }

    /// Goes on with the serials of an earlier run.
    pub(super) fn go_on_with(&mut self, next_serial: Serial) {
        self.next_serial = next_serial;
    }

    /// Keeps a window that an earlier run kept, under its serial and its past's; none if there is no slot
    /// for it.
    pub(super) fn reopen(
        &mut self,
        window: Window,
        said: Said,
        (serial, past_serial): (Serial, Option<Serial>),
    ) -> Option<Slot> {
        let slot = self.open(window, said)?;
        self[slot].serial = serial;
        if let Some((past, serial)) = self[slot].other.zip(past_serial) {
            self[past].serial = serial;
        }
        Some(slot)
    }

    /// The window of a series that a time lies in, if it is kept; of rolling ones that whose last day it
    /// lies in.
    pub(super) fn find(&self, series: SeriesIndex, ts_s: i64) -> Option<Slot> {
        let slots = &self.by_end[usize::from(series)];
        let index = slots.partition_point(|&slot| self[slot].window.end_s <= ts_s);
        slots.get(index).copied().filter(|&slot| self[slot].window.ts_s <= ts_s)
    }

    /// Keeps a window, and its past if it has one; none if there is no slot for it.
    pub(super) fn open(&mut self, window: Window, said: Said) -> Option<Slot> {
        let slot = self.take(window, said)?;
        if window.past_s < window.start_s {
            let past = self.take(window, said)?;
            (self[slot].other, self[past].other) = (Some(past), Some(slot));
        }
        let series = usize::from(window.series);
        let slots = &self.by_end[series];
        let index = slots.partition_point(|&slot| self[slot].window.end_s <= window.ts_s);
        self.by_end[series].insert(index, slot);
        Some(slot)
    }

    /// Takes a slot, if there is one.
    fn take(&mut self, window: Window, said: Said) -> Option<Slot> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.by_slot.len() == WINDOWS_OPEN_MAX => return None,
            None => {
                self.by_slot.push(Kept {
                    serial: 0,
                    window,
                    frames: 0,
                    late: 0,
                    past_frames: 0,
                    other: None,
                    said,
                    wrong: false,
                    firsts: Vec::new(),
                });
                Slot::try_from(self.by_slot.len() - 1).ok()?
            }
        };
        let kept = &mut self.by_slot[usize::from(slot)];
        kept.serial = self.next_serial;
        self.next_serial += 1;
        (kept.window, kept.said, kept.wrong) = (window, said, false);
        (kept.frames, kept.late, kept.past_frames, kept.other) = (0, 0, 0, None);
        kept.firsts.clear();
        self.peak = self.peak.max(self.by_slot.len() - self.free.len());
        Some(slot)
    }

    /// Keeps a window no longer.
    pub(super) fn free(&mut self, slot: Slot) {
        let series = usize::from(self[slot].window.series);
        if let Some(index) = self.by_end[series].iter().position(|&kept| kept == slot) {
            self.by_end[series].remove(index);
            self.free.extend(self[slot].other);
            self.free.push(slot);
        }
    }

    /// The windows of a series, in order of their ends.
    pub(super) fn of_series(&self, series: SeriesIndex) -> impl DoubleEndedIterator<Item = Slot> {
        self.by_end[usize::from(series)].iter().copied()
    }

    /// All windows, series by series.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.by_end.iter().flatten().copied()
    }

    /// How many windows are kept; their pasts are none.
    pub(super) fn count(&self) -> usize {
        self.by_end.iter().map(VecDeque::len).sum()
    }

    /// The most slots that were ever taken at once.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }
}

impl Index<Slot> for KeptWindows {
    type Output = Kept;

    fn index(&self, slot: Slot) -> &Kept {
        &self.by_slot[usize::from(slot)]
    }
}

impl IndexMut<Slot> for KeptWindows {
    fn index_mut(&mut self, slot: Slot) -> &mut Kept {
        &mut self.by_slot[usize::from(slot)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Window {
        let start_s = minute * 60;
        Window { series: 0, start_s, end_s: start_s + 60, ts_s: start_s, past_s: start_s }
    }

    #[test]
    fn windows_are_found_by_their_times_and_slots_used_again() {
        let mut kept = KeptWindows::new(1);
        let slots = [5, 2, 9, 3].map(|at| kept.open(minute(at), Said::default()).unwrap());
        assert_eq!(slots, [0, 1, 2, 3]);
        for (ts_s, slot) in
            [(119, None), (120, Some(1)), (239, Some(3)), (240, None), (599, Some(2))]
        {
            assert_eq!(kept.find(0, ts_s), slot, "{ts_s}");
        }
        let ends: Vec<i64> = kept.of_series(0).map(|slot| kept[slot].window.end_s / 60).collect();
        assert_eq!(ends, [3, 4, 6, 10]);
        kept.free(3);
        assert_eq!(kept.find(0, 200), None);
        assert_eq!(kept.open(minute(7), Said::default()), Some(3));
        assert_eq!(kept.find(0, 430), Some(3));
        assert_eq!(kept.peak(), 4);
    }

    #[test]
    fn there_are_only_so_many() {
        let mut kept = KeptWindows::new(1);
        let opened = (0..).take_while(|&at| kept.open(minute(at), Said::default()).is_some());
        assert_eq!(opened.count(), WINDOWS_OPEN_MAX);
    }
}
