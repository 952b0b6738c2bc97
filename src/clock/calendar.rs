//! Windows: which one a time lies in, for each size. No I/O, no system time.
//!
//! Spans are half open: `start_s <= ts_s < end_s`, unix seconds. Minutes are minutes of UTC.

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WindowSize {
    /// A minute of UTC.
    Minute,
}

impl WindowSize {
    /// The name in results.
    pub fn as_str(self) -> &'static str {
        match self {
            WindowSize::Minute => "minute",
        }
    }

    /// Seconds of the longest window of this size.
    pub fn seconds_max(self) -> i64 {
        match self {
            WindowSize::Minute => 60,
        }
    }

    /// The window of this size that a time lies in.
    pub fn window_at(self, ts_s: i64) -> Window {
        match self {
            WindowSize::Minute => {
                let start_s = ts_s.div_euclid(60) * 60;
                Window { size: self, start_s, end_s: start_s + 60 }
            }
        }
    }
}

/// One window: its size and its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How long it is.
    pub size: WindowSize,
    /// Its first second.
    pub start_s: i64,
    /// The first second after it.
    pub end_s: i64,
}

impl Window {
    /// Whether a time lies in it.
    pub fn contains(&self, ts_s: i64) -> bool {
        (self.start_s..self.end_s).contains(&ts_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_begin_at_multiples_of_sixty_also_before_1970() {
        for (ts_s, start_s) in [(0, 0), (59, 0), (60, 60), (-1, -60), (-60, -60), (-61, -120)] {
            let window = WindowSize::Minute.window_at(ts_s);
            assert_eq!((window.start_s, window.end_s), (start_s, start_s + 60), "{ts_s}");
            assert!(window.contains(ts_s));
        }
    }
}
