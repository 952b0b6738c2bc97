//! A record of a state topic: a piece of a segment, or a manifest, behind a head that says so.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | `hcst` |
//! | 1 | format, 1 |
//! | 1 | 1: a piece of a segment; 2: a manifest |
//! | 8 | the segment's number; of a manifest the number of the next segment |
//! | 8 | where in the segment the piece stands |
//! | … | the piece, or the manifest as its file would be |
//! | 4 | CRC-32 of all before |
//!
//! Numbers are little-endian. docs/checkpoint.md says the same to others.

const MAGIC: &[u8; 4] = b"hcst";
/// The newest format of records that is known here.
pub const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 22;
const CRC_BYTES: usize = 4;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds<'r> {
    /// Bytes of a segment.
    Piece {
        /// The segment's number.
        number: u64,
        /// Where in it they stand.
        at: u64,
        /// They.
        bytes: &'r [u8],
    },
    /// A manifest.
    Manifest {
        /// The number of the next segment.
        next: u64,
        /// It, as its file would be.
        text: &'r [u8],
    },
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// They were written by something else.
    Foreign,
    /// They were written by a newer version of this program, in this format.
    Newer(u8),
    /// They are not as they were written.
    Damaged,
}

/// A record as bytes.
pub fn write(holds: Holds<'_>) -> Vec<u8> {
    let (kind, number, at, bytes) = match holds {
        Holds::Piece { number, at, bytes } => (1, number, at, bytes),
        Holds::Manifest { next, text } => (2, next, 0, text),
    };
    let mut record = Vec::with_capacity(HEAD_BYTES + bytes.len() + CRC_BYTES);
    record.extend_from_slice(MAGIC);
    record.extend_from_slice(&[FORMAT, kind]);
    record.extend_from_slice(&number.to_le_bytes());
    record.extend_from_slice(&at.to_le_bytes());
    record.extend_from_slice(bytes);
    record.extend_from_slice(&crc32fast::hash(&record).to_le_bytes());
    record
}

/// A record from bytes.
///
/// # Errors
/// They are none.
pub fn read(record: &[u8]) -> Result<Holds<'_>, Wrong> {
    let rest = record.strip_prefix(MAGIC).ok_or(Wrong::Foreign)?;
    match rest.first() {
        Some(&format) if format > FORMAT => return Err(Wrong::Newer(format)),
        Some(&FORMAT) => {}
        _ => return Err(Wrong::Damaged),
    }
    let (body, crc) = record.split_last_chunk::<CRC_BYTES>().ok_or(Wrong::Damaged)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return Err(Wrong::Damaged);
    }
    let (head, bytes) = body.split_first_chunk::<HEAD_BYTES>().ok_or(Wrong::Damaged)?;
    let number_at = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&head[at..at + 8]);
        u64::from_le_bytes(number)
    };
    match head[5] {
        1 => Ok(Holds::Piece { number: number_at(6), at: number_at(14), bytes }),
        2 => Ok(Holds::Manifest { next: number_at(6), text: bytes }),
        _ => Err(Wrong::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: Holds<'_> = Holds::Piece { number: 77, at: 1 << 40, bytes: b"some bytes" };

    #[test]
    fn what_was_written_is_read() {
        let manifest = Holds::Manifest { next: u64::MAX, text: b"" };
        for holds in [PIECE, manifest] {
            assert_eq!(read(&write(holds)), Ok(holds));
        }
    }

    #[test]
    fn any_bit_and_any_truncation_is_found() {
        let record = write(PIECE);
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..record.len() {
            assert!(read(&record[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn others_are_told_apart() {
        assert_eq!(read(b""), Err(Wrong::Foreign));
        assert_eq!(read(b"{\"a\":1}"), Err(Wrong::Foreign));
        let mut newer = write(PIECE);
        newer[4] = 9;
        assert_eq!(read(&newer), Err(Wrong::Newer(9)));
    }
}
