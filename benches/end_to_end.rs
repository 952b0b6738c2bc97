//! The whole engine on a file in memory, with one scanner and with two.

#[path = "shared/file.rs"]
mod file;
mod shared;

use std::collections::{BTreeMap, HashSet};

use headcount::generate::{Generator, Reading, Workload};
use headcount::scan::stage::Depth;
use shared::{Contender, Group};

fn main() {
    let frames = if shared::is_tiny() { 2_000 } else { 200_000 };
    // Ten minutes in either size.
    let rate_per_s = frames as f64 / 600.0;
    let workload = Workload { frames, rate_per_s, ..Workload::default() };
    let generator = workload.generator().expect("these settings can be met");
    let (_folder, path) = file::written(&generator);

    let expected = users_by_minute(&generator);
    let contender = |name: &str, cores: usize| {
        let (path, expected) = (path.clone(), expected.clone());
        Contender::new(name, move || {
            let (outcome, results) = file::run(&path, cores, Depth::Count);
            let results: Vec<_> = results.iter().map(|result| (result.ts, result.cnt)).collect();
            assert_eq!(results, expected);
            outcome.elapsed
        })
    };
    let contenders = vec![contender("2 scanners", 2), contender("1 scanner", 1)];
    shared::run(vec![Group { name: "end to end".into(), items: frames, contenders }]);
}

/// What must come out, from what the generator knows of its frames.
fn users_by_minute(generator: &Generator) -> Vec<(i64, u64)> {
    let mut minutes: BTreeMap<i64, HashSet<u64>> = BTreeMap::new();
    for frame in 0..generator.workload().frames {
        let truth = generator.truth(frame);
        if let Reading::Good { ts_s, .. } = truth.reading {
            minutes.entry(ts_s.div_euclid(60) * 60).or_default().insert(truth.user);
        }
    }
    minutes.into_iter().map(|(ts, users)| (ts, users.len() as u64)).collect()
}
