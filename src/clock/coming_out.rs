//! Coming out: which results are due when the lowest clock moves, when all is silent and at the end, and
//! when a window is kept no longer.

use super::calendar::{SeriesIndex, Window};
use super::kept::Kept;
use super::looking_up::Holding;
use super::parking::Parked;
use super::runs::Runs;
use super::verdict::{ClosedBy, Deed, Head, NO_SLOT, Slot, Status, Verdicts};
use super::{Clock, LogEnd};
use crate::input::messages::Partition;

impl Clock {
    /// Puts out what the lowest clock has come to.
    pub(super) fn settle(&mut self, verdicts: &mut Verdicts) {
        let Some(lowest_s) = self.partitions.lowest_s() else { return };
        if self.lowest_s.is_some_and(|before_s| before_s >= lowest_s) || self.has_failed() {
            return;
        }
        let before_s = self.lowest_s.replace(lowest_s);
        // At once, also where nothing is due: a restored clock knows no more than the lowest clock.
        let ticks = lowest_s.div_euclid(self.every_s);
        let again = ticks > std::mem::replace(&mut self.ticks, ticks);
        if lowest_s < self.next_due_s {
            return;
        }
        self.restart_due |= self.partitioned;
        self.list_due(lowest_s, again);
        let mut freed = false;
        for index in 0..self.due.len() {
            let (end_s, series, slot) = self.due[index];
            if slot == NO_SLOT {
                self.put_out_empty(series, end_s, ClosedBy::Time, verdicts);
                continue;
            }
            let final_s = end_s + self.max_lag_s;
            let was_final = before_s.is_some_and(|before_s| before_s >= final_s);
            if lowest_s < final_s {
                self.put_out(slot, Status::Provisional, ClosedBy::Open, verdicts);
                continue;
            }
            let is_over = lowest_s >= final_s + self.kept_s;
            if is_over || !was_final || again {
                self.put_out(slot, Status::Final, ClosedBy::Time, verdicts);
            }
            if !was_final {
                self.kept[slot].forget_firsts();
            }
            if is_over {
                self.let_go(slot, verdicts);
                freed = true;
            }
        }
        if freed {
            self.runs = Runs::NONE;
        }
        self.forget_said_before(lowest_s);
        self.look_what_is_next(lowest_s);
    }

    /// Lists, in order, the windows this time has passed, empty ones that are filled in among them; with
    /// `open` also those still open of which something may be said.
    fn list_due(&mut self, passed_s: i64, open: bool) {
        self.due.clear();
        for series in self.all_series() {
            for slot in self.kept.of_series(series) {
                let Kept { window, said, .. } = &self.kept[slot];
                if passed_s.saturating_sub(self.max_lag_s) < window.end_s {
                    if !open {
                        break;
                    }
                    if !self.updates && !said.firmly {
                        continue;
                    }
                }
                self.due.push((window.end_s, series, slot));
            }
        }
        self.list_empty(passed_s);
        self.due.sort_unstable();
    }

    /// Lists all windows; empty ones as far as this time has passed them.
    fn list_all(&mut self, passed_s: i64) {
        self.due.clear();
        for slot in self.kept.slots() {
            let window = self.kept[slot].window;
            self.due.push((window.end_s, window.series, slot));
        }
        self.list_empty(passed_s);
        self.due.sort_unstable();
    }

    pub(super) fn look_what_is_next(&mut self, lowest_s: i64) {
        let mut next_s = if self.updates { self.next_tick_s() } else { i64::MAX };
        for slot in self.kept.slots() {
            let kept = &self.kept[slot];
            let final_s = kept.window.end_s + self.max_lag_s;
            let is_final = lowest_s >= final_s;
            next_s = next_s.min(if is_final { final_s + self.kept_s } else { final_s });
            if kept.has_news(0) && (is_final || kept.said.firmly) {
                next_s = next_s.min(self.next_tick_s());
            }
        }
        self.next_due_s = next_s;
    }

    /// What an earlier run said of windows that nobody can be counted in any more is of no use.
    fn forget_said_before(&mut self, lowest_s: i64) {
        let (calendar, over_s) = (&mut self.calendar, self.max_lag_s + self.kept_s);
        self.said_before
            .retain(|said| lowest_s < calendar.window_at(said.series, said.ts_s).end_s + over_s);
    }

    /// Puts a window's result out, if there is anything new to say of it.
    fn put_out(
        &mut self,
        slot: Slot,
        status: Status,
        otherwise: ClosedBy,
        verdicts: &mut Verdicts,
    ) {
        if self.has_failed() {
            return;
        }
        let window = self.kept[slot].window;
        let over_s = window.end_s + self.max_lag_s + self.kept_s;
        // Whoever still waits when it goes will not be counted in it.
        let is_over = self.lowest_s.is_some_and(|lowest_s| lowest_s >= over_s);
        let shows = |frame: &Parked| frame.shown && !is_over && window.contains(frame.ts_s);
        let shown = || {
            let waiting = self.partitions.all().flat_map(|(_, one)| one.parking.frames());
            waiting.filter(|frame| shows(frame))
        };
        let shown_frames = shown().count() as u64;
        let kept = &self.kept[slot];
        let is_provisional = status == Status::Provisional;
        let first_word = !kept.said.firmly && !is_provisional;
        let is_new = kept.said.records == 0;
        let is_nothing = kept.frames + shown_frames == 0 || !self.has_begun(&window);
        if is_new && is_nothing || !(first_word || kept.has_news(shown_frames)) {
            return;
        }
        // Once said firmly, a window is not open again.
        let (status, otherwise) = match (kept.said.firmly, is_provisional) {
            (false, _) => (status, otherwise),
            (true, true) => (Status::Revised, self.reopened),
            (true, false) => (Status::Revised, otherwise),
        };
        let head = Head {
            window,
            frames: kept.frames + shown_frames,
            late: kept.late,
            status,
            rev: kept.said.records,
            closed_by: match status {
                Status::Provisional => otherwise,
                _ => self.closed_by(window.end_s, otherwise),
            },
            complete: self.is_complete(window.series, window.start_s),
            past: self.past_of(&window),
            counted: true,
        };
        if shown_frames > 0 {
            verdicts.show(slot, shown(), head);
        } else {
            verdicts.report(slot, head);
        }
        let kept = &mut self.kept[slot];
        kept.wrong = false;
        (kept.said.frames, kept.said.late) = (head.frames, head.late);
        kept.said.past_frames = kept.past_frames;
        kept.said.records += 1;
        kept.said.firmly |= !is_provisional;
        self.count_result(window.series);
    }

    /// Whether some frame, or one that is shown, is of a window's last day or lies beyond it. Of windows
    /// that do not overlap each that has a frame has begun.
    pub(super) fn has_begun(&self, window: &Window) -> bool {
        let has_come = |ts_s: i64| ts_s >= window.ts_s;
        let waiting = || self.partitions.all().flat_map(|(_, one)| one.parking.frames());
        window.start_s == window.ts_s
            || self.newest_s.is_some_and(has_come)
            || self.is_final(window.end_s)
            || waiting().any(|frame| frame.shown && has_come(frame.ts_s))
    }

    pub(super) fn is_complete(&self, series: SeriesIndex, start_s: i64) -> bool {
        let after_s = self.partitions.complete_after_s();
        after_s.is_some_and(|after_s| {
            Some(start_s) > self.since_s[usize::from(series)].max(Some(after_s))
        })
    }

    /// Whether a window's past was read whole, if it has one.
    pub(super) fn past_of(&self, window: &Window) -> Option<bool> {
        (window.past_s < window.start_s).then(|| self.is_complete(window.series, window.past_s))
    }

    pub(super) fn count_result(&mut self, series: SeriesIndex) {
        self.judged.results += 1;
        self.judged.by_series[usize::from(series)].results += 1;
        self.restart_due = true;
    }

    /// A window is kept no longer.
    fn let_go(&mut self, slot: Slot, verdicts: &mut Verdicts) {
        self.mark_free(slot, verdicts);
        self.judged.frames_put_out += self.kept[slot].frames;
        self.kept.free(slot);
    }

    fn mark_free(&self, slot: Slot, verdicts: &mut Verdicts) {
        verdicts.mark(slot, Deed::Free);
        if let Some(past) = self.kept[slot].other {
            verdicts.mark(past, Deed::Free);
        }
    }

    /// All partitions are silent, or this one has ended: parked frames not beyond the wall clock are shown
    /// from now on, in windows that may have to be opened for it.
    pub(super) fn show_parked(
        &mut self,
        of: Option<Partition>,
        now_s: i64,
        verdicts: &mut Verdicts,
    ) {
        let mut times_s = Vec::new();
        for (partition, one) in self.partitions.all_mut() {
            if of.is_some_and(|of| of != partition) {
                continue;
            }
            for frame in one.parking.frames_mut() {
                if !frame.shown && frame.ts_s <= now_s {
                    frame.shown = true;
                    times_s.push(frame.ts_s);
                }
            }
        }
        for ts_s in times_s {
            for window in self.missing_for(ts_s) {
                self.open(window, verdicts);
            }
        }
    }

    /// The windows that hold a time, are not kept and may yet be.
    pub(super) fn missing_for(&mut self, ts_s: i64) -> Vec<Window> {
        let mut missing = Vec::new();
        for series in self.all_series() {
            let mut windows = Holding::new(series, ts_s);
            while let Some((window, known)) = self.next_holding(&mut windows) {
                if !window.contains(ts_s) {
                    break;
                }
                let over_s = window.end_s + self.max_lag_s + self.kept_s;
                let is_over = |by: Option<i64>, at_s: i64| by.is_some_and(|by_s| by_s >= at_s);
                if known.is_none()
                    && !is_over(self.lowest_s, over_s)
                    && !is_over(self.let_go_s, window.end_s)
                    && !is_over(self.out_before_s, window.end_s + self.max_lag_s)
                {
                    missing.push(window);
                }
            }
        }
        missing
    }

    /// A frame that results show is refused after all.
    pub(super) fn take_back(&mut self, ts_s: i64) {
        for series in self.all_series() {
            let mut windows = Holding::new(series, ts_s);
            while let Some((window, known)) = self.next_holding(&mut windows) {
                if let Some(slot) = known
                    && window.contains(ts_s)
                    && self.kept[slot].said.records > 0
                {
                    self.kept[slot].wrong = true;
                    self.next_due_s = self.next_due_s.min(self.next_tick_s());
                }
            }
        }
    }

    /// All partitions are silent: what the wall clock has passed comes out.
    pub(super) fn fall_silent(&mut self, now_s: i64, verdicts: &mut Verdicts) {
        self.list_due(now_s, true);
        for index in 0..self.due.len() {
            let (end_s, series, slot) = self.due[index];
            if slot == NO_SLOT {
                self.put_out_empty(series, end_s, ClosedBy::Silence, verdicts);
            } else if now_s >= end_s + self.max_lag_s {
                self.put_out(slot, Status::Final, ClosedBy::Silence, verdicts);
            } else {
                self.put_out(slot, Status::Provisional, ClosedBy::Open, verdicts);
            }
        }
    }

    /// The log's end: all there is to say of windows comes out; if it was broken off, only of those that
    /// are final, or nothing.
    pub(super) fn say_all(&mut self, end: LogEnd, verdicts: &mut Verdicts) {
        self.list_all(match end {
            LogEnd::Read => i64::MAX,
            LogEnd::BrokenOff => self.lowest_s.unwrap_or(i64::MIN),
            LogEnd::GoneOnWith => i64::MIN,
        });
        for index in 0..self.due.len() {
            let (end_s, series, slot) = self.due[index];
            if slot == NO_SLOT {
                self.put_out_empty(series, end_s, ClosedBy::End, verdicts);
                continue;
            }
            let is_said = match end {
                LogEnd::Read => true,
                LogEnd::BrokenOff => self.is_final(end_s),
                LogEnd::GoneOnWith => false,
            };
            if is_said {
                self.put_out(slot, Status::Final, ClosedBy::End, verdicts);
            }
            let kept = &self.kept[slot];
            if kept.said.firmly || kept.frames == 0 {
                self.judged.frames_put_out += kept.frames;
            } else if !self.has_begun(&kept.window) {
                self.judged.not_begun += 1;
                self.judged.frames_not_begun += kept.frames;
            } else {
                self.judged.left_open += 1;
                self.judged.frames_left_open += kept.frames;
            }
            if end == LogEnd::Read {
                self.mark_free(slot, verdicts);
            }
        }
    }
}
