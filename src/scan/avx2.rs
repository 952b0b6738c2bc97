//! The kernel for AVX2: a block in two registers of 32 bytes.
//!
//! Needs what x86-64 machines have since Haswell (2013) and Excavator (2015): see [`is_here`].
//! Unsafe is the one promise that a machine with these instructions is the one that runs: whoever
//! names [`Avx2`] outside of this file goes through [`values_avx2`], which only
//! `Kernel::values_fn` gives out, after asking [`is_here`].

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

use super::generic::{Cut, values};
use super::name::Name;
use super::vector::{BLOCK_BYTES, Block};

/// Whether this machine has all that [`values_avx2`] is compiled for.
pub(super) fn is_here() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("pclmulqdq")
}

/// The kernel. The machine must be one where [`is_here`] says yes.
pub(super) fn values_avx2(inside: &[u8], names: [&Name; 2]) -> Result<[Option<usize>; 2], Cut> {
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    fn with_avx2(inside: &[u8], names: [&Name; 2]) -> Result<[Option<usize>; 2], Cut> {
        values::<Avx2>(inside, names)
    }
    debug_assert!(is_here());
    // SAFETY: the machine has these features: `Kernel::values_fn` asked `is_here` before.
    unsafe { with_avx2(inside, names) }
}

#[derive(Clone, Copy)]
pub(super) struct Avx2 {
    lower: __m256i,
    upper: __m256i,
}

impl Block for Avx2 {
    #[inline(always)]
    fn load(bytes: &[u8; BLOCK_BYTES]) -> Avx2 {
        // SAFETY: an `Avx2` is only made inside of `with_avx2`.
        unsafe { load(bytes) }
    }

    #[inline(always)]
    fn eq(self, byte: u8) -> u64 {
        // SAFETY: there is an `Avx2`, so the machine has the features.
        unsafe { eq(self, byte) }
    }

    #[inline(always)]
    fn eq_folded(self, byte: u8) -> u64 {
        // SAFETY: there is an `Avx2`, so the machine has the features.
        unsafe { eq_folded(self, byte) }
    }

    #[inline(always)]
    fn prefix_xor(mask: u64) -> u64 {
        // SAFETY: masks come from an `Avx2`, so the machine has the features.
        unsafe { prefix_xor(mask) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; BLOCK_BYTES]) -> Avx2 {
    let halves: [*const __m256i; 2] = [bytes[..32].as_ptr().cast(), bytes[32..].as_ptr().cast()];
    // SAFETY: the first 32 of 64 bytes; the load needs no alignment.
    let lower = unsafe { _mm256_loadu_si256(halves[0]) };
    // SAFETY: the other 32 of them.
    let upper = unsafe { _mm256_loadu_si256(halves[1]) };
    Avx2 { lower, upper }
}

#[inline]
#[target_feature(enable = "avx2")]
fn eq(block: Avx2, byte: u8) -> u64 {
    let byte = _mm256_set1_epi8(byte.cast_signed());
    mask(_mm256_cmpeq_epi8(block.lower, byte), _mm256_cmpeq_epi8(block.upper, byte))
}

#[inline]
#[target_feature(enable = "avx2")]
fn eq_folded(block: Avx2, byte: u8) -> u64 {
    let fold = _mm256_set1_epi8(0x20);
    let folded = Avx2 {
        lower: _mm256_or_si256(block.lower, fold),
        upper: _mm256_or_si256(block.upper, fold),
    };
    eq(folded, byte)
}

/// The upper bits of 64 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn mask(lower: __m256i, upper: __m256i) -> u64 {
    let lower = _mm256_movemask_epi8(lower).cast_unsigned();
    let upper = _mm256_movemask_epi8(upper).cast_unsigned();
    u64::from(upper) << 32 | u64::from(lower)
}

/// The carry-less product by all ones.
#[inline]
#[target_feature(enable = "pclmulqdq")]
pub(super) fn prefix_xor(mask: u64) -> u64 {
    let product =
        _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, mask.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}
