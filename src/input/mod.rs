//! What a source is: files, compressed files and stdin, read as one log in the order given.
//!
//! Inputs are looked at before anything runs (there, readable, not a folder, what kind of content
//! they have), so that a typing error does not show after an hour. A plain file is read by ranges:
//! workers claim the next mebibyte, and look at it where the page cache has it or read it with
//! positioned reads. A pipe or a compressed file
//! is a stream: whoever holds the token reads the next block and cuts it at a line end. The size
//! of a plain file at the start counts.

mod ahead;
pub mod claim;
pub mod file_id;
pub mod frames;
mod mapped;
pub mod messages;
mod range;
pub mod read_buf;
mod residence;
mod silence;
pub mod stream;

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use file_id::FileId;

/// Where in the input a line begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which input, counted from 0 in the order given.
    pub input: u32,
    /// Byte offset of the line, in the uncompressed data.
    pub offset: u64,
}

/// Where a chunk ends, so that another run can go on there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Which input, counted from 0 in the order given.
    pub input: u32,
    /// Byte offset after the chunk, in the uncompressed data. The line that goes across it is of the
    /// chunk.
    pub offset: u64,
    /// Whether the input ended there.
    pub at_end: bool,
}

/// How an input's bytes are coded, told from its first bytes and never from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As they are.
    Plain,
    /// One or more gzip members.
    Gzip,
    /// One or more Zstandard frames.
    Zstd,
}

/// First bytes needed to tell the coding.
pub const MAGIC_BYTES: usize = 4;

impl Coding {
    /// Tells the coding from the first [`MAGIC_BYTES`] bytes, fewer only if there are no more.
    pub fn of(head: &[u8]) -> Coding {
        match head {
            [0x1f, 0x8b, ..] => Coding::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Coding::Zstd,
            _ => Coding::Plain,
        }
    }

    /// Whether a coded input can begin so.
    pub fn may_be_coded(head: &[u8]) -> bool {
        let magics: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];
        let skippable =
            matches!(head.first(), Some(0x50..=0x5f)) && b"\x2a\x4d\x18".starts_with(&head[1..]);
        head.is_empty() || skippable || magics.iter().any(|magic| magic.starts_with(head))
    }
}

/// The wall clock, unix seconds.
pub fn wall_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// One input, looked at and ready.
#[derive(Debug)]
pub struct Input {
    /// Its name in messages.
    pub name: Arc<str>,
    /// Bytes on disk at the start; unknown for a pipe.
    pub size_bytes: Option<u64>,
    pub(crate) kind: InputKind,
}

#[derive(Debug)]
pub(crate) enum InputKind {
    /// A plain file that is opened when its turn comes.
    File(PathBuf, FileId),
    /// An open plain file (stdin redirected from one) and where in it the log begins.
    OpenFile(Arc<File>, u64),
    /// A file that can only be read on (compressed, or of unknown size), opened when its turn comes.
    StreamFile(PathBuf, FileId),
    /// Something that can only be read on: a pipe, a terminal, a device.
    Pipe(PipeEnd),
}

#[derive(Debug)]
pub(crate) enum PipeEnd {
    /// A path that is opened when its turn comes.
    Path(PathBuf),
    /// An open descriptor.
    Open(OwnedFd),
}

impl Input {
    /// Looks at the inputs; `-` is stdin.
    pub fn look_at(paths: &[PathBuf]) -> Result<Vec<Input>, Error> {
        let mut stdin_given = false;
        paths
            .iter()
            .map(|path| {
                if path.as_os_str() == "-" {
                    if std::mem::replace(&mut stdin_given, true) {
                        return Err(Error::usage("stdin (-) is given twice"));
                    }
                    Input::stdin()
                } else {
                    Input::path(path)
                }
            })
            .collect()
    }

    /// Opens it once more, beside whoever reads it: its file, and where its log begins if it is a plain one.
    /// None of a pipe.
    ///
    /// # Errors
    /// It cannot be opened, or is another file by now.
    pub fn reopen(&self) -> io::Result<Option<(File, Option<u64>)>> {
        let same = |path: &Path, id: FileId| {
            let file = File::open(path)?;
            id.check(&file.metadata()?)?;
            Ok::<File, io::Error>(file)
        };
        Ok(match &self.kind {
            InputKind::File(path, id) => Some((same(path, *id)?, Some(0))),
            InputKind::OpenFile(file, from) => Some((file.try_clone()?, Some(*from))),
            InputKind::StreamFile(path, id) => Some((same(path, *id)?, None)),
            InputKind::Pipe(_) => None,
        })
    }

    /// Whether it is one that may grow while it is read.
    pub fn is_pipe(&self) -> bool {
        matches!(self.kind, InputKind::Pipe(_))
    }

    /// An open pipe as an input, for a producer inside the program.
    pub fn from_pipe(name: &str, end: OwnedFd) -> Input {
        let kind = InputKind::Pipe(PipeEnd::Open(end));
        Input { name: name.into(), size_bytes: None, kind }
    }

    fn path(path: &Path) -> Result<Input, Error> {
        let name = path.display().to_string();
        let fail = |source: io::Error| Error::input(&name, source);
        let metadata = path.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::Error::new(
                ErrorKind::IsADirectory,
                "is a directory; give the files in it",
            )));
        }
        if !metadata.is_file() {
            let kind = InputKind::Pipe(PipeEnd::Path(path.to_owned()));
            return Ok(Input { name: name.into(), size_bytes: None, kind });
        }
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        let (path, id) = (path.to_owned(), FileId::of(&metadata));
        let kind = if is_stream(&file, 0, metadata.len()).map_err(fail)? {
            InputKind::StreamFile(path, id)
        } else {
            InputKind::File(path, id)
        };
        Ok(Input { name: name.into(), size_bytes: Some(metadata.len()), kind })
    }

    fn stdin() -> Result<Input, Error> {
        let name = Arc::from("stdin");
        let fail = |source: io::Error| Error::input("stdin", source);
        let fd = io::stdin().as_fd().try_clone_to_owned().map_err(fail)?;
        let file = File::from(fd);
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::Error::new(ErrorKind::IsADirectory, "is a directory")));
        }
        if metadata.is_file() {
            let from = rustix::fs::tell(&file).map_err(|e| fail(e.into()))?;
            let size_bytes = metadata.len().saturating_sub(from);
            if !is_stream(&file, from, size_bytes).map_err(fail)? {
                let kind = InputKind::OpenFile(Arc::new(file), from);
                return Ok(Input { name, size_bytes: Some(size_bytes), kind });
            }
        }
        let kind = InputKind::Pipe(PipeEnd::Open(file.into()));
        Ok(Input { name, size_bytes: None, kind })
    }

    /// The file behind this input, to tell whether an output would overwrite it.
    pub fn is_same_file(&self, other: &Metadata) -> bool {
        let id_of = |metadata: io::Result<Metadata>| metadata.as_ref().ok().map(FileId::of);
        let own = match &self.kind {
            InputKind::File(_, id) | InputKind::StreamFile(_, id) => Some(*id),
            InputKind::OpenFile(file, _) => id_of(file.metadata()),
            InputKind::Pipe(PipeEnd::Path(path)) => id_of(path.metadata()),
            InputKind::Pipe(PipeEnd::Open(fd)) => {
                id_of(fd.try_clone().and_then(|fd| File::from(fd).metadata()))
            }
        };
        other.is_file() && own == Some(FileId::of(other))
    }
}

/// Whether a file of this size can only be read on, and not by ranges. Files of /proc and their like
/// say that they are empty; how long they are shows only when they are read.
fn is_stream(file: &File, from: u64, size_bytes: u64) -> io::Result<bool> {
    let head = head_at(file, from)?;
    Ok(Coding::of(&head) != Coding::Plain || (size_bytes == 0 && !head.is_empty()))
}

/// The [`MAGIC_BYTES`] bytes at an offset, fewer only if there are no more.
fn head_at(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let mut head = vec![0; MAGIC_BYTES];
    let mut len = 0;
    while len < head.len() {
        match file.read_at(&mut head[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    head.truncate(len);
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coding_is_told_from_content() {
        assert_eq!(Coding::of(b"\x1f\x8b\x08\0"), Coding::Gzip);
        assert_eq!(Coding::of(b"\x28\xb5\x2f\xfd"), Coding::Zstd);
        assert_eq!(Coding::of(b"\x53\x2a\x4d\x18"), Coding::Zstd);
        for plain in [&b""[..], b"{", b"\x1f", b"PK\x03\x04", b"(abc"] {
            assert_eq!(Coding::of(plain), Coding::Plain);
        }
    }

    #[test]
    fn a_plain_first_byte_settles_it() {
        assert!(!Coding::may_be_coded(b"{"));
        assert!(!Coding::may_be_coded(b"(x"));
        for head in [&b""[..], b"\x1f", b"\x28\xb5", b"\x50", b"\x5f\x2a\x4d"] {
            assert!(Coding::may_be_coded(head), "{head:?}");
        }
    }
}
