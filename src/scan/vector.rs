//! What a kernel must answer about 64 bytes; `generic` builds everything else on it.
//!
//! Bit i of a mask's bits stands for byte i of the block. The idea of one trait with thin wrappers
//! per instruction set is memchr's.

/// Bytes of a block: one bit each in a mask.
pub(super) const BLOCK_BYTES: usize = 64;

/// A block of bytes in a kernel's registers.
///
/// A kernel that needs more than the build's baseline is only ever named by `Kernel::values_fn`,
/// after a check of the CPU; its methods rely on that. All are `#[inline(always)]`, so that they
/// end up inside of the one function compiled for the kernel's features.
pub(super) trait Block: Copy {
    /// An answer for each byte, as the comparisons of the kernel leave it.
    type Mask: Copy;

    /// Takes the bytes.
    fn load(bytes: &[u8; BLOCK_BYTES]) -> Self;

    /// Where the byte stands.
    fn eq(self, byte: u8) -> Self::Mask;

    /// Where the byte stands, among the places of a mask.
    fn eq_among(self, byte: u8, places: Self::Mask) -> Self::Mask;

    /// Where a byte stands that equals `byte` once its bit 0x20 is set: `{` stands for `{` and
    /// `[`, `}` for `}` and `]`, and for nothing else.
    fn eq_folded(self, byte: u8) -> Self::Mask;

    /// A mask as a number.
    fn bits(mask: Self::Mask) -> u64;

    /// Bit i of the answer is the parity of the bits 0 to i: from masks of quotes to masks of
    /// what lies between them. A carry-less product by all ones, where there is one (simdjson).
    #[inline(always)]
    fn prefix_xor(mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
    }
}
