//! The recount: the whole job once more, one line at a time, with ordered maps and sets and the
//! standard library's reading. No code shared with the engine beyond plain types.
//!
//! The reference clock is this: the largest time so far; a frame whose minute ended max-lag or
//! more before it, when the frame comes, is late; every other frame is counted in its minute.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{naive, oracle};
use crate::limits::FRAME_BYTES_MAX;
use crate::scan::{Malformed, ScanSettings};

/// Bytes of the longest line that can hold a frame: a byte order mark before it, `\r` after it.
/// A longer one is no blank line either, whatever it holds: it is too long.
const LINE_BYTES_MAX: usize = FRAME_BYTES_MAX + 4;

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
            let mut lines = open(path).map_err(fail)?;
            while let Some(line) = next_line(&mut lines).map_err(fail)? {
                recount.line(&line, settings, max_lag_s);
            }
        }
        Ok(recount)
    }

    /// Recounts one line, without its line feed.
    pub fn line(&mut self, line: &[u8], settings: &ScanSettings, max_lag_s: u32) {
        let frame = line.strip_suffix(b"\r").unwrap_or(line);
        let frame = frame.strip_prefix(b"\xef\xbb\xbf").unwrap_or(frame);
        let bounded = line.len() <= LINE_BYTES_MAX;
        if bounded && frame.iter().all(|byte| b" \t\r".contains(byte)) {
            return;
        }
        self.frames += 1;
        let read = match oracle::read(frame, settings) {
            // Of what is not JSON as a whole, the scanner sees what stands before the fault.
            Err(Malformed::Invalid) if !settings.validate => {
                let read = naive::read(frame, settings);
                self.counted_though_invalid += u64::from(read.is_ok());
                read
            }
            Err(Malformed::Invalid) => naive::read(frame, settings).and(Err(Malformed::Invalid)),
            read => read,
        };
        let (ts_s, uid) = match read {
            Ok(fact) => fact,
            Err(reason) => {
                self.malformed[reason.index()] += 1;
                return;
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

/// A file by its content: plain, gzip or Zstandard.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let file: Box<dyn Read> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut raw = BufReader::with_capacity(1 << 20, file);
    let head = raw.fill_buf()?;
    Ok(if head.starts_with(b"\x1f\x8b") {
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(raw)))
    } else if matches!(head, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) {
        Box::new(BufReader::new(zstd::Decoder::with_buffer(raw)?))
    } else {
        Box::new(raw)
    })
}

/// The next line without its line feed; of a line longer than any frame only so much that it is
/// seen to be too long.
fn next_line(lines: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let bytes_max = FRAME_BYTES_MAX + 8;
    let mut line = Vec::new();
    if lines.take(bytes_max as u64).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() == bytes_max {
        lines.skip_until(b'\n')?;
    }
    Ok(Some(line))
}
