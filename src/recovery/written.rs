//! Which files a run writes: how long they were, and what stood at their beginning and at their end. A file
//! is cut back only if it is the one that was written.

use std::fs::File;
use std::io;

use serde::{Deserialize, Serialize};

use super::inputs::{LOOKED_AT_BYTES, Print};
use crate::error::Error;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Results.
    Results,
    /// Rejects.
    Rejects,
}

/// A file that is written, besides whoever writes it.
#[derive(Debug)]
pub struct OutputFile {
    /// What is in it.
    pub what: Written,
    /// Its name in messages.
    pub name: String,
    /// Open to be written: what was written by others is synced by it, too.
    pub file: File,
    /// Open to be read.
    pub read: File,
}

/// A file as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// Its length.
    pub bytes: u64,
    /// Its beginning and its end, where somebody could look.
    prints: Option<[Print; 2]>,
}

impl FileState {
    /// Of what is no file, but has so many bytes.
    pub(super) fn unseen(bytes: u64) -> FileState {
        FileState { bytes, prints: None }
    }

    fn of(file: &File, bytes: u64) -> io::Result<FileState> {
        let head = Print::of(file, 0, bytes.min(LOOKED_AT_BYTES))?;
        let tail = Print::of(file, bytes.saturating_sub(LOOKED_AT_BYTES), bytes)?;
        Ok(FileState { bytes, prints: Some([head, tail]) })
    }

    /// Whether a file begins as this one was.
    pub fn is_of(&self, file: &File) -> bool {
        FileState::of(file, self.bytes).is_ok_and(|now| now == *self)
    }
}

impl OutputFile {
    /// What was written so far is on the disk from here on.
    ///
    /// # Errors
    /// It cannot be. Nobody knows then what is there: trying again would say that all is well.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|e| {
            Error::Checkpoint(format!("{}: cannot be brought to the disk: {e}", self.name))
        })
    }

    /// As it is with so many bytes.
    pub(super) fn state(&self, bytes: u64) -> Result<FileState, Error> {
        FileState::of(&self.read, bytes).map_err(|e| Error::input(&self.name, e))
    }
}
