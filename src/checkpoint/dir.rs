//! The directory of a checkpoint: one owner, and changes that happen whole or not at all.
//!
//! First the segment is written and made durable, then the manifest, whose rename is the moment of the
//! change. Files that the manifest does not name are removed when the directory is opened. A change that fails before that moment leaves
//! everything as it was, and may be tried again. If it cannot be known whether the moment has passed,
//! nothing more is written: who opens the directory next finds one of the two, and both are whole.
//!
//! Merging: a new segment has level 0; [`MERGE_SEGMENTS`] of a level at the chain's end become one of the next, so
//! each byte is written anew once a level and a chain stays short. When members of windows no longer
//! kept are more than [`REWRITE_GARBAGE`] times all else, all is written anew: so many times what is written was
//! appended since the last time. Called from one thread, one call at a time.
//!
//! Where it has a replica, that is what counts and what is durable: the moment of a change is when the
//! replica has the manifest. The directory is then made for one run, and not brought to the disk.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use super::fail::{self, Steps};
use super::folder::{Folder, Out};
use super::manifest::{self, Manifest, SegmentEntry};
use super::merge::{Named, merge};
use super::reader::SegmentReader;
use super::replica::Replica;
use super::tail::{Index, Tail};
use super::writer::{Finished, SegmentWriter, failed};
use crate::error::Error;
use crate::limits::{MERGE_SEGMENTS, REWRITE_BYTES_MIN, REWRITE_GARBAGE};

/// The level of a segment that holds all: it is merged with what is appended after some thousand
/// checkpoints and not after seven.
const LEVEL_OF_ALL: u32 = 3;

/// What to do if there is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It is an error.
    Existing,
    /// Make one.
    Make,
    /// Make one, and remove what is there, in whatever state that is and of whatever format.
    Fresh,
}

/// A segment was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// It.
    pub entry: SegmentEntry,
    /// Segments it took the place of.
    pub replaced: usize,
}

/// A checkpoint's directory, which no other has as long as this is there.
#[derive(Debug)]
pub struct Dir {
    folder: Folder,
    manifest: Manifest,
    /// Of each segment what it holds.
    indexes: Vec<Index>,
    /// The serials that the last segment keeps.
    kept: BTreeSet<u64>,
    /// The number of the next file. Those of files that failed are not used again.
    next: u64,
    /// It is not known which manifest will be found.
    is_unsure: bool,
    replica: Option<Box<dyn Replica>>,
}

impl Dir {
    /// Opens the directory `path`.
    ///
    /// # Errors
    /// It is not there or cannot be made or read, somebody else has it, it is damaged or of a newer
    /// format, or holds other files and no checkpoint.
    pub fn open(path: &Path, open: Open) -> Result<Dir, Error> {
        let folder = Folder::open(path, open)?;
        let (indexes, kept) = (Vec::new(), BTreeSet::new());
        let manifest = Manifest::new();
        let mut dir =
            Dir { folder, manifest, indexes, kept, next: 1, is_unsure: false, replica: None };
        if open == Open::Fresh {
            // No number is used twice, not even of what cannot be read.
            dir.next = dir.folder.number_max.map_or(1, |number| number.saturating_add(1));
            dir.remove()?;
            return Ok(dir);
        }
        match Manifest::read(path)? {
            Some(manifest) => dir.manifest = manifest,
            None => dir.publish(Manifest::new())?,
        }
        dir.next = dir.manifest.next;
        for entry in &dir.manifest.segments {
            let tail = Tail::read(path, entry)?;
            dir.indexes.push(tail.index);
            dir.kept = tail.kept.into_iter().collect();
        }
        // The manifest may have got its name and not been on the disk when the last run ended.
        dir.folder.sync()?;
        dir.sweep();
        Ok(dir)
    }

    /// The same with a replica that has all that is in it; no file is to have a number below `next`.
    #[must_use]
    pub fn with_replica(mut self, replica: Box<dyn Replica>, next: u64) -> Dir {
        self.folder.is_durable = false;
        self.next = self.next.max(next);
        self.replica = Some(replica);
        self
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.folder.name
    }

    /// Whether others than its owner may look into it: there are uids.
    pub fn is_open_to_others(&self) -> bool {
        self.folder.is_open_to_others
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
        last.map(|entry| Tail::read(&self.folder.path, entry)).transpose()
    }

    /// The segments from the chain's beginning, to be read.
    ///
    /// # Errors
    /// One cannot be opened, or its head is damaged.
    pub fn segments(&self) -> Result<Vec<SegmentReader>, Error> {
        readers(&self.folder.path, &self.manifest.segments)
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
            write(writer).map_err(|e| failed(name, e))
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
        if segments.len() > 1 && self.replica.as_ref().is_some_and(|own| own.is_bloated(bytes)) {
            return Some((0, LEVEL_OF_ALL));
        }
        let garbage = self.garbage_bytes();
        if bytes >= REWRITE_BYTES_MIN && garbage > REWRITE_GARBAGE * (bytes - garbage) {
            return Some((0, LEVEL_OF_ALL));
        }
        let level = segments.last()?.level;
        let run = segments.iter().rev().take_while(|entry| entry.level == level).count();
        (run >= MERGE_SEGMENTS).then(|| (segments.len() - run, level + 1))
    }

    fn merge_from(&mut self, stay: usize, level: u32) -> Result<Written, Error> {
        self.change(stay, level, &fail::MERGED, |dir, writer, name| {
            let segments = readers(&dir.folder.path, &dir.manifest.segments[stay..])?;
            let kept: Vec<u64> = dir.kept.iter().copied().collect();
            let tail = merge(segments, &kept, &mut Named { writer, name })?.unwrap_or_default();
            let done = writer.kept(&tail.kept).and_then(|()| writer.note(&tail.note));
            done.map_err(|e| failed(name, e))
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
        let name = self.folder.path.join(&file).display().to_string();
        let failed = |e| failed(&name, e);
        let mut kept = BTreeSet::new();
        let put = self.folder.put(&file, steps, |out| {
            let mut writer = SegmentWriter::new(out).map_err(failed)?;
            write(self, &mut writer, &name)?;
            kept = writer.kept_serials();
            let Finished { out, bytes, crc, index } = writer.finish().map_err(failed)?;
            Ok((out, (bytes, crc, index)))
        });
        let changed = put.and_then(|(bytes, crc, index)| {
            let entry = SegmentEntry { number, level, bytes, crc };
            if let Some(replica) = &mut self.replica {
                replica.segment(&entry, &self.folder.path.join(&file))?;
            }
            let segments = [&self.manifest.segments[..stay], &[entry]].concat();
            self.publish(Manifest { next: self.next, segments, ..Manifest::new() })?;
            Ok((entry, index))
        });
        let (entry, index) = changed.inspect_err(|_| {
            if !self.is_unsure {
                self.folder.remove(&file);
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
        if let Some(replica) = &mut self.replica {
            replica.publish(&manifest).inspect_err(|_| self.is_unsure = true)?;
            self.manifest = manifest;
            return Ok(());
        }
        let put = self.folder.put(manifest::NAME, &fail::MANIFEST, |mut out| {
            let name = self.folder.path.join(manifest::NAME).display().to_string();
            let done = manifest.text().and_then(|text| out.write_all(text.as_bytes()));
            done.map_err(|e| Error::output(&name, e))?;
            Ok((out, ()))
        });
        if let Err(error) = put {
            // It may have its name and not be on the disk. If it has not, nothing has happened.
            let found = Manifest::read(&self.folder.path);
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
            self.folder.path.display()
        )))
    }

    fn sweep(&self) {
        self.folder.sweep(&self.manifest.segments.iter().map(SegmentEntry::file).collect());
    }
}

fn readers(folder: &Path, entries: &[SegmentEntry]) -> Result<Vec<SegmentReader>, Error> {
    entries.iter().map(|entry| SegmentReader::open(folder, entry)).collect()
}
