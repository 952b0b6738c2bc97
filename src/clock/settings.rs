//! What the clock goes by.

use std::str::FromStr;

use super::agreement::Agree;
use super::calendar::Calendar;
use crate::limits::{AGREE_LAST_MAX, WINDOWS_OPEN_MAX};

/// What becomes of a frame that is late for a window that is still kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Late {
    /// It is counted, and the window's result comes out again.
    #[default]
    Revise,
    /// It is refused.
    Drop,
}

/// What moves the clock, what it keeps and what comes out when.
#[derive(Clone, Debug)]
pub struct ClockSettings {
    /// The windows counted.
    pub calendar: Calendar,
    /// Seconds of event time a window stays open after its end.
    pub max_lag_s: u32,
    /// What becomes of late frames.
    pub late: Late,
    /// Seconds of event time a window is kept for late frames besides; and the largest step of a clock
    /// that a small agreement can make.
    pub keep_s: u32,
    /// How many times have to agree; none: the largest time is the clock, and no frame waits.
    pub agree: Option<Agree>,
    /// Seconds ahead of what times agree on up to which a frame is counted at once.
    pub max_ahead_s: u32,
    /// Seconds of event time at least between two results of a window, the final one aside; at least 1.
    pub every_s: u32,
    /// Whether windows still open are reported, too.
    pub updates: bool,
    /// Whether empty windows between two results of a series are put out.
    pub fill: bool,
    /// The share of a partition's last frames that may be refused; none: any.
    pub max_refused: Option<f64>,
    /// The wall clock, unix seconds, where it is to stand still; else it is what comes with the log.
    pub now_s: Option<i64>,
    /// Several partitions, which may be far apart in time; else the log is one partition, number 0.
    pub partitioned: bool,
}

impl Default for ClockSettings {
    fn default() -> ClockSettings {
        ClockSettings {
            calendar: Calendar::default(),
            max_lag_s: 5,
            late: Late::Revise,
            keep_s: 3600,
            agree: Some(Agree::default()),
            max_ahead_s: 600,
            every_s: 10,
            updates: false,
            fill: false,
            max_refused: None,
            now_s: None,
            partitioned: false,
        }
    }
}

impl ClockSettings {
    /// The plainest clock: the largest time so far, nothing kept, nothing waits. What it says of a window
    /// it says once.
    pub fn plain() -> ClockSettings {
        ClockSettings { late: Late::Drop, keep_s: 0, agree: None, ..ClockSettings::default() }
    }

    /// Seconds of event time a window is kept after its end + max-lag.
    pub fn kept_s(&self) -> u32 {
        match self.late {
            Late::Revise => self.keep_s,
            Late::Drop => 0,
        }
    }

    /// Windows kept at once where partitions are near one another and few times lie ahead: those that
    /// hold a time from the oldest kept to the farthest one counted, and those of one time more, which are
    /// opened before others go.
    pub fn windows_kept(&self) -> usize {
        let ahead_s = if self.agree.is_some() { self.max_ahead_s } else { 0 };
        let span_s = self.max_lag_s.saturating_add(self.kept_s()).saturating_add(ahead_s);
        (0..)
            .zip(self.calendar.series())
            .map(|(number, series)| {
                self.calendar.windows_max(number, span_s) + series.length.overlap() as u64
            })
            .map(|windows| usize::try_from(windows).unwrap_or(usize::MAX))
            .fold(0, usize::saturating_add)
    }

    /// Windows kept at once at most. Without agreement one partition's are known to be few; else its
    /// times may lie anywhere, and partitions any time apart.
    pub fn windows_open_max(&self) -> usize {
        match (self.partitioned, self.agree) {
            (false, None) => self.windows_kept(),
            _ => WINDOWS_OPEN_MAX,
        }
    }
}

impl FromStr for Agree {
    type Err = String;

    /// Like `8,33/64`.
    fn from_str(text: &str) -> Result<Agree, String> {
        let read = || {
            let (few, last) = text.split_once('/')?;
            let (small, large) = few.split_once(',')?;
            Some([small.parse().ok()?, large.parse().ok()?, last.parse().ok()?])
        };
        match read() {
            Some([small, large, last])
                if 0 < small && small <= large && large <= last && last <= AGREE_LAST_MAX =>
            {
                Ok(Agree { small, large, last })
            }
            _ => Err(format!(
                "give off, or SMALL,LARGE/LAST like 8,33/64, rising and at most {AGREE_LAST_MAX}"
            )),
        }
    }
}
