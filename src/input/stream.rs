//! A stream: a pipe, or a compressed file. Read by one worker at a time, under the token.
//!
//! Blocks leave it cut at a line end, so that the next holder can read on while this one's block
//! is scanned. A pipe is asked (poll, no waiting) before it is read: whoever finds it empty lets
//! go of the token and its thread goes on with other stages or sleeps on the descriptor, so a slow
//! writer never holds up a result that is already known. Descriptors are not switched to
//! non-blocking mode: they are shared with other programs.

use std::fs::File;
use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use memchr::{memchr, memrchr};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::claim::shrank;
use super::read_buf::{LINE_BYTES_MAX, ReadBuf};
use super::{Coding, MAGIC_BYTES};
use crate::error::Error;
use crate::limits::{CHUNK_BYTES, READ_BYTES};
use crate::ring::sync::AtomicU64;

/// Bytes of pipe to ask the kernel for; 64 KiB, the default, is slow whoever reads it.
const PIPE_BYTES: usize = 1024 * 1024;
/// Bytes handed to a decoder at a time.
const CODED_BYTES: usize = 128 * 1024;

/// Reads a descriptor only when that would not wait: else the error is `WouldBlock`.
struct Ready {
    file: Arc<OwnedFd>,
    may_wait: bool,
    input_bytes: Arc<AtomicU64>,
}

impl Read for Ready {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.may_wait && !is_ready(&self.file)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = rustix::io::read(&self.file, buf)?;
        // Only a progress display reads it.
        self.input_bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Whether reading would not wait.
fn is_ready(file: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(file, PollFlags::IN)];
    Ok(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
}

enum Decoder {
    /// The coding is not known yet; the bytes seen so far.
    Unknown(Vec<u8>, Option<Ready>),
    Known(Coding, Box<dyn Read + Send>),
}

/// Bytes of a line too long that are dropped before the token is let go of.
const SKIP_BYTES: u64 = CHUNK_BYTES as u64;

/// A block of whole lines that was moved into the reader's buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Block {
    /// The buffer holds whole lines.
    Lines {
        /// Where the first begins, in uncompressed data.
        offset: u64,
        /// Bytes of input that are done with it: the lines, and what was dropped before them.
        bytes: u64,
    },
    /// The buffer holds the beginning of a line that is longer than any frame may be.
    TooLong {
        /// Where it begins.
        offset: u64,
        /// Bytes of input that are done with it.
        bytes: u64,
    },
}

/// What came of asking for a block.
#[derive(Debug)]
pub enum Pull {
    /// Here it is.
    Block(Block),
    /// There is nothing to read at the moment.
    Waiting,
    /// There is no more.
    Ended,
    /// Reading failed, after all whole lines before it were handed over.
    Failed(Error),
}

/// A stream, its decoder, and the bytes read but not yet cut.
pub struct Stream {
    name: Arc<str>,
    fd: Arc<OwnedFd>,
    decoder: Decoder,
    buf: ReadBuf,
    /// Offset of the first byte in `buf`, in uncompressed data.
    offset: u64,
    /// Bytes done with but not yet accounted in a block (the rest of a line too long).
    skipped_bytes: u64,
    skipping: bool,
    /// The last line has no end.
    ends_within: bool,
    /// Offset up to which an earlier run has read, in uncompressed data.
    read_before: u64,
    /// The decoder has taken all there was: it is asked again only when there is more, for one of
    /// them (zstd) takes many calls without input for a fault of the data.
    starved: bool,
    ended: bool,
    failed: Option<io::Error>,
}

impl Stream {
    /// A stream over an open descriptor; `input_bytes` counts what is read of it.
    pub fn new(name: Arc<str>, fd: OwnedFd, input_bytes: Arc<AtomicU64>) -> io::Result<Stream> {
        let file = File::from(fd);
        let is_file = file.metadata()?.is_file();
        let fd = Arc::new(OwnedFd::from(file));
        if !is_file {
            // Fails for anything but a pipe, and where the user's pipe quota is used up.
            let _ = rustix::pipe::fcntl_setpipe_size(&fd, PIPE_BYTES);
        }
        let ready = Ready { file: Arc::clone(&fd), may_wait: !is_file, input_bytes };
        Ok(Stream {
            name,
            fd,
            decoder: Decoder::Unknown(Vec::with_capacity(MAGIC_BYTES), Some(ready)),
            buf: ReadBuf::new(),
            offset: 0,
            skipped_bytes: 0,
            skipping: false,
            ends_within: false,
            read_before: 0,
            starved: false,
            ended: false,
            failed: None,
        })
    }

    /// What lies before this offset, of uncompressed data, was read by an earlier run: it is read again
    /// and dropped.
    pub fn skip_to(&mut self, offset: u64) {
        self.read_before = offset;
    }

    /// The offset at which the next line begins; none within a line, or behind a last one that has no end: it
    /// may be half a line, of a file that is being written.
    pub fn next_line_at(&self) -> Option<u64> {
        let is_within = self.skipping || self.ends_within || self.offset < self.read_before;
        (!is_within).then_some(self.offset)
    }

    /// The descriptor to wait on.
    pub fn fd(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.fd)
    }

    /// Reads the next block, in exchange for an empty buffer.
    pub fn pull(&mut self, into: &mut ReadBuf) -> Pull {
        // Bytes of `buf` known to hold no line end.
        let mut searched = self.buf.unread().len();
        let mut line_end = None;
        loop {
            let waiting = match self.read() {
                Ok(0) => {
                    self.ended = true;
                    false
                }
                Ok(_) => false,
                Err(e) if e.kind() == ErrorKind::WouldBlock => true,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => {
                    self.failed = Some(e);
                    self.ended = true;
                    false
                }
            };
            if self.offset < self.read_before {
                if self.drop_read_before() {
                    return Pull::Block(self.hand_over(0, into));
                }
                searched = 0;
            }
            if self.skipping {
                self.skip();
                searched = 0;
            }
            let unread = self.buf.unread();
            if let Some(at) = memrchr(b'\n', &unread[searched..]) {
                line_end = Some(searched + at + 1);
            }
            searched = unread.len();
            let enough = searched >= READ_BYTES || waiting || self.ended;
            match line_end {
                Some(end) if enough => return Pull::Block(self.hand_over(end, into)),
                Some(_) => {}
                None if self.ended => return self.last(into),
                None if searched > LINE_BYTES_MAX => {
                    self.skipping = true;
                    let Block::Lines { offset, bytes } = self.hand_over(searched, into) else {
                        unreachable!("hand_over gives lines")
                    };
                    return Pull::Block(Block::TooLong { offset, bytes });
                }
                None if waiting => return Pull::Waiting,
                // An empty block, so that a line without an end is seen to go on and can be stopped.
                None if self.skipped_bytes >= SKIP_BYTES => {
                    return Pull::Block(self.hand_over(0, into));
                }
                None => {}
            }
        }
    }

    /// No line end is left and no more will come.
    fn last(&mut self, into: &mut ReadBuf) -> Pull {
        if let Some(error) = self.failed.take() {
            let after_bytes = self.offset + self.buf.unread().len() as u64;
            self.buf.clear();
            return Pull::Failed(self.describe(&error, after_bytes));
        }
        let rest = self.buf.unread().len();
        if rest > 0 || self.skipped_bytes > 0 {
            self.ends_within = rest > 0;
            return Pull::Block(self.hand_over(rest, into));
        }
        Pull::Ended
    }

    fn describe(&self, error: &io::Error, after_bytes: u64) -> Error {
        let what = match self.decoder {
            Decoder::Known(Coding::Gzip, _) => "gzip data",
            Decoder::Known(Coding::Zstd, _) => "Zstandard data",
            Decoder::Known(Coding::Plain, _) | Decoder::Unknown(..) => "it",
        };
        let why = match error.kind() {
            ErrorKind::UnexpectedEof => "it is cut off".into(),
            _ => error.to_string(),
        };
        let text = format!("{what} can be read no further after {after_bytes} bytes: {why}");
        Error::input(&self.name, io::Error::new(error.kind(), text))
    }

    fn read(&mut self) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        if let Decoder::Unknown(head, ready) = &mut self.decoder {
            let source = ready.as_mut().expect("it is taken only when the coding is known");
            while head.len() < MAGIC_BYTES && Coding::may_be_coded(head) {
                let mut byte = [0];
                match source.read(&mut byte)? {
                    0 => break,
                    _ => head.push(byte[0]),
                }
            }
            let coding = Coding::of(head);
            let raw = Cursor::new(std::mem::take(head));
            let source = ready.take().expect("as above");
            let decoder: Box<dyn Read + Send> = match coding {
                Coding::Plain => Box::new(Then { head: raw, rest: source }),
                Coding::Gzip => {
                    let coded = BufReader::with_capacity(CODED_BYTES, raw.chain(source));
                    Box::new(flate2::bufread::MultiGzDecoder::new(coded))
                }
                Coding::Zstd => {
                    let coded = BufReader::with_capacity(CODED_BYTES, raw.chain(source));
                    Box::new(zstd::Decoder::with_buffer(coded)?)
                }
            };
            self.decoder = Decoder::Known(coding, decoder);
        }
        if self.starved && !is_ready(&self.fd)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let Decoder::Known(_, decoder) = &mut self.decoder else { unreachable!("set above") };
        let read = decoder.read(self.buf.space(READ_BYTES));
        self.starved = read.as_ref().is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
        let n = read?;
        self.buf.filled(n);
        Ok(n)
    }

    /// Drops what an earlier run has read; true if that is not all of it yet, and there may be more. A
    /// line it has begun is its own.
    fn drop_read_before(&mut self) -> bool {
        let unread = self.buf.unread();
        let left = usize::try_from(self.read_before - self.offset).unwrap_or(usize::MAX);
        let bytes = unread.len().min(left);
        let in_line = bytes > 0 && unread[bytes - 1] != b'\n';
        self.buf.consume(bytes);
        self.offset += bytes as u64;
        if self.offset < self.read_before {
            if self.ended && self.failed.is_none() {
                self.failed = Some(shrank(self.read_before, self.offset));
            }
            return bytes > 0 && !self.ended;
        }
        self.skipping = in_line;
        false
    }

    /// Drops what belongs to a line that is too long.
    fn skip(&mut self) {
        let unread = self.buf.unread();
        let (bytes, done) = match memchr(b'\n', unread) {
            Some(at) => (at + 1, true),
            None => (unread.len(), false),
        };
        self.buf.consume(bytes);
        self.offset += bytes as u64;
        self.skipped_bytes += bytes as u64;
        self.skipping = !done;
    }

    /// Moves the first `len` bytes into the reader's buffer and keeps the rest.
    fn hand_over(&mut self, len: usize, into: &mut ReadBuf) -> Block {
        into.clear();
        std::mem::swap(&mut self.buf, into);
        let rest = into.unread().len() - len;
        self.buf.append(&into.unread()[len..]);
        into.cut(rest);
        let offset = self.offset;
        self.offset += len as u64;
        let bytes = len as u64 + std::mem::take(&mut self.skipped_bytes);
        Block::Lines { offset, bytes }
    }
}

/// A head that was read ahead, then the rest. Unlike [`Read::chain`] it never ends early.
struct Then {
    head: Cursor<Vec<u8>>,
    rest: Ready,
}

impl Read for Then {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.head.read(buf)? {
            0 => self.rest.read(buf),
            n => Ok(n),
        }
    }
}
