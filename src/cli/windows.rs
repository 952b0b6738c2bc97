//! Flags that say which windows are counted.

use clap::{ArgAction, Args};

use crate::clock::calendar::{Calendar, Length, Zone};
use crate::error::Error;

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
}

impl WindowArgs {
    /// The windows they ask for.
    ///
    /// # Errors
    /// There are too many.
    pub fn calendar(&self) -> Result<Calendar, Error> {
        Calendar::new(&self.windows, &self.timezone)
    }
}

impl Default for WindowArgs {
    fn default() -> WindowArgs {
        WindowArgs { windows: vec![Length::Minute], timezone: vec![Zone::utc()] }
    }
}
