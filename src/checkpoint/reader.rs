//! A segment on its way in: section by section, each checked and decoded whole before it is shown; where only
//! some windows are wanted, those of others are checked and not decoded.
//!
//! At the end it has been seen that nothing is missing, moved or changed. Memory is bounded by a
//! section, whatever the bytes say. Sections must come in the writer's order; merging relies on it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use super::manifest::SegmentEntry;
use super::section::{End, Head, Kind, Source};
use super::tail::{Index, NOT_NAMED, Tail, plain};
use super::{Wrong, ids, varint};
use crate::error::Error;
use crate::limits::{SECTION_BYTES_MAX, UID_BYTES_MAX};

/// Bytes of one read(2).
const READ_BYTES: usize = 256 * 1024;

/// What a segment holds, section by section.
#[derive(Clone, Copy, Debug)]
pub enum Section<'a> {
    /// Users of a shard, ascending by id; further ones may follow.
    Users {
        /// Which shard.
        shard: u8,
        /// They.
        users: Users<'a>,
    },
    /// Ids of a shard in a window, ascending; further ones may follow.
    Members {
        /// Which shard.
        shard: u8,
        /// Which window.
        serial: u64,
        /// They.
        ids: &'a [u32],
    },
    /// The serials kept, ascending.
    Kept(&'a [u64]),
    /// What the writer wants back; the last.
    Note(&'a [u8]),
}

/// Users of one section.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a> {
    ids: &'a [u32],
    /// By user where his uid ends.
    ends: &'a [usize],
    uids: &'a [u8],
}

impl<'a> Users<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none; a section has one at least.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Their ids, ascending.
    pub fn ids(&self) -> &'a [u32] {
        self.ids
    }

    /// The uid of the user at `index` of the ids.
    pub fn uid(&self, index: usize) -> &'a [u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.uids[start..self.ends[index]]
    }

    /// Ids with their uids.
    pub fn iter(self) -> impl Iterator<Item = (u32, &'a [u8])> {
        let mut start = 0;
        self.ids.iter().zip(self.ends).map(move |(&id, &end)| {
            let uid = &self.uids[start..end];
            start = end;
            (id, uid)
        })
    }
}

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    /// In a list of this shard, kind and serial.
    List(Place),
    Kept,
    Note,
    End,
}

/// A list of a segment; lists ascend.
pub(super) type Place = (u8, Kind, u64);

/// Reads a segment from `R`.
#[derive(Debug)]
pub struct SegmentReader<R = BufReader<File>> {
    source: Source<R>,
    program: String,
    at: At,
    /// The last id of the list.
    last: Option<u32>,
    ids: Vec<u32>,
    ends: Vec<usize>,
    /// Lengths and uids; the latter begin at `uids_at`.
    plain: Vec<u8>,
    uids_at: usize,
    /// What was read so far.
    index: Index,
    tail: Option<Tail>,
    /// The checksum that the manifest has of it.
    crc: Option<u32>,
    /// The windows whose ids are wanted; none: all.
    wanted: Option<Arc<BTreeSet<u64>>>,
}

impl SegmentReader {
    /// Begins to read the segment `entry` in `folder`.
    ///
    /// # Errors
    /// It cannot be read, or is not what the manifest says.
    pub fn open(folder: &Path, entry: &SegmentEntry) -> Result<SegmentReader, Error> {
        let (file, name) = entry.open(folder)?;
        let reader = SegmentReader::new(BufReader::with_capacity(READ_BYTES, file), name)?;
        Ok(SegmentReader { crc: Some(entry.crc), ..reader })
    }
}

impl<R: Read> SegmentReader<R> {
    /// Begins to read a segment that errors call `name`.
    ///
    /// # Errors
    /// It cannot be read, is no segment, or of a newer format.
    pub fn new(from: R, name: String) -> Result<SegmentReader<R>, Error> {
        let mut source = Source::new(from, name, 0);
        let program = source.head()?;
        Ok(SegmentReader {
            source,
            program,
            at: At::Start,
            last: None,
            ids: Vec::new(),
            ends: Vec::new(),
            plain: Vec::new(),
            uids_at: 0,
            index: Index::default(),
            tail: None,
            crc: None,
            wanted: None,
        })
    }

    /// Only of these windows ids are wanted: those of others are checked and not decoded, and their sections
    /// come without any.
    pub(super) fn only(&mut self, wanted: Arc<BTreeSet<u64>>) {
        self.wanted = Some(wanted);
    }

    /// The version of the program that wrote it.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// What errors call it.
    pub(super) fn name(&self) -> &str {
        &self.source.name
    }

    /// The next section; none after the last, and all of the segment has then been checked.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    #[allow(clippy::should_implement_trait)] // it lends
    pub fn next(&mut self) -> Result<Option<Section<'_>>, Error> {
        self.advance()?;
        Ok(self.section())
    }

    /// The section read last.
    pub fn section(&self) -> Option<Section<'_>> {
        match self.at {
            At::Start | At::End => None,
            At::List((shard, Kind::Users, _)) => {
                let uids = &self.plain[self.uids_at..];
                let users = Users { ids: &self.ids, ends: &self.ends, uids };
                Some(Section::Users { shard, users })
            }
            At::List((shard, _, serial)) => {
                Some(Section::Members { shard, serial, ids: &self.ids })
            }
            At::Kept => self.tail.as_ref().map(|tail| Section::Kept(&tail.kept)),
            At::Note => self.tail.as_ref().map(|tail| Section::Note(&tail.note)),
        }
    }

    /// Reads the next section.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub(super) fn advance(&mut self) -> Result<(), Error> {
        match self.at {
            At::Start | At::List(_) => {}
            At::Kept => {
                self.at = At::Note;
                return Ok(());
            }
            At::Note | At::End => {
                self.at = At::End;
                return Ok(());
            }
        }
        match self.source.section()? {
            Ok(head) if matches!(head.kind, Kind::Users | Kind::Members) => {
                self.list(head).map_err(|wrong| self.source.damaged(wrong))?;
                self.source.done();
                Ok(())
            }
            first => self.rest(first),
        }
    }

    /// The list that the section read last is of.
    pub(super) fn place(&self) -> Option<Place> {
        match self.at {
            At::List(place) => Some(place),
            _ => None,
        }
    }

    /// The serials kept and the note, once they were reached.
    pub(super) fn into_tail(self) -> Option<Tail> {
        self.tail
    }

    /// Decodes a section of a list.
    fn list(&mut self, head: Head) -> Result<(), Wrong> {
        let place = (head.shard, head.kind, head.serial);
        match self.at {
            At::List(before) if before > place => return Err(Wrong("it is out of order")),
            At::List(before) if before == place => {}
            _ => self.last = None,
        }
        self.at = At::List(place);
        let payload = &self.source.payload[..];
        let count = head.count as usize;
        self.ids.clear();
        if head.kind == Kind::Members
            && self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&head.serial))
        {
            let held = self.index.windows.entry(head.serial).or_default();
            held.count += count as u64;
            held.bytes += payload.len() as u64;
            return Ok(());
        }
        let held = if head.kind == Kind::Users {
            let mut rest = payload;
            let length = usize::try_from(varint::take(&mut rest)?).unwrap_or(usize::MAX);
            let Some((list, coded)) = rest.split_at_checked(length) else {
                return Err(Wrong("its ids are longer than it"));
            };
            ids::decode(list, count, &mut self.ids)?;
            self.plain.clear();
            plain(coded, SECTION_BYTES_MAX, &mut self.plain)?;
            self.uids_at = ends(&self.plain, count, &mut self.ends)?;
            &mut self.index.users
        } else {
            ids::decode(payload, count, &mut self.ids)?;
            self.index.windows.entry(head.serial).or_default()
        };
        held.count += count as u64;
        held.bytes += payload.len() as u64;
        if self.last >= self.ids.first().copied() {
            return Err(Wrong("its ids do not come after those before"));
        }
        self.last = self.ids.last().copied();
        Ok(())
    }

    /// Reads all that follows the lists.
    fn rest(&mut self, first: Result<Head, End>) -> Result<(), Error> {
        let begins = self.source.offset;
        let (tail, end) = Tail::rest(&mut self.source, first)?;
        if end.tail != begins || end.sections != self.source.sections || tail.index != self.index {
            return Err(self.source.damaged(Wrong("its end does not say what it holds")));
        }
        if self.crc.is_some_and(|crc| crc != end.crc) {
            return Err(self.source.damaged(NOT_NAMED));
        }
        (self.tail, self.at) = (Some(tail), At::Kept);
        Ok(())
    }
}

/// Where each uid ends, of `plain`: their lengths, then they. Where they begin.
fn ends(plain: &[u8], count: usize, ends: &mut Vec<usize>) -> Result<usize, Wrong> {
    let mut rest = plain;
    let mut end = 0;
    ends.clear();
    for _ in 0..count {
        match usize::try_from(varint::take(&mut rest)?) {
            Ok(length) if (1..=UID_BYTES_MAX).contains(&length) => end += length,
            _ => return Err(Wrong("a uid of a length that none has")),
        }
        ends.push(end);
    }
    if rest.len() == end {
        Ok(plain.len() - end)
    } else {
        Err(Wrong("its uids are not as long as it says"))
    }
}
