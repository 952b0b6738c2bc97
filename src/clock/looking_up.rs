//! Looking up a time: the windows that hold it, and what each says of a frame. Windows are opened here.
//!
//! A rolling window is one like others, only that it overlaps its neighbours: a time lies in as many as
//! it has days, from that of its own day on, and each of them judges a frame by itself. Likewise a time
//! lies in the pasts of later windows, where users who return are told apart; there it stands as soon
//! as its own window of the series has counted it, or did so in an earlier run.

use super::Clock;
use super::calendar::{SeriesIndex, Window};
use super::judging::Stands;
use super::restart::Said;
use super::runs::Run;
use super::verdict::{Deed, NO_SLOT, REFUSED, Refusal, Slot, Verdicts};
use crate::error::Error;
use crate::input::messages::Partition;

/// The windows of a series that hold a time, they or their pasts, in the order of their ends. See [`Clock::next_holding`].
pub(super) struct Holding {
    series: SeriesIndex,
    ts_s: i64,
    /// A time that names the next one.
    next_s: i64,
    met: usize,
    /// From this time on more of them hold it.
    more_from_s: i64,
}

impl Holding {
    /// Before the first.
    pub(super) fn new(series: SeriesIndex, ts_s: i64) -> Holding {
        Holding { series, ts_s, next_s: ts_s, met: 0, more_from_s: i64::MAX }
    }
}

/// What a window says of a frame.
enum Says {
    CountedIn(Slot),
    Late,
    Gone,
    /// By its partition's clock it was counted then.
    OutBefore {
        counted: bool,
    },
}

impl Clock {
    /// The windows of a series that hold a time at most.
    fn overlap(&self, series: SeriesIndex) -> usize {
        self.calendar.series()[usize::from(series)].overlap()
    }

    /// The next of the windows that hold a time, and its slot if it is kept.
    pub(super) fn next_holding(&mut self, of: &mut Holding) -> Option<(Window, Option<Slot>)> {
        if of.met == self.overlap(of.series) {
            return None;
        }
        let known = self.kept.find(of.series, of.next_s);
        let window = match known {
            Some(slot) => self.kept[slot].window,
            None => self.calendar.window_at(of.series, of.next_s),
        };
        (of.next_s, of.met) = (window.end_s, of.met + 1);
        // There may be fewer than at most, also where a date never was.
        let holds = window.past_s <= of.ts_s;
        if !holds {
            of.more_from_s = window.past_s;
        }
        holds.then_some((window, known))
    }

    /// What all windows that hold a time say of a frame; they are opened if need be.
    pub(super) fn look_up(
        &mut self,
        partition: Partition,
        ts_s: i64,
        clock_s: Option<i64>,
        stands: &Stands<'_>,
        verdicts: &mut Verdicts,
    ) -> Run {
        let mut run = Run { clock_s, ..Run::ALL };
        let (mut is_counted, mut is_known, mut out_before) = (false, false, false);
        self.route.clear();
        let judged_before = match *stands {
            Stands::At(_, offset, _) => offset < self.partitions.one(partition).judged_to,
            Stands::Nowhere => false,
        };
        for series in self.all_series() {
            let places = self.route.len() + self.overlap(series);
            let (mut counted, mut late, mut gone) = (false, false, false);
            // Whether it is seen by its own window, of which the others are to know.
            let mut seen = false;
            let mut windows = Holding::new(series, ts_s);
            while let Some((window, known)) = self.next_holding(&mut windows) {
                let is_past = ts_s < window.start_s;
                if is_past && !seen {
                    break;
                }
                run.narrow(ts_s, &window, [self.max_lag_s, self.max_lag_s + self.kept_s]);
                let slot = match self.says(&window, known, clock_s, judged_before, verdicts) {
                    Says::CountedIn(slot) => slot,
                    refused => {
                        late |= matches!(refused, Says::Late);
                        gone |= matches!(refused, Says::Gone);
                        if let Says::OutBefore { counted } = refused {
                            out_before = true;
                            seen |= counted;
                        }
                        self.route.push(NO_SLOT);
                        continue;
                    }
                };
                self.route.push(if is_past {
                    self.kept[slot].other.unwrap_or(NO_SLOT)
                } else {
                    slot
                });
                is_known = true;
                (counted, seen) = (counted || !is_past, true);
                run.revises |= self.kept[slot].said.firmly || self.is_final(window.end_s);
                if let Stands::At(partition, offset, first) = *stands
                    && !self.is_final(window.end_s)
                {
                    let one = self.partitions.one(partition);
                    self.kept[slot].note(partition, offset, || first(one));
                }
            }
            run.end_s = run.end_s.min(windows.more_from_s);
            self.route.resize(places, NO_SLOT);
            is_counted |= counted;
            run.refused_gone |= u64::from(!counted && gone) << series;
            run.refused_late |= u64::from(!counted && !gone && late) << series;
        }
        // Passed over, it may still be in the past of others.
        run.route = if is_known { verdicts.add_route(&self.route) } else { REFUSED };
        if !is_counted {
            run.refusal = Some(match () {
                () if out_before => Refusal::OutBefore,
                () if run.refused_gone != 0 => Refusal::Gone,
                () => Refusal::Late,
            });
        }
        run
    }

    /// What a window says of a frame that came at this clock; it is opened if need be.
    fn says(
        &mut self,
        window: &Window,
        known: Option<Slot>,
        clock_s: Option<i64>,
        judged_before: bool,
        verdicts: &mut Verdicts,
    ) -> Says {
        let final_s = window.end_s + self.max_lag_s;
        let over_s = final_s + self.kept_s;
        let reached = |by: Option<i64>, at_s: i64| by.is_some_and(|by_s| by_s >= at_s);
        let put_out_before = reached(self.out_before_s, final_s);
        if put_out_before && judged_before {
            return Says::OutBefore { counted: !reached(clock_s, over_s) };
        }
        if reached(clock_s, over_s) {
            return Says::Late;
        }
        match known {
            Some(slot) => Says::CountedIn(slot),
            None if put_out_before
                || reached(self.lowest_s, over_s)
                || reached(self.let_go_s, window.end_s) =>
            {
                // Late for a window that only an earlier run kept: nobody can count it any more.
                let late = !reached(self.lowest_s, over_s) && reached(clock_s, final_s);
                if late { Says::Late } else { Says::Gone }
            }
            None => self.open(*window, verdicts).map_or(Says::Late, Says::CountedIn),
        }
    }

    /// Begins to keep a window, and tells the counters.
    pub(super) fn open(&mut self, window: Window, verdicts: &mut Verdicts) -> Option<Slot> {
        let slot = self.begin_to_keep(window)?;
        verdicts.mark(slot, Deed::Open);
        if let Some(past) = self.kept[slot].other {
            verdicts.mark(past, Deed::OpenPast(slot));
        }
        Some(slot)
    }

    /// Begins to keep a window.
    pub(super) fn begin_to_keep(&mut self, window: Window) -> Option<Slot> {
        let known = self
            .said_before
            .iter()
            .position(|said| said.series == window.series && said.ts_s == window.ts_s);
        let said = match (known, &self.filled) {
            (Some(index), _) => self.said_before.swap_remove(index).said,
            (None, Some(filled)) if filled.holds(&window) => {
                Said { records: 1, firmly: true, ..Said::default() }
            }
            _ => Said::default(),
        };
        let Some(slot) = self.kept.open(window, said) else {
            self.failed.get_or_insert(Error::TooManyWindows);
            return None;
        };
        let final_s = window.end_s + self.max_lag_s;
        let is_final = self.lowest_s.is_some_and(|lowest_s| lowest_s >= final_s);
        let next_s = if is_final { final_s + self.kept_s } else { final_s };
        self.next_due_s = self.next_due_s.min(next_s);
        Some(slot)
    }
}
