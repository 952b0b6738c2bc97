//! How every bench is run: by criterion, tiny in the gate, or in turns.
//!
//! - `cargo bench --bench NAME` is criterion: one contender after the other, with its statistics.
//! - `HEADCOUNT_TURNS=N cargo bench --bench NAME` runs the contenders in turns, A B C … A B C …, N
//!   rounds after one to warm up, prints every run and the ratios of the rounds to the first
//!   contender: what perf/README.md asks of a comparison.
//! - `cargo test --bench NAME` runs each contender once, on little: criterion's test mode.
//!
//! A contender checks its answer before the first time is taken, and measures itself, so that it can
//! leave out what it has to prepare.

use std::time::Duration;

use criterion::{Criterion, Throughput};

/// Something that is timed: does the group's items once and says how long that took.
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnMut() -> Duration>,
}

impl Contender {
    pub(crate) fn new(name: &str, run: impl FnMut() -> Duration + 'static) -> Contender {
        Contender { name: name.to_owned(), run: Box::new(run) }
    }
}

/// Contenders that do the same; the first is ours.
pub(crate) struct Group {
    pub(crate) name: String,
    /// Items (frames, values) a run does.
    pub(crate) items: u64,
    pub(crate) contenders: Vec<Contender>,
}

/// Whether only a tiny run is wanted: criterion's own rule for its test mode.
pub(crate) fn is_tiny() -> bool {
    let has = |flag: &str| std::env::args().any(|arg| arg == flag);
    !has("--bench") || has("--test")
}

/// Runs the groups in the way asked for.
pub(crate) fn run(groups: Vec<Group>) {
    let turns = std::env::var("HEADCOUNT_TURNS").ok();
    match turns.map(|rounds| rounds.parse().expect("HEADCOUNT_TURNS is a number of rounds")) {
        Some(rounds) => groups.into_iter().for_each(|group| in_turns(group, rounds)),
        None => by_criterion(groups),
    }
}

fn by_criterion(groups: Vec<Group>) {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(20)
        .configure_from_args();
    for Group { name, items, contenders } in groups {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(items));
        for Contender { name, mut run } in contenders {
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|times| (0..times).map(|_| run()).sum());
            });
        }
        group.finish();
    }
    criterion.final_summary();
}

fn in_turns(group: Group, rounds: usize) {
    let Group { name, items, mut contenders } = group;
    let mut taken: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..=rounds {
        for (contender, taken) in contenders.iter_mut().zip(&mut taken) {
            let ns = (contender.run)().as_secs_f64() * 1e9 / items as f64;
            if round > 0 {
                eprintln!("{name} {round} {}: {ns:.3} ns", contender.name);
                taken.push(ns);
            }
        }
    }
    for (contender, own) in contenders.iter().zip(&taken) {
        let mut ratios: Vec<f64> =
            own.iter().zip(&taken[0]).map(|(ns, first)| ns / first).collect();
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        eprintln!(
            "{name}, median: {} {:.2} ns, {:.3} of {} ({least:.3} to {most:.3})",
            contender.name,
            median(own.clone()),
            median(ratios),
            contenders[0].name,
        );
    }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    let (low, high) = (of[(of.len() - 1) / 2], of[of.len() / 2]);
    (low + high) / 2.0
}
