//! A segment on its way out, section by section, in the order that merging relies on.
//!
//! By shard: its users, then by serial the ids in that window, everything ascending. A list may come
//! in pieces; it is cut into sections of bounded size, each checked and decoded on its own. What is
//! out of order is an error of the caller's and nothing is written of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crc32fast::Hasher;
use zstd::bulk::Compressor;
use zstd::zstd_safe;

use super::section::{self, Head, Kind};
use super::tail::{Held, Index};
use super::{ids, varint};
use crate::error::Error;
use crate::limits::{
    NOTE_BYTES_MAX, SECTION_IDS_MAX, SECTION_NOTE_BYTES, SECTION_UID_BYTES, UID_BYTES_MAX,
};

/// zstd's level for uids and notes. Uids are mostly digits without repetition: what a higher level
/// looks for is not there (docs/checkpoint.md has the figures).
const LEVEL: i32 = 1;

/// The list being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    shard: u8,
    kind: Kind,
    serial: u64,
}

/// Writes a segment into `W`.
pub struct SegmentWriter<W> {
    out: W,
    /// Bytes written.
    written: u64,
    /// Of the parts' checksums.
    whole: Hasher,
    sections: u32,
    place: Option<Place>,
    /// The last id taken of that list.
    last: Option<u32>,
    /// What of that list is not yet written.
    ids: Vec<u32>,
    lengths: Vec<u8>,
    uids: Vec<u8>,
    payload: Vec<u8>,
    zstd: Compressor<'static>,
    index: BTreeMap<u64, Held>,
    users: Held,
    kept: Option<Vec<u64>>,
    note: Option<Vec<u8>>,
}

/// A segment that is written.
#[derive(Debug)]
pub struct Finished<W> {
    /// Where to; not flushed.
    pub out: W,
    /// Its length.
    pub bytes: u64,
    /// Its last four bytes, by which it is known again.
    pub crc: u32,
    /// What it holds.
    pub index: Index,
}

impl<W: Write> SegmentWriter<W> {
    /// Begins a segment.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn new(out: W) -> io::Result<SegmentWriter<W>> {
        let mut writer = SegmentWriter {
            out,
            written: 0,
            whole: Hasher::new(),
            sections: 0,
            place: None,
            last: None,
            ids: Vec::new(),
            lengths: Vec::new(),
            uids: Vec::new(),
            payload: Vec::new(),
            zstd: Compressor::new(LEVEL)?,
            index: BTreeMap::new(),
            users: Held::default(),
            kept: None,
            note: None,
        };
        let head = section::head(env!("CARGO_PKG_VERSION"));
        writer.whole.update(&head[head.len() - 4..]);
        writer.put(&head)?;
        Ok(writer)
    }

    /// Users of a shard that are new, ascending by id. May be called again to go on with the same
    /// shard.
    ///
    /// # Errors
    /// `out` cannot be written, or they are out of order or not users.
    pub fn users<'u>(
        &mut self,
        shard: u8,
        users: impl IntoIterator<Item = (u32, &'u [u8])>,
    ) -> io::Result<()> {
        let mut users = users.into_iter().peekable();
        if users.peek().is_none() {
            return Ok(());
        }
        self.go_to(Place { shard, kind: Kind::Users, serial: 0 })?;
        for (id, uid) in users {
            if uid.is_empty() || uid.len() > UID_BYTES_MAX {
                return Err(misused("a uid of a length that none has"));
            }
            self.rise(id, id)?;
            self.ids.push(id);
            varint::put(uid.len() as u64, &mut self.lengths);
            self.uids.extend_from_slice(uid);
            if self.ids.len() == SECTION_IDS_MAX || self.uids.len() >= SECTION_UID_BYTES {
                self.flush_list()?;
            }
        }
        Ok(())
    }

    /// Ids of a shard that are new in a window, ascending. May be called again to go on with the
    /// same window.
    ///
    /// # Errors
    /// `out` cannot be written, or they are out of order.
    pub fn members(&mut self, shard: u8, serial: u64, ids: &[u32]) -> io::Result<()> {
        let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else { return Ok(()) };
        self.go_to(Place { shard, kind: Kind::Members, serial })?;
        self.rise(first, last)?;
        if !ids.is_sorted_by(|a, b| a < b) {
            return Err(misused("ids that do not ascend"));
        }
        let mut rest = ids;
        while !rest.is_empty() {
            let room = SECTION_IDS_MAX - self.ids.len();
            let (these, others) = rest.split_at(room.min(rest.len()));
            self.ids.extend_from_slice(these);
            rest = others;
            if self.ids.len() == SECTION_IDS_MAX {
                self.flush_list()?;
            }
        }
        Ok(())
    }

    /// The serials kept at this moment, ascending.
    ///
    /// # Errors
    /// They do not ascend.
    pub fn kept(&mut self, serials: &[u64]) -> io::Result<()> {
        if !serials.is_sorted_by(|a, b| a < b) {
            return Err(misused("serials that do not ascend"));
        }
        self.kept = Some(serials.to_vec());
        Ok(())
    }

    /// What was given to [`SegmentWriter::kept`].
    pub(super) fn kept_serials(&self) -> BTreeSet<u64> {
        self.kept.iter().flatten().copied().collect()
    }

    /// What the caller wants back with the state.
    ///
    /// # Errors
    /// It is longer than [`NOTE_BYTES_MAX`].
    pub fn note(&mut self, note: &[u8]) -> io::Result<()> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(misused("a note longer than any may be"));
        }
        self.note = Some(note.to_vec());
        Ok(())
    }

    /// Ends the segment.
    ///
    /// # Errors
    /// `out` cannot be written, or kept or note were not given.
    pub fn finish(mut self) -> io::Result<Finished<W>> {
        self.flush_list()?;
        let (Some(kept), Some(note)) = (self.kept.take(), self.note.take()) else {
            return Err(misused("no list of what is kept, or no note"));
        };
        let tail = self.written;
        let mut payload = Vec::new();
        let mut before = 0;
        kept.iter().for_each(|&serial| varint::put_rising(&mut before, serial, &mut payload));
        let place = |kind, serial| Place { shard: 0, kind, serial };
        self.section(place(Kind::Kept, 0), kept.len(), &payload)?;
        let pieces = note.len().div_ceil(SECTION_NOTE_BYTES);
        for (piece, bytes) in note.chunks(SECTION_NOTE_BYTES).enumerate() {
            payload.clear();
            compress(&mut self.zstd, bytes, &mut payload)?;
            self.section(place(Kind::Note, piece as u64), pieces, &payload)?;
        }
        let index = Index { users: self.users, windows: std::mem::take(&mut self.index) };
        self.section(place(Kind::Index, 0), index.windows.len(), &index.coded())?;
        let end = section::end(self.sections, tail);
        self.whole.update(&end);
        let crc = self.whole.clone().finalize();
        self.put(&end)?;
        self.put(&crc.to_le_bytes())?;
        Ok(Finished { out: self.out, bytes: self.written, crc, index })
    }

    /// Goes on with this list, and ends the one before if it is another.
    fn go_to(&mut self, place: Place) -> io::Result<()> {
        if self.place == Some(place) {
            return Ok(());
        }
        if self.place > Some(place) {
            return Err(misused("shards, or windows of a shard, that do not ascend"));
        }
        self.flush_list()?;
        (self.place, self.last) = (Some(place), None);
        Ok(())
    }

    /// The list goes on with `first`, and up to `last`.
    fn rise(&mut self, first: u32, last: u32) -> io::Result<()> {
        if self.last >= Some(first) {
            return Err(misused("ids that do not ascend"));
        }
        self.last = Some(last);
        Ok(())
    }

    /// Writes what is held of the list.
    fn flush_list(&mut self) -> io::Result<()> {
        let Some(place) = self.place.filter(|_| !self.ids.is_empty()) else { return Ok(()) };
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        if place.kind == Kind::Users {
            let mut list = Vec::new();
            ids::encode(&self.ids, &mut list);
            varint::put(list.len() as u64, &mut payload);
            payload.extend(list);
            self.lengths.extend_from_slice(&self.uids);
            compress(&mut self.zstd, &self.lengths, &mut payload)?;
            self.lengths.clear();
            self.uids.clear();
        } else {
            ids::encode(&self.ids, &mut payload);
        }
        let held = match place.kind {
            Kind::Users => &mut self.users,
            _ => self.index.entry(place.serial).or_default(),
        };
        held.count += self.ids.len() as u64;
        held.bytes += payload.len() as u64;
        let count = self.ids.len();
        self.ids.clear();
        self.section(place, count, &payload)?;
        self.payload = payload;
        Ok(())
    }

    fn section(&mut self, place: Place, count: usize, payload: &[u8]) -> io::Result<()> {
        let Place { shard, kind, serial } = place;
        let count =
            u32::try_from(count).map_err(|_| misused("more than a section has room for"))?;
        let (before, crc) = section::frame(Head { kind, shard, serial, count }, payload)?;
        [&before, payload, &crc].into_iter().try_for_each(|bytes| self.put(bytes))?;
        self.whole.update(&crc);
        self.sections = self.sections.checked_add(1).ok_or(misused("too many sections"))?;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

/// Puts `plain`, compressed and behind its own length, behind `out`.
fn compress(zstd: &mut Compressor, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    varint::put(plain.len() as u64, out);
    let start = out.len();
    out.resize(start + zstd_safe::compress_bound(plain.len()), 0);
    let length = zstd.compress_to_buffer(plain, &mut out[start..])?;
    out.truncate(start + length);
    Ok(())
}

/// What stopped a segment that is called `name`: who gave what no segment can hold has a fault.
pub(super) fn failed(name: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => {
            Error::Internal(error.to_string())
        }
        _ => Error::output(name, error),
    }
}

/// The caller gave what no segment can hold.
fn misused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("a checkpoint was given {what}"))
}
