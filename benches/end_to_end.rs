//! The whole engine on a file in memory, with one scanner and with two.

mod shared;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use headcount::clock::ClockSettings;
use headcount::engine::{self, Job, Sizes, Source};
use headcount::generate::{Generator, Reading, Workload};
use headcount::input::Input;
use headcount::output::sink::Collected;
use headcount::ring::{Stop, WaitPolicy};
use headcount::scan::ScanSettings;
use headcount::scan::stage::Depth;
use headcount::stats::Live;
use headcount::topology::{Topology, Wish};
use shared::{Contender, Group};

fn main() {
    let frames = if shared::is_tiny() { 2_000 } else { 200_000 };
    // Ten minutes in either size.
    let rate_per_s = frames as f64 / 600.0;
    let workload = Workload { frames, rate_per_s, ..Workload::default() };
    let generator = workload.generator().expect("these settings can be met");
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a folder for the stream");
    let path = folder.path().join("stream.jsonl");
    let mut file = File::create(&path).expect("a file for the stream");
    generator.write_to(&mut file, 2).expect("the stream is written");

    let expected = users_by_minute(&generator);
    let contender = |name: &str, cores: usize| {
        let (path, expected) = (path.clone(), expected.clone());
        Contender::new(name, move || {
            let (took, results) = count(&path, cores);
            assert_eq!(results, expected);
            took
        })
    };
    let contenders = vec![contender("2 scanners", 2), contender("1 scanner", 1)];
    shared::run(vec![Group { name: "end to end".into(), items: frames, contenders }]);
}

/// Counts the file as on a machine of so many cores (up to three, that many scanners); the time is
/// from the start of the threads to the end of the last.
fn count(path: &Path, cores: usize) -> (Duration, Vec<(i64, u64)>) {
    let topology = Topology::new(cores, &Wish::default()).expect("a plain topology");
    let results = Collected::default();
    let job = Job {
        source: Source::Inputs(
            Input::look_at(&[path.to_owned()]).expect("the stream is there"),
            None,
        ),
        scan: ScanSettings::default(),
        clock: ClockSettings::default(),
        depth: Depth::Count,
        live: Live::new(topology.scanners),
        topology,
        wait: WaitPolicy::Balanced,
        sizes: Sizes::default(),
        sink: Box::new(results.clone()),
        keeper: None,
        checkpoints: None,
        rejects: None,
        stop: Stop::new(),
    };
    let outcome = engine::run(job, &mut || {}).expect("the job is wired");
    assert!(outcome.failed.is_none(), "{:?}", outcome.failed);
    let results = results.take().into_iter().map(|result| (result.ts, result.cnt));
    (outcome.elapsed, results.collect())
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
