//! Flags about event time: what moves the clock, what is kept, and when results come out.

use std::str::FromStr;

use clap::Args;

use super::parse_seconds;
use crate::clock::ClockSettings;
use crate::clock::agreement::Agree;
use crate::clock::settings::Late;

/// How event time goes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Event time")]
pub struct TimeArgs {
    /// How long a window stays open after its end, in event time
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_seconds, allow_hyphen_values = true)]
    pub max_lag: u32,
    /// What becomes of a frame that is late for a window: revise counts it and puts the result out
    /// again, while the window is kept; drop refuses it
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub late: Late,
    /// How long a window is kept for late frames besides, in event time; also the largest step of the
    /// clock on which few frames can agree
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_seconds)]
    pub keep: u32,
    /// A window's result comes out again at most once in so much event time
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_some_seconds)]
    pub every: u32,
    /// What is put out: final results, or updates of open windows as well
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub emit: Emit,
    /// Put out empty windows between two results as well
    #[arg(long)]
    pub fill: bool,
    /// How many of a partition's last frames must agree on a time: on a small step of the clock, and on
    /// a large one; `off`: the largest time is the clock
    #[arg(long, value_name = "SMALL,LARGE/LAST", default_value = "8,33/64")]
    pub agree: Agreeing,
    /// How far ahead of the times agreed on a frame is counted at once; one further ahead waits, and is
    /// refused as future if 64 further frames do not come to it
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_seconds)]
    pub max_ahead: u32,
    /// The wall clock, as a time (2026-11-23T12:00:00Z or unix seconds): what lies further beyond it
    /// agrees with nobody [default: the start of the run; with a pipe or a topic that is followed, now]
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    pub now: Option<i64>,
    /// Stop when more than this share of a partition's last 1,024 frames was refused, like 0.2
    /// [default: never; over 0.05 it is said on stderr]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub max_refused: Option<f64>,
}

/// What is put out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Emit {
    /// Final results and their revisions.
    #[default]
    Final,
    /// Open windows as well, as far as they have changed.
    Updates,
}

/// How many frames agree, if that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreeing(pub Option<Agree>);

impl FromStr for Agreeing {
    type Err = String;

    fn from_str(text: &str) -> Result<Agreeing, String> {
        match text {
            "off" => Ok(Agreeing(None)),
            text => text.parse().map(|agree| Agreeing(Some(agree))),
        }
    }
}

impl std::fmt::Display for Agreeing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            None => f.write_str("off"),
            Some(Agree { small, large, last }) => write!(f, "{small},{large}/{last}"),
        }
    }
}

impl TimeArgs {
    /// The clock's settings, but for its windows.
    pub fn settings(&self) -> ClockSettings {
        ClockSettings {
            max_lag_s: self.max_lag,
            late: self.late,
            keep_s: self.keep,
            agree: self.agree.0,
            max_ahead_s: self.max_ahead,
            every_s: self.every,
            updates: self.emit == Emit::Updates,
            fill: self.fill,
            max_refused: self.max_refused,
            now_s: self.now,
            ..ClockSettings::default()
        }
    }
}

impl Default for TimeArgs {
    fn default() -> TimeArgs {
        let settings = ClockSettings::default();
        TimeArgs {
            max_lag: settings.max_lag_s,
            late: settings.late,
            keep: settings.keep_s,
            every: settings.every_s,
            emit: Emit::default(),
            fill: settings.fill,
            agree: Agreeing(settings.agree),
            max_ahead: settings.max_ahead_s,
            now: settings.now_s,
            max_refused: settings.max_refused,
        }
    }
}

fn parse_some_seconds(text: &str) -> Result<u32, String> {
    match parse_seconds(text)? {
        0 => Err("give at least 1s".into()),
        seconds => Ok(seconds),
    }
}

fn parse_time(text: &str) -> Result<i64, String> {
    let written = || text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    text.parse()
        .ok()
        .or_else(written)
        .ok_or_else(|| "give a time like 2026-11-23T12:00:00Z, or unix seconds".into())
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "give a share from 0 to 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_off_or_three_numbers_that_rise() {
        let agree = |small, large, last| Ok(Agreeing(Some(Agree { small, large, last })));
        assert_eq!("8,33/64".parse(), agree(8, 33, 64));
        assert_eq!("1,1/1".parse(), agree(1, 1, 1));
        assert_eq!("off".parse(), Ok(Agreeing(None)));
        for text in ["", "8", "8,33", "0,1/2", "9,8/64", "8,33/32", "8,33/65", "a,b/c", "8,33/64/1"]
        {
            assert!(text.parse::<Agreeing>().is_err(), "{text}");
        }
        assert_eq!(Agreeing(Some(Agree::default())).to_string(), "8,33/64");
    }

    #[test]
    fn times_and_shares_are_read() {
        assert_eq!(parse_time("1700000000"), Ok(1_700_000_000));
        assert_eq!(parse_time("2023-11-14T22:13:20Z"), Ok(1_700_000_000));
        assert!(parse_time("soon").is_err());
        assert_eq!(parse_share("0.2"), Ok(0.2));
        assert!(["-0.1", "1.1", "NaN", "x"].iter().all(|text| parse_share(text).is_err()));
        assert!(parse_some_seconds("0").is_err());
    }
}
