//! The kernel for any machine: arithmetic on u64, no intrinsics, no unsafe.
//!
//! A comparison of eight bytes at once leaves a bit in each byte that fits. The eight words of a
//! block put theirs side by side: a matrix of 8 by 8 bits, which turned over is the mask. So the
//! work per mask is 8 comparisons and one turn, and no turn at all where nothing fits.

use super::vector::{BLOCK_BYTES, Block};

#[derive(Clone, Copy)]
pub(super) struct Portable([u8; BLOCK_BYTES]);

impl Block for Portable {
    #[inline(always)]
    fn load(bytes: &[u8; BLOCK_BYTES]) -> Portable {
        Portable(*bytes)
    }

    #[inline(always)]
    fn eq(self, byte: u8) -> u64 {
        mask(&self.0, |word| zeros(word ^ all(byte)))
    }

    #[inline(always)]
    fn eq_folded(self, byte: u8) -> u64 {
        mask(&self.0, |word| zeros((word | all(0x20)) ^ all(byte)))
    }
}

/// The byte, eight times.
#[inline(always)]
const fn all(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// The upper bit of each byte that is 0, and no other: the sum of a byte's lower seven bits and
/// 0x7F reaches its upper bit if one of them is set, and never the next byte.
#[inline(always)]
fn zeros(word: u64) -> u64 {
    let lower = all(0x7F);
    !(((word & lower) + lower) | word | lower)
}

/// The mask of the bytes whose upper bit is set in what `fits` makes of their word.
#[inline(always)]
fn mask(bytes: &[u8; BLOCK_BYTES], fits: impl Fn(u64) -> u64) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let mut columns = 0;
    for (row, word) in words.iter().enumerate() {
        columns |= fits(u64::from_le_bytes(*word)) >> (7 - row);
    }
    if columns == 0 {
        return 0;
    }
    transpose(columns)
}

/// Turns a matrix of 8 by 8 bits over: bit r of byte c becomes bit c of byte r. By quarters,
/// then quarters of these, and so on (Warren, Hacker's Delight, 7-3).
#[inline(always)]
fn transpose(mut bits: u64) -> u64 {
    let mut swap = |distance: u32, kept: u64| {
        let moved = (bits ^ bits >> distance) & kept;
        bits ^= moved ^ moved << distance;
    };
    swap(7, 0x00AA_00AA_00AA_00AA);
    swap(14, 0x0000_CCCC_0000_CCCC);
    swap(28, 0x0000_0000_F0F0_F0F0);
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_exact_for_every_byte_at_every_place() {
        for byte in 0..=255u8 {
            for place in 0..BLOCK_BYTES {
                let mut bytes = [byte ^ 1; BLOCK_BYTES];
                bytes[place] = byte;
                let block = Portable::load(&bytes);
                assert_eq!(block.eq(byte), 1 << place, "{byte} at {place}");
                assert_eq!(block.eq(byte ^ 1), !(1 << place));
            }
            let both = Portable::load(&[byte; BLOCK_BYTES]);
            let all = |yes: bool| if yes { u64::MAX } else { 0 };
            assert_eq!(both.eq_folded(b'{'), all(byte == b'{' || byte == b'['));
            assert_eq!(both.eq_folded(b'}'), all(byte == b'}' || byte == b']'));
        }
    }

    #[test]
    fn prefix_xor_is_the_parity_of_the_bits_up_to_each() {
        let mut bits = 0x9E37_79B9_7F4A_7C15u64;
        for _ in 0..1000 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            let answer = Portable::prefix_xor(bits);
            for at in 0..64 {
                let parity = (bits << (63 - at)).count_ones() & 1;
                assert_eq!(answer >> at & 1, u64::from(parity));
            }
        }
    }
}
