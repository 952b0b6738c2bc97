//! Runs: frames between two times share their verdicts, so they are looked up once and counted together.
//!
//! The two runs met last are at hand: about the border of two windows, or with two producers apart,
//! frames go to and fro. Runs are one batch's and one partition's, and hold as long as the partition's
//! clock stays below a mark and no window leaves the list.

use super::calendar::{Calendar, Window};
use super::judged::Judged;
use super::kept::KeptWindows;
use super::verdict::{NO_SLOT, REFUSED, Refusal, Route, Verdicts};

/// Frames that share their verdicts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Of these times: from the first on,
    pub(super) start_s: i64,
    /// before the second.
    pub(super) end_s: i64,
    /// As long as the clock is below this.
    pub(super) clock_below_s: i64,
    /// Where they are counted.
    pub(super) route: Route,
    /// Why they are not counted anywhere.
    pub(super) refusal: Option<Refusal>,
    /// They are late for windows whose end + max-lag this clock has reached.
    pub(super) clock_s: Option<i64>,
    /// By bit, the series no window of which counts them, as they are late.
    pub(super) refused_late: u64,
    /// By bit, the series no window of which counts them, as one at least is gone.
    pub(super) refused_gone: u64,
    /// Whether they change what was said.
    pub(super) revises: bool,
    /// Frames so far that the windows do not know of.
    pub(super) frames: u64,
}

impl Run {
    /// Holds every time, and no series has said anything yet.
    pub(super) const ALL: Run = Run {
        start_s: i64::MIN,
        end_s: i64::MAX,
        clock_below_s: i64::MAX,
        route: REFUSED,
        refusal: None,
        clock_s: None,
        refused_late: 0,
        refused_gone: 0,
        revises: false,
        frames: 0,
    };
    /// Holds no time at all.
    const NONE: Run = Run { start_s: 0, end_s: 0, ..Run::ALL };

    /// Only times that share this window with a time it holds, and only as long as the clock reaches no
    /// other of these marks, seconds after the window's end.
    pub(super) fn narrow(&mut self, ts_s: i64, window: &Window, marks_s: [i64; 2]) {
        let start_s = if window.ts_s <= ts_s { window.ts_s } else { window.start_s };
        (self.start_s, self.end_s) = (self.start_s.max(start_s), self.end_s.min(window.end_s));
        let next_s = marks_s
            .map(|mark_s| window.end_s + mark_s)
            .into_iter()
            .find(|&at_s| self.clock_s.is_none_or(|clock_s| clock_s < at_s));
        self.clock_below_s = self.clock_below_s.min(next_s.unwrap_or(i64::MAX));
    }

    /// Whether it holds a time.
    #[inline]
    pub(super) fn holds(&self, ts_s: i64) -> bool {
        (self.start_s..self.end_s).contains(&ts_s)
    }
}

/// The runs at hand, the one met last first.
#[derive(Debug)]
pub(super) struct Runs([Run; 2]);

impl Runs {
    /// None.
    pub(super) const NONE: Runs = Runs([Run::NONE; 2]);

    /// The one met last.
    #[inline]
    pub(super) fn last(&mut self) -> &mut Run {
        &mut self.0[0]
    }

    /// Makes the run of a time the one met last, if it is at hand.
    pub(super) fn turn_to(&mut self, ts_s: i64) -> bool {
        if !self.0[0].holds(ts_s) {
            self.0.swap(0, 1);
        }
        self.0[0].holds(ts_s)
    }

    /// Another one is met. The one that goes must be told of before.
    pub(super) fn meet(&mut self, run: Run) {
        self.0 = [run, self.0[0]];
    }

    /// A partition's clock has moved, or windows have gone.
    pub(super) fn forget_above(&mut self, clock_s: Option<i64>) {
        for run in &mut self.0 {
            if clock_s.is_none_or(|clock_s| clock_s >= run.clock_below_s) {
                *run = Run::NONE;
            }
        }
    }

    /// Tells the windows and the accounts of the frames they do not know of. True if that changes what
    /// was said of a window.
    pub(super) fn tell(
        &mut self,
        verdicts: &Verdicts,
        calendar: &Calendar,
        max_lag_s: i64,
        kept: &mut KeptWindows,
        judged: &mut Judged,
    ) -> bool {
        let mut revises = false;
        for run in &mut self.0 {
            let frames = std::mem::take(&mut run.frames);
            if frames == 0 {
                continue;
            }
            revises |= run.revises;
            let late_to_s = run.clock_s.map_or(i64::MIN, |clock_s| clock_s - max_lag_s);
            let mut slots = verdicts.slots(run.route);
            let all = calendar.series().iter().zip(&mut judged.by_series);
            for (number, (series, of_series)) in all.enumerate() {
                let (own, others) = slots.split_at(series.length.overlap());
                slots = others;
                let is_in = |mask: u64| mask >> number & 1 == 1;
                of_series.refused_late += if is_in(run.refused_late) { frames } else { 0 };
                of_series.refused_gone += if is_in(run.refused_gone) { frames } else { 0 };
                let (mut is_counted, mut is_late) = (false, false);
                for &slot in own.iter().filter(|&&slot| slot != NO_SLOT) {
                    let kept = &mut kept[slot];
                    let late = kept.window.end_s <= late_to_s;
                    kept.frames += frames;
                    kept.late += if late { frames } else { 0 };
                    judged.in_windows += frames;
                    (is_counted, is_late) = (true, is_late | late);
                }
                of_series.counted += if is_counted { frames } else { 0 };
                of_series.late += if is_late { frames } else { 0 };
            }
        }
        revises
    }
}
