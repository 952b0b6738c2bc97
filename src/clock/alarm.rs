//! The alarm: a partition of which many of the last frames were refused. Something is wrong with its
//! times then, and nobody should learn of it from the closing accounts.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::calendar::write_instant;
use crate::input::messages::Partition;
use crate::limits::ALARM_FRAMES;

/// The share of refused frames from which on it is said.
const ALARM_SHARE: f64 = 0.05;

/// The frames refused among a partition's last [`ALARM_FRAMES`]. Costs nothing where none is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    /// Their numbers and times.
    last: VecDeque<(u64, i64)>,
    said: bool,
}

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    /// The partition; none where the log has none.
    pub partition: Option<Partition>,
    /// Frames refused of the last [`ALARM_FRAMES`].
    pub refused: usize,
    /// The earliest and the latest of their times, unix seconds.
    pub refused_s: (i64, i64),
    /// The earliest and the latest of the times that agree.
    pub agreeing_s: Option<(i64, i64)>,
}

impl Refusals {
    /// A partition's frame of this number was refused. The share of refused ones, and whether it is to be
    /// said that there are many: once, and again only after there were few.
    pub fn refuse(&mut self, number: u64, ts_s: i64) -> (f64, bool) {
        while self.last.front().is_some_and(|&(old, _)| old + ALARM_FRAMES <= number) {
            self.last.pop_front();
        }
        self.last.push_back((number, ts_s));
        let share = self.last.len() as f64 / ALARM_FRAMES as f64;
        if share < ALARM_SHARE / 2.0 {
            self.said = false;
        }
        let say = share > ALARM_SHARE && !self.said;
        self.said |= say;
        (share, say)
    }

    /// How many there are, and the earliest and the latest of their times.
    pub fn summary(&self) -> (usize, (i64, i64)) {
        let times = || self.last.iter().map(|&(_, ts_s)| ts_s);
        (self.last.len(), (times().min().unwrap_or(0), times().max().unwrap_or(0)))
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = |ts_s| fmt::from_fn(move |f| write_instant(ts_s, f));
        if let Some(partition) = self.partition {
            write!(f, "partition {partition}: ")?;
        }
        let (from, to) = self.refused_s;
        write!(
            f,
            "{} of the last {ALARM_FRAMES} frames were refused; their times: {} to {}",
            self.refused,
            instant(from),
            instant(to)
        )?;
        if let Some((from, to)) = self.agreeing_s {
            write!(f, "; those the clock goes by: {} to {}", instant(from), instant(to))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_from_over_five_in_a_hundred_on() {
        let mut refusals = Refusals::default();
        let said: Vec<u64> = (0..60).filter(|&n| refusals.refuse(n, 7).1).collect();
        assert_eq!(said, [51]);
        // Few again, then many again.
        let said: Vec<u64> =
            (0..100).map(|n| 9000 + n).filter(|&n| refusals.refuse(n, 7).1).collect();
        assert_eq!(said, [9051]);
        assert_eq!(refusals.summary(), (100, (7, 7)));
    }

    #[test]
    fn old_ones_do_not_count() {
        let mut refusals = Refusals::default();
        // One in 20 is 51.2 of 1,024.
        assert!((0..1000).all(|n| !refusals.refuse(n * 21, 0).1));
        assert!(refusals.refuse(21_000, 0).0 < 0.05);
    }
}
