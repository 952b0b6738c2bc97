//! Reading ahead: asks the kernel for what will be claimed next, where a file comes from a disk.
//!
//! The kernel reads ahead of who reads in order. Of ranges looked at in place it sees little, and would
//! begin with the next part only when the one before is used up: then disk and scanners wait for each
//! other in turn. So from a range that was not in memory on, what lies further on is asked for with each
//! claim; after a while it is seen again whether that is still needed. Where a file is in memory nothing
//! is asked.
//!
//! Shared under the claims' token. A wrong guess costs time and nothing else, so errors are left alone.

use std::fs::File;
use std::num::NonZeroU64;

use rustix::fs::{Advice, fadvise};

use crate::limits::{AHEAD_BYTES, AHEAD_FOR_BYTES};

/// What was asked for of the file whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Offset up to which claims ask.
    until: u64,
    /// Offset up to which was asked.
    asked_to: u64,
}

impl Ahead {
    /// Another file's turn.
    pub(super) fn forget(&mut self) {
        *self = Ahead::default();
    }

    /// The range `from..to` is claimed; `in_memory` says whether all of it is there.
    pub(super) fn claimed(&mut self, file: &File, (from, to): (u64, u64), in_memory: bool) {
        if let Some((from, bytes)) = self.next((from, to), in_memory) {
            let _ = fadvise(file, from, Some(bytes), Advice::WillNeed);
        }
    }

    /// What is to be asked for: from where, and how many bytes.
    fn next(&mut self, (from, to): (u64, u64), in_memory: bool) -> Option<(u64, NonZeroU64)> {
        if !in_memory {
            self.until = to.saturating_add(AHEAD_FOR_BYTES);
            self.asked_to = self.asked_to.max(from);
        }
        if to >= self.until {
            return None;
        }
        let ask_to = to.saturating_add(AHEAD_BYTES);
        let ask_from = std::mem::replace(&mut self.asked_to, ask_to);
        NonZeroU64::new(ask_to.saturating_sub(ask_from)).map(|bytes| (ask_from, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: u64 = 1 << 20;

    fn claim(ahead: &mut Ahead, chunk: u64, in_memory: bool) -> Option<(u64, u64)> {
        let asked = ahead.next((chunk * CHUNK, (chunk + 1) * CHUNK), in_memory);
        asked.map(|(from, bytes)| (from, from + bytes.get()))
    }

    #[test]
    fn nothing_is_asked_of_a_file_in_memory() {
        let mut ahead = Ahead::default();
        assert!((0..1000).all(|chunk| claim(&mut ahead, chunk, true).is_none()));
    }

    #[test]
    fn after_a_miss_everything_further_on_is_asked_for_once_and_in_order() {
        let mut ahead = Ahead::default();
        assert_eq!(claim(&mut ahead, 4, true), None);
        // The range missed is asked for too: it is about to be read.
        assert_eq!(claim(&mut ahead, 5, false), Some((5 * CHUNK, 6 * CHUNK + AHEAD_BYTES)));
        let mut asked_to = 6 * CHUNK + AHEAD_BYTES;
        let last = 5 + AHEAD_FOR_BYTES / CHUNK;
        for chunk in 6..last {
            assert_eq!(claim(&mut ahead, chunk, true), Some((asked_to, asked_to + CHUNK)));
            asked_to += CHUNK;
        }
        // Then it is tried without.
        assert_eq!(claim(&mut ahead, last, true), None);
        // What was asked for and is gone again, or has not come yet, is not asked for twice.
        let missed = claim(&mut ahead, last + 1, false);
        assert_eq!(missed, Some((asked_to, (last + 2) * CHUNK + AHEAD_BYTES)));
        ahead.forget();
        assert_eq!(claim(&mut ahead, 0, true), None);
    }
}
