//! Batches of records: what a partition is made of, and what is told of one before it is taken apart
//! (<https://kafka.apache.org/documentation/#recordbatch>).

use std::collections::HashSet;
use std::ops::Range;

use super::protocol::Aborted;
use crate::cli::kafka::Codec;

/// Bytes of a batch before its length counts,
const PREFIX_BYTES: usize = 12;
/// and before its records.
const HEADER_BYTES: usize = 61;
/// The one format there is since Kafka 0.11.
const MAGIC: u8 = 2;

const CODEC_BITS: u16 = 0b111;
const IS_TRANSACTIONAL: u16 = 1 << 4;
const IS_CONTROL: u16 = 1 << 5;

/// A batch, where it was fetched to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Offset that those of its records are told from.
    pub base: u64,
    /// Its last offset, whether a record stands there or not.
    pub last: u64,
    /// How many records there are.
    pub count: u32,
    /// How they are compressed.
    pub codec: Codec,
    /// Where they lie in the answer.
    pub records: Range<usize>,
}

/// What a partition's records are, up to what came whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batches {
    /// Those to be read, in order.
    pub batches: Vec<Batch>,
    /// The offset after the last of all that came.
    pub next: u64,
    /// The epoch of the leader that took the last one; -1: not known.
    pub epoch: i32,
    /// Whether the last one was cut off by a bound; it comes again.
    pub is_cut: bool,
}

/// Why records cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// The batches among `records` of `answer` that reach `from`, without what was rolled back (`aborted`; none: told anyway)
/// and what only marks transactions.
///
/// # Errors
/// They are not what they should be.
pub fn batches(
    answer: &[u8],
    records: Range<usize>,
    from: u64,
    aborted: Option<&mut Vec<Aborted>>,
) -> Result<Batches, Unreadable> {
    let mut found = Batches { batches: Vec::new(), next: from, epoch: -1, is_cut: false };
    let mut open = aborted.map(|aborted| {
        aborted.sort_unstable_by_key(|one| one.first);
        (aborted.iter().peekable(), HashSet::new())
    });
    let mut at = records.start;
    while at < records.end {
        let head = &answer[at..records.end];
        if head.len() < PREFIX_BYTES {
            found.is_cut = true;
            break;
        }
        let length = usize::try_from(i32::from_be_bytes(array(head, 8))).unwrap_or(0);
        let size = PREFIX_BYTES + length;
        if let Some(&magic) = head.get(16)
            && magic != MAGIC
        {
            return Err(Unreadable(format!(
                "records of the old format {magic}: read them with --fetch librdkafka"
            )));
        }
        if size < HEADER_BYTES {
            return Err(Unreadable(format!("a batch of {size} bytes")));
        }
        let Some(bytes) = head.get(..size) else {
            found.is_cut = true;
            break;
        };
        let base = u64::from_be_bytes(array(bytes, 0));
        let attributes = u16::from_be_bytes(array(bytes, 21));
        let last_delta = u32::from_be_bytes(array(bytes, 23));
        let producer = i64::from_be_bytes(array(bytes, 43));
        let count = u32::from_be_bytes(array(bytes, 57));
        let last = base.checked_add(u64::from(last_delta)).filter(|&last| last < i64::MAX as u64);
        let last = last.ok_or_else(|| Unreadable(format!("an offset beyond {base}")))?;
        found.epoch = i32::from_be_bytes(array(bytes, 12));
        found.next = found.next.max(last + 1);
        let is_control = attributes & IS_CONTROL != 0;
        let mut is_aborted = false;
        if let Some((ended, open)) = &mut open {
            while let Some(one) = ended.next_if(|one| one.first <= last) {
                open.insert(one.producer);
            }
            if is_control {
                if is_abort(&bytes[HEADER_BYTES..]) {
                    open.remove(&producer);
                }
            } else if attributes & IS_TRANSACTIONAL != 0 {
                is_aborted = open.contains(&producer);
            }
        }
        if !is_control && !is_aborted && last >= from && count > 0 {
            let codec = match attributes & CODEC_BITS {
                0 => Codec::None,
                1 => Codec::Gzip,
                2 => Codec::Snappy,
                3 => Codec::Lz4,
                4 => Codec::Zstd,
                other => return Err(Unreadable(format!("records of an unknown codec, {other}"))),
            };
            let records = at + HEADER_BYTES..at + size;
            found.batches.push(Batch { base, last, count, codec, records });
        }
        at += size;
    }
    Ok(found)
}

/// Bytes of a head that is long enough.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap_or([0; N])
}

/// Whether the one record of a marker rolls its transaction back.
fn is_abort(records: &[u8]) -> bool {
    const ABORT: [u8; 2] = [0, 0];
    key(records).and_then(|key| key.get(2..4)).is_some_and(|kind| kind == ABORT)
}

/// The key of the first of these records.
fn key(records: &[u8]) -> Option<&[u8]> {
    let mut from = Varints { bytes: records, at: 0 };
    let _length = from.number()?;
    from.skip(1)?;
    let (_time, _offset, length) = (from.number()?, from.number()?, from.length()??);
    let start = from.at;
    from.skip(length)?;
    Some(&records[start..from.at])
}

/// Numbers of variable length, zigzag, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Varints<'a> {
    /// Where they lie.
    pub bytes: &'a [u8],
    /// How far they are read.
    pub at: usize,
}

impl Varints<'_> {
    /// The next; none where there is none.
    #[inline]
    pub fn number(&mut self) -> Option<i64> {
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
        }
        None
    }

    /// The length of bytes that follow; none inside where there are none, which is told by -1.
    #[inline]
    pub fn length(&mut self) -> Option<Option<usize>> {
        match self.number()? {
            -1 => Some(None),
            length => usize::try_from(length).ok().map(Some),
        }
    }

    /// Passes over bytes.
    #[inline]
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|&at| at <= self.bytes.len())?;
        Some(())
    }
}
