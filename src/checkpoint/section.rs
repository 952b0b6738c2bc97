//! The parts of a segment's bytes: its head, the frame of a section, its end.
//!
//! ```text
//! head      magic (8), format (u16), length of the program's version (u8) and it, CRC-32 of all that
//! section   kind (u8), shard (u8), serial, count, length (varints), payload, CRC-32 of all that
//!           ... in ascending order of (shard, users before members, serial, ids); then kept, note, index
//! end       0xff (u8), sections (u32), where the section `kept` begins (u64), CRC-32 of all checksums
//!           before and of the end's own bytes
//! ```
//!
//! Numbers are little-endian. The head's layout is that of every format to come, so that a newer one
//! is known as such; the end's has a fixed length, so that a segment's last sections are found
//! without reading the rest. Each section is checked before anything in it is believed; the last CRC
//! finds what those of the sections cannot, a section left out, moved, or of another segment. It is not
//! over all bytes: behind bytes that are followed by their own CRC, a CRC is the same whatever they were.

use std::io::{self, Read};

use crc32fast::Hasher;

use super::{Wrong, varint};
use crate::error::Error;
use crate::limits::{SECTION_BYTES_MAX, SECTION_IDS_MAX};

/// The newest format that this program reads, and the one it writes.
pub const FORMAT: u16 = 1;

/// What a segment begins with. A first byte beyond ASCII and both kinds of line end, so that a copy
/// made as text is noticed (as PNG does).
pub(super) const MAGIC: [u8; 8] = *b"\x89HCS\r\n\x1a\n";

/// Bytes of the end.
pub(super) const END_BYTES: u64 = 1 + 4 + 8 + 4;
const END: u8 = 0xff;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Users of a shard: ids, lengths and bytes of uids.
    Users = 1,
    /// Ids in a window.
    Members = 2,
    /// The serials kept.
    Kept = 3,
    /// A piece of the note.
    Note = 4,
    /// What the segment has of each window.
    Index = 5,
}

/// A section's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) shard: u8,
    pub(super) serial: u64,
    pub(super) count: u32,
}

/// A segment's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) sections: u32,
    /// Where the sections of the tail begin, bytes.
    pub(super) tail: u64,
    /// Of all checksums before, and the end's own bytes.
    pub(super) crc: u32,
}

/// The segment's head, as bytes.
pub(super) fn head(program: &str) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(FORMAT.to_le_bytes());
    out.push(u8::try_from(program.len()).unwrap_or(u8::MAX));
    out.extend(program.bytes().take(usize::from(u8::MAX)));
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// What stands before a section's payload, and behind it.
///
/// # Errors
/// It is longer than any may be.
pub(super) fn frame(head: Head, payload: &[u8]) -> io::Result<(Vec<u8>, [u8; 4])> {
    if payload.len() > SECTION_BYTES_MAX {
        return Err(io::Error::other("a section of the checkpoint is longer than any may be"));
    }
    let mut out = vec![head.kind as u8, head.shard];
    varint::put(head.serial, &mut out);
    varint::put(u64::from(head.count), &mut out);
    varint::put(payload.len() as u64, &mut out);
    let mut crc = Hasher::new();
    crc.update(&out);
    crc.update(payload);
    Ok((out, crc.finalize().to_le_bytes()))
}

/// The end without its checksum, as bytes.
pub(super) fn end(sections: u32, tail: u64) -> Vec<u8> {
    let mut out = vec![END];
    out.extend(sections.to_le_bytes());
    out.extend(tail.to_le_bytes());
    out
}

/// A segment's bytes on their way in, part by part.
#[derive(Debug)]
pub(super) struct Source<R> {
    from: R,
    /// What it is called in errors.
    pub(super) name: String,
    /// Where the next part begins, bytes.
    pub(super) offset: u64,
    /// Bytes of that part taken.
    taken: u64,
    /// Whether this is read from the file's beginning.
    is_whole: bool,
    /// Sections read.
    pub(super) sections: u32,
    /// Of the parts' checksums.
    whole: Hasher,
    /// The last section's.
    pub(super) payload: Vec<u8>,
}

impl<R: Read> Source<R> {
    /// Bytes that begin at `offset` of what is called `name`.
    pub(super) fn new(from: R, name: String, offset: u64) -> Source<R> {
        let (whole, payload) = (Hasher::new(), Vec::new());
        Source { from, name, offset, taken: 0, is_whole: offset == 0, sections: 0, whole, payload }
    }

    /// An error about the part that begins at `offset`.
    pub(super) fn damaged(&self, wrong: Wrong) -> Error {
        let (offset, why) = (self.offset, wrong.0);
        let what = match self.sections {
            n if n > 0 && self.is_whole => format!("section {n}, at byte {offset}: {why}"),
            _ => format!("at byte {offset}: {why}"),
        };
        Error::Damaged { file: self.name.clone(), what }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.from.read_exact(bytes).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(Wrong("the file ends here")),
            _ => Error::input(&self.name, e),
        })?;
        self.taken += bytes.len() as u64;
        Ok(())
    }

    /// A part is over.
    fn next_part(&mut self) {
        self.offset += self.taken;
        self.taken = 0;
    }

    /// Reads the segment's head: the program's version.
    pub(super) fn head(&mut self) -> Result<String, Error> {
        let mut bytes = vec![0; MAGIC.len() + 3];
        self.read(&mut bytes)?;
        if bytes[..MAGIC.len()] != MAGIC {
            return Err(self.damaged(Wrong("this is no segment of a checkpoint")));
        }
        let length = usize::from(bytes[MAGIC.len() + 2]);
        let fixed = bytes.len();
        bytes.resize(fixed + length + 4, 0);
        self.read(&mut bytes[fixed..])?;
        let (head, crc) = bytes.split_at(fixed + length);
        if crc != crc32fast::hash(head).to_le_bytes() {
            return Err(self.damaged(Wrong("the head's checksum is another")));
        }
        self.whole.update(crc);
        let program = String::from_utf8_lossy(&head[fixed..]).into_owned();
        let format = u16::from_le_bytes([head[MAGIC.len()], head[MAGIC.len() + 1]]);
        if format > FORMAT {
            let (found, known) = (format.into(), FORMAT.into());
            return Err(Error::Newer { file: self.name.clone(), found, program, known });
        }
        if format == 0 {
            return Err(self.damaged(Wrong("there is no format 0")));
        }
        self.next_part();
        Ok(program)
    }

    /// Reads a section, whose payload then lies here; none if it was the end, and its checksum right.
    pub(super) fn section(&mut self) -> Result<Result<Head, End>, Error> {
        let mut kind = [0];
        let mut part = Hasher::new();
        self.read(&mut kind)?;
        if kind[0] == END {
            return self.end().map(Err);
        }
        self.sections += 1;
        let mut shard = [0];
        self.read(&mut shard)?;
        part.update(&[kind[0], shard[0]]);
        let serial = self.number(&mut part)?;
        let count = self.number(&mut part)?;
        let length = self.number(&mut part)?;
        // Bounded before anything is allocated: these may be any bytes.
        let length = match usize::try_from(length) {
            Ok(length) if length <= SECTION_BYTES_MAX => length,
            _ => return Err(self.damaged(Wrong("it is longer than any section"))),
        };
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(length, 0);
        let read = self.read(&mut payload);
        part.update(&payload);
        self.payload = payload;
        read?;
        let mut crc = [0; 4];
        self.read(&mut crc)?;
        if crc != part.finalize().to_le_bytes() {
            return Err(self.damaged(Wrong("its checksum is another")));
        }
        self.whole.update(&crc);
        let kind = match kind[0] {
            1 => Kind::Users,
            2 => Kind::Members,
            3 => Kind::Kept,
            4 => Kind::Note,
            5 => Kind::Index,
            _ => return Err(self.damaged(Wrong("there is no such kind of section"))),
        };
        match u32::try_from(count) {
            Ok(count) if kind != Kind::Users && kind != Kind::Members => {
                Ok(Ok(Head { kind, shard: shard[0], serial, count }))
            }
            Ok(count) if count > 0 && count as usize <= SECTION_IDS_MAX => {
                Ok(Ok(Head { kind, shard: shard[0], serial, count }))
            }
            _ => Err(self.damaged(Wrong("its count of ids is out of bounds"))),
        }
    }

    /// The part read is taken; the next one may come.
    pub(super) fn done(&mut self) {
        self.next_part();
    }

    fn number(&mut self, part: &mut Hasher) -> Result<u64, Error> {
        let mut bytes = [0; 10];
        for at in 0..bytes.len() {
            self.read(&mut bytes[at..=at])?;
            if bytes[at] < 0x80 {
                part.update(&bytes[..=at]);
                return varint::take(&mut &bytes[..=at]).map_err(|wrong| self.damaged(wrong));
            }
        }
        Err(self.damaged(Wrong("a number is larger than 64 bits")))
    }

    /// The rest of the end, and nothing behind it.
    fn end(&mut self) -> Result<End, Error> {
        let (mut bytes, mut crc) = ([0; 12], [0; 4]);
        self.read(&mut bytes)?;
        self.read(&mut crc)?;
        self.whole.update(&[END]);
        self.whole.update(&bytes);
        let whole = self.whole.clone().finalize();
        let (sections, tail) = bytes.split_at(4);
        let end = End {
            sections: u32::from_le_bytes(sections.try_into().unwrap_or_default()),
            tail: u64::from_le_bytes(tail.try_into().unwrap_or_default()),
            crc: u32::from_le_bytes(crc),
        };
        match self.from.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => return Err(self.damaged(Wrong("something follows the end"))),
            Err(e) => return Err(Error::input(&self.name, e)),
        }
        // Of one that was not read from its beginning the caller knows the checksum.
        if self.is_whole && end.crc != whole {
            return Err(self.damaged(Wrong("the checksum of all checksums is another")));
        }
        Ok(end)
    }
}
