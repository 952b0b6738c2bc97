//! Runs: frames between two times share their verdicts, so they are looked up once and counted together.
//!
//! The two runs met last are at hand: about the border of two windows, or with two producers apart,
//! frames go to and fro. Runs are one batch's and one partition's, and hold as long as the partition's
//! clock stays below a mark and no window leaves the list.

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
    /// By bit, the series they are late for.
    pub(super) late: u64,
    /// By bit, the series that refuse them as late.
    pub(super) refused_late: u64,
    /// By bit, the series that refuse them as gone.
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
        late: 0,
        refused_late: 0,
        refused_gone: 0,
        revises: false,
        frames: 0,
    };
    /// Holds no time at all.
    const NONE: Run = Run { start_s: 0, end_s: 0, ..Run::ALL };

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
            let all = verdicts.slots(run.route).iter().zip(&mut judged.by_series);
            for (series, (&slot, of_series)) in all.enumerate() {
                let is_in = |mask: u64| mask >> series & 1 == 1;
                of_series.refused_late += if is_in(run.refused_late) { frames } else { 0 };
                of_series.refused_gone += if is_in(run.refused_gone) { frames } else { 0 };
                if slot == NO_SLOT {
                    continue;
                }
                kept[slot].frames += frames;
                of_series.counted += frames;
                if is_in(run.late) {
                    kept[slot].late += frames;
                    of_series.late += frames;
                }
            }
        }
        revises
    }
}
