//! A stream in a file in memory, and the engine on it.

use std::fs::File;
use std::path::{Path, PathBuf};

use headcount::clock::ClockSettings;
use headcount::engine::{self, Job, Outcome, Sizes, Source};
use headcount::generate::Generator;
use headcount::input::Input;
use headcount::output::record::WindowResult;
use headcount::output::sink::Collected;
use headcount::ring::{Stop, WaitPolicy};
use headcount::scan::ScanSettings;
use headcount::scan::stage::Depth;
use headcount::stats::Live;
use headcount::topology::{Topology, Wish};

/// The stream, in a folder that is gone with the guard.
pub(crate) fn written(generator: &Generator) -> (tempfile::TempDir, PathBuf) {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a folder for the stream");
    let path = folder.path().join("stream.jsonl");
    let mut file = File::create(&path).expect("a file for the stream");
    generator.write_to(&mut file, 2).expect("the stream is written");
    (folder, path)
}

/// Goes over the file as on a machine of so many cores (up to three, that many scanners), and no deeper than
/// asked.
pub(crate) fn run(path: &Path, cores: usize, depth: Depth) -> (Outcome, Vec<WindowResult>) {
    let topology = Topology::new(cores, &Wish::default()).expect("a plain topology");
    let results = Collected::default();
    let inputs = Input::look_at(&[path.to_owned()]).expect("the stream is there");
    let job = Job {
        source: Source::Inputs(inputs, None),
        scan: ScanSettings::default(),
        clock: ClockSettings::default(),
        depth,
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
    let results = results.take();
    (outcome, results)
}
