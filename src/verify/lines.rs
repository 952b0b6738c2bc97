//! Lines of a log, and what each says: read with the standard library, judged by the oracle.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::{naive, oracle};
use crate::limits::FRAME_BYTES_MAX;
use crate::scan::{Malformed, ScanSettings};

/// Bytes of the longest line that can hold a frame: a byte order mark before it, `\r` after it.
/// A longer one is no blank line either, whatever it holds: it is too long.
const LINE_BYTES_MAX: usize = FRAME_BYTES_MAX + 4;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// It is no frame.
    Malformed(Malformed),
    /// A frame's time and user.
    Fact {
        /// Seconds of unix time.
        ts_s: i64,
        /// The user.
        uid: Vec<u8>,
        /// The frame is JSON as a whole.
        valid: bool,
    },
}

/// Reads a line, without its line feed.
pub fn read(line: &[u8], settings: &ScanSettings) -> Line {
    let frame = line.strip_suffix(b"\r").unwrap_or(line);
    let frame = frame.strip_prefix(b"\xef\xbb\xbf").unwrap_or(frame);
    if line.len() <= LINE_BYTES_MAX && frame.iter().all(|byte| b" \t\r".contains(byte)) {
        return Line::Blank;
    }
    let fact = |valid| move |(ts_s, uid)| Line::Fact { ts_s, uid, valid };
    let read = match oracle::read(frame, settings) {
        // Of what is not JSON as a whole, the scanner sees what stands before the fault.
        Err(Malformed::Invalid) if !settings.validate => {
            naive::read(frame, settings).map(fact(false))
        }
        Err(Malformed::Invalid) => naive::read(frame, settings).and(Err(Malformed::Invalid)),
        read => read.map(fact(true)),
    };
    read.unwrap_or_else(Line::Malformed)
}

/// A file by its content: plain, gzip or Zstandard.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
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
pub(super) fn next_line(lines: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
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
