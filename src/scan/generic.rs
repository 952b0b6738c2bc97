//! The search for keys, 64 bytes a step: written once, compiled for every kernel.
//!
//! After simdjson's first stage (Langdale and Lemire, Parsing Gigabytes of JSON per Second, 2019):
//! masks of quotes, strings and brackets, and one [`Carry`] from block to block. What differs:
//! nothing is written down. Only strings that open at depth 1 and can be a wanted key by their
//! first byte are looked at, and the search ends where its caller says so.
//!
//! Invariants: every read lies inside of the slice; the last, short block is copied into a padded
//! one. The depth is counted exactly, and never falls below 1 before the object's end.

use super::vector::{BLOCK_BYTES, Block};

/// What one block must know of those before it.
struct Carry {
    /// 1 if the first byte is escaped by the last of the block before, else 0.
    escaped: u64,
    /// All ones if the first byte is inside of a string, else 0.
    in_string: u64,
    /// Brackets open before the first byte.
    depth: usize,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// At the bracket that closes the object.
    Closed,
    /// At the end of the slice.
    Cut,
    /// By the caller's word.
    Stopped,
}

/// Calls `visit` with the place of each quote that may open a wanted key of the object which
/// `object` begins with, in their order, until it says `false`.
///
/// A candidate is an unescaped quote at depth 1 which opens a string and has one of `firsts` or a
/// backslash behind it, or a block's end: not every candidate is a key, but every wanted key is a
/// candidate.
#[inline(always)]
pub(super) fn candidates<B: Block>(
    object: &[u8],
    firsts: [u8; 2],
    mut visit: impl FnMut(usize) -> bool,
) -> Search {
    let mut carry = Carry { escaped: 0, in_string: 0, depth: 0 };
    let (blocks, tail) = object.as_chunks::<BLOCK_BYTES>();
    let mut base = 0;
    for block in blocks {
        if let Some(end) = step(B::load(block), &mut carry, firsts, |bit| visit(base + bit)) {
            return end;
        }
        base += BLOCK_BYTES;
    }
    if !tail.is_empty() {
        let mut padded = [b' '; BLOCK_BYTES];
        padded[..tail.len()].copy_from_slice(tail);
        if let Some(end) = step(B::load(&padded), &mut carry, firsts, |bit| visit(base + bit)) {
            return end;
        }
    }
    Search::Cut
}

/// One block. Says how the search ended if it ended here.
#[inline(always)]
fn step<B: Block>(
    block: B,
    carry: &mut Carry,
    firsts: [u8; 2],
    mut visit: impl FnMut(usize) -> bool,
) -> Option<Search> {
    let backslashes = block.eq(b'\\');
    let quotes = block.eq(b'"') & !escaped(backslashes, &mut carry.escaped);
    // An opening quote is in its string, a closing one is not.
    let in_string = B::prefix_xor(quotes) ^ carry.in_string;
    carry.in_string = if in_string >> 63 == 1 { u64::MAX } else { 0 };

    let openers = block.eq_folded(b'{') & !in_string;
    let closers = block.eq_folded(b'}') & !in_string;
    let end = object_end(openers, closers, carry.depth);

    let begins = block.eq_either(firsts) | backslashes;
    let mut rest = quotes & in_string & (begins >> 1 | 1 << 63);
    if let Some(end) = end {
        rest &= below(end);
    }
    while rest != 0 {
        let bit = rest.trailing_zeros();
        rest &= rest - 1;
        if depth_at(bit, openers, closers, carry.depth) == 1 && !visit(bit as usize) {
            return Some(Search::Stopped);
        }
    }
    if end.is_some() {
        return Some(Search::Closed);
    }
    carry.depth = carry.depth + count(openers) - count(closers);
    None
}

/// The bytes that follow a run of backslashes of odd length: for quotes that is what escaped
/// means. The other bytes of a run are left out, as they are no quotes.
///
/// The addition of a run's first bit carries through the run and comes out behind it: at an odd
/// place if the run began at an even one and is odd, and the other way round (simdjson).
#[inline(always)]
fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let first = *carry;
    if backslashes == 0 {
        *carry = 0;
        return first;
    }
    let runs = backslashes & !first;
    let starts = runs & !(runs << 1);
    let after_even = runs.wrapping_add(starts & EVEN) & !runs;
    // From an odd place to the end of the block is an odd length: the carry out is the carry on.
    let (after_odd, carry_out) = runs.overflowing_add(starts & !EVEN);
    *carry = u64::from(carry_out);
    first | after_even & !EVEN | after_odd & !runs & EVEN
}

/// The place of the closer that takes the depth to 0.
#[inline(always)]
fn object_end(openers: u64, closers: u64, depth: usize) -> Option<u32> {
    // Deeper than there are closers: the usual block of a deep frame.
    if closers == 0 || count(closers) < depth {
        return None;
    }
    let mut rest = closers;
    while rest != 0 {
        let bit = rest.trailing_zeros();
        rest &= rest - 1;
        if depth_at(bit, openers, closers, depth) == 1 {
            return Some(bit);
        }
    }
    None
}

/// The depth before the byte at `bit`.
#[inline(always)]
fn depth_at(bit: u32, openers: u64, closers: u64, depth: usize) -> usize {
    if openers | closers == 0 {
        return depth;
    }
    depth + count(openers & below(bit)) - count(closers & below(bit))
}

/// The bits below `bit`, which is at most 63.
#[inline(always)]
fn below(bit: u32) -> u64 {
    (1 << bit) - 1
}

#[inline(always)]
fn count(mask: u64) -> usize {
    mask.count_ones() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::portable::Portable;

    #[test]
    fn escapes_as_one_byte_at_a_time() {
        let mut bits = 0x2545_F491_4F6C_DD1Du64;
        let mut carry = 0;
        let mut escape_next = false;
        for round in 0..20_000u32 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            // from few backslashes to nothing but
            let backslashes = match round % 5 {
                0 => bits & bits.rotate_left(7) & bits.rotate_left(29),
                1 => bits,
                2 => bits | bits.rotate_left(11),
                3 => bits | bits.rotate_left(11) | bits.rotate_left(31) | bits.rotate_left(47),
                _ => u64::MAX,
            };
            let mask = escaped(backslashes, &mut carry);
            for at in 0..64 {
                let backslash = backslashes >> at & 1 == 1;
                if !backslash {
                    assert_eq!(mask >> at & 1 == 1, escape_next, "round {round}, byte {at}");
                }
                escape_next = backslash && !escape_next;
            }
        }
    }

    #[test]
    fn candidates_and_ends() {
        let check = |object: &str, places: &[usize], end: Search| {
            let mut seen = Vec::new();
            let search = candidates::<Portable>(object.as_bytes(), *b"tu", |at| {
                seen.push(at);
                true
            });
            assert_eq!((seen.as_slice(), search), (places, end), "{object}");
        };
        check("{}", &[], Search::Closed);
        check("{", &[], Search::Cut);
        check(r#"{"ts":1,"x":2,"uid":"u"}"#, &[1, 14, 20], Search::Closed);
        check(r#"{"a":{"ts":1},"ts":1}"#, &[14], Search::Closed);
        check(r#"{"a":["ts"],"\u0074s":1} "ts""#, &[12], Search::Closed);
        check(r#"{"a":"\"ts\"","#, &[5], Search::Cut);
        // a quote at bit 63 is a candidate whatever follows
        check(&format!("{{{}\"x", " ".repeat(62)), &[63], Search::Cut);
        check(&format!("{{{}\"x", " ".repeat(61)), &[], Search::Cut);
    }
}
