//! What became of the frames a clock judged: its part of the accounts.

use serde::{Deserialize, Serialize};

/// What became of the frames it judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Frames counted in at least one window.
    pub counted: u64,
    /// Frames refused as late.
    pub refused_late: u64,
    /// Frames refused because they lay too far ahead for too long.
    pub refused_future: u64,
    /// Frames on time whose windows were no longer kept.
    pub refused_gone: u64,
    /// Frames passed over because an earlier run put their windows out.
    pub out_before: u64,
    /// Those of them whose users are known to later windows as of their past.
    pub remembered: u64,
    /// Frames that still wait.
    pub parked: u64,
    /// Results put out.
    pub results: u64,
    /// Of those, empty windows.
    pub filled: u64,
    /// Frames counted in windows; one of several windows counts in each, here and below.
    pub in_windows: u64,
    /// Those of them in windows put out.
    pub frames_put_out: u64,
    /// Windows that were open when the log was left, and so not put out.
    pub left_open: u64,
    /// Frames counted in those.
    pub frames_left_open: u64,
    /// Rolling windows whose last day had not begun by then.
    pub not_begun: u64,
    /// Frames counted in those.
    pub frames_not_begun: u64,
    /// Windows kept at once at most.
    pub open_peak: usize,
    /// Times that unread messages were lost.
    pub gaps: u64,
    /// Offsets in those; not every offset need have been a message.
    pub offsets_skipped: u64,
    /// By series.
    pub by_series: Vec<SeriesJudged>,
}

impl Judged {
    /// What became of the frames since then. What was open or waits is as it is now.
    #[must_use]
    pub fn since(&self, before: &Judged) -> Judged {
        let mut since = self.clone();
        for (now, before) in [
            (&mut since.counted, before.counted),
            (&mut since.refused_late, before.refused_late),
            (&mut since.refused_future, before.refused_future),
            (&mut since.refused_gone, before.refused_gone),
            (&mut since.out_before, before.out_before),
            (&mut since.remembered, before.remembered),
            (&mut since.results, before.results),
            (&mut since.filled, before.filled),
            (&mut since.gaps, before.gaps),
            (&mut since.offsets_skipped, before.offsets_skipped),
        ] {
            *now -= before;
        }
        for (now, before) in since.by_series.iter_mut().zip(&before.by_series) {
            now.counted -= before.counted;
            now.late -= before.late;
            now.refused_late -= before.refused_late;
            now.refused_gone -= before.refused_gone;
            now.results -= before.results;
        }
        since
    }
}

/// What became of them in one series. A frame of several of its windows counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesJudged {
    /// Frames counted in at least one window.
    pub counted: u64,
    /// Those of them that were late for one they were counted in.
    pub late: u64,
    /// Frames refused as late.
    pub refused_late: u64,
    /// Frames refused as gone.
    pub refused_gone: u64,
    /// Results put out.
    pub results: u64,
}
