//! Which file it is, whatever its name: to notice that another one has taken its name since, or
//! that an output would overwrite an input.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

/// One file of this host, for as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    dev: u64,
    ino: u64,
    /// A file system may give the number of a file removed to the next one made. Not all tell.
    made: Option<SystemTime>,
}

impl FileId {
    /// The file that this is said of.
    pub fn of(metadata: &Metadata) -> FileId {
        FileId { dev: metadata.dev(), ino: metadata.ino(), made: metadata.created().ok() }
    }

    /// Whether what was just opened is the file meant.
    ///
    /// # Errors
    /// It is another.
    pub fn check(self, opened: &Metadata) -> io::Result<()> {
        if self == FileId::of(opened) {
            return Ok(());
        }
        Err(io::Error::other(
            "it was replaced by another file after the start; count it again when nothing does that",
        ))
    }
}
