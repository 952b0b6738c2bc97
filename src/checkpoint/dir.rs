//! The directory of a checkpoint: one owner, and changes that happen whole or not at all.
//!
//! A file is written under a temporary name, fsynced, renamed, and the directory fsynced; first the
//! segment, then the manifest, whose rename is the moment of the change. Files that no manifest names
//! are removed when the directory is opened. A change that fails before that moment leaves
//! everything as it was, and may be tried again. If it cannot be known whether the moment has passed,
//! nothing more is written: who opens the directory next finds one of the two, and both are whole.
//!
//! Merging: a new segment has level 0; eight of a level at the chain's end become one of the next, so
//! each byte is written anew once a level and a chain stays short. When members of windows no longer
//! kept are more than half of all bytes, all is written anew: as much was appended since the last
//! time as is written. Called from one thread, one call at a time.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::fail::{self, Steps, point};
use super::manifest::{self, Manifest, SegmentEntry};
use super::merge::{Named, merge};
use super::reader::SegmentReader;
use super::tail::{Index, Tail};
use super::writer::{Finished, SegmentWriter};
use crate::error::Error;
use crate::limits::{MERGE_SEGMENTS, REWRITE_BYTES_MIN};

/// The file that is locked.
const LOCK: &str = "lock";
/// What a file's name ends in until it is whole.
const TEMPORARY: &str = ".tmp";
/// The level of a segment that holds all: it is merged with what is appended after some thousand
/// checkpoints and not after seven.
const LEVEL_OF_ALL: u32 = 3;
/// Bytes of one write(2).
const WRITE_BYTES: usize = 256 * 1024;

/// What to do if there is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It is an error.
    Existing,
    /// Make one.
    Make,
}

/// A segment was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// It.
    pub entry: SegmentEntry,
    /// Segments it took the place of.
    pub replaced: usize,
}

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

/// A checkpoint's directory, which no other has as long as this is there.
#[derive(Debug)]
pub struct Dir {
    folder: PathBuf,
    /// To make what happens in it durable.
    handle: File,
    _lock: File,
    manifest: Manifest,
    /// Of each segment what it holds.
    indexes: Vec<Index>,
    /// The serials that the last segment keeps.
    kept: BTreeSet<u64>,
    /// The number of the next file. Those of files that failed are not used again.
    next: u64,
    /// It is not known which manifest will be found.
    is_unsure: bool,
    is_open_to_others: bool,
}

impl Dir {
    /// Opens the directory `folder`.
    ///
    /// # Errors
    /// It is not there or cannot be made or read, somebody else has it, it is damaged or of a newer
    /// format, or holds other files and no checkpoint.
    pub fn open(folder: &Path, open: Open) -> Result<Dir, Error> {
        let name = folder.display().to_string();
        if open == Open::Make {
            make(folder).map_err(|e| Error::output(&name, e))?;
        }
        let none = || {
            Error::Checkpoint(format!(
                "{name}: no checkpoint is here: give the directory of a run's --checkpoint"
            ))
        };
        let handle = match File::open(folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(none()),
            handle => handle.map_err(|e| Error::input(&name, e))?,
        };
        let about = handle.metadata().map_err(|e| Error::input(&name, e))?;
        if !about.is_dir() {
            return Err(Error::input(&name, ErrorKind::NotADirectory.into()));
        }
        let found = Manifest::read(folder)?;
        if found.is_none() {
            let (foreign, segments) = others(folder).map_err(|e| Error::input(&name, e))?;
            if segments {
                let what = "it is missing, but segments are there".into();
                return Err(Error::Damaged {
                    file: folder.join(manifest::NAME).display().to_string(),
                    what,
                });
            }
            if open == Open::Existing {
                return Err(none());
            }
            if foreign {
                return Err(Error::Checkpoint(format!(
                    "{name}: other files are here, and no checkpoint: give a directory of its own"
                )));
            }
        }
        let lock = lock(folder)?;
        let mut dir = Dir {
            folder: folder.to_owned(),
            handle,
            _lock: lock,
            manifest: Manifest::new(),
            indexes: Vec::new(),
            kept: BTreeSet::new(),
            next: 1,
            is_unsure: false,
            is_open_to_others: about.permissions().mode() & 0o077 != 0,
        };
        // Again, as it may have been replaced until it was locked.
        match Manifest::read(folder)? {
            Some(manifest) => dir.manifest = manifest,
            None => dir.publish(Manifest::new())?,
        }
        dir.next = dir.manifest.next;
        for entry in &dir.manifest.segments {
            let tail = Tail::read(folder, entry)?;
            dir.indexes.push(tail.index);
            dir.kept = tail.kept.into_iter().collect();
        }
        // The manifest may have got its name and not been on the disk when the last run ended.
        dir.handle.sync_all().map_err(|e| Error::output(&name, e))?;
        dir.sweep();
        Ok(dir)
    }

    /// Whether others than its owner may look into it: there are uids.
    pub fn is_open_to_others(&self) -> bool {
        self.is_open_to_others
    }

    /// What counts.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The last segment's tail: what is kept, the note.
    ///
    /// # Errors
    /// It cannot be read or is damaged.
    pub fn last(&self) -> Result<Option<Tail>, Error> {
        let last = self.manifest.segments.last();
        last.map(|entry| Tail::read(&self.folder, entry)).transpose()
    }

    /// The segments from the chain's beginning, to be read.
    ///
    /// # Errors
    /// One cannot be opened, or its head is damaged.
    pub fn segments(&self) -> Result<Vec<SegmentReader>, Error> {
        readers(&self.folder, &self.manifest.segments)
    }

    /// Appends a segment; one that holds all (`base`) takes the place of the whole chain.
    ///
    /// # Errors
    /// It cannot be written. What was there then still counts.
    pub fn append(
        &mut self,
        base: bool,
        write: impl FnOnce(&mut SegmentWriter<Out>) -> io::Result<()>,
    ) -> Result<Written, Error> {
        let stay = if base { 0 } else { self.manifest.segments.len() };
        let level = if base { LEVEL_OF_ALL } else { 0 };
        self.change(stay, level, &fail::SEGMENT, |_, writer, name| {
            write(writer).map_err(|e| Error::output(name, e))
        })
    }

    /// Merges what it is time to merge. Reading and writing grow with what is merged, up to all.
    ///
    /// # Errors
    /// As [`Dir::append`]; or a segment is damaged.
    pub fn merge_if_due(&mut self) -> Result<Option<Written>, Error> {
        let mut written = None;
        while let Some((stay, level)) = self.due() {
            written = Some(self.merge_from(stay, level)?);
        }
        Ok(written)
    }

    /// Merges all to one segment.
    ///
    /// # Errors
    /// As [`Dir::merge_if_due`].
    pub fn merge_all(&mut self) -> Result<Option<Written>, Error> {
        if self.manifest.segments.is_empty() {
            return Ok(None);
        }
        self.merge_from(0, LEVEL_OF_ALL).map(Some)
    }

    /// Removes all segments.
    ///
    /// # Errors
    /// The manifest cannot be written.
    pub fn remove(&mut self) -> Result<(), Error> {
        let manifest = Manifest { next: self.next, ..Manifest::new() };
        self.publish(manifest)?;
        self.indexes.clear();
        self.kept.clear();
        self.sweep();
        Ok(())
    }

    /// Bytes of members of windows that are no longer kept.
    pub fn garbage_bytes(&self) -> u64 {
        let windows = self.indexes.iter().flat_map(|index| &index.windows);
        windows.filter(|(serial, _)| !self.kept.contains(serial)).map(|(_, held)| held.bytes).sum()
    }

    /// The segments that stay, and the level of that to which those after them are to be merged.
    fn due(&self) -> Option<(usize, u32)> {
        let segments = &self.manifest.segments;
        let bytes = self.manifest.bytes();
        if bytes >= REWRITE_BYTES_MIN && self.garbage_bytes() > bytes / 2 {
            return Some((0, LEVEL_OF_ALL));
        }
        let level = segments.last()?.level;
        let run = segments.iter().rev().take_while(|entry| entry.level == level).count();
        (run >= MERGE_SEGMENTS).then(|| (segments.len() - run, level + 1))
    }

    fn merge_from(&mut self, stay: usize, level: u32) -> Result<Written, Error> {
        self.change(stay, level, &fail::MERGED, |dir, writer, name| {
            let segments = readers(&dir.folder, &dir.manifest.segments[stay..])?;
            let kept: Vec<u64> = dir.kept.iter().copied().collect();
            let tail = merge(segments, &kept, &mut Named { writer, name })?.unwrap_or_default();
            let done = writer.kept(&tail.kept).and_then(|()| writer.note(&tail.note));
            done.map_err(|e| Error::output(name, e))
        })
    }

    /// Writes a segment, and has it count in place of those after the first `stay`.
    fn change(
        &mut self,
        stay: usize,
        level: u32,
        steps: &'static Steps,
        write: impl FnOnce(&Dir, &mut SegmentWriter<Out>, &str) -> Result<(), Error>,
    ) -> Result<Written, Error> {
        self.be_sure()?;
        let number = self.next;
        self.next += 1;
        let file = manifest::file(number);
        let name = self.folder.join(&file).display().to_string();
        let failed = |e| Error::output(&name, e);
        let mut kept = BTreeSet::new();
        let put = self.put(&file, steps, |out| {
            let mut writer = SegmentWriter::new(out).map_err(failed)?;
            write(self, &mut writer, &name)?;
            kept = writer.kept_serials();
            let Finished { out, bytes, crc, index } = writer.finish().map_err(failed)?;
            Ok((out, (bytes, crc, index)))
        });
        let changed = put.and_then(|(bytes, crc, index)| {
            let entry = SegmentEntry { number, level, bytes, crc };
            let segments = [&self.manifest.segments[..stay], &[entry]].concat();
            self.publish(Manifest { next: self.next, segments, ..Manifest::new() })?;
            Ok((entry, index))
        });
        let (entry, index) = changed.inspect_err(|_| {
            if !self.is_unsure {
                let _ = fs::remove_file(self.folder.join(&file));
            }
        })?;
        let replaced = self.indexes.len() - stay;
        self.indexes.truncate(stay);
        self.indexes.push(index);
        self.kept = kept;
        if replaced > 0 {
            self.sweep();
        }
        Ok(Written { entry, replaced })
    }

    /// Has this manifest count from now on.
    fn publish(&mut self, manifest: Manifest) -> Result<(), Error> {
        self.be_sure()?;
        let put = self.put(manifest::NAME, &fail::MANIFEST, |mut out| {
            let name = self.folder.join(manifest::NAME).display().to_string();
            let done = manifest.text().and_then(|text| out.write_all(text.as_bytes()));
            done.map_err(|e| Error::output(&name, e))?;
            Ok((out, ()))
        });
        if let Err(error) = put {
            // It may have its name and not be on the disk. If it has not, nothing has happened.
            let found = Manifest::read(&self.folder);
            self.is_unsure = !found.is_ok_and(|found| found.as_ref() == Some(&self.manifest));
            return Err(error);
        }
        self.manifest = manifest;
        Ok(())
    }

    fn be_sure(&self) -> Result<(), Error> {
        if !self.is_unsure {
            return Ok(());
        }
        Err(Error::Checkpoint(format!(
            "{}: an earlier write failed so that it is not known what is on the disk: start again",
            self.folder.display()
        )))
    }

    /// Writes the file `name`: under a temporary name, then on the disk, then under its own.
    fn put<T>(
        &self,
        name: &str,
        steps: &'static Steps,
        write: impl FnOnce(Out) -> Result<(Out, T), Error>,
    ) -> Result<T, Error> {
        let path = self.folder.join(name);
        let temporary = self.folder.join(format!("{name}{TEMPORARY}"));
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
            part.file.sync_all().map_err(failed)?;
            point(steps.after_fsync).map_err(failed)?;
            fs::rename(&temporary, &path).map_err(failed)?;
            point(steps.after_rename).map_err(failed)?;
            self.handle.sync_all().map_err(failed)?;
            point(steps.after_dir_fsync).map_err(failed)?;
            Ok(value)
        };
        written().inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    }

    /// Removes what does not count. What cannot be removed now is when it is opened next.
    fn sweep(&self) {
        let count: BTreeSet<String> =
            self.manifest.segments.iter().map(SegmentEntry::file).collect();
        let Ok(files) = fs::read_dir(&self.folder) else { return };
        let _ = point(fail::BEFORE_REMOVE);
        for name in files.flatten().filter_map(|file| file.file_name().into_string().ok()) {
            let is_left = is_segment(&name) && !count.contains(&name);
            if is_left || is_temporary(&name) {
                let _ = fs::remove_file(self.folder.join(&name));
                let _ = point(fail::IN_REMOVE);
            }
        }
    }
}

fn readers(folder: &Path, entries: &[SegmentEntry]) -> Result<Vec<SegmentReader>, Error> {
    entries.iter().map(|entry| SegmentReader::open(folder, entry)).collect()
}

/// Makes the directory for its owner alone, and it durable.
fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(()),
        done => done?,
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
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

/// Whether there are files that are not a checkpoint's, and whether there are segments.
fn others(folder: &Path) -> io::Result<(bool, bool)> {
    let (mut foreign, mut segments) = (false, false);
    for file in fs::read_dir(folder)? {
        let name = file?.file_name().into_string().unwrap_or_default();
        segments |= is_segment(&name);
        foreign |= !(is_segment(&name) || is_temporary(&name) || name == LOCK);
    }
    Ok((foreign, segments))
}

fn is_segment(name: &str) -> bool {
    let number = name.strip_prefix("segment-").and_then(|rest| rest.strip_suffix(".hcs"));
    number.is_some_and(|number| number.parse().is_ok_and(|n| manifest::file(n) == name))
}

fn is_temporary(name: &str) -> bool {
    name.strip_suffix(TEMPORARY).is_some_and(|name| is_segment(name) || name == manifest::NAME)
}

#[cfg(test)]
#[path = "dir_tests.rs"]
mod tests;
