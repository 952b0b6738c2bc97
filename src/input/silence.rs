//! Silence of a stream: for so long it has had nothing to read. Time comes as an argument; no I/O.
//!
//! Told once for each silence that it has begun, and then again and again what the wall clock says, for
//! results come out as it passes their windows. A partly written line is not a frame that came.

use std::time::{Duration, Instant};

use super::messages::{News, Partition};

/// A stream is one partition, whose number is this.
const PARTITION: Partition = 0;
/// How often the wall clock is told while it lasts.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// The silence of the stream at hand.
#[derive(Debug)]
pub(super) struct Silence {
    /// How long nothing has to come; none: it is never silent.
    idle: Option<Duration>,
    came_at: Instant,
    begun: bool,
    told_at: Option<Instant>,
}

impl Silence {
    /// None so far.
    pub(super) fn new(idle: Option<Duration>, now: Instant) -> Silence {
        Silence { idle, came_at: now, begun: false, told_at: None }
    }

    /// Something has come, or a stream has begun.
    pub(super) fn came(&mut self, now: Instant) {
        (self.came_at, self.begun, self.told_at) = (now, false, None);
    }

    /// What is to be told now that there is nothing to read.
    pub(super) fn tells(&mut self, now: Instant, wall_s: impl FnOnce() -> i64) -> Option<News> {
        if !self.tells_in(now)?.is_zero() {
            return None;
        }
        if !std::mem::replace(&mut self.begun, true) {
            return Some(News::Silent { partition: PARTITION });
        }
        self.told_at = Some(now);
        Some(News::AllSilent { now_s: wall_s() })
    }

    /// After how long something is to be told, if nothing comes; none: never.
    pub(super) fn tells_in(&self, now: Instant) -> Option<Duration> {
        let at = match self.told_at {
            Some(told_at) => told_at + TOLD_EVERY,
            None => self.came_at + self.idle?,
        };
        Some(at.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_after_idle_and_is_told_again_and_again() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let begun = Some(News::Silent { partition: 0 });
        let all = |now_s| Some(News::AllSilent { now_s });
        let mut silence = Silence::new(Some(Duration::from_secs(2)), start);
        for (ms, told, again_in_ms) in [
            (1999, None, 1),
            (2000, begun.clone(), 0),
            (2000, all(2000), 1000),
            (2999, None, 1),
            (3500, all(3500), 1000),
        ] {
            assert_eq!(silence.tells(at(ms), || ms.cast_signed()), told, "{ms}");
            assert_eq!(silence.tells_in(at(ms)), Some(Duration::from_millis(again_in_ms)));
        }
        silence.came(at(4000));
        assert_eq!(silence.tells(at(5999), || 0), None);
        assert_eq!(silence.tells(at(6000), || 0), begun);
    }

    #[test]
    fn without_idle_it_never_begins() {
        let start = Instant::now();
        let mut silence = Silence::new(None, start);
        assert_eq!(silence.tells(start + Duration::from_secs(1 << 30), || 0), None);
        assert_eq!(silence.tells_in(start), None);
    }
}
