//! Random numbers by counter: any frame's draws can be made without those of the frames before.
//!
//! SplitMix64 (Steele, Lea, Flood 2014), begun at a point hashed from (seed, index, purpose), so
//! that the facts, the layout and the tables each have draws of their own. Integer arithmetic only.

/// What a sequence of draws is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// The facts of frame `index`.
    Facts = 1,
    /// The bytes of frame `index`.
    Layout = 2,
    /// The text pool.
    Pool = 3,
}

/// One sequence of draws.
#[derive(Debug, Clone)]
pub(super) struct Random {
    state: u64,
}

/// 2^64 divided by the golden ratio, odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection of 64 bits in which each bit of the input moves half of the output.
pub(super) fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Random {
    pub(super) fn new(seed: u64, index: u64, purpose: Purpose) -> Self {
        let key = mix(seed.wrapping_add(STEP)) ^ (purpose as u64).wrapping_mul(STEP);
        Random { state: mix(mix(key).wrapping_add(index.wrapping_mul(STEP))) }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// 0 to `n` - 1, all equally likely to within n / 2^64; 0 where `n` is 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        scale(self.next(), n).1
    }

    /// The same for a length or an index.
    pub(super) fn below_len(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).expect("below a usize")
    }

    /// One of `items`, which must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below_len(items.len())]
    }

    /// True in `share` of the cases; draws once in any case.
    pub(super) fn chance(&mut self, share: Share) -> bool {
        share.holds(self.next())
    }

    /// True in one case of two.
    pub(super) fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }
}

/// `draw` × `n` as (fraction, whole part): the whole part lies in 0 to `n` - 1.
pub(super) fn scale(draw: u64, n: u64) -> (u64, u64) {
    draw.carrying_mul(n, 0)
}

/// A share of all draws, in units of 2^-53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Share(u64);

impl Share {
    /// `share` must lie in 0 to 1.
    pub(super) fn new(share: f64) -> Self {
        // exact: a product with a power of two, at most 2^53
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Share((share * (1_u64 << 53) as f64) as u64)
    }

    /// Whether `draw` falls into the share.
    pub(super) fn holds(self, draw: u64) -> bool {
        draw >> 11 < self.0
    }
}
