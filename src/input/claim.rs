//! Claims: which worker reads what, so that every byte is read by exactly one and the order of the
//! log is known.
//!
//! The claims are shared under a token that is tried, never waited for. Claiming a range of a file
//! takes nanoseconds; the ranges are then read side by side. Claiming the next block of a stream
//! includes reading it. Chunks are numbered from 0 over all inputs without a gap: the clock merges
//! by these numbers and, at the end, knows from their count that none is missing.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use super::ahead::Ahead;
use super::file_id::FileId;
use super::messages::{ChunkNumbers, News};
use super::read_buf::ReadBuf;
use super::silence::Silence;
use super::stream::{Block, Pull, Stream};
use super::{Input, InputKind, PipeEnd, Point};
use crate::error::Error;
use crate::limits::FRAME_BYTES_MAX;
use crate::ring::sync::AtomicU64;
use crate::ring::{Stop, StopReason};

/// A part of a plain file: the frames that begin in `from..=to` (after `from`, unless it is the
/// log's start) are this claim's, wherever they end before `file_end`.
#[derive(Clone, Debug)]
pub struct Range {
    /// The file's name in messages.
    pub name: Arc<str>,
    /// The open file; read at offsets only.
    pub file: Arc<File>,
    /// Offset of its first byte.
    pub from: u64,
    /// Offset of the first byte after it.
    pub to: u64,
    /// The file's size at the start.
    pub file_end: u64,
    /// It begins where the input's log begins, so its first byte begins a line.
    pub first: bool,
}

/// What a claim gave.
#[derive(Debug)]
pub enum Claim {
    /// A range to read.
    Range {
        /// The chunk's number.
        chunk: u64,
        /// Which input, from 0.
        input: u32,
        /// What to read.
        range: Range,
    },
    /// A block that lies in the claimer's buffer.
    Block {
        /// The chunk's number.
        chunk: u64,
        /// Which input, from 0.
        input: u32,
        /// What it is.
        block: Block,
        /// Offset at which the next line begins, in uncompressed data; none if it ends within a line.
        next: Option<u64>,
    },
    /// Nothing to read yet; wait on the descriptor, and if need be only so long.
    Waiting(Arc<OwnedFd>, Option<Duration>),
    /// Nothing to read for long: this is to be told.
    News {
        /// The number of the chunk it stands for.
        chunk: u64,
        /// What.
        news: News,
    },
    /// This chunk cannot be read; it is the last.
    Failed {
        /// The chunk's number.
        chunk: u64,
        /// Why.
        error: Error,
    },
    /// All is claimed, or the run was stopped.
    Finished,
}

enum Current {
    Nothing,
    File { name: Arc<str>, file: Arc<File>, from: u64, next: u64, end: u64 },
    Stream(Box<Stream>),
}

impl Current {
    /// The same from where an earlier run left off.
    fn from(mut self, point: Option<Point>) -> io::Result<Current> {
        let Some(Point { offset, at_end, .. }) = point else { return Ok(self) };
        match &mut self {
            Current::Nothing => {}
            Current::Stream(stream) => stream.skip_to(offset),
            Current::File { file, from, next, end, .. } => {
                if *end < offset {
                    return Err(shrank(offset, *end));
                }
                *next = offset;
                // What begins exactly at a border is of the chunk before, but behind the last chunk there
                // was nothing yet.
                if at_end && (offset == 0 || is_line_end(file, offset - 1)?) {
                    *from = offset;
                }
            }
        }
        Ok(self)
    }
}

/// Whether the byte at an offset ends a line.
pub(super) fn is_line_end(file: &File, offset: u64) -> io::Result<bool> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset)?;
    Ok(byte == *b"\n")
}

/// The shared state of the claims.
pub struct Claims {
    inputs: Vec<Input>,
    /// Index of the next input to open.
    next_input: usize,
    current: Current,
    /// Where in the first of them an earlier run left off.
    from: Option<Point>,
    chunk_bytes: u64,
    chunks: ChunkNumbers,
    input_bytes: Arc<AtomicU64>,
    stop: Stop,
    finished: bool,
    pub(super) ahead: Ahead,
    silence: Silence,
}

impl Claims {
    /// The claims on these inputs, of which a stream is silent after `idle`. `chunks` numbers them,
    /// `input_bytes` counts what is read.
    pub fn new(
        mut inputs: Vec<Input>,
        idle: Option<Duration>,
        chunk_bytes: usize,
        chunks: ChunkNumbers,
        input_bytes: Arc<AtomicU64>,
        stop: Stop,
    ) -> Claims {
        inputs.reverse();
        // After a line too long no line of the same chunk may follow.
        let chunk_bytes = chunk_bytes.clamp(1, FRAME_BYTES_MAX) as u64;
        Claims {
            inputs,
            next_input: 0,
            current: Current::Nothing,
            from: None,
            chunk_bytes,
            chunks,
            input_bytes,
            stop,
            finished: false,
            ahead: Ahead::default(),
            silence: Silence::new(idle, Instant::now()),
        }
    }

    /// Goes on where an earlier run left off.
    #[must_use]
    pub fn from(mut self, point: Option<Point>) -> Claims {
        if let Some(Point { input, .. }) = point {
            self.next_input = input as usize;
            self.inputs.truncate(self.inputs.len().saturating_sub(input as usize));
        }
        self.from = point;
        self
    }

    /// Claims the next chunk; a stream's block goes into `buf`, which must be empty.
    pub fn claim(&mut self, buf: &mut ReadBuf) -> Claim {
        loop {
            if self.finished || self.stop.reason() != StopReason::Running {
                return self.finish();
            }
            let input = u32::try_from(self.next_input.saturating_sub(1)).unwrap_or(u32::MAX);
            match &mut self.current {
                Current::Nothing => {
                    let Some(next) = self.inputs.pop() else {
                        return self.finish();
                    };
                    self.next_input += 1;
                    self.ahead.forget();
                    self.silence.came(Instant::now());
                    let name = Arc::clone(&next.name);
                    let opened = open(next, &self.input_bytes);
                    match opened.and_then(|opened| opened.from(self.from.take())) {
                        Ok(current) => self.current = current,
                        Err(error) => return self.fail(Error::input(&name, error)),
                    }
                }
                Current::File { next, end, .. } if *next >= *end => self.current = Current::Nothing,
                Current::File { name, file, from, next, end } => {
                    let to = next.saturating_add(self.chunk_bytes).min(*end);
                    let range = Range {
                        name: Arc::clone(name),
                        file: Arc::clone(file),
                        from: *next,
                        to,
                        file_end: *end,
                        first: next == from,
                    };
                    *next = to;
                    // Only a progress display reads it: what is claimed is as good as read.
                    self.input_bytes.fetch_add(range.to - range.from, Ordering::Relaxed);
                    return Claim::Range { chunk: self.number(), input, range };
                }
                Current::Stream(stream) => match stream.pull(buf) {
                    Pull::Block(block) => {
                        self.silence.came(Instant::now());
                        let next = stream.next_line_at();
                        return Claim::Block { chunk: self.number(), input, block, next };
                    }
                    Pull::Waiting => {
                        let (fd, now) = (stream.fd(), Instant::now());
                        return match self.silence.tells(now, super::wall_s) {
                            Some(news) => Claim::News { chunk: self.number(), news },
                            None => Claim::Waiting(fd, self.silence.tells_in(now)),
                        };
                    }
                    Pull::Ended => self.current = Current::Nothing,
                    Pull::Failed(error) => return self.fail(error),
                },
            }
        }
    }

    fn number(&self) -> u64 {
        self.chunks.number()
    }

    fn finish(&mut self) -> Claim {
        self.finished = true;
        self.chunks.all_claimed();
        Claim::Finished
    }

    fn fail(&mut self, error: Error) -> Claim {
        self.finished = true;
        Claim::Failed { chunk: self.number(), error }
    }
}

fn open(input: Input, input_bytes: &Arc<AtomicU64>) -> io::Result<Current> {
    let name = Arc::clone(&input.name);
    let stream = |fd: OwnedFd| {
        let stream = Stream::new(Arc::clone(&name), fd, Arc::clone(input_bytes))?;
        Ok(Current::Stream(Box::new(stream)))
    };
    match input.kind {
        InputKind::File(path, id) => {
            let end = input.size_bytes.expect("a file's size was read");
            let file = Arc::new(open_again(&path, id)?);
            Ok(Current::File { name: input.name, file, from: 0, next: 0, end })
        }
        InputKind::OpenFile(file, from) => {
            let end = from + input.size_bytes.expect("a file's size was read");
            Ok(Current::File { name: input.name, file, from, next: from, end })
        }
        InputKind::StreamFile(path, id) => stream(open_again(&path, id)?.into()),
        InputKind::Pipe(PipeEnd::Path(path)) => {
            // A named pipe has perhaps no writer yet: opened like this it is waited for as any
            // other input is, so that the run can still be stopped.
            stream(open_without_waiting(&path)?)
        }
        InputKind::Pipe(PipeEnd::Open(fd)) => stream(fd),
    }
}

/// Opens to read; a named pipe's writer is not waited for.
fn open_without_waiting(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Opens a file whose turn has come, the same that was looked at before the run.
fn open_again(path: &Path, id: FileId) -> io::Result<File> {
    let file = File::from(open_without_waiting(path)?);
    id.check(&file.metadata()?)?;
    Ok(file)
}

/// The error for a file that ended before the size it had at the start.
pub(super) fn shrank(expected: u64, found: u64) -> io::Error {
    io::Error::new(
        ErrorKind::UnexpectedEof,
        format!(
            "it shrank while it was read: {expected} bytes at the start, {found} now; count it again when nothing writes to it"
        ),
    )
}
