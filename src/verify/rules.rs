//! The settings that decide what is counted where, as the reference clock takes them.

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
    /// Seconds after its end at which a window is no longer kept, by any clock.
    pub fn kept_s(&self) -> i64 {
        self.max_lag_s + if self.drop { 0 } else { self.keep_s }
    }
}
