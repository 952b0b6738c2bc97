//! What a kernel must answer about 64 bytes; `generic` builds everything else on it.
//!
//! Bit i of every mask stands for byte i of the block. The idea of one trait with thin wrappers
//! per instruction set is memchr's.

/// Bytes of a block: one bit each in a mask.
pub(super) const BLOCK_BYTES: usize = 64;

/// A block of bytes in a kernel's registers.
///
/// A kernel that needs more than the build's baseline is only ever named by `Kernel::values_fn`,
/// after a check of the CPU; its methods rely on that. All are `#[inline(always)]`, so that they
/// end up inside of the one function compiled for the kernel's features.
pub(super) trait Block: Copy {
    /// Takes the bytes.
    fn load(bytes: &[u8; BLOCK_BYTES]) -> Self;

    /// Where the byte stands.
    fn eq(self, byte: u8) -> u64;

    /// Where a byte stands that equals `byte` once its bit 0x20 is set: `{` stands for `{` and
    /// `[`, `}` for `}` and `]`, and for nothing else.
    fn eq_folded(self, byte: u8) -> u64;

    /// Bit i of the answer is the parity of the bits 0 to i: from masks of quotes to masks of
    /// what lies between them. A carry-less product by all ones, where there is one (simdjson).
    #[inline(always)]
    fn prefix_xor(mut mask: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            mask ^= mask << shift;
        }
        mask
    }
}
