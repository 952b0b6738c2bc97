//! The search for keys, 64 bytes a step: written once, compiled for every kernel.
//!
//! After simdjson's first stage (Langdale and Lemire, Parsing Gigabytes of JSON per Second, 2019):
//! masks of quotes, strings and brackets, and one [`Carry`] from block to block. What differs:
//! nothing is written down. A key is told by its two quotes and its first byte, all by masks, and
//! is looked at only then; and the search ends with the last key.
//!
//! What a frame costs here is comparisons of whole blocks, which one port of the CPU has to make,
//! and branches that cannot be foreseen. So there are seven comparisons a block, and one branch for
//! "may a key end here", which does not wait for the masks of strings and brackets.
//!
//! Invariants: every read lies inside of the slice; the last, short block is copied into a padded
//! one. The depth is counted exactly, and never falls below 1 before the object's end.

use super::name::Name;
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
    /// The quotes of the block before.
    quotes: u64,
    /// The first bytes of each key in the block before.
    firsts: [u64; 2],
    /// The quotes of the block before that open strings.
    openings: u64,
}

/// The places of the values of two keys of an object, the first of each, in what stands behind
/// the object's bracket. A value may be missing: its place can be the length of the slice.
#[inline(always)]
pub(super) fn values<B: Block>(
    inside: &[u8],
    names: [&Name; 2],
) -> Result<[Option<usize>; 2], Cut> {
    let probes = [names[0].probe(), names[1].probe()];
    let apart = [u32::from(probes[0].quotes_apart), u32::from(probes[1].quotes_apart)];
    let always = probes[0].always | probes[1].always;
    let mut search = Search { inside, names, values: [None; 2], wanted: [u64::MAX; 2] };
    let mut carry =
        Carry { escaped: 0, in_string: 0, depth: 1, quotes: 0, firsts: [0; 2], openings: 0 };
    let mut base = 0;
    while base < inside.len() {
        let block = match inside[base..].first_chunk() {
            Some(bytes) => B::load(bytes),
            None => B::load(&padded(&inside[base..])),
        };
        let backslashes = block.eq(b'\\');
        let firsts = [block.eq(probes[0].first), block.eq(probes[1].first)];
        let quotes = block.eq(b'"') & !escaped(backslashes, &mut carry.escaped);
        // Quotes with another one and the first byte of the key as far before them as the key's.
        // No closures here: code of a kernel's features is not inlined into them.
        let ends = [
            quotes
                & shifted(quotes, carry.quotes, apart[0])
                & shifted(firsts[0], carry.firsts[0], apart[0] - 1)
                & search.wanted[0],
            quotes
                & shifted(quotes, carry.quotes, apart[1])
                & shifted(firsts[1], carry.firsts[1], apart[1] - 1)
                & search.wanted[1],
        ];
        // The escape by which any letter can be written; at the block's end, perhaps one.
        let escapes_of_letters = backslashes & (block.eq(b'u') >> 1 | 1 << 63);
        let may_be_escaped = escapes_of_letters | always;

        let starts_in_string = carry.in_string;
        // An opening quote is in its string, a closing one is not.
        let in_string = B::prefix_xor(quotes) ^ starts_in_string;
        carry.in_string = 0u64.wrapping_sub(in_string >> 63);
        let brackets = Brackets {
            openers: block.eq_folded(b'{') & !in_string,
            closers: block.eq_folded(b'}') & !in_string,
            depth: carry.depth,
        };
        let before_end = if brackets.may_end() { brackets.before_end() } else { u64::MAX };
        let openings = quotes & in_string;

        // This branch does not wait for strings and brackets; what is behind it does.
        if ends[0] | ends[1] != 0 || may_be_escaped != 0 {
            let over = if may_be_escaped == 0 {
                let closings = quotes & !in_string & before_end;
                search.look_at_ends(ends, closings, &brackets, base)
            } else {
                let straddling = carry.openings & starts_in_string;
                search.look_at_all(straddling, openings & before_end, &brackets, base)
            };
            if over {
                return Ok(search.values);
            }
        }
        if before_end != u64::MAX {
            return Ok(search.values);
        }
        carry.openings = openings;
        carry.depth = carry.depth + count(brackets.openers) - count(brackets.closers);
        carry.quotes = quotes;
        carry.firsts = firsts;
        base += BLOCK_BYTES;
    }
    Err(Cut)
}

/// What is looked for and what was found.
struct Search<'a> {
    inside: &'a [u8],
    names: [&'a Name; 2],
    /// Where the values stand, once their keys were met.
    values: [Option<usize>; 2],
    /// All ones for a name that is still looked for.
    wanted: [u64; 2],
}

impl Search<'_> {
    /// Whether the string opened at `quote` is this key; says whether both were met now.
    #[inline(always)]
    fn look_at(&mut self, which: usize, quote: usize) -> bool {
        if let Some(at) = self.names[which].value_at(self.inside, quote) {
            self.values[which] = Some(at);
            self.wanted[which] = 0;
        }
        self.wanted == [0; 2]
    }

    /// Looks at the strings that end at `ends`: they have the length and the first byte of a key.
    #[inline(always)]
    fn look_at_ends(
        &mut self,
        mut ends: [u64; 2],
        closings: u64,
        brackets: &Brackets,
        base: usize,
    ) -> bool {
        while ends[0] | ends[1] != 0 {
            let which = usize::from(ends[0] == 0);
            let bit = ends[which].trailing_zeros();
            ends[which] &= ends[which] - 1;
            // Strings hold no brackets: the depth before its end is that before the string.
            if (closings >> bit & 1 == 1) & (brackets.depth_at(bit) == 1) {
                let quote = base + bit as usize - self.names[which].probe().quotes_apart as usize;
                if self.look_at(which, quote) {
                    return true;
                }
                ends[which] &= self.wanted[which];
            }
        }
        false
    }

    /// Looks at all strings at depth 1 that were opened in the block, and at the one that goes on
    /// in it, the last of `opened_before`: slow, for blocks with escapes. (An escape that a key
    /// begins with, or that follows letters of it, is in the block of its quote or in the next.)
    #[inline(never)]
    fn look_at_all(
        &mut self,
        opened_before: u64,
        mut openings: u64,
        brackets: &Brackets,
        base: usize,
    ) -> bool {
        let straddling = (opened_before != 0 && brackets.depth == 1)
            .then(|| base - 1 - opened_before.leading_zeros() as usize);
        let opened_here = std::iter::from_fn(|| {
            let bit = openings.trailing_zeros();
            openings &= openings.checked_sub(1)?;
            Some(bit)
        });
        let opened_here =
            opened_here.filter(|&bit| brackets.depth_at(bit) == 1).map(|bit| base + bit as usize);
        for quote in straddling.into_iter().chain(opened_here) {
            for which in 0..2 {
                if self.wanted[which] != 0 && self.look_at(which, quote) {
                    return true;
                }
            }
        }
        false
    }
}

/// The last bytes of a slice, as a block.
#[inline(never)]
fn padded(tail: &[u8]) -> [u8; BLOCK_BYTES] {
    let mut padded = [b' '; BLOCK_BYTES];
    padded[..tail.len()].copy_from_slice(tail);
    padded
}

/// What a block is asked about a key.
#[derive(Clone, Copy)]
pub(super) struct Probe {
    first: u8,
    /// Bytes from the opening quote to the closing one.
    quotes_apart: u8,
    /// All ones if the masks do not do: the quotes are too far apart, or letters of it are written
    /// with other escapes than `\u`. Then every string is looked at.
    always: u64,
}

impl Probe {
    /// Bytes that the quotes are apart at most.
    const APART_MAX: usize = BLOCK_BYTES - 1;

    /// `name` is not empty.
    pub(super) fn new(name: &[u8]) -> Probe {
        let apart = name.len() + 1;
        let escaped = name.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'/' | 0..0x20));
        Probe {
            first: name[0],
            quotes_apart: u8::try_from(apart.min(Probe::APART_MAX)).unwrap_or(u8::MAX),
            always: 0u64.wrapping_sub(u64::from(escaped || apart > Probe::APART_MAX)),
        }
    }
}

/// The places `by` bytes behind those of a mask and of the mask before it; 1 to 63.
#[inline(always)]
fn shifted(mask: u64, before: u64, by: u32) -> u64 {
    mask << by | before >> (64 - by)
}

/// The brackets of one block that are not inside of strings.
struct Brackets {
    openers: u64,
    closers: u64,
    /// Brackets open before the block.
    depth: usize,
}

impl Brackets {
    /// Says no only if no closer takes the depth to 0: before the first opener there are fewer
    /// closers than brackets open, and behind it, one deeper, no more than there were.
    #[inline(always)]
    fn may_end(&self) -> bool {
        let first_opener = self.openers & self.openers.wrapping_neg();
        let before_openers = self.closers & first_opener.wrapping_sub(1);
        (count(before_openers) >= self.depth) | (count(self.closers) > self.depth)
    }

    /// The places before the closer that takes the depth to 0; all, if there is none.
    #[inline(always)]
    fn before_end(&self) -> u64 {
        let mut rest = self.closers;
        while rest != 0 {
            let bit = rest.trailing_zeros();
            rest &= rest - 1;
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
