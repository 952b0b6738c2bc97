//! Reading a range: positioned reads of a part of a file into a scanner's buffer, on past its end as
//! far as its last line goes.

use std::io::ErrorKind;
use std::os::unix::fs::FileExt;

use super::claim::{Range, shrank};
use super::read_buf::ReadBuf;
use crate::error::Error;
use crate::limits::READ_BYTES;

/// Bytes of the first read past a range's end, for the line that crosses it.
const TAIL_BYTES: usize = 4096;

/// A range that is read.
#[derive(Debug)]
pub(super) struct RangeWork {
    pub(super) range: Range,
    /// Offset in the file of the next byte to read.
    pub(super) read_at: u64,
    /// Bytes of the next read past the range's end.
    tail_bytes: usize,
    /// The line that began before the range has still to be passed over.
    pub(super) in_foreign_line: bool,
}

impl RangeWork {
    /// A range of which nothing was read.
    pub(super) fn new(range: Range) -> RangeWork {
        let (from, in_foreign_line) = (range.from, !range.first);
        RangeWork::from(range, from, in_foreign_line)
    }

    /// What is left of a range from an offset on; `in_foreign_line` as in [`RangeWork`].
    pub(super) fn from(range: Range, offset: u64, in_foreign_line: bool) -> RangeWork {
        RangeWork { range, read_at: offset, tail_bytes: TAIL_BYTES, in_foreign_line }
    }

    /// Reads what is left of the range without looking at it; gives the bytes that were its own.
    pub(super) fn skip(mut self, buf: &mut ReadBuf) -> Result<u64, Box<Error>> {
        while self.read_at < self.range.to {
            buf.clear();
            self.read_on(buf)?;
        }
        Ok(self.range.to - self.range.from)
    }

    /// Reads a range to its end. What goes wrong goes wrong again in its turn, when the lines before
    /// it have been seen.
    pub(super) fn read_to_end(&mut self, buf: &mut ReadBuf) {
        while self.read_at < self.range.to && self.read_on(buf).is_ok() {}
    }

    /// One read further into the range's file.
    pub(super) fn read_on(&mut self, buf: &mut ReadBuf) -> Result<(), Box<Error>> {
        let range = &self.range;
        let own = range.to.saturating_sub(self.read_at);
        let want = if own > 0 {
            usize::try_from(own).unwrap_or(usize::MAX).min(READ_BYTES)
        } else {
            let tail_bytes = self.tail_bytes;
            self.tail_bytes = (tail_bytes * 2).min(READ_BYTES);
            tail_bytes
        };
        let left = usize::try_from(range.file_end - self.read_at).unwrap_or(usize::MAX);
        let space = buf.space(want.min(left));
        loop {
            match range.file.read_at(space, self.read_at) {
                Ok(0) => {
                    // Its end may be before the range; one that grows again had an end here.
                    let size = range.file.metadata().map_or(u64::MAX, |metadata| metadata.len());
                    let error = shrank(range.file_end, size.min(self.read_at));
                    return Err(Box::new(Error::input(&range.name, error)));
                }
                Ok(n) => {
                    buf.filled(n);
                    self.read_at += n as u64;
                    return Ok(());
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Box::new(Error::input(&range.name, e))),
            }
        }
    }
}
