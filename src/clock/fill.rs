//! Filling: with `--fill` empty windows between two results of a series come out, too.
//!
//! An empty window is due when the clock has passed it and a later one of its series is known not to be
//! empty. No counter is asked about it.

use super::Clock;
use super::calendar::{SeriesIndex, Window};
use super::restart::Said;
use super::verdict::{ClosedBy, Head, NO_SLOT, Status, Verdicts};
use crate::error::Error;
use crate::limits::FILL_MAX;

/// By series, from the first result's start up to where everything is out.
#[derive(Debug)]
pub(super) struct Filled {
    by_series: Vec<Option<(i64, i64)>>,
}

impl Filled {
    /// Nothing is out.
    pub(super) fn new(series: usize) -> Filled {
        Filled { by_series: vec![None; series] }
    }

    /// The same as an earlier run left it.
    pub(super) fn go_on_with(&mut self, spans: Vec<Option<(i64, i64)>>) {
        self.by_series = spans;
    }

    /// By series, from where to where.
    pub(super) fn spans(&self) -> &[Option<(i64, i64)>] {
        &self.by_series
    }

    /// Whether a window that is not kept was put out as an empty one.
    pub(super) fn holds(&self, window: &Window) -> bool {
        let span = self.by_series[usize::from(window.series)];
        span.is_some_and(|(from_s, to_s)| from_s <= window.ts_s && window.end_s <= to_s)
    }
}

impl Clock {
    /// Lists the empty windows that are due by a clock, without slots.
    pub(super) fn list_empty(&mut self, passed_s: i64) {
        let Some(filled) = &mut self.filled else { return };
        for (series, span) in (0..).zip(&mut filled.by_series) {
            let mut listed = 0;
            'series: for slot in self.kept.of_series(series) {
                let kept = &self.kept[slot];
                if kept.frames == 0 && kept.said.records == 0 {
                    continue;
                }
                while let Some((_, to_s)) = span
                    && *to_s < kept.window.ts_s
                {
                    let empty = self.calendar.window_at(series, *to_s);
                    if passed_s < empty.end_s.saturating_add(self.max_lag_s) {
                        break 'series;
                    }
                    listed += 1;
                    if listed > FILL_MAX {
                        self.failed.get_or_insert(Error::TooManyEmpty);
                        return;
                    }
                    *to_s = empty.end_s;
                    self.due.push((empty.end_s, series, NO_SLOT));
                }
                if passed_s < kept.window.end_s.saturating_add(self.max_lag_s) {
                    break;
                }
                let (from_s, to_s) = span.unwrap_or((kept.window.ts_s, kept.window.end_s));
                *span = Some((from_s, to_s.max(kept.window.end_s)));
            }
        }
    }

    /// Puts out the empty window of a series that ends here.
    pub(super) fn put_out_empty(
        &mut self,
        series: SeriesIndex,
        end_s: i64,
        otherwise: ClosedBy,
        verdicts: &mut Verdicts,
    ) {
        let window = self.calendar.window_at(series, end_s - 1);
        if self.has_failed() {
            return;
        }
        if let Some(slot) = self.kept.find(series, window.ts_s) {
            let kept = &mut self.kept[slot];
            if kept.frames > 0 || kept.said.records > 0 {
                return;
            }
            // It is kept for its past, or for a frame that was shown.
            kept.said = Said { records: 1, firmly: true, ..Said::default() };
            kept.said.past_frames = kept.past_frames;
        }
        verdicts.report_empty(Head {
            window,
            frames: 0,
            late: 0,
            status: Status::Final,
            rev: 0,
            closed_by: self.closed_by(end_s, otherwise),
            complete: self.is_complete(series, window.start_s),
            past: self.past_of(&window),
            counted: false,
        });
        self.judged.filled += 1;
        self.count_result(series);
    }
}
