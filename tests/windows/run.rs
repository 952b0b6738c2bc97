//! A run of the engine in this process, and the same by brute force.

use std::io::Write;

use headcount::accounts::{Accounts, Frames};
use headcount::clock::ClockSettings;
use headcount::clock::agreement::Agree;
use headcount::clock::calendar::Calendar;
use headcount::clock::settings::Late;
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

use crate::logs::{self, Frame};
use crate::random::Random;

/// What a run is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) lengths: String,
    pub(crate) zones: String,
    pub(crate) returning_days: Option<u8>,
    /// How time goes; the calendar aside.
    pub(crate) clock: ClockSettings,
    pub(crate) cores: usize,
}

impl Run {
    pub(crate) fn drawn(random: &mut Random) -> Run {
        let rolling = format!("rolling:{}d", 1 + random.below(60));
        let lengths = ["minute", "hour", "day", "week", "month", "year", "15m", "6h", "45s"];
        let lengths = [&lengths[..], &["rolling:2d", &rolling]].concat();
        let agree = [None, Some(Agree::default()), Some(Agree { small: 2, large: 4, last: 7 })];
        let now =
            random.pick(&["2000-01-01T00:00:00Z", "2024-06-01T00:00:00Z", "9999-12-30T00:00:00Z"]);
        let now: jiff::Timestamp = now.parse().unwrap();
        Run {
            lengths: random.some(&lengths).join(","),
            zones: logs::zones(random).join(","),
            returning_days: random.pick(&[None, Some(1), Some(30), Some(60)]),
            clock: ClockSettings {
                max_lag_s: random.pick(&[0, 5, 100, 4000, 90_000]),
                late: random.pick(&[Late::Revise, Late::Drop]),
                keep_s: random.pick(&[0, 1, 60, 3600, 90_000]),
                agree: random.pick(&agree),
                max_ahead_s: random.pick(&[0, 60, 600, 90_000]),
                every_s: random.pick(&[1, 10, 4000]),
                updates: random.below(3) == 0,
                now_s: Some(now.as_second()),
                ..ClockSettings::default()
            },
            cores: random.pick(&[1, 2, 5]),
        }
    }

    /// The same with nothing refused in a log of two days.
    pub(crate) fn lenient(self) -> Run {
        let (max_lag_s, max_ahead_s) = (3 * 86_400, 3 * 86_400);
        let now_s = Some(headcount::limits::TS_S_MAX);
        Run { clock: ClockSettings { max_lag_s, max_ahead_s, now_s, ..self.clock }, ..self }
    }

    fn settings(&self) -> ClockSettings {
        let lengths: Vec<_> = self.lengths.split(',').map(|name| name.parse().unwrap()).collect();
        let zones: Vec<_> = self.zones.split(',').map(|name| name.parse().unwrap()).collect();
        let calendar = Calendar::new(&lengths, &zones).unwrap();
        let calendar = match self.returning_days {
            Some(days) => calendar.with_past(days),
            None => calendar,
        };
        ClockSettings { calendar, ..self.clock.clone() }
    }

    /// The results of the engine.
    pub(crate) fn count(&self, log: &[Frame]) -> (Vec<WindowResult>, Frames) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(lines(log).as_bytes()).unwrap();
        let input = Input::look_at(&[file.path().to_owned()]).unwrap();
        let topology = Topology::new(self.cores, &Wish::default()).unwrap();
        let results = Collected::default();
        let job = Job {
            source: Source::Inputs(input, None),
            scan: scan(),
            clock: self.settings(),
            depth: Depth::Count,
            live: Live::new(topology.scanners),
            topology,
            wait: WaitPolicy::Balanced,
            sizes: Sizes { batch_frames: 16, ..Sizes::default() },
            sink: Box::new(results.clone()),
            keeper: None,
            checkpoints: None,
            rejects: None,
            stop: Stop::new(),
        };
        let mut outcome = engine::run(job, &mut || {}).unwrap();
        let (accounts, failed) = Accounts::of(&mut outcome, StopReason::Running);
        assert!(failed.is_none(), "{failed:?} {self:?}");
        (results.take(), accounts.frames)
    }

    /// The same by the reference clock and sorted sets.
    pub(crate) fn brute_force(&self, log: &[Frame]) -> Replay {
        let settings = ReplaySettings {
            scan: scan(),
            rules: Rules::of(&self.clock),
            lengths: self.lengths.split(',').map(|name| name.parse().unwrap()).collect(),
            zones: self.zones.split(',').map(str::to_owned).collect(),
            returning_days: self.returning_days,
            partitions: false,
        };
        let mut replayer = Replayer::new(&settings, 1);
        for line in lines(log).lines() {
            replayer.line(0, line.as_bytes());
        }
        replayer.finish()
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
