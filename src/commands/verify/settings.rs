//! What a recount goes by: the settings in the run's summary, or the flags.

use std::path::Path;

use clap::ValueEnum;
use serde::Deserialize;

use crate::cli::VerifyArgs;
use crate::cli::time::Agreeing;
use crate::clock::ClockSettings;
use crate::clock::calendar::Calendar;
use crate::clock::settings::Late;
use crate::error::Error;
use crate::scan::{Kernel, ScanSettings, TsUnit};
use crate::verify::replay::ReplaySettings;
use crate::verify::rules::Rules;

/// What a recount goes by.
pub(super) struct Settings {
    pub(super) replay: ReplaySettings,
    /// Empty windows came out too.
    pub(super) fill: bool,
    /// Why they may not be those of the run.
    pub(super) doubt: Option<String>,
}

/// Of a summary what is read here.
#[derive(Deserialize)]
struct Summary {
    settings: Said,
}

#[derive(Deserialize)]
struct Said {
    windows: Vec<String>,
    returning_days: Option<u8>,
    timezones: Vec<String>,
    timezone_data: String,
    ts_field: String,
    uid_field: String,
    ts_unit: String,
    validate: bool,
    max_lag_s: u32,
    late: String,
    keep_s: u32,
    fill: bool,
    agree: String,
    max_ahead_s: u32,
    now_s: Option<i64>,
}

/// The settings these flags ask for.
///
/// # Errors
/// The summary cannot be read, or is none.
pub(super) fn of(args: &VerifyArgs) -> Result<Settings, Error> {
    match &args.summary {
        Some(path) => of_summary(path, args.partitions),
        None => Ok(Settings {
            replay: ReplaySettings {
                scan: args.frames.scan(),
                rules: Rules::of(&now(args.frames.time.settings())),
                lengths: args.frames.windows.windows.clone(),
                returning_days: args.frames.windows.returning,
                zones: args.frames.windows.timezone.iter().map(ToString::to_string).collect(),
                partitions: args.partitions,
            },
            fill: args.frames.time.fill,
            doubt: None,
        }),
    }
}

fn of_summary(path: &Path, partitions: bool) -> Result<Settings, Error> {
    let name = path.display().to_string();
    let text = std::fs::read(path).map_err(|e| Error::input(&name, e))?;
    let none = |why: String| Error::usage(format!("{name} is no summary of --summary: {why}"));
    let Summary { settings: said } =
        serde_json::from_slice(&text).map_err(|e| none(e.to_string()))?;
    let lengths = said.windows.iter().map(|length| length.parse()).collect::<Result<Vec<_>, _>>();
    let ts_unit = TsUnit::from_str(&said.ts_unit, false).map_err(&none)?;
    let of_zones = said.timezones.iter().any(|zone| zone != "UTC");
    let (theirs, ours) = (&said.timezone_data, Calendar::zone_data());
    Ok(Settings {
        fill: said.fill,
        doubt: (of_zones && theirs != ours).then(|| {
            format!("the run's time zones are of release {theirs}, these are of {ours}: borders may differ")
        }),
        replay: ReplaySettings {
            scan: ScanSettings {
                ts_field: said.ts_field.parse().map_err(|e| none(format!("ts_field: {e}")))?,
                uid_field: said.uid_field.parse().map_err(|e| none(format!("uid_field: {e}")))?,
                ts_unit,
                validate: said.validate,
                kernel: Kernel::best(),
            },
            rules: Rules::of(&now(ClockSettings {
                max_lag_s: said.max_lag_s,
                late: Late::from_str(&said.late, false).map_err(&none)?,
                keep_s: said.keep_s,
                agree: said.agree.parse::<Agreeing>().map_err(&none)?.0,
                max_ahead_s: said.max_ahead_s,
                now_s: said.now_s,
                ..ClockSettings::default()
            })),
            lengths: lengths.map_err(none)?,
            returning_days: said.returning_days,
            zones: said.timezones,
            partitions,
        },
    })
}

/// The wall clock of these settings, or now: as in a run over what is there.
fn now(clock: ClockSettings) -> ClockSettings {
    ClockSettings { now_s: clock.now_s.or_else(|| Some(crate::input::wall_s())), ..clock }
}
