//! The settings that decide what is counted where, as the reference clock takes them.

use crate::clock::agreement::Agree;
use crate::clock::settings::{ClockSettings, Late};

/// Seconds that no time is away.
const NEVER_S: i64 = i64::MAX / 4;

/// The settings that decide. Times are unix seconds.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Seconds after a window's end from which a frame is late for it.
    pub max_lag_s: i64,
    /// Seconds after that from which it is refused.
    pub keep_s: i64,
    /// Late frames are refused at once.
    pub drop: bool,
    /// How many agree on a small step, how many on a large one, of how many.
    pub agree: (usize, usize, usize),
    /// Seconds a frame may be ahead.
    pub max_ahead_s: i64,
    /// The wall clock.
    pub now_s: i64,
}

impl Rules {
    /// The rules of these settings. Without agreement each time is the clock's, and none is ahead;
    /// without a wall clock that stands still none is beyond it.
    pub fn of(settings: &ClockSettings) -> Rules {
        let agreed = |agree: &Agree| (agree.small, agree.large, agree.last);
        let agree = settings.agree.as_ref();
        Rules {
            max_lag_s: settings.max_lag_s.into(),
            keep_s: settings.keep_s.into(),
            drop: settings.late == Late::Drop,
            agree: agree.map_or((1, 1, 1), agreed),
            max_ahead_s: agree.map_or(NEVER_S, |_| settings.max_ahead_s.into()),
            now_s: agree.and(settings.now_s).unwrap_or(NEVER_S),
        }
    }

    /// Seconds after its end at which a window is no longer kept, by any clock.
    pub fn kept_s(&self) -> i64 {
        self.max_lag_s + if self.drop { 0 } else { self.keep_s }
    }
}
