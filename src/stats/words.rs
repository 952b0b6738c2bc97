//! The newest word on each window: what was put out last, kept for whoever asks. Fed by the output's thread
//! when it writes a result, and only where somebody watches; results are rare.
//!
//! The output's thread waits for a reader at most while the results of one series are copied.
//!
//! Bounded: of each series the newest windows. Results of earlier runs are not in it, and what is in it may
//! not be safe yet: an exactly-once run commits its results a moment later.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::calendar::SeriesIndex;
use crate::limits::WATCHED_RESULTS_MAX;
use crate::output::record::WindowResult;

/// By series, by the start of its last day or of itself, the newest word on a window.
#[derive(Debug, Default)]
pub struct Words {
    by_series: Mutex<Vec<BTreeMap<i64, WindowResult>>>,
}

impl Words {
    fn lock(&self) -> MutexGuard<'_, Vec<BTreeMap<i64, WindowResult>>> {
        // Whole at any time.
        self.by_series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A result of a series was put out.
    pub fn put(&self, series: SeriesIndex, result: &WindowResult) {
        let mut by_series = self.lock();
        let at = usize::from(series);
        if by_series.len() <= at {
            by_series.resize_with(at + 1, BTreeMap::new);
        }
        let windows = &mut by_series[at];
        windows.insert(result.ts, result.clone());
        if windows.len() > WATCHED_RESULTS_MAX {
            windows.pop_first();
        }
    }

    /// The newest windows of the series that are wanted, at most `limit` of them that start at `from_s` or
    /// later, oldest first; of windows that end at one time those of the series given first come first. Series
    /// are read one after the other.
    pub fn newest(
        &self,
        wanted: impl Fn(SeriesIndex) -> bool,
        from_s: i64,
        limit: usize,
    ) -> Vec<WindowResult> {
        let mut newest: Vec<(SeriesIndex, WindowResult)> = Vec::new();
        let all = self.lock().len();
        for (series, at) in (0..).zip(0..all).filter(|&(series, _)| wanted(series)) {
            let of_series = self.lock()[at]
                .range(from_s..)
                .rev()
                .take(limit)
                .map(|(_, result)| (series, result.clone()))
                .collect::<Vec<_>>();
            newest.extend(of_series);
            newest.sort_unstable_by_key(|(series, result)| (result.end.0, *series, result.ts));
            newest.drain(..newest.len().saturating_sub(limit));
        }
        newest.into_iter().map(|(_, result)| result).collect()
    }

    /// The word put out last, on the window that ends last of those that are closed.
    pub fn newest_closed(&self) -> Option<WindowResult> {
        let by_series = self.lock();
        let is_closed = |result: &&WindowResult| result.closed_by != "open";
        let closed = by_series.iter().filter_map(|windows| windows.values().rev().find(is_closed));
        closed.max_by_key(|result| result.end.0).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::record::Instant;

    fn result(ts: i64, length_s: i64, cnt: u64) -> WindowResult {
        WindowResult {
            ts,
            cnt,
            window: "w".into(),
            zone: None,
            start: Instant(ts),
            end: Instant(ts + length_s),
            frames: cnt,
            late: 0,
            status: "final",
            rev: 0,
            closed_by: "time",
            complete: true,
            past: None,
        }
    }

    #[test]
    fn the_newest_word_of_the_newest_windows() {
        let words = Words::default();
        for minute in 0..10 {
            words.put(0, &result(minute * 60, 60, 1));
        }
        words.put(1, &result(0, 300, 5));
        words.put(0, &result(60, 60, 2));
        let seen = |wanted: &dyn Fn(SeriesIndex) -> bool, from_s, limit| -> Vec<(i64, u64)> {
            let newest = words.newest(wanted, from_s, limit);
            newest.iter().map(|result| (result.ts, result.cnt)).collect()
        };
        assert_eq!(seen(&|_| true, 480, 9), [(480, 1), (540, 1)]);
        assert_eq!(seen(&|series| series == 0, 0, 3), [(420, 1), (480, 1), (540, 1)]);
        assert_eq!(seen(&|series| series == 1, i64::MIN, 3), [(0, 5)]);
        assert_eq!(seen(&|_| true, 0, 7)[..3], [(240, 1), (0, 5), (300, 1)]);
        assert_eq!(seen(&|series| series == 0, 60, 9)[0], (60, 2), "the newest word");
        assert_eq!(words.newest_closed().unwrap().ts, 540);
        words.put(0, &WindowResult { closed_by: "open", ..result(600, 60, 1) });
        words.put(1, &WindowResult { closed_by: "open", ..result(600, 300, 1) });
        assert_eq!(words.newest_closed().unwrap().ts, 540, "what is open is passed over");
        words.put(1, &result(300, 300, 6));
        assert_eq!(
            words.newest_closed().unwrap().cnt,
            6,
            "of windows that end together the last series'"
        );
    }

    #[test]
    fn it_is_bounded() {
        let words = Words::default();
        let most = i64::try_from(WATCHED_RESULTS_MAX).unwrap();
        for minute in 0..most + 7 {
            words.put(0, &result(minute * 60, 60, 1));
        }
        let all = words.newest(|_| true, i64::MIN, usize::MAX);
        assert_eq!((all.len(), all[0].ts), (WATCHED_RESULTS_MAX, 7 * 60));
    }
}
