//! Flags that say which windows are counted.

use clap::{ArgAction, Args};

use crate::clock::calendar::{Calendar, Length, Zone};
use crate::error::Error;

/// Which windows are counted.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Windows")]
pub struct WindowArgs {
    /// Windows to count, any of them at once: minute, hour, day, week, month, year, or fixed lengths
    /// from the epoch on, like 15m or 6h
    #[arg(long, value_name = "LENGTHS", action = ArgAction::Set, value_delimiter = ',', default_value = "minute", value_parser = offered)]
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

/// A length that can be counted.
fn offered(text: &str) -> Result<Length, String> {
    match text.parse()? {
        Length::Rolling(_) => Err("rolling windows are not counted by this version".into()),
        length => Ok(length),
    }
}
