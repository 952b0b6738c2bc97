//! Seeded randomness: the same seed, the same frames, on every machine and for ever.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64 (Steele, Lea, Flood, 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ bits >> 31
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u128::try_from(bound).unwrap();
        usize::try_from((u128::from(self.bits()) * bound) >> 64).unwrap()
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// The run's seed: as asked for, or by the clock. Printed, so that a failure shows it.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("HEADCOUNT_SEED").map_or_else(
        |_| {
            let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            u64::from(age.subsec_nanos()) ^ age.as_secs() << 30
        },
        |text| text.parse().expect("HEADCOUNT_SEED is a number"),
    );
    eprintln!("HEADCOUNT_SEED={seed}");
    seed
}

/// How many frames to generate: as many as asked for, or the test's own number, some times over.
pub(crate) fn frames(default: u64) -> u64 {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let times = || number("HEADCOUNT_TIMES").unwrap_or(1);
    number("HEADCOUNT_FRAMES").unwrap_or_else(|| default * times())
}
