//! Lengths of windows, and their names on the command line and in results.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::limits::{FIXED_S_MAX, ROLLING_DAYS_MAX};

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// A minute of UTC.
    Minute,
    /// A local hour.
    Hour,
    /// A local day.
    Day,
    /// A local week, from Monday on.
    Week,
    /// A local month.
    Month,
    /// A local year.
    Year,
    /// So many seconds, from the epoch on.
    Fixed(u32),
    /// So many local days, up to each day.
    Rolling(u8),
}

impl Length {
    /// Those with a name of one word.
    const NAMED: [(Length, &'static str); 6] = [
        (Length::Minute, "minute"),
        (Length::Hour, "hour"),
        (Length::Day, "day"),
        (Length::Week, "week"),
        (Length::Month, "month"),
        (Length::Year, "year"),
    ];

    /// Seconds of its shortest window, where no clock is changed. Rolling windows: from one to the
    /// next.
    pub fn seconds_min(self) -> u64 {
        match self {
            Length::Minute => 60,
            Length::Hour => 3600,
            Length::Day | Length::Rolling(_) => 86_400,
            Length::Week => 7 * 86_400,
            Length::Month => 28 * 86_400,
            Length::Year => 365 * 86_400,
            Length::Fixed(length_s) => length_s.into(),
        }
    }

    /// How many of its windows hold a time at most: of rolling ones as many as they have days.
    pub fn overlap(self) -> usize {
        match self {
            Length::Rolling(days) => days.into(),
            _ => 1,
        }
    }

    /// What lengths are ordered by: seconds of the longest window without a change of clocks, and then
    /// the kind.
    fn rank(self) -> (u64, u8) {
        match self {
            Length::Minute => (60, 0),
            Length::Hour => (3600, 0),
            Length::Day => (86_400, 0),
            Length::Week => (7 * 86_400, 0),
            Length::Month => (31 * 86_400, 0),
            Length::Year => (366 * 86_400, 0),
            Length::Fixed(length_s) => (length_s.into(), 1),
            Length::Rolling(days) => (u64::from(days) * 86_400, 2),
        }
    }
}

impl Ord for Length {
    /// The shorter first.
    fn cmp(&self, other: &Length) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Length {
    fn partial_cmp(&self, other: &Length) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Length::Rolling(days) => write!(f, "rolling:{days}d"),
            Length::Fixed(s) if s.is_multiple_of(3600) => write!(f, "{}h", s / 3600),
            Length::Fixed(s) if s.is_multiple_of(60) => write!(f, "{}m", s / 60),
            Length::Fixed(s) => write!(f, "{s}s"),
            named => {
                let name = Length::NAMED.iter().find(|(length, _)| *length == named);
                f.write_str(name.map_or("", |(_, name)| name))
            }
        }
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Length, String> {
        if let Some((length, _)) = Length::NAMED.iter().find(|(_, name)| *name == text) {
            return Ok(*length);
        }
        if let Some(days) = text.strip_prefix("rolling:") {
            let number = days.strip_suffix('d').and_then(|digits| whole(digits)?.try_into().ok());
            return match number {
                Some(days @ 1..=ROLLING_DAYS_MAX) => Ok(Length::Rolling(days)),
                _ => Err(format!(
                    "a rolling window has 1 to {ROLLING_DAYS_MAX} days, like rolling:7d"
                )),
            };
        }
        let fixed = |text: &str| {
            let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let unit_s = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => return None,
            };
            Some(whole(digits)?.saturating_mul(unit_s))
        };
        match fixed(text) {
            Some(length_s @ 1..=FIXED_S_MAX) => Ok(Length::Fixed(length_s)),
            Some(_) => Err(format!("a fixed length is from 1s to {}", Length::Fixed(FIXED_S_MAX))),
            None => {
                Err("give minute, hour, day, week, month, year, a fixed length like 15m or 6h, or rolling:7d"
                    .into())
            }
        }
    }
}

/// A number of digits alone; the largest where it is larger.
fn whole(digits: &str) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u32::MAX))
}
