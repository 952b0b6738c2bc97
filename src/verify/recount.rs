//! The recount: the whole job once more, one line at a time, with ordered maps and sets and the
//! standard library's reading. No code shared with the engine beyond plain types.
//!
//! The reference clock is this: the largest time so far; a frame whose minute ended max-lag or
//! more before it, when the frame comes, is late; every other frame is counted in its minute.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use super::lines::{self, Line};
use crate::scan::{Malformed, ScanSettings};

/// What a minute held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// Its users.
    pub users: BTreeSet<Vec<u8>>,
    /// Frames counted in it.
    pub frames: u64,
}

/// A recount.
#[derive(Clone, Debug, Default)]
pub struct Recount {
    /// The minutes by their first second.
    pub minutes: BTreeMap<i64, Minute>,
    /// Frames read.
    pub frames: u64,
    /// Frames refused as late.
    pub late: u64,
    /// Malformed frames by reason.
    pub malformed: [u64; Malformed::ALL.len()],
    /// Frames that are not JSON as a whole and were counted by what stands before the fault.
    pub counted_though_invalid: u64,
    /// The time of the first frame.
    pub first_s: Option<i64>,
    /// The largest time.
    pub clock_s: Option<i64>,
}

impl Recount {
    /// Recounts files as one log; `-` is stdin.
    pub fn of_files(
        files: &[PathBuf],
        settings: &ScanSettings,
        max_lag_s: u32,
    ) -> Result<Recount, (String, io::Error)> {
        let mut recount = Recount::default();
        for path in files {
            let fail = |e| (path.display().to_string(), e);
            let mut lines = lines::open(path).map_err(fail)?;
            while let Some(line) = lines::next_line(&mut lines).map_err(fail)? {
                recount.line(&line, settings, max_lag_s);
            }
        }
        Ok(recount)
    }

    /// Recounts one line, without its line feed.
    pub fn line(&mut self, line: &[u8], settings: &ScanSettings, max_lag_s: u32) {
        let (ts_s, uid) = match lines::read(line, settings) {
            Line::Blank => return,
            Line::Malformed(reason) => {
                self.frames += 1;
                self.malformed[reason.index()] += 1;
                return;
            }
            Line::Fact { ts_s, uid, valid } => {
                self.frames += 1;
                self.counted_though_invalid += u64::from(!valid);
                (ts_s, uid)
            }
        };
        let minute = ts_s.div_euclid(60) * 60;
        if self.clock_s.is_some_and(|clock_s| minute + 60 + i64::from(max_lag_s) <= clock_s) {
            self.late += 1;
            return;
        }
        self.first_s.get_or_insert(ts_s);
        self.clock_s = self.clock_s.max(Some(ts_s));
        let counted = self.minutes.entry(minute).or_default();
        counted.users.insert(uid);
        counted.frames += 1;
    }

    /// Whether a minute was out before the log ended.
    pub fn closed_by_time(&self, minute: i64, max_lag_s: u32) -> bool {
        self.clock_s.is_some_and(|clock_s| minute + 60 + i64::from(max_lag_s) <= clock_s)
    }

    /// Whether the log covers a minute from its start.
    pub fn complete(&self, minute: i64) -> bool {
        self.first_s.is_some_and(|first_s| minute > first_s)
    }
}
