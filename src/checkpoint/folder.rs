//! The folder of a checkpoint as files: made for its owner alone, locked, and how a file in it becomes
//! durable: written under a temporary name, fsynced, renamed, and the folder fsynced.
//!
//! Only files named as ours are ever removed; a folder that has others and no checkpoint is not
//! taken.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::dir::Open;
use super::fail::{self, Steps, point};
use super::manifest::{self, Manifest};
use crate::error::Error;

/// The file that is locked.
const LOCK: &str = "lock";
/// What a file's name ends in until it is whole.
const TEMPORARY: &str = ".tmp";
/// Bytes of one write(2).
const WRITE_BYTES: usize = 256 * 1024;

/// Where a segment's bytes go.
pub type Out = BufWriter<Part>;

/// A file under its temporary name.
#[derive(Debug)]
pub struct Part {
    file: File,
    steps: &'static Steps,
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if cfg!(debug_assertions) && bytes.len() > 1 {
            let half = bytes.len() / 2;
            self.file.write_all(&bytes[..half])?;
            point(self.steps.in_write)?;
            return Ok(half + self.file.write(&bytes[half..])?);
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A checkpoint's folder, which no other has as long as this is there.
#[derive(Debug)]
pub(super) struct Folder {
    /// In messages.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// To make what happens in it durable.
    handle: File,
    lock: File,
    pub(super) is_open_to_others: bool,
    /// What is written is brought to the disk.
    pub(super) is_durable: bool,
    /// The largest number of a segment that was there, whether it counts or not.
    pub(super) number_max: Option<u64>,
}

impl Folder {
    /// Opens and locks it.
    ///
    /// # Errors
    /// It is not there or cannot be made or read, somebody else has it, its manifest is missing, or it
    /// holds other files and no checkpoint.
    pub(super) fn open(path: &Path, open: Open) -> Result<Folder, Error> {
        let name = path.display().to_string();
        let failed = |e| Error::input(&name, e);
        if open != Open::Existing {
            make(path).map_err(|e| Error::output(&name, e))?;
        }
        let handle = match File::open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(no_checkpoint(path)),
            handle => handle.map_err(failed)?,
        };
        let about = handle.metadata().map_err(failed)?;
        if !about.is_dir() {
            return Err(failed(ErrorKind::NotADirectory.into()));
        }
        let has_manifest = match open {
            Open::Fresh => path.join(manifest::NAME).exists(),
            _ => Manifest::read(path)?.is_some(),
        };
        let Others { foreign, number_max } = others(path).map_err(failed)?;
        if !has_manifest && number_max.is_some() && open != Open::Fresh {
            let file = path.join(manifest::NAME).display().to_string();
            let what = "it is missing, and segments are there".into();
            return Err(Error::Damaged { file, what });
        }
        if !has_manifest && open == Open::Existing {
            return Err(no_checkpoint(path));
        }
        if !has_manifest && number_max.is_none() && foreign {
            return Err(Error::Checkpoint(format!(
                "{name}: other files are here, and no checkpoint: give a directory of its own"
            )));
        }
        let is_open_to_others = about.permissions().mode() & 0o077 != 0;
        Ok(Folder {
            name,
            path: path.to_owned(),
            handle,
            lock: lock(path)?,
            is_open_to_others,
            is_durable: true,
            number_max,
        })
    }

    /// Makes durable what has happened in it.
    ///
    /// # Errors
    /// It cannot be.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.handle.sync_all().map_err(|e| Error::output(&self.name, e))
    }

    /// Writes the file `name`: under a temporary name, then on the disk, then under its own.
    ///
    /// # Errors
    /// It cannot be; nothing is left under the temporary name.
    pub(super) fn put<T>(
        &self,
        name: &str,
        steps: &'static Steps,
        write: impl FnOnce(Out) -> Result<(Out, T), Error>,
    ) -> Result<T, Error> {
        let path = self.path.join(name);
        let temporary = self.path.join(format!("{name}{TEMPORARY}"));
        let shown = path.display().to_string();
        let written = || {
            let failed = |e| Error::output(&shown, e);
            point(steps.before_write).map_err(failed)?;
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary);
            let part = Part { file: file.map_err(failed)?, steps };
            let (out, value) = write(BufWriter::with_capacity(WRITE_BYTES, part))?;
            let part = out.into_inner().map_err(|e| failed(e.into_error()))?;
            point(steps.after_write).map_err(failed)?;
            if self.is_durable {
                part.file.sync_all().map_err(failed)?;
            }
            point(steps.after_fsync).map_err(failed)?;
            fs::rename(&temporary, &path).map_err(failed)?;
            point(steps.after_rename).map_err(failed)?;
            if self.is_durable {
                self.handle.sync_all().map_err(failed)?;
            }
            point(steps.after_dir_fsync).map_err(failed)?;
            Ok(value)
        };
        written().inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    }

    /// Removes segments that are not among `count`, and what was not finished. What cannot be removed now
    /// is when it is opened next.
    pub(super) fn sweep(&self, count: &BTreeSet<String>) {
        let Ok(files) = fs::read_dir(&self.path) else { return };
        let _ = point(fail::BEFORE_REMOVE);
        for name in files.flatten().filter_map(|file| file.file_name().into_string().ok()) {
            let is_left = number(&name).is_some() && !count.contains(&name);
            if is_left || is_temporary(&name) {
                self.remove(&name);
                let _ = point(fail::IN_REMOVE);
            }
        }
    }

    /// Removes a file if it can be.
    pub(super) fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path.join(name));
    }
}

impl Drop for Folder {
    /// Closing the file would do, but for a copy of it in a process that is just being started.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

/// There is none in this folder.
pub(super) fn no_checkpoint(path: &Path) -> Error {
    let path = path.display();
    Error::Checkpoint(format!(
        "{path}: no checkpoint is here: give the directory of a run's --checkpoint"
    ))
}

/// Makes the directory for its owner alone, and it durable.
fn make(folder: &Path) -> io::Result<()> {
    let made = DirBuilder::new().mode(0o700).create(folder);
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let synced = File::open(parent.unwrap_or(Path::new("."))).and_then(|parent| parent.sync_all());
    match made {
        // Whoever made it may have been killed before that; but it may be none of ours.
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.and(synced),
    }
}

/// Locks the directory; until the file is closed, however the program ends.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let name = path.display().to_string();
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|e| Error::output(&name, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Fenced(format!(
            "{}: another headcount uses this checkpoint: end it first, or give another directory",
            folder.display()
        ))),
        Err(TryLockError::Error(e)) => Err(Error::output(&name, e)),
    }
}

/// What lies in a directory.
#[derive(Default)]
struct Others {
    /// Something that is not a checkpoint's.
    foreign: bool,
    /// The largest number of a segment.
    number_max: Option<u64>,
}

fn others(folder: &Path) -> io::Result<Others> {
    let mut found = Others::default();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name().into_string().unwrap_or_default();
        let number = number(&name);
        found.number_max = found.number_max.max(number);
        let is_ours = [LOCK, manifest::NAME].contains(&&*name) || is_temporary(&name);
        found.foreign |= number.is_none() && !is_ours;
    }
    Ok(found)
}

/// The number of the segment that a file of this name is.
fn number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("segment-")?.strip_suffix(".hcs")?.parse().ok()?;
    (manifest::file(number) == name).then_some(number)
}

fn is_temporary(name: &str) -> bool {
    name.strip_suffix(TEMPORARY)
        .is_some_and(|name| number(name).is_some() || name == manifest::NAME)
}
