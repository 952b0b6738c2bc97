//! The read buffer of one worker (or of the stream that workers share).
//!
//! Owned by whoever reads into it. Unread bytes lie in one piece, `start..end`. Reads go to a fixed
//! place 512 bytes past a page, after a short head for the frame that the read before cut in two,
//! so that a read is never page-aligned (see [`crate::limits::READ_SKEW_BYTES`]) and always lands
//! on memory that is warm. Only a frame longer than the head makes bytes pile up, to the longest
//! line allowed: the memory for that is reserved from the start and touched only then, so nothing
//! is ever allocated while reading and the bound is explicit.

use crate::limits::{FRAME_BYTES_MAX, READ_BYTES, READ_SKEW_BYTES};

/// Bytes of one line at most, line end not counted: a frame, a byte order mark and a `\r`. What is
/// longer cannot hold a frame within bounds and is not kept.
pub const LINE_BYTES_MAX: usize = FRAME_BYTES_MAX + 4;

const PAGE_BYTES: usize = 4096;
const HEAD_BYTES: usize = 64 * 1024;

/// Bytes of address space one buffer reserves; what is touched is about [`READ_BYTES`] plus
/// the head unless frames are longer.
pub const RESERVED_BYTES: usize =
    HEAD_BYTES + PAGE_BYTES + READ_SKEW_BYTES + LINE_BYTES_MAX + 2 * READ_BYTES;

/// Bytes of a buffer that are in use with frames shorter than its head.
pub const TOUCHED_BYTES: usize = HEAD_BYTES + READ_BYTES;

/// A buffer that is read into at its end and consumed from its start.
#[derive(Debug)]
pub struct ReadBuf {
    memory: Box<[u8]>,
    fill_at: usize,
    start: usize,
    end: usize,
}

impl ReadBuf {
    /// An empty buffer.
    pub fn new() -> ReadBuf {
        let memory = vec![0; RESERVED_BYTES].into_boxed_slice();
        let to_page = memory.as_ptr().addr().wrapping_neg() % PAGE_BYTES;
        let fill_at = HEAD_BYTES + to_page + READ_SKEW_BYTES;
        ReadBuf { memory, fill_at, start: fill_at, end: fill_at }
    }

    /// What has been read and not consumed.
    #[inline]
    pub fn unread(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Gives up the first `n` unread bytes.
    #[inline]
    pub fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.start += n;
    }

    /// The `n` bytes that were consumed last but for `gap` bytes after them; they are whole until
    /// the next read.
    #[inline]
    pub fn passed(&self, n: usize, gap: usize) -> &[u8] {
        &self.memory[self.start - gap - n..self.start - gap]
    }

    /// Gives up the last `n` unread bytes.
    pub fn cut(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.end -= n;
    }

    /// Gives up all.
    pub fn clear(&mut self) {
        self.start = self.fill_at;
        self.end = self.fill_at;
    }

    /// Room to read up to `n` bytes into, at most [`READ_BYTES`]. The unread bytes, at most
    /// [`LINE_BYTES_MAX`] plus one read, stay before it.
    pub fn space(&mut self, n: usize) -> &mut [u8] {
        let n = n.min(READ_BYTES);
        let unread = self.end - self.start;
        if unread <= HEAD_BYTES {
            self.move_to(self.fill_at - unread);
        } else if self.end + n > self.memory.len() {
            self.move_to(0);
        }
        &mut self.memory[self.end..self.end + n]
    }

    /// Makes the first `n` bytes of the last [`ReadBuf::space`] unread bytes.
    pub fn filled(&mut self, n: usize) {
        self.end += n;
    }

    /// Appends bytes that were read elsewhere.
    pub fn append(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(READ_BYTES) {
            self.space(part.len()).copy_from_slice(part);
            self.filled(part.len());
        }
    }

    fn move_to(&mut self, start: usize) {
        let unread = self.end - self.start;
        self.memory.copy_within(self.start..self.end, start);
        self.start = start;
        self.end = start + unread;
    }
}

impl Default for ReadBuf {
    fn default() -> ReadBuf {
        ReadBuf::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buf: &mut ReadBuf, n: usize, next: &mut u8) {
        for byte in buf.space(n) {
            *byte = *next;
            *next = next.wrapping_add(1);
        }
        buf.filled(n);
    }

    #[test]
    fn keeps_what_is_unread_whatever_its_length() {
        let mut buf = ReadBuf::new();
        let (mut written, mut read) = (0u8, 0u8);
        for (fill_bytes, keep) in
            [(100, 0), (READ_BYTES, 70_000), (READ_BYTES, 65_536), (10, 3), (READ_BYTES, 300_000)]
        {
            fill(&mut buf, fill_bytes, &mut written);
            let take = buf.unread().len().saturating_sub(keep);
            for &byte in &buf.unread()[..take] {
                assert_eq!(byte, read);
                read = read.wrapping_add(1);
            }
            buf.consume(take);
        }
    }

    #[test]
    fn holds_the_longest_line_and_one_read_more() {
        let mut buf = ReadBuf::new();
        buf.append(&[1; 1000]);
        let mut next = 0;
        while buf.unread().len() <= LINE_BYTES_MAX {
            fill(&mut buf, READ_BYTES, &mut next);
        }
        assert_eq!(buf.unread()[..1000], [1; 1000]);
        assert_eq!(buf.unread()[1000], 0);
    }

    #[test]
    fn reads_land_off_the_page() {
        let mut buf = ReadBuf::new();
        buf.append(&[0; 10]);
        assert_eq!(buf.space(READ_BYTES).as_ptr().addr() % PAGE_BYTES, READ_SKEW_BYTES);
    }
}
