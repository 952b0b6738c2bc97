//! What time and windows a run goes by.

use headcount::clock::ClockSettings;
use headcount::clock::agreement::Agree;
use headcount::clock::calendar::{Calendar, Length, Zone};
use headcount::clock::settings::Late;
use headcount::scan::ScanSettings;
use headcount::verify::replay::{ReplaySettings, Replayer};
use headcount::verify::rules::Rules;

use super::Random;

/// Where drawn logs begin, about.
pub(crate) const BEGIN_S: i64 = 1_700_000_000;

/// The settings of the clock, and which windows it has.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    /// Rising.
    pub(crate) lengths: &'static [Length],
    pub(crate) zones: &'static [&'static str],
    /// The calendar aside.
    pub(crate) clock: ClockSettings,
}

impl Time {
    /// The largest time is the clock, and minutes are counted.
    pub(crate) fn plain(max_lag_s: u32) -> Time {
        let clock = ClockSettings { max_lag_s, ..ClockSettings::plain() };
        Time { lengths: &[Length::Minute], zones: &["UTC"], clock }
    }

    /// Anything the clock can do, but for empty windows filled in.
    pub(crate) fn drawn(random: &mut Random) -> Time {
        use Length::{Day, Fixed, Hour, Minute, Month, Rolling, Week, Year};
        let (lengths, zones) = random.pick(&[
            (&[Minute][..], &["UTC"][..]),
            (&[Minute, Hour, Day], &["UTC"]),
            (&[Fixed(45), Minute, Fixed(600), Day], &["Asia/Kathmandu", "UTC"]),
            (&[Minute, Hour, Day, Week, Month, Year], &["Australia/Lord_Howe"]),
            (&[Minute, Rolling(1), Rolling(3)], &["Asia/Kathmandu", "UTC"]),
        ]);
        let default = Some(Agree::default());
        let agree =
            random.pick(&[default, default, Some(Agree { small: 2, large: 3, last: 4 }), None]);
        let clock = ClockSettings {
            max_lag_s: random.pick(&[0, 5, 70, 700]),
            late: random.pick(&[Late::Revise, Late::Drop]),
            keep_s: random.pick(&[0, 100, 3600]),
            agree,
            max_ahead_s: random.pick(&[0, 60, 600]),
            every_s: random.pick(&[1, 10, 300]),
            updates: random.below(4) == 0,
            // Before nearly all of the log, in the middle of it, or behind it.
            now_s: Some(BEGIN_S + random.pick(&[10, 700, 1_000_000])),
            ..ClockSettings::default()
        };
        Time { lengths, zones, clock }
    }

    /// The clock's settings.
    pub(crate) fn settings(&self) -> ClockSettings {
        let zones: Vec<Zone> = self.zones.iter().map(|name| name.parse().unwrap()).collect();
        let calendar = Calendar::new(self.lengths, &zones).unwrap();
        ClockSettings { calendar, ..self.clock.clone() }
    }

    /// The reference by the same settings.
    pub(crate) fn replayer(&self, scan: &ScanSettings, partitions: usize) -> Replayer {
        let settings = ReplaySettings {
            scan: scan.clone(),
            rules: Rules::of(&self.clock),
            lengths: self.lengths.to_vec(),
            zones: self.zones.iter().map(|&name| name.into()).collect(),
            returning_days: None,
            partitions: partitions > 1,
        };
        Replayer::new(&settings, partitions)
    }

    /// Each window has one word, so the reference knows every byte.
    pub(crate) fn says_each_once(&self) -> bool {
        self.clock.late == Late::Drop && !self.clock.updates
    }
}
