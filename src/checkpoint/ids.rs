//! Ascending lists of ids as bits: Rice-coded gaps, in blocks that each choose their own way.
//!
//! A list of n of N ids cannot be told in fewer than log2 C(N, n) bits; this stays within a tenth of
//! it from one in a thousand to nine in ten (a test says so). A block is up to 1024 ids with a
//! parameter of its own: what a checkpoint holds is often two lists in one, a few old users scattered
//! wide, then a run of new ones. Where most ids of a range are there, the missing ones are coded, so
//! that a run without a gap takes two bytes a block.
//!
//! Bits are counted from the lowest of the first byte. A list is: 6 bits of length, and the first id
//! in as many bits; then blocks. A block is: its parameter k (5 bits); 1 bit, whether the missing
//! are coded; if so their number (10 bits); then codes. A code of g is g >> k zero bits, a one,
//! and the low k bits of g; from 24 zero bits on it is 24 zero bits and g in 32 bits, so that no code
//! is longer than 56 bits and one load of 64 is enough. The g of an id is its distance to the one
//! before, less one; of a missing id the ids there are between the last missing one, or the block's
//! start, and it. The last byte is filled up with zeros.
//!
//! Left out on purpose: reading without decoding all of it (lists are cut into sections before), and
//! arithmetic coding (a hundredth smaller, several times slower).

use super::Wrong;

/// Ids of a block.
const BLOCK: usize = 1024;
/// Zero bits that say that a number follows as it is.
const ESCAPE: u32 = 24;
/// Bits of that code.
const ESCAPE_BITS: u32 = ESCAPE + 32;
/// Bits of k, and of a number of missing ids.
const K_BITS: u32 = 5;
const MISSING_BITS: u32 = 10;

/// Puts `ids`, ascending and not empty, behind `out`.
pub(super) fn encode(ids: &[u32], out: &mut Vec<u8>) {
    let Some((&first, rest)) = ids.split_first() else { return };
    let mut bits = BitWriter { out, word: 0, held: 0 };
    let length = u32::BITS - first.leading_zeros();
    bits.put(u64::from(length), 6);
    bits.put(u64::from(first), length);
    let (mut gaps, mut missing) = ([0; BLOCK], [0; BLOCK]);
    let mut before = first;
    for block in rest.chunks(BLOCK) {
        before = put_block(&mut bits, before, block, &mut gaps, &mut missing);
    }
    bits.finish();
}

/// Codes a block that comes after the id `before`; its last id.
fn put_block(
    bits: &mut BitWriter,
    before: u32,
    block: &[u32],
    gaps: &mut [u32; BLOCK],
    missing: &mut [u32; BLOCK],
) -> u32 {
    let gaps = &mut gaps[..block.len()];
    let mut last = before;
    for (gap, &id) in gaps.iter_mut().zip(block) {
        *gap = id - last - 1;
        last = id;
    }
    let (k, cost) = parameter(gaps);
    let absent = (last - before) as usize - block.len();
    if absent < block.len() {
        // Each gap g stands for g missing ids: the first has the present ids before it, the rest none.
        let missing = &mut missing[..absent];
        let (mut at, mut present) = (0, 0);
        for &gap in gaps.iter() {
            for _ in 0..gap {
                missing[at] = present;
                present = 0;
                at += 1;
            }
            present += 1;
        }
        let (k, cost_missing) = parameter(missing);
        if cost_missing + u64::from(MISSING_BITS) < cost {
            bits.put(
                u64::from(k) | 1 << K_BITS | (absent as u64) << (K_BITS + 1),
                K_BITS + 1 + MISSING_BITS,
            );
            put_all(bits, missing, k);
            return last;
        }
    }
    bits.put(u64::from(k), K_BITS + 1);
    put_all(bits, gaps, k);
    last
}

fn put_all(bits: &mut BitWriter, gaps: &[u32], k: u32) {
    let mask = (1u64 << k) - 1;
    for &gap in gaps {
        let zeros = gap >> k;
        if zeros < ESCAPE {
            bits.put((1 | (u64::from(gap) & mask) << 1) << zeros, zeros + 1 + k);
        } else {
            bits.put(u64::from(gap) << ESCAPE, ESCAPE_BITS);
        }
    }
}

/// The parameter that codes these in the fewest bits, and how many.
fn parameter(gaps: &[u32]) -> (u32, u64) {
    let sum: u64 = gaps.iter().map(|&gap| u64::from(gap)).sum();
    let mean = sum / (gaps.len() as u64).max(1);
    // The best lies at or below the mean's; each step down saves a bit a code until it costs more.
    let mut k = (u64::BITS - mean.leading_zeros()).min(31);
    let mut least = cost(gaps, k);
    while k > 0 {
        let bits = cost(gaps, k - 1);
        if bits > least {
            break;
        }
        (k, least) = (k - 1, bits);
    }
    (k, least)
}

fn cost(gaps: &[u32], k: u32) -> u64 {
    let bits = |&gap: &u32| if gap >> k < ESCAPE { (gap >> k) + 1 + k } else { ESCAPE_BITS };
    u64::from(gaps.iter().map(bits).sum::<u32>())
}

/// Reads a list of `count` ids, at least one, behind those of `ids`.
///
/// # Errors
/// The bytes are not exactly such a list.
pub(super) fn decode(bytes: &[u8], count: usize, ids: &mut Vec<u32>) -> Result<(), Wrong> {
    let mut bits = BitReader { bytes, at: 0 };
    let length = bits.take(6);
    if length > 32 {
        return Err(Wrong("the first id is longer than 32 bits"));
    }
    let first = bits.take(u32::try_from(length).unwrap_or(0));
    let mut last = first;
    // The caller has bounded `count`.
    let start = ids.len();
    ids.resize(start + count, 0);
    let Some((slot, rest)) = ids[start..].split_first_mut() else {
        return Err(Wrong("a list without ids"));
    };
    *slot = low(first);
    for block in rest.chunks_mut(BLOCK) {
        last = take_block(&mut bits, last, block)?;
        if last > u64::from(u32::MAX) {
            return Err(Wrong("an id is larger than 32 bits"));
        }
        if bits.is_over() {
            break;
        }
    }
    bits.finish()
}

/// Reads a block that comes after the id `before`; its last id, which may be too large.
fn take_block(bits: &mut BitReader, before: u64, block: &mut [u32]) -> Result<u64, Wrong> {
    let head = bits.take(K_BITS + 1);
    let k = low(head) & ((1 << K_BITS) - 1);
    if head >> K_BITS == 0 {
        let mut last = before;
        for slot in block {
            last += bits.code(k) + 1;
            *slot = low(last);
        }
        return Ok(last);
    }
    let missing = bits.take(MISSING_BITS);
    let end = before + 1 + block.len() as u64 + missing;
    let (mut id, mut rest) = (before + 1, block);
    for _ in 0..missing {
        // as many are there before one is missing
        let run = usize::try_from(bits.code(k)).unwrap_or(usize::MAX);
        let Some((these, others)) = rest.split_at_mut_checked(run) else {
            return Err(Wrong("an id is missing behind the end of its block"));
        };
        for slot in these {
            *slot = low(id);
            id += 1;
        }
        id += 1;
        rest = others;
    }
    if rest.is_empty() {
        return Err(Wrong("a block ends with a missing id"));
    }
    for slot in rest {
        *slot = low(id);
        id += 1;
    }
    Ok(end - 1)
}

/// The low 32 bits.
#[allow(clippy::cast_possible_truncation)] // what is larger is found by the block's last id
fn low(id: u64) -> u32 {
    id as u32
}

struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    word: u64,
    /// Bits in it, fewer than 64.
    held: u32,
}

impl BitWriter<'_> {
    /// `bits` of them, at most 56; those above must be zero.
    fn put(&mut self, value: u64, bits: u32) {
        self.word |= value << self.held;
        self.held += bits;
        if self.held >= u64::BITS {
            self.out.extend_from_slice(&self.word.to_le_bytes());
            self.held -= u64::BITS;
            // those that found no room; fewer than `bits`, as some did
            self.word = value >> (bits - self.held);
        }
    }

    fn finish(self) {
        let bytes = self.held.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.word.to_le_bytes()[..bytes]);
    }
}

/// Behind the end there are zeros, and [`BitReader::finish`] says so.
struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: u64,
}

impl BitReader<'_> {
    /// The next bits: 57 of them at least.
    fn peek(&self) -> u64 {
        let byte = usize::try_from(self.at >> 3).unwrap_or(usize::MAX);
        let word = match self.bytes.get(byte..).and_then(<[u8]>::first_chunk) {
            Some(eight) => u64::from_le_bytes(*eight),
            None => self.peek_end(byte),
        };
        word >> (self.at & 7)
    }

    #[cold]
    fn peek_end(&self, byte: usize) -> u64 {
        let rest = self.bytes.get(byte..).unwrap_or(&[]);
        let mut eight = [0; 8];
        eight[..rest.len()].copy_from_slice(rest);
        u64::from_le_bytes(eight)
    }

    /// The next `bits`, at most 56.
    fn take(&mut self, bits: u32) -> u64 {
        let value = self.peek() & ((1 << bits) - 1);
        self.at += u64::from(bits);
        value
    }

    #[inline]
    fn code(&mut self, k: u32) -> u64 {
        let word = self.peek();
        let zeros = word.trailing_zeros();
        if zeros < ESCAPE {
            self.at += u64::from(zeros + 1 + k);
            u64::from(zeros) << k | (word >> (zeros + 1)) & ((1 << k) - 1)
        } else {
            self.at += u64::from(ESCAPE_BITS);
            (word >> ESCAPE) & u64::from(u32::MAX)
        }
    }

    fn is_over(&self) -> bool {
        self.at > self.bytes.len() as u64 * 8
    }

    fn finish(self) -> Result<(), Wrong> {
        if self.is_over() {
            return Err(Wrong("a list of ids ends too early"));
        }
        let rest = self.bytes.len() as u64 * 8 - self.at;
        if rest >= 8 || self.peek() != 0 {
            return Err(Wrong("something follows a list of ids"));
        }
        Ok(())
    }
}
