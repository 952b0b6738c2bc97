//! The clock's counters: what became of the frames it judged in this run, and how far time is. Written by
//! the clock's thread, once a batch.

use crossbeam_utils::CachePadded;

use super::own::Own;
use crate::clock::Judged;

/// What a watcher sees of the clock at any time.
#[derive(Debug, Default)]
pub struct ClockCounters {
    inner: CachePadded<Inner>,
}

#[derive(Debug)]
struct Inner {
    counted: Own,
    refused_late: Own,
    refused_future: Own,
    refused_gone: Own,
    out_before: Own,
    windows: Own,
    lowest_s: Own,
}

impl Default for Inner {
    fn default() -> Inner {
        Inner {
            counted: Own::default(),
            refused_late: Own::default(),
            refused_future: Own::default(),
            refused_gone: Own::default(),
            out_before: Own::default(),
            windows: Own::default(),
            lowest_s: Own::none(),
        }
    }
}

/// A reading of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockReading {
    /// Frames counted in at least one window.
    pub counted: u64,
    /// Frames refused as late.
    pub refused_late: u64,
    /// Frames refused because they lay too far ahead for too long.
    pub refused_future: u64,
    /// Frames on time whose windows were no longer kept.
    pub refused_gone: u64,
    /// Frames passed over because an earlier run put their windows out.
    pub out_before: u64,
    /// Windows kept: open, or out and kept for late frames.
    pub windows: u64,
    /// The lowest clock of the partitions that hold time back, at its highest, unix seconds.
    pub lowest_s: Option<i64>,
}

impl ClockCounters {
    /// What it is now, where `before` is what earlier runs judged. Owner only.
    pub fn set(&self, judged: &Judged, before: &Judged, windows: usize, lowest_s: Option<i64>) {
        let inner = &*self.inner;
        inner.counted.set(judged.counted - before.counted);
        inner.refused_late.set(judged.refused_late - before.refused_late);
        inner.refused_future.set(judged.refused_future - before.refused_future);
        inner.refused_gone.set(judged.refused_gone - before.refused_gone);
        inner.out_before.set(judged.out_before - before.out_before);
        inner.windows.set(windows as u64);
        inner.lowest_s.set_signed(lowest_s);
    }

    /// A reading.
    pub fn read(&self) -> ClockReading {
        let inner = &*self.inner;
        ClockReading {
            counted: inner.counted.get(),
            refused_late: inner.refused_late.get(),
            refused_future: inner.refused_future.get(),
            refused_gone: inner.refused_gone.get(),
            out_before: inner.out_before.get(),
            windows: inner.windows.get(),
            lowest_s: inner.lowest_s.get_signed(),
        }
    }
}
