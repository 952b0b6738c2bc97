//! Seeded randomness.

/// The next of a sequence: splitmix64 (Steele and others 2014).
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from all 64 bits, below this one.
pub(crate) fn below(z: u64, n: u64) -> u64 {
    u64::try_from((u128::from(z) * u128::from(n)) >> 64).unwrap_or(0)
}
