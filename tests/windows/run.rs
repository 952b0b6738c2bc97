//! A run of the engine in this process, and the same by brute force.

use std::io::Write;

use headcount::accounts::Accounts;
use headcount::clock::ClockSettings;
use headcount::clock::calendar::Calendar;
use headcount::engine::{self, Job, Sizes, Source};
use headcount::input::Input;
use headcount::output::record::WindowResult;
use headcount::output::sink::Collected;
use headcount::ring::{Stop, StopReason, WaitPolicy};
use headcount::scan::stage::Depth;
use headcount::scan::{ScanSettings, TsUnit};
use headcount::stats::Live;
use headcount::topology::{Topology, Wish};
use headcount::verify::replay::{Replay, ReplaySettings, Replayer};
use headcount::verify::rules::Rules;

use crate::logs::{self, Frame, Random};

/// What a run is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) lengths: String,
    pub(crate) zones: String,
    /// Nothing is refused.
    pub(crate) lenient: bool,
    pub(crate) max_lag_s: u32,
    pub(crate) cores: usize,
}

impl Run {
    pub(crate) fn drawn(random: &mut Random) -> Run {
        let lengths = ["minute", "hour", "day", "week", "month", "year", "15m", "6h", "45s"];
        Run {
            lengths: random.some(&lengths)[0].into(),
            zones: logs::zones(random)[0].into(),
            lenient: false,
            max_lag_s: random.pick(&[0, 5, 100, 4000, 90_000]),
            cores: random.pick(&[1, 2, 5]),
        }
    }

    fn max_lag_s(&self) -> u32 {
        if self.lenient { 3 * 86_400 } else { self.max_lag_s }
    }

    fn clock(&self) -> ClockSettings {
        let lengths: Vec<_> = self.lengths.split(',').map(|name| name.parse().unwrap()).collect();
        let zones: Vec<_> = self.zones.split(',').map(|name| name.parse().unwrap()).collect();
        let calendar = Calendar::new(&lengths, &zones).unwrap();
        ClockSettings { max_lag_s: self.max_lag_s(), calendar, ..ClockSettings::plain() }
    }

    /// The results of the engine.
    pub(crate) fn count(&self, log: &[Frame]) -> Vec<WindowResult> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(lines(log).as_bytes()).unwrap();
        let input = Input::look_at(&[file.path().to_owned()]).unwrap();
        let topology = Topology::new(self.cores, &Wish::default()).unwrap();
        let results = Collected::default();
        let job = Job {
            source: Source::Inputs(input),
            scan: scan(),
            clock: self.clock(),
            depth: Depth::Count,
            live: Live::new(topology.scanners),
            topology,
            wait: WaitPolicy::Balanced,
            sizes: Sizes { batch_frames: 16, ..Sizes::default() },
            sink: Box::new(results.clone()),
            keeper: None,
            rejects: None,
            stop: Stop::new(),
        };
        let mut outcome = engine::run(job, &mut || {}).unwrap();
        let (accounts, failed) = Accounts::of(&mut outcome, StopReason::Running);
        assert!(failed.is_none(), "{failed:?} {self:?}");
        if self.lenient {
            assert_eq!(accounts.frames.counted, log.len() as u64, "{self:?}");
        }
        results.take()
    }

    /// The same by the reference clock and sorted sets.
    pub(crate) fn brute_force(&self, log: &[Frame]) -> Replay {
        let settings = ReplaySettings {
            scan: scan(),
            rules: self.rules(),
            lengths: self.lengths.split(',').map(|name| name.parse().unwrap()).collect(),
            zones: self.zones.split(',').map(str::to_owned).collect(),
            partitions: false,
        };
        let mut replayer = Replayer::new(&settings, 1);
        lines(log).lines().for_each(|line| replayer.line(0, line.as_bytes()));
        replayer.finish()
    }

    fn rules(&self) -> Rules {
        let never = i64::MAX / 4;
        Rules {
            max_lag_s: self.max_lag_s().into(),
            keep_s: 0,
            drop: true,
            agree: (1, 1, 1),
            max_ahead_s: never,
            now_s: never,
        }
    }
}

/// Times written out, so that no unit is taken for wrong.
fn scan() -> ScanSettings {
    ScanSettings { ts_unit: TsUnit::Rfc3339, ..ScanSettings::default() }
}

fn lines(log: &[Frame]) -> String {
    let line = |&(ts_s, user): &Frame| {
        let instant = headcount::output::record::Instant(ts_s);
        format!("{{\"ts\":\"{instant}\",\"uid\":\"user {user}\"}}\n")
    };
    log.iter().map(line).collect()
}
