//! Flags that say which windows are counted.

use clap::{ArgAction, Args};

use crate::clock::calendar::{Calendar, Length, Zone};
use crate::error::Error;
use crate::limits::ROLLING_DAYS_MAX;

/// Which windows are counted.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Windows")]
pub struct WindowArgs {
    /// Windows to count, any of them at once: minute, hour, day, week, month, year, fixed lengths from
    /// the epoch on, like 15m or 6h, or the days up to each day, like rolling:7d (1 to 60 days)
    #[arg(long, value_name = "LENGTHS", action = ArgAction::Set, value_delimiter = ',', default_value = "minute")]
    pub windows: Vec<Length>,
    /// Whose days, weeks, months and years; several at once may be given. Hours are the first one's,
    /// minutes and fixed lengths always those of UTC
    #[arg(long, value_name = "ZONES", action = ArgAction::Set, value_delimiter = ',', default_value = "UTC")]
    pub timezone: Vec<Zone>,
    /// Tell in each day, week and month how many users were seen in so many days before it (returning)
    /// and how many were not (new): 1d to 60d
    #[arg(long, value_name = "DAYS", value_parser = parse_days)]
    pub returning: Option<u8>,
}

impl WindowArgs {
    /// The windows they ask for.
    ///
    /// # Errors
    /// There are too many.
    pub fn calendar(&self) -> Result<Calendar, Error> {
        let calendar = Calendar::new(&self.windows, &self.timezone)?;
        let Some(days) = self.returning else { return Ok(calendar) };
        let calendar = calendar.with_past(days);
        if calendar.series().iter().all(|series| series.past_days == 0) {
            return Err(Error::usage("--returning: none of --windows is day, week or month"));
        }
        Ok(calendar)
    }
}

impl Default for WindowArgs {
    fn default() -> WindowArgs {
        WindowArgs { windows: vec![Length::Minute], timezone: vec![Zone::utc()], returning: None }
    }
}

fn parse_days(text: &str) -> Result<u8, String> {
    let days = text.strip_suffix('d').and_then(|digits| digits.parse().ok());
    match days {
        Some(days @ 1..=ROLLING_DAYS_MAX) => Ok(days),
        _ => Err(format!("give 1d to {ROLLING_DAYS_MAX}d")),
    }
}
