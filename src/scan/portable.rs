//! The kernel for any machine: no intrinsics, no unsafe.
//!
//! A comparison sets, for every 8th byte, one bit of a matrix of 8 by 8; turned over, the matrix
//! is the mask. The loop over bytes is in a form that compilers make 128-bit vectors of (SSE2 is
//! in every x86-64, NEON in every aarch64), and correct where they do not. Plain arithmetic on
//! u64 for the comparison as well was measured and took longer.

use super::vector::{BLOCK_BYTES, Block};

/// Bytes the comparison takes side by side.
const LANES: usize = 16;

#[derive(Clone, Copy)]
pub(super) struct Portable([u8; BLOCK_BYTES]);

impl Block for Portable {
    #[inline(always)]
    fn load(bytes: &[u8; BLOCK_BYTES]) -> Portable {
        Portable(*bytes)
    }

    #[inline(always)]
    fn eq(self, byte: u8) -> u64 {
        mask(&self.0, |it| it == byte)
    }

    #[inline(always)]
    fn eq_folded(self, byte: u8) -> u64 {
        mask(&self.0, |it| it | 0x20 == byte)
    }
}

/// The mask of the bytes for which `holds`.
#[inline(always)]
fn mask(bytes: &[u8; BLOCK_BYTES], holds: impl Fn(u8) -> bool) -> u64 {
    // Lane l of group g is byte 16 g + l, so row 2 g + l / 8 of the matrix, column l % 8. Both
    // rows a group may fill are set here, and the wrong one is taken out below.
    let mut lanes = [0u8; LANES];
    for (l, lane) in lanes.iter_mut().enumerate() {
        let rows =
            |group: usize| if holds(bytes[group * LANES + l]) { 3 << (2 * group) } else { 0 };
        *lane = rows(0) | rows(1) | rows(2) | rows(3);
    }
    let lanes = u128::from_le_bytes(lanes);
    #[allow(clippy::cast_possible_truncation, reason = "the two halves, each on its own")]
    let (low, high) = (lanes as u64, (lanes >> 64) as u64);
    let columns = low & 0x5555_5555_5555_5555 | high & 0xAAAA_AAAA_AAAA_AAAA;
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
