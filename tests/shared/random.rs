//! Seeded choices, and the seeds of runs.

/// SplitMix64 (Steele, Lea, Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ bits >> 31) % bound
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }
}

/// The seeds of so many runs, unless the environment says otherwise.
pub(crate) fn seeds(runs: u64) -> impl Iterator<Item = u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let now = || u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    let first = number("HEADCOUNT_SEED").unwrap_or_else(now);
    let runs = number("HEADCOUNT_RUNS").unwrap_or(runs);
    eprintln!("{runs} runs from HEADCOUNT_SEED={first}");
    (0..runs).map(move |run| first.wrapping_add(run))
}
