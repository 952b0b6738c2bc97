//! The manifest: the list of the segments that count, in their order. What it does not name is not
//! there.
//!
//! JSON, so that people can read it, and a last line with the CRC-32 of all before it. It is replaced
//! whole, by a rename.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::FORMAT;
use crate::error::Error;
use crate::limits::MANIFEST_BYTES_MAX;

/// Its name in the directory.
pub const NAME: &str = "manifest";

/// The list of the segments that count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of it and of the segments.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The number of the next segment; none is used twice.
    pub next: u64,
    /// The chain, from its beginning.
    pub segments: Vec<SegmentEntry>,
}

/// A segment of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// By which its file is named.
    pub number: u64,
    /// How often what is in it was merged.
    pub level: u32,
    /// Its length.
    pub bytes: u64,
    /// Its last four bytes, the CRC-32 of all its checksums.
    pub crc: u32,
}

impl SegmentEntry {
    /// Its file's name.
    pub fn file(&self) -> String {
        file(self.number)
    }

    /// Its file in `folder`, if that is there with its length; and what errors call it.
    ///
    /// # Errors
    /// It is not, or cannot be read.
    pub(super) fn open(&self, folder: &Path) -> Result<(File, String), Error> {
        let path = folder.join(self.file());
        let name = path.display().to_string();
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((bytes, file)) if bytes == self.bytes => Ok((file, name)),
            Ok((bytes, _)) => {
                let what = format!("it has {bytes} bytes, and had {}", self.bytes);
                Err(Error::Damaged { file: name, what })
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                Err(Error::Damaged { file: name, what: "it is missing".into() })
            }
            Err(e) => Err(Error::input(&name, e)),
        }
    }
}

/// The name of a segment's file.
pub fn file(number: u64) -> String {
    format!("segment-{number}.hcs")
}

/// What of a manifest is the same in all formats.
#[derive(Deserialize)]
struct Version {
    format: u32,
    program: String,
}

impl Manifest {
    /// One that names no segment.
    pub fn new() -> Manifest {
        let program = env!("CARGO_PKG_VERSION").into();
        Manifest { format: FORMAT.into(), program, next: 1, segments: Vec::new() }
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|entry| entry.bytes).sum()
    }

    /// The manifest of the directory `folder`; none if it has none.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or of a newer format.
    pub fn read(folder: &Path) -> Result<Option<Manifest>, Error> {
        let path = folder.join(NAME);
        let name = path.display().to_string();
        let file = match File::open(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|e| Error::input(&name, e))?,
        };
        let mut text = Vec::new();
        let read = file.take(MANIFEST_BYTES_MAX as u64 + 1).read_to_end(&mut text);
        read.map_err(|e| Error::input(&name, e))?;
        Manifest::of(&text, &name).map(Some)
    }

    /// The manifest of a text, which errors call `name`.
    ///
    /// # Errors
    /// It is damaged, or of a newer format.
    pub fn of(text: &[u8], name: &str) -> Result<Manifest, Error> {
        let damaged = |what: &str| Error::Damaged { file: name.into(), what: what.into() };
        let json = checked(text).ok_or_else(|| damaged("its checksum is another"))?;
        let version: Version = serde_json::from_slice(json)
            .map_err(|_| damaged("it does not say what format it has"))?;
        let known = u32::from(FORMAT);
        if version.format > known {
            let (found, program) = (version.format, version.program);
            return Err(Error::Newer { file: name.into(), found, program, known });
        }
        let manifest: Manifest =
            serde_json::from_slice(json).map_err(|_| damaged("it is no list of segments"))?;
        let numbers: BTreeSet<u64> = manifest.segments.iter().map(|entry| entry.number).collect();
        let largest = numbers.last().copied();
        if numbers.len() != manifest.segments.len() || largest >= Some(manifest.next) {
            return Err(damaged("its numbers of segments contradict one another"));
        }
        Ok(manifest)
    }

    /// It as text.
    ///
    /// # Errors
    /// It is longer than any may be.
    pub fn text(&self) -> std::io::Result<String> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let crc = crc32fast::hash(text.as_bytes());
        text.push_str(&last_line(crc));
        if text.len() > MANIFEST_BYTES_MAX {
            return Err(std::io::Error::other("the list of a checkpoint's segments is too long"));
        }
        Ok(text)
    }
}

impl Default for Manifest {
    fn default() -> Manifest {
        Manifest::new()
    }
}

fn last_line(crc: u32) -> String {
    format!("crc32 {crc:08x}\n")
}

/// What stands before the last line, if that is its checksum to the letter.
fn checked(text: &[u8]) -> Option<&[u8]> {
    let (json, line) = text.split_at_checked(text.len().checked_sub(last_line(0).len())?)?;
    (line == last_line(crc32fast::hash(json)).as_bytes()).then_some(json)
}
