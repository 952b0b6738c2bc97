//! Generated logs, and settings to count them by.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use headcount::generate::{Late, Skew, Workload};

use crate::harness::Task;
use crate::random::Random;

impl Random {
    /// From 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.below(1 << 20) as f64 / (1 << 20) as f64
    }
}

/// How a log's frames are; several files of one log follow one another.
pub(crate) fn workload(seed: u64, frames: u64, rate_per_s: f64) -> Workload {
    Workload {
        frames,
        users: 20_000,
        skew: Skew::Zipf { quarters: 2 },
        rate_per_s,
        frame_bytes: 100,
        late: vec![
            Late { share: 0.01, delay_s_max: 5 },
            Late { share: 0.005, delay_s_max: 600 },
            Late { share: 0.001, delay_s_max: 10_800 },
        ],
        flips: 0.0005,
        duplicates: 0.01,
        malformed: 0.001,
        escapes: 0.01,
        seed,
        ..Workload::hostile()
    }
}

/// The stream as bytes.
pub(crate) fn bytes(workload: &Workload) -> Vec<u8> {
    let mut bytes = Vec::new();
    workload.write_to(&mut bytes, 2).unwrap();
    bytes
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    pub(crate) const ALL: [Packing; 3] = [Packing::Plain, Packing::Gzip, Packing::Zstd];

    /// The bytes packed; behind those of another file of the kind, they go on with it.
    pub(crate) fn pack(self, bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Packing::Plain => bytes,
            Packing::Gzip => {
                let level = flate2::Compression::fast();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(&bytes).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder.write_all(&bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }
}

/// Frames of a log that is broken off at random: some dozen checkpoints.
const FRAMES: u64 = 1_500_000;

/// A log in this folder, and settings to count it by, drawn at random.
pub(crate) fn drawn(random: &mut Random, folder: &Path) -> Task {
    let files = random.pick(&[1, 1, 3]);
    let rate_per_s = random.pick(&[3u32, 30, 300]);
    let mut start_s = 1_700_000_000;
    let mut inputs = Vec::new();
    for file in 0..files {
        let stream = workload(random.below(u64::MAX), FRAMES / files, rate_per_s.into());
        let stream = Workload { start_s, ..stream };
        // Each goes back a little into the times of the one before.
        start_s += i64::try_from(FRAMES / files / u64::from(rate_per_s)).unwrap() - 60;
        let path = folder.join(format!("log{file}"));
        match random.pick(&[Packing::Plain, Packing::Plain, Packing::Gzip, Packing::Zstd]) {
            Packing::Plain => {
                stream.write_to(&mut File::create(&path).unwrap(), 2).unwrap();
            }
            packing => std::fs::write(&path, packing.pack(bytes(&stream))).unwrap(),
        }
        inputs.push(path.to_str().unwrap().to_owned());
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    Task {
        every: random.pick(&["5ms", "20ms", "50ms"]).into(),
        ..Task::new(&inputs, &settings(random))
    }
}

fn settings(random: &mut Random) -> String {
    let windows = random.pick(&[
        "minute",
        "minute,hour,day,week,month,year,rolling:3d",
        "15m,hour,rolling:2d",
        "hour,day --returning 3d --timezone Europe/Zurich,UTC",
    ]);
    let late = random.pick(&["--late drop", "--late revise", "--keep 1m", "--keep 2h --every 5m"]);
    let emit = random.pick(&["", "", "--emit updates --every 10m"]);
    let agree = random.pick(&["", "", "--agree off", "--max-ahead 1d"]);
    let threads = random.pick(&["", "", "--scanners 1", "--scanners 3 --counters 2"]);
    let max_lag = random.pick(&["", "--max-lag 10m"]);
    let now = random.pick(&["", "--now 2030-01-01T00:00:00Z"]);
    format!("--windows {windows} {late} {emit} {agree} {threads} {max_lag} {now}")
}
