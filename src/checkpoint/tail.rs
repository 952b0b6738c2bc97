//! A segment's tail, what can be known of it without reading all: the serials kept, the note, and
//! what it holds of each window.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zstd::bulk::Decompressor;

use super::manifest::SegmentEntry;
use super::section::{END_BYTES, End, Head, Kind, Source};
use super::{Wrong, varint};
use crate::error::Error;
use crate::limits::{NOTE_BYTES_MAX, SECTION_NOTE_BYTES};

/// How much there is of something in a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Users, or memberships.
    pub count: u64,
    /// Bytes of their sections' payloads.
    pub bytes: u64,
}

/// It is whole, and has the checksum of another.
pub(super) const NOT_NAMED: Wrong = Wrong("it is not the segment that the manifest names");

/// What a segment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Users, of all shards.
    pub users: Held,
    /// By serial the members, of all shards.
    pub windows: BTreeMap<u64, Held>,
}

/// The last sections of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The serials kept, ascending.
    pub kept: Vec<u64>,
    /// What its writer wants back.
    pub note: Vec<u8>,
    /// What the segment holds.
    pub index: Index,
}

impl Index {
    pub(super) fn coded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        varint::put(self.users.count, &mut out);
        varint::put(self.users.bytes, &mut out);
        let mut before = 0;
        for (&serial, held) in &self.windows {
            varint::put_rising(&mut before, serial, &mut out);
            varint::put(held.count, &mut out);
            varint::put(held.bytes, &mut out);
        }
        out
    }

    fn decode(count: u32, bytes: &[u8]) -> Result<Index, Wrong> {
        let mut rest = bytes;
        let held =
            |rest: &mut &[u8]| Ok(Held { count: varint::take(rest)?, bytes: varint::take(rest)? });
        let mut index = Index { users: held(&mut rest)?, windows: BTreeMap::new() };
        let mut before = 0;
        for _ in 0..count {
            let serial = varint::take_rising(&mut before, &mut rest)?;
            if index.windows.insert(serial, held(&mut rest)?).is_some() {
                return Err(Wrong("a window is there twice"));
            }
        }
        is_over(rest)?;
        Ok(index)
    }
}

impl Tail {
    /// Reads the tail of the segment `entry` in `folder`.
    ///
    /// # Errors
    /// It cannot be read, or is not what the manifest says.
    pub fn read(folder: &Path, entry: &SegmentEntry) -> Result<Tail, Error> {
        let (mut file, name) = entry.open(folder)?;
        let failed = |e| Error::input(&name, e);
        let damaged = |what: &str| Error::Damaged { file: name.clone(), what: what.into() };
        let Some(end) = entry.bytes.checked_sub(END_BYTES) else {
            return Err(damaged("it is shorter than any segment"));
        };
        // The offset of the tail: if it is wrong, what it leads to is no section or not all of them.
        file.seek(SeekFrom::Start(end + 5)).map_err(failed)?;
        let mut offset = [0; 8];
        file.read_exact(&mut offset).map_err(failed)?;
        let offset = u64::from_le_bytes(offset);
        if offset > end {
            return Err(damaged("its end points outside of it"));
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut source = Source::new(BufReader::new(file), name.clone(), offset);
        let first = source.section()?;
        let (tail, end) = Tail::rest(&mut source, first)?;
        if end.crc != entry.crc {
            return Err(damaged(NOT_NAMED.0));
        }
        Ok(tail)
    }

    /// Reads the sections of the tail, of which `first` was read already, and the end.
    pub(super) fn rest<R: Read>(
        source: &mut Source<R>,
        first: Result<Head, End>,
    ) -> Result<(Tail, End), Error> {
        let mut tail = Tail::default();
        let wrong = Wrong("it is not where it should be");
        let is = |part: Result<Head, End>, kind| part.ok().filter(|head| head.kind == kind);
        let Some(head) = is(first, Kind::Kept) else { return Err(source.damaged(wrong)) };
        tail.kept = kept(head.count, &source.payload).map_err(|wrong| source.damaged(wrong))?;
        source.done();
        let (mut pieces, mut of) = (0, 0);
        loop {
            match source.section()? {
                Ok(Head { kind: Kind::Note, serial, count, .. }) if serial == pieces => {
                    (pieces, of) = (pieces + 1, u64::from(count));
                    let piece = plain(&source.payload, SECTION_NOTE_BYTES, &mut tail.note);
                    piece.map_err(|wrong| source.damaged(wrong))?;
                    if tail.note.len() > NOTE_BYTES_MAX {
                        return Err(source.damaged(Wrong("the note is longer than any may be")));
                    }
                    source.done();
                }
                Ok(Head { kind: Kind::Index, count, .. }) if pieces == of => {
                    let index = Index::decode(count, &source.payload);
                    tail.index = index.map_err(|wrong| source.damaged(wrong))?;
                    source.done();
                    break;
                }
                _ => return Err(source.damaged(wrong)),
            }
        }
        match source.section()? {
            Err(end) => Ok((tail, end)),
            Ok(_) => Err(source.damaged(wrong)),
        }
    }
}

fn kept(count: u32, bytes: &[u8]) -> Result<Vec<u64>, Wrong> {
    let mut rest = bytes;
    let mut kept: Vec<u64> = Vec::new();
    let mut before = 0;
    for _ in 0..count {
        let serial = varint::take_rising(&mut before, &mut rest)?;
        if kept.last() == Some(&serial) {
            return Err(Wrong("a window is there twice"));
        }
        kept.push(serial);
    }
    is_over(rest)?;
    Ok(kept)
}

pub(super) fn is_over(rest: &[u8]) -> Result<(), Wrong> {
    if rest.is_empty() { Ok(()) } else { Err(Wrong("something follows what it says it holds")) }
}

/// Decompresses what stands behind its own length, `bytes_max` at most, behind `out`.
pub(super) fn plain(bytes: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> Result<(), Wrong> {
    let mut coded = bytes;
    let length = varint::take(&mut coded)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > bytes_max {
        return Err(Wrong("it is longer than any once decompressed"));
    }
    let wrong = Wrong("it cannot be decompressed");
    let start = out.len();
    out.resize(start + length, 0);
    let mut zstd = Decompressor::new().map_err(|_| wrong)?;
    let done = zstd.decompress_to_buffer(coded, &mut out[start..]).map_err(|_| wrong)?;
    if done == length { Ok(()) } else { Err(wrong) }
}
