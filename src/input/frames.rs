//! Frames: a worker's own reader, which turns claims into lines.
//!
//! Owned by one scanner; its buffer and its window are private to it. Lines are slices of one of
//! them, valid until the next call. A range that is in memory is looked at in the window (`mapped`);
//! what does not end in it is read. Lines of a window may turn out not to be the file's: who makes a
//! batch of them says where it begins, and asks at its end. A range's first, partial line belongs to
//! the claim before, which reads on past its own end to finish it: so every line that begins after
//! `from` and at or before `to` is seen once, however the file is cut (a line that begins exactly at a
//! border belongs to the range before the border). Line ends are found here and nowhere else. Ranges
//! are read side by side, but those that are not in memory under the token, in order (`residence`),
//! with what follows them asked for (`ahead`).

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use memchr::memchr;

use super::claim::{Claim, Claims, Range, is_line_end};
use super::mapped::Window;
use super::messages::News;
use super::range::RangeWork;
use super::read_buf::{LINE_BYTES_MAX, ReadBuf};
use super::residence::is_in_memory;
use super::stream::Block;
use super::{Place, Point};
use crate::error::Error;
use crate::limits::WINDOW_TAIL_BYTES;
use crate::prefetch::prefetch;
use crate::ring::Token;

/// Bytes ahead of a line's end from which on memory is asked for: short lines are scanned in less
/// time than memory takes.
const AHEAD_BYTES: usize = 1024;

/// Bytes asked for at once, at most.
const AHEAD_BYTES_MAX: usize = 4096;

/// Bytes that come into the cache at once.
const CACHE_LINE_BYTES: usize = 64;

/// What came of asking for a chunk.
#[derive(Debug)]
pub enum Claimed {
    /// There is one, with this number; take its lines.
    Chunk(u64),
    /// Another worker holds the token; it will wake this one's thread.
    Busy,
    /// The input has nothing at the moment; its descriptor will tell.
    Waiting,
    /// It has had nothing for long: this is to be told in a chunk of this number.
    News(u64, News),
    /// There is no more.
    Finished,
}

/// The next thing in a chunk.
#[derive(Debug)]
pub enum Next<'a> {
    /// A line, without its line feed. One longer than [`LINE_BYTES_MAX`] comes so, too, where its
    /// end was read together with what made it too long.
    Line(&'a [u8], Place),
    /// The beginning of a line longer than [`LINE_BYTES_MAX`].
    TooLong(&'a [u8], Place),
    /// The chunk is done; this many bytes of input were its own.
    Done(u64),
    /// The chunk cannot be read on.
    Failed(Box<Error>),
}

#[derive(Debug)]
enum Work {
    None,
    Mapped(MappedWork),
    Range(RangeWork),
    /// Bytes of input that belong to the block.
    Lines(u64),
    TooLong(u64),
    Failed(Box<Error>),
}

/// A range that lies in the window.
#[derive(Clone, Debug)]
struct MappedWork {
    range: Range,
    /// Offset up to which the window is looked at.
    mapped_to: u64,
    /// As in [`RangeWork`].
    in_foreign_line: bool,
}

/// One worker's reader.
pub struct FrameReader {
    token: Token<Claims>,
    buf: ReadBuf,
    work: Work,
    input: u32,
    /// Where another run can go on after the chunk.
    ends_at: Option<Point>,
    /// Offset of the first unread byte in its input.
    offset: u64,
    /// Unread bytes known to hold no line end.
    searched: usize,
    waiting_on: Option<Arc<OwnedFd>>,
    /// How long it waits at most.
    wake_in: Option<Duration>,
    window: Option<Window>,
    window_bytes: usize,
    /// Where the batch began, if it began in the window: its work then, and its offset.
    begun: Option<(MappedWork, u64)>,
}

impl FrameReader {
    /// A reader that claims from these claims, and maps so many bytes of a file at a time; with 0 it
    /// maps none.
    pub fn new(token: Token<Claims>, window_bytes: usize) -> FrameReader {
        FrameReader {
            token,
            buf: ReadBuf::new(),
            work: Work::None,
            input: 0,
            ends_at: None,
            offset: 0,
            searched: 0,
            waiting_on: None,
            wake_in: None,
            window: None,
            window_bytes,
            begun: None,
        }
    }

    /// Where another run can go on after the chunk, if it can.
    pub fn chunk_ends_at(&self) -> Option<Point> {
        self.ends_at
    }

    /// The descriptor to wait on after [`Claimed::Waiting`].
    pub fn waiting_on(&self) -> Option<&OwnedFd> {
        self.waiting_on.as_deref()
    }

    /// After how long it wants to be asked again though the descriptor tells nothing; none: never.
    pub fn wake_in(&self) -> Option<Duration> {
        self.wake_in
    }

    /// The wall clock, unix seconds: no frame at hand was there later.
    pub fn wall_s(&self) -> i64 {
        super::wall_s()
    }

    /// Claims the next chunk; the one before must be done.
    pub fn claim(&mut self) -> Claimed {
        debug_assert!(matches!(self.work, Work::None));
        (self.waiting_on, self.wake_in) = (None, None);
        self.ends_at = None;
        self.buf.clear();
        self.searched = 0;
        let Some(mut claims) = self.token.try_take() else {
            return Claimed::Busy;
        };
        let claimed = match claims.claim(&mut self.buf) {
            Claim::Waiting(fd, wake_in) => {
                // The others find the same; waking them would only send them round in turns.
                drop(claims);
                (self.waiting_on, self.wake_in) = (Some(fd), wake_in);
                return Claimed::Waiting;
            }
            Claim::Range { chunk, input, range } => {
                self.input = input;
                self.offset = range.from;
                let at_end = range.to == range.file_end;
                // A last line without an end may be half a line, of a file that is being written.
                let is_whole = !at_end || is_line_end(&range.file, range.to - 1).unwrap_or(false);
                self.ends_at = is_whole.then_some(Point { input, offset: range.to, at_end });
                // By its last byte: of its first ones the kernel may have read ahead.
                let in_memory = is_in_memory(&range.file, range.to.saturating_sub(1));
                claims.ahead.claimed(&range.file, (range.from, range.to), in_memory);
                if in_memory {
                    claims.release_and_wake();
                    self.work = self.map(range);
                    return Claimed::Chunk(chunk);
                }
                let mut work = RangeWork::new(range);
                work.read_to_end(&mut self.buf);
                self.work = Work::Range(work);
                Claimed::Chunk(chunk)
            }
            Claim::Block { chunk, input, block, next } => {
                self.input = input;
                self.ends_at = next.map(|offset| Point { input, offset, at_end: false });
                self.work = match block {
                    Block::Lines { offset, bytes } => {
                        self.offset = offset;
                        Work::Lines(bytes)
                    }
                    Block::TooLong { offset, bytes } => {
                        self.offset = offset;
                        Work::TooLong(bytes)
                    }
                };
                Claimed::Chunk(chunk)
            }
            Claim::Failed { chunk, error } => {
                self.work = Work::Failed(Box::new(error));
                Claimed::Chunk(chunk)
            }
            Claim::News { chunk, news } => Claimed::News(chunk, news),
            Claim::Finished => Claimed::Finished,
        };
        claims.release_and_wake();
        claimed
    }

    /// Finds a range's window, or makes one.
    fn map(&mut self, range: Range) -> Work {
        if self.window_bytes == 0 {
            return Work::Range(RangeWork::new(range));
        }
        let (from, to) = (range.from, range.to);
        let end = |window: &Window| window.end_if_holds(self.input, from, to);
        if self.window.as_ref().and_then(end).is_none() {
            // The one before goes first: there is one at a time.
            self.window = None;
            let (file_end, bytes) = (range.file_end, self.window_bytes);
            self.window = Window::map(&range.file, self.input, (from, to), file_end, bytes);
        }
        match self.window.as_ref().and_then(end) {
            Some(end) => Work::Mapped(MappedWork {
                mapped_to: end.min(to + WINDOW_TAIL_BYTES as u64),
                in_foreign_line: !range.first,
                range,
            }),
            None => Work::Range(RangeWork::new(range)),
        }
    }

    /// Says that what lines are made into begins here: what [`FrameReader::go_back_if_torn`] goes
    /// back to.
    pub fn begin_batch(&mut self) {
        self.begun = match &self.work {
            Work::Mapped(work) => Some((work.clone(), self.offset)),
            _ => None,
        };
    }

    /// Goes back to where the batch began if lines given since then may not be the file's: then
    /// all that was made of them must be dropped. The same lines come again, read.
    pub fn go_back_if_torn(&mut self) -> bool {
        let Some((work, offset)) = self.begun.take() else { return false };
        let is_whole = |window: &Window| window.is_whole(&work.range.file, work.mapped_to);
        if self.window.as_ref().is_some_and(is_whole) {
            return false;
        }
        self.window = None;
        self.read_from(work, offset);
        true
    }

    /// Goes on with a mapped range by reading it from this offset on.
    fn read_from(&mut self, work: MappedWork, offset: u64) {
        let MappedWork { range, in_foreign_line, .. } = work;
        self.buf.clear();
        self.searched = 0;
        self.offset = offset;
        self.work = Work::Range(RangeWork::from(range, offset, in_foreign_line));
    }

    /// Where the next line lies in the window; nothing if none lies there whole.
    #[inline]
    fn next_mapped(&mut self) -> Option<(u64, u64)> {
        let (Work::Mapped(work), Some(window)) = (&mut self.work, &self.window) else {
            return None;
        };
        if work.in_foreign_line {
            self.offset += memchr(b'\n', window.bytes(self.offset, work.range.to))? as u64 + 1;
            work.in_foreign_line = false;
        }
        if self.offset > work.range.to {
            return None;
        }
        let from = self.offset;
        let rest = window.bytes(from, work.mapped_to);
        let len = memchr(b'\n', rest)?;
        self.offset += len as u64 + 1;
        // Nobody has looked at what follows yet. A line's length on from here, as much as was passed.
        let ahead = rest.get(len + AHEAD_BYTES..).unwrap_or_default();
        let ahead = &ahead[..ahead.len().min(len).min(AHEAD_BYTES_MAX)];
        for byte in ahead.iter().step_by(CACHE_LINE_BYTES) {
            prefetch(byte);
        }
        Some((from, from + len as u64))
    }

    /// The next line of the chunk.
    #[inline]
    pub fn next_line(&mut self) -> Next<'_> {
        if let Some((from, to)) = self.next_mapped() {
            let window = self.window.as_ref().expect("a mapped range has a window");
            let place = Place { input: self.input, offset: from };
            return Next::Line(window.bytes(from, to), place);
        }
        // The common case, a whole line in the buffer, for ranges and blocks alike.
        if (matches!(self.work, Work::Lines(_)) || self.range_goes_on())
            && let Some(at) = memchr(b'\n', &self.buf.unread()[self.searched..])
        {
            let len = self.searched + at;
            let place = self.place();
            self.pass(len + 1);
            return Next::Line(self.buf.passed(len, 1), place);
        }
        self.next_line_slowly()
    }

    /// Reads what is left of the chunk without looking at it; gives the bytes that were its own.
    pub fn skip_chunk(&mut self) -> Result<u64, Box<Error>> {
        match std::mem::replace(&mut self.work, Work::None) {
            Work::Range(work) => work.skip(&mut self.buf),
            Work::Mapped(work) => RangeWork::new(work.range).skip(&mut self.buf),
            Work::Lines(bytes) | Work::TooLong(bytes) => Ok(bytes),
            Work::Failed(error) => Err(error),
            Work::None => Ok(0),
        }
    }

    fn place(&self) -> Place {
        Place { input: self.input, offset: self.offset }
    }

    fn pass(&mut self, bytes: usize) {
        self.buf.consume(bytes);
        self.offset += bytes as u64;
        self.searched = 0;
    }

    /// Whether the next unread byte begins a line of this range.
    #[inline]
    fn range_goes_on(&self) -> bool {
        match &self.work {
            Work::Range(work) => !work.in_foreign_line && self.offset <= work.range.to,
            _ => false,
        }
    }

    fn next_line_slowly(&mut self) -> Next<'_> {
        match std::mem::replace(&mut self.work, Work::None) {
            Work::None => Next::Done(0),
            Work::Failed(error) => Next::Failed(error),
            Work::Lines(bytes) => {
                let rest = self.buf.unread().len();
                if rest == 0 {
                    return Next::Done(bytes);
                }
                // The stream's last line, without a line end.
                self.work = Work::Lines(bytes);
                let place = self.place();
                self.pass(rest);
                Next::Line(self.buf.passed(rest, 0), place)
            }
            Work::TooLong(bytes) => {
                self.work = Work::Lines(bytes);
                let (place, len) = (self.place(), self.buf.unread().len());
                self.pass(len);
                Next::TooLong(self.buf.passed(len, 0), place)
            }
            Work::Range(work) => self.next_of_range(work),
            Work::Mapped(work) => {
                let range = &work.range;
                let over = self.offset > range.to || self.offset >= range.file_end;
                if work.in_foreign_line || over {
                    return Next::Done(range.to - range.from);
                }
                // A line that does not end in the window, or not in the file.
                self.read_from(work, self.offset);
                self.next_line_slowly()
            }
        }
    }

    fn next_of_range(&mut self, mut work: RangeWork) -> Next<'_> {
        let own_bytes = work.range.to - work.range.from;
        loop {
            let found = memchr(b'\n', &self.buf.unread()[self.searched..]);
            if work.in_foreign_line {
                match found {
                    Some(at) => {
                        self.pass(self.searched + at + 1);
                        work.in_foreign_line = false;
                        continue;
                    }
                    None => self.pass(self.buf.unread().len()),
                }
                if self.offset >= work.range.to {
                    return Next::Done(own_bytes);
                }
            } else if self.offset > work.range.to || self.offset >= work.range.file_end {
                return Next::Done(own_bytes);
            } else if let Some(at) = found {
                let len = self.searched + at;
                let place = self.place();
                self.pass(len + 1);
                self.work = Work::Range(work);
                return Next::Line(self.buf.passed(len, 1), place);
            } else {
                self.searched = self.buf.unread().len();
                let place = self.place();
                if self.searched > LINE_BYTES_MAX {
                    // A chunk is no longer than a frame may be: no line of this range follows.
                    let len = self.searched;
                    self.pass(len);
                    self.work = Work::Lines(own_bytes);
                    return Next::TooLong(self.buf.passed(len, 0), place);
                }
                if work.read_at == work.range.file_end {
                    let len = self.searched;
                    self.pass(len);
                    self.work = Work::Lines(own_bytes);
                    return Next::Line(self.buf.passed(len, 0), place);
                }
            }
            if let Err(error) = work.read_on(&mut self.buf) {
                return Next::Failed(error);
            }
        }
    }
}
