//! The search for keys, 64 bytes a step: written once, compiled for every kernel.
//!
//! After simdjson's first stage (Langdale and Lemire, Parsing Gigabytes of JSON per Second, 2019):
//! masks of quotes, strings and brackets, and one [`Carry`] from block to block. What differs:
//! nothing is written down. Only strings that can be a wanted key by their first byte, their last
//! and their length are looked at, their depth only then, and the search ends with the last key.
//!
//! What a frame costs here is not masks but branches that cannot be foreseen, so there are few:
//! one a block for "is there a candidate", one for "may the object end here".
//!
//! Invariants: every read lies inside of the slice; the last, short block is copied into a padded
//! one. The depth is counted exactly, and never falls below 1 before the object's end.

use std::hint::assert_unchecked;

use super::name::Name;
use super::portable::Portable;
use super::vector::{BLOCK_BYTES, Block};

/// A kernel: [`values`] for one set of instructions.
pub(super) type ValuesFn = fn(&[u8], [&Name; 2]) -> Result<[Option<usize>; 2], Cut>;

/// The slice ended inside of what was read.
pub(super) struct Cut;

/// What one block must know of those before it.
struct Carry {
    /// 1 if the first byte is escaped by the last of the block before, else 0.
    escaped: u64,
    /// All ones if the first byte is inside of a string, else 0.
    in_string: u64,
    /// Brackets open before the first byte.
    depth: usize,
}

/// The places of the values of two keys of an object, the first of each, in what stands behind
/// the object's bracket. A value may be missing: its place can be the length of the slice.
#[inline(always)]
pub(super) fn values<B: Block>(
    inside: &[u8],
    names: [&Name; 2],
) -> Result<[Option<usize>; 2], Cut> {
    let probes = [names[0].probe(), names[1].probe()];
    let mut values = [None; 2];
    // All ones for a name that is still looked for.
    let mut wanted = [u64::MAX; 2];
    let mut carry = Carry { escaped: 0, in_string: 0, depth: 1 };
    let often_escaped = probes[0].often_escaped | probes[1].often_escaped;
    let mut padded = [b' '; 2 * BLOCK_BYTES + REACH_BYTES];
    let mut base = 0;
    while base < inside.len() {
        let window = match inside[base..].first_chunk() {
            Some(window) => window,
            None => padded_window(inside, base, &mut padded),
        };
        let block = B::load(from(window, 0));
        let quotes = block.eq(b'"');
        let backslashes = block.eq(b'\\');
        let mut candidates = [
            probes[0].places::<B>(window, quotes) & wanted[0],
            probes[1].places::<B>(window, quotes) & wanted[1],
        ];
        if often_escaped | has_unicode_escape::<B>(window, backslashes) {
            let near = before_backslashes(window);
            candidates[0] |= near & probes[0].begins(window) & wanted[0];
            candidates[1] |= near & probes[1].begins(window) & wanted[1];
        }

        let quotes = B::bits(quotes) & !escaped(B::bits(backslashes), &mut carry.escaped);
        // An opening quote is in its string, a closing one is not.
        let in_string = B::prefix_xor(quotes) ^ carry.in_string;
        carry.in_string = 0u64.wrapping_sub(in_string >> 63);
        let brackets = Brackets {
            openers: B::bits(block.eq_folded(b'{')) & !in_string,
            closers: B::bits(block.eq_folded(b'}')) & !in_string,
            depth: carry.depth,
        };
        let maybe_end = brackets.closers & brackets.maybe_at_depth_1::<B>();
        let before_end = if maybe_end == 0 { u64::MAX } else { brackets.before_end(maybe_end) };

        // This branch waits for nothing but comparisons; what follows behind it for the masks.
        if candidates[0] | candidates[1] != 0 {
            let openings = quotes & in_string & before_end;
            let mut rest = candidates;
            while rest[0] | rest[1] != 0 {
                let which = usize::from(rest[0] == 0);
                let bit = rest[which].trailing_zeros();
                rest[which] &= rest[which] - 1;
                if (openings >> bit & 1 == 1) & (brackets.depth_at(bit) == 1)
                    && let Some(at) = names[which].value_at(inside, base + bit as usize)
                {
                    values[which] = Some(at);
                    wanted[which] = 0;
                    rest[which] = 0;
                    if wanted == [0; 2] {
                        return Ok(values);
                    }
                }
            }
        }
        if before_end != u64::MAX {
            return Ok(values);
        }
        carry.depth = carry.depth + count(brackets.openers) - count(brackets.closers);
        base += BLOCK_BYTES;
    }
    Err(Cut)
}

/// Bytes that a key is compared with beyond the block its quote is in.
const REACH_BYTES: usize = 17;

/// A block and what follows it.
type Window = [u8; BLOCK_BYTES + REACH_BYTES];

/// As many bytes as a block has, from a place of the window on.
#[inline(always)]
fn from(window: &Window, place: usize) -> &[u8; BLOCK_BYTES] {
    window[place..].first_chunk().expect("a place is at most REACH_BYTES")
}

/// Whether there is a `\\u` in the window: the escape by which any letter can be written.
#[inline(always)]
fn has_unicode_escape<B: Block>(window: &Window, backslashes: B::Mask) -> bool {
    let ahead = B::load(from(window, REACH_BYTES - 1)).eq(b'\\');
    let ahead = B::load(from(window, REACH_BYTES)).eq_among(b'u', ahead);
    let in_block = B::load(from(window, 1)).eq_among(b'u', backslashes);
    B::bits(in_block) | B::bits(ahead) != 0
}

/// The places of a block with a backslash among the 16 bytes behind them.
#[inline(never)]
fn before_backslashes(window: &Window) -> u64 {
    let bits = |place| u128::from(Portable::bits(Portable::load(from(window, place)).eq(b'\\')));
    let mut near = (bits(0) | bits(16) << 16) >> 1;
    near |= near >> 1;
    near |= near >> 2;
    near |= near >> 4;
    near |= near >> 8;
    // The block's own places.
    #[allow(clippy::cast_possible_truncation)]
    let near = near as u64;
    near
}

/// The window at `base` of a slice that ends with it or in the next block.
#[inline(never)]
fn padded_window<'a>(
    inside: &[u8],
    base: usize,
    padded: &'a mut [u8; 2 * BLOCK_BYTES + REACH_BYTES],
) -> &'a Window {
    let rest = &inside[base..];
    padded.fill(b' ');
    padded[..rest.len()].copy_from_slice(rest);
    padded.first_chunk().expect("it is larger than a window")
}

/// Three bytes of a key and where they stand behind its opening quote: a cheap test for a whole
/// block at once.
#[derive(Clone, Copy)]
pub(super) struct Probe {
    bytes: [(usize, u8); 3],
    /// Whether it holds letters that are written with other escapes than `\\u`.
    often_escaped: bool,
}

impl Probe {
    /// `name` is not empty. Of a short one the first byte, the last and the closing quote are
    /// asked for; of a long one, three of its bytes.
    pub(super) fn new(name: &[u8]) -> Probe {
        let byte = |at: usize| (at + 1, name[at]);
        let last = name.len() - 1;
        let bytes = if last + 2 < REACH_BYTES {
            [byte(0), byte(last), (last + 2, b'"')]
        } else {
            [byte(0), byte(REACH_BYTES / 2), byte(REACH_BYTES - 2)]
        };
        let often_escaped = name.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'/' | 0..0x20));
        Probe { bytes, often_escaped }
    }

    /// Those of the quotes that open the key, if it is written without escapes.
    #[inline(always)]
    fn places<B: Block>(self, window: &Window, quotes: B::Mask) -> u64 {
        let [(place_0, byte_0), (place_1, byte_1), (place_2, byte_2)] = self.bytes;
        // SAFETY: `new` makes no other.
        unsafe { assert_unchecked(place_0.max(place_1).max(place_2) <= REACH_BYTES) };
        let mask = B::load(from(window, place_0)).eq_among(byte_0, quotes);
        let mask = B::load(from(window, place_1)).eq_among(byte_1, mask);
        B::bits(B::load(from(window, place_2)).eq_among(byte_2, mask))
    }

    /// The places before the key's first byte, and before what may be an escape of it.
    #[inline(never)]
    fn begins(self, window: &Window) -> u64 {
        let behind = Portable::load(from(window, 1));
        Portable::bits(behind.eq(self.bytes[0].1) | behind.eq(b'\\'))
    }
}

/// The brackets of one block that are not inside of strings.
struct Brackets {
    openers: u64,
    closers: u64,
    /// Brackets open before the block.
    depth: usize,
}

impl Brackets {
    /// The bytes at a depth of 1, 5, 9, …: all at depth 1, and hardly others. The two lower bits
    /// of the depth before each byte, as it goes up and down: the first changes with each bracket,
    /// the second where the first carries or borrows.
    #[inline(always)]
    fn maybe_at_depth_1<B: Block>(&self) -> u64 {
        let bit = |at: u32| 0u64.wrapping_sub((self.depth >> at & 1) as u64);
        let changes = self.openers | self.closers;
        let lower = B::prefix_xor(changes) ^ bit(0) ^ changes;
        let carries = self.openers & lower | self.closers & !lower;
        let upper = B::prefix_xor(carries) ^ bit(1) ^ carries;
        lower & !upper
    }

    /// The places before the closer that takes the depth to 0, if it is among these; else all.
    #[inline(always)]
    fn before_end(&self, mut maybe: u64) -> u64 {
        while maybe != 0 {
            let bit = maybe.trailing_zeros();
            maybe &= maybe - 1;
            if self.depth_at(bit) == 1 {
                return below(bit);
            }
        }
        u64::MAX
    }

    /// The depth before the byte at `bit`; behind the object's end it means nothing.
    #[inline(always)]
    fn depth_at(&self, bit: u32) -> usize {
        let below = below(bit);
        (self.depth + count(self.openers & below)).wrapping_sub(count(self.closers & below))
    }
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
    let runs = backslashes & !first;
    let starts = runs & !(runs << 1);
    let after_even = runs.wrapping_add(starts & EVEN) & !runs;
    // From an odd place to the end of the block is an odd length: the carry out is the carry on.
    let (after_odd, carry_out) = runs.overflowing_add(starts & !EVEN);
    *carry = u64::from(carry_out);
    first | after_even & !EVEN | after_odd & !runs & EVEN
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
}
