//! A scanner's counters: what it met, by its own tallies, added once a batch.

use crossbeam_utils::CachePadded;

use super::own::Own;
use crate::batch::Tally;
use crate::scan::Malformed;

/// What a watcher sees of one scanner. Written by its thread.
#[derive(Debug, Default)]
pub struct ScanCounters {
    inner: CachePadded<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    frames: Own,
    bytes: Own,
    blank_lines: Own,
    empty: Own,
    malformed: [Own; Malformed::ALL.len()],
}

impl ScanCounters {
    /// Adds a batch's worth. Owner only.
    pub fn add(&self, tally: &Tally) {
        let Inner { frames, bytes, blank_lines, empty, malformed } = &*self.inner;
        frames.add(tally.frames);
        bytes.add(tally.bytes);
        if tally.blank_lines + tally.empty > 0 {
            blank_lines.add(tally.blank_lines);
            empty.add(tally.empty);
        }
        for (sum, &n) in malformed.iter().zip(&tally.malformed) {
            if n > 0 {
                sum.add(n);
            }
        }
    }

    /// What it met so far.
    pub fn read(&self) -> Tally {
        let Inner { frames, bytes, blank_lines, empty, malformed } = &*self.inner;
        let mut tally = Tally {
            frames: frames.get(),
            bytes: bytes.get(),
            blank_lines: blank_lines.get(),
            empty: empty.get(),
            ..Tally::default()
        };
        for (n, sum) in tally.malformed.iter_mut().zip(malformed) {
            *n = sum.get();
        }
        tally
    }
}
