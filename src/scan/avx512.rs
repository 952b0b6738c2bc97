//! The kernel for AVX-512: a block in one register, masks as the comparisons give them.
//!
//! Needs the byte comparisons of AVX-512BW (Skylake-X and Zen 4 on). Unsafe is the one promise of
//! `avx2.rs`, for the features of [`is_here`] here.

use std::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_or_si512, _mm512_set1_epi8,
};

use super::avx2;
use super::generic::{Cut, values};
use super::name::Name;
use super::vector::{BLOCK_BYTES, Block};

/// Whether this machine has all that [`values_avx512`] is compiled for.
pub(super) fn is_here() -> bool {
    avx2::is_here()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
}

/// The kernel. The machine must be one where [`is_here`] says yes.
pub(super) fn values_avx512(inside: &[u8], names: [&Name; 2]) -> Result<[Option<usize>; 2], Cut> {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    fn with_avx512(inside: &[u8], names: [&Name; 2]) -> Result<[Option<usize>; 2], Cut> {
        values::<Avx512>(inside, names)
    }
    debug_assert!(is_here());
    // SAFETY: the machine has these features: `Kernel::values_fn` asked `is_here` before.
    unsafe { with_avx512(inside, names) }
}

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512i);

impl Block for Avx512 {
    #[inline(always)]
    fn load(bytes: &[u8; BLOCK_BYTES]) -> Avx512 {
        // SAFETY: an `Avx512` is only made inside of `with_avx512`.
        unsafe { load(bytes) }
    }

    #[inline(always)]
    fn eq(self, byte: u8) -> u64 {
        // SAFETY: there is an `Avx512`, so the machine has the features.
        unsafe { eq(self.0, byte) }
    }

    #[inline(always)]
    fn eq_folded(self, byte: u8) -> u64 {
        // SAFETY: there is an `Avx512`, so the machine has the features.
        unsafe { eq_folded(self.0, byte) }
    }

    #[inline(always)]
    fn prefix_xor(mask: u64) -> u64 {
        // SAFETY: masks come from an `Avx512`, so the machine has the features.
        unsafe { avx2::prefix_xor(mask) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; BLOCK_BYTES]) -> Avx512 {
    // SAFETY: 64 bytes; the load needs no alignment.
    Avx512(unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn eq(block: __m512i, byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte.cast_signed()))
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn eq_folded(block: __m512i, byte: u8) -> u64 {
    eq(_mm512_or_si512(block, _mm512_set1_epi8(0x20)), byte)
}
