//! The clock: event time, and the verdict on each frame for each series of windows. No I/O, no system
//! time: the wall clock comes as an argument, in its place in the log.
//!
//! It sees every frame in log order, before the counters, so lateness cannot depend on how many
//! counters there are. It owns the list of kept windows and the numbers of their slots; counters only
//! do as the marks say. It runs on one thread and is a function of the log alone.
//!
//! **A partition's time** ([`agreement`], [`parking`]). A file or stdin is one partition. `t8` is the 8th
//! largest of the partition's last 64 times, `t33` the 33rd; frames are counted in order of arrival, and
//! for each:
//!
//! | step | rule |
//! | --- | --- |
//! | agree | the time is one of the last 64, unless it lies beyond the wall clock + max-ahead: then it agrees with nobody |
//! | clock | with no clock yet: t8, from the eighth such time on. Then `max(clock, t8 if t8 <= clock + keep, t33)` |
//! | reach | `max(clock, t) + max-ahead`, both with this frame, where t is the largest time from which on eight of the last 64 lie within max-ahead: eight random times agree on nothing. With no clock yet there is no reach, and every frame is parked |
//! | parked ones | those within reach are settled, in order of arrival; of the others those are refused as `future` after which 64 frames have come |
//! | itself | within reach it is judged, by the clock as it stood *before* it; else it is parked with that clock |
//! | out | then windows come out |
//!
//! A parked frame is not late: it lay beyond its clock. When a partition ends, those of its parked frames
//! that are not beyond the wall clock are settled and the others refused, before it lets go of time. So a
//! partition of fewer than eight frames has all of them counted, none late, and never a clock. With
//! `--agree off` the clock is the largest time so far, and nothing is parked.
//!
//! Where checkpoints are made, the next run may read that partition on: its end only has results show those
//! frames, which stay parked; the end of the log settles them, and whose window went before that is gone.
//!
//! **A frame for one window** of each series, by its own partition's clock:
//!
//! | the clock | `--late revise` | `--late drop` |
//! | --- | --- | --- |
//! | below end + max-lag | counted | counted |
//! | below end + max-lag + keep | counted, as late | refused: late |
//! | from there on | refused: late | refused: late |
//!
//! A frame counted by these rules whose window is no longer kept is refused: gone. A frame is counted if
//! any window counts it; else it is gone if any window says so, else late.
//!
//! A **rolling window** is one like others, only that it overlaps its neighbours: a frame lies in as many as
//! it has days, from that of its own day on, and is judged for each by itself. So it may be late for
//! yesterday's and on time for today's. It has *begun*, and only then can come out, when it is final or a
//! time of its last day or later has been counted, or is shown: none comes out for a day to come.
//!
//! A window may have a **past**, the days before it (`--returning`): who is in both returns. A frame is in the
//! pasts that hold it if its own window of the same series counts it (or an earlier run did); it stays
//! there as long as the window is kept, and one more is news of that window. A frame shown is in no past.
//!
//! **A window.** *Lowest* is the lowest clock of the partitions that hold time back: all but those ended
//! or silent. One without a clock holds everything. It never goes back; while none holds, it stays.
//!
//! | when | what |
//! | --- | --- |
//! | lowest reaches end + max-lag | its result comes out, `final`: in order of (end, series) |
//! | lowest reaches a multiple of `--every` | results come out again whose window has changed since, `revised`; with `--emit updates` those of open windows too, `provisional` |
//! | lowest reaches end + max-lag + keep (`drop`: end + max-lag) | the same for this window, and it is no longer kept |
//! | all partitions are silent | windows whose end + max-lag the wall clock has passed come out, `closed_by: silence`, where there is anything new to say. Parked frames not beyond the wall clock are shown in them and stay parked. No clock moves |
//! | the log ends | all that was not said comes out; nothing, if it was interrupted |
//!
//! `closed_by` is `time` wherever any partition's clock has reached end + max-lag. `complete`: the window
//! starts after the smallest of the first eight agreeing times of each partition that was begun at its
//! beginning (after the smallest of those: there the log begins), and after that of each one that was
//! entered midway or follows on unread messages. With `--agree off` the first time stands for the eight.
//!
//! **The promise.** The last word on each window depends on what each partition holds and on nothing
//! else, but for frames gone; with `drop` and without silence, so does every word.

pub mod agreement;
pub mod alarm;
pub mod calendar;
mod coming_out;
pub mod cutting;
mod fill;
pub mod judged;
mod judging;
mod kept;
mod looking_up;
mod merge;
pub mod parking;
pub mod partitions;
pub mod released;
pub mod restart;
mod runs;
pub mod settings;
pub mod stage;
pub mod state;
pub mod unit_check;
pub mod verdict;
mod watching;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use judged::Judged;
pub use settings::ClockSettings;

use agreement::Agree;
use alarm::Alarm;
use calendar::{Calendar, SeriesIndex, SeriesName};
use fill::Filled;
use kept::KeptWindows;
use partitions::{Holds, Partitions};
use restart::{PartitionRestart, Restart, SaidOf};
use runs::Runs;
use verdict::{ClosedBy, Slot, Verdicts};

use crate::batch::Facts;
use crate::batch::held::Held;
use crate::error::Error;
use crate::input::messages::{Entry, News, Partition};

/// A partition's next frames.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'b> {
    /// Whose.
    pub partition: Partition,
    /// Their facts; in a log of partitions with their offsets.
    pub facts: &'b Facts,
    /// Their payloads, where they are held.
    pub held: Option<&'b Held>,
    /// The offset after their last message, which need not have been a frame.
    pub next_offset: u64,
    /// The wall clock when they were read, unix seconds, if somebody looked.
    pub wall_s: Option<i64>,
}

/// Why a clock hears no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// The log ends: all that was not said comes out.
    Read,
    /// It was broken off: only what became of windows that are out already.
    BrokenOff,
    /// It was broken off, and another run goes on from here: nothing.
    GoneOnWith,
}

/// The clock of one log. See the module's header for the rules.
pub struct Clock {
    max_lag_s: i64,
    /// After end + max-lag.
    kept_s: i64,
    every_s: i64,
    /// None without agreement.
    max_ahead_s: Option<i64>,
    updates: bool,
    max_refused: Option<f64>,
    partitioned: bool,
    calendar: Calendar,
    /// The wall clock, and whether it stands still.
    now_s: Option<i64>,
    now_is_fixed: bool,
    partitions: Partitions,
    kept: KeptWindows,
    runs: Runs,
    filled: Option<Filled>,
    /// The lowest clock at its highest.
    lowest_s: Option<i64>,
    /// Nothing comes out before the lowest clock has reached this.
    next_due_s: i64,
    /// The last multiple of `--every` at which results came out again, in units of it.
    ticks: i64,
    /// Windows with end + max-lag up to this time were put out by an earlier run.
    out_before_s: Option<i64>,
    /// Windows that end up to this time were let go by a run that this one goes on from.
    let_go_s: Option<i64>,
    /// By series, where it was added to those of earlier runs: the latest time counted before.
    since_s: Vec<Option<i64>>,
    /// Series that earlier runs counted, by name.
    dropped: Vec<String>,
    /// What has closed windows that are open again: silence; in files that are gone on with their end.
    reopened: ClosedBy,
    /// Checkpoints are made of it.
    is_gone_on_with: bool,
    /// What an earlier run said of windows that were not final.
    said_before: Vec<SaidOf>,
    /// The latest time counted.
    newest_s: Option<i64>,
    /// The slots of a route being made.
    route: Vec<Slot>,
    /// Windows about to come out.
    due: Vec<(i64, SeriesIndex, Slot)>,
    /// Where each partition was before the end settled its parked frames.
    at_end: Option<Vec<PartitionRestart>>,
    restart_due: bool,
    alarms: Vec<Alarm>,
    failed: Option<Error>,
    has_failed: bool,
    judged: Judged,
}

impl Clock {
    /// A clock before its first frame; of a log of partitions, before the first has joined.
    pub fn new(settings: &ClockSettings) -> Clock {
        let series = settings.calendar.series().len();
        let agree = settings.agree.unwrap_or(Agree::ONE);
        let mut clock = Clock {
            max_lag_s: settings.max_lag_s.into(),
            kept_s: settings.kept_s().into(),
            every_s: i64::from(settings.every_s).max(1),
            max_ahead_s: settings.agree.map(|_| settings.max_ahead_s.into()),
            updates: settings.updates,
            max_refused: settings.max_refused,
            partitioned: settings.partitioned,
            calendar: settings.calendar.clone(),
            now_s: settings.now_s,
            now_is_fixed: settings.now_s.is_some(),
            partitions: Partitions::new(agree, settings.keep_s),
            kept: KeptWindows::new(series),
            runs: Runs::NONE,
            filled: settings.fill.then(|| Filled::new(series)),
            lowest_s: None,
            next_due_s: i64::MAX,
            ticks: i64::MIN,
            out_before_s: None,
            let_go_s: None,
            since_s: vec![None; series],
            dropped: Vec::new(),
            reopened: ClosedBy::Silence,
            is_gone_on_with: false,
            said_before: Vec::new(),
            newest_s: None,
            route: Vec::with_capacity(settings.calendar.places()),
            due: Vec::new(),
            at_end: None,
            restart_due: false,
            alarms: Vec::new(),
            failed: None,
            has_failed: false,
            judged: Judged { by_series: vec![Default::default(); series], ..Judged::default() },
        };
        if !settings.partitioned {
            clock.partitions.join(0, Entry::Beginning);
        }
        clock
    }

    /// Hears what the source says, and puts out what comes of it.
    pub fn hear(&mut self, news: &News, verdicts: &mut Verdicts) {
        self.runs = Runs::NONE;
        match *news {
            News::Resumed(ref restart) => self.resume(restart),
            News::Joined { partition, entry } => self.partitions.join(partition, entry),
            News::Gap { partition, from, to } => {
                self.judged.gaps += 1;
                self.judged.offsets_skipped += to.saturating_sub(from);
                self.partitions.gap(partition);
                self.partitions.one(partition).next_offset = to;
            }
            News::Ended { partition } => {
                if self.is_gone_on_with {
                    // The next run may read it on: what waits there waits until the log's end.
                    self.show_parked(Some(partition), self.now_s.unwrap_or(i64::MAX), verdicts);
                } else {
                    self.settle_parked(partition, verdicts);
                }
                self.partitions.rest(partition, Holds::Never);
                self.settle(verdicts);
            }
            News::Silent { partition } => {
                self.partitions.rest(partition, Holds::Silent);
                self.settle(verdicts);
            }
            News::Doubtful { partition } => self.partitions.one(partition).holds = Holds::Yes,
            News::AllSilent { now_s } => {
                self.hear_wall(Some(now_s));
                self.show_parked(None, now_s, verdicts);
                self.fall_silent(now_s, verdicts);
            }
        }
        self.tell(verdicts);
    }

    /// Nothing comes any more.
    pub fn finish(&mut self, end: LogEnd, verdicts: &mut Verdicts) {
        self.runs = Runs::NONE;
        self.restart_due = true;
        if end != LogEnd::Read {
            self.judged.parked = self.parked();
        } else {
            self.at_end = Some(self.restart_points());
            for partition in self.partitions.all().map(|(number, _)| number).collect::<Vec<_>>() {
                self.settle_parked(partition, verdicts);
                self.partitions.rest(partition, Holds::Never);
            }
        }
        self.say_all(end, verdicts);
        self.judged.open_peak = self.kept.peak();
    }

    /// Checkpoints are made of it: a partition's end is not the end of what waits there.
    pub fn is_to_be_gone_on_with(&mut self) {
        self.is_gone_on_with = true;
    }

    /// The wall clock has come to this.
    fn hear_wall(&mut self, wall_s: Option<i64>) {
        if !self.now_is_fixed {
            self.now_s = self.now_s.max(wall_s);
        }
    }

    /// Frames that wait.
    pub fn parked(&self) -> u64 {
        self.partitions.all().map(|(_, one)| one.parking.frames().len() as u64).sum()
    }

    /// What became of the frames so far.
    pub fn judged(&self) -> &Judged {
        &self.judged
    }

    /// What the series of windows are called.
    pub fn names(&self) -> Arc<[SeriesName]> {
        self.calendar.names()
    }

    /// Why it cannot go on, if so.
    pub fn take_failed(&mut self) -> Option<Error> {
        self.has_failed = self.has_failed();
        self.failed.take()
    }

    /// Whether it cannot go on. Then nothing comes out any more: where its batch ends is chance.
    fn has_failed(&self) -> bool {
        self.has_failed || self.failed.is_some()
    }

    /// What is to be said at once.
    pub fn take_alarms(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.alarms)
    }

    /// From where another run can go on, if results came out since it was last asked and the log has
    /// partitions.
    pub fn take_restart(&mut self) -> Option<Arc<Restart>> {
        if !std::mem::take(&mut self.restart_due) || !self.partitioned {
            return None;
        }
        let said = self
            .kept
            .slots()
            .map(|slot| &self.kept[slot])
            .filter(|kept| kept.said.records > 0 && !self.is_final(kept.window.end_s));
        let said = said.map(|kept| SaidOf {
            series: kept.window.series,
            ts_s: kept.window.ts_s,
            said: kept.said,
        });
        Some(Arc::new(Restart {
            finals_s: self.lowest_s,
            seen: self.partitions.seen(),
            said: said.chain(self.said_before.iter().copied()).collect(),
            partitions: self.restart_points(),
        }))
    }

    fn all_series(&self) -> std::ops::Range<SeriesIndex> {
        0..SeriesIndex::try_from(self.calendar.series().len()).unwrap_or(SeriesIndex::MAX)
    }

    /// Whether the lowest clock has passed a window's end + max-lag.
    fn is_final(&self, end_s: i64) -> bool {
        self.lowest_s.is_some_and(|lowest_s| lowest_s >= end_s + self.max_lag_s)
    }

    /// Where each partition is to be read on, so that every frame that can still come out anew is read
    /// again.
    fn restart_points(&self) -> Vec<PartitionRestart> {
        let open: Vec<Slot> = self
            .kept
            .slots()
            .filter(|&slot| !self.is_final(self.kept[slot].window.end_s))
            .collect();
        let at_end = |partition| {
            self.at_end.as_ref().and_then(|all| all.iter().find(|at| at.partition == partition))
        };
        let point = |(partition, one): (Partition, &partitions::One)| {
            let firsts = open.iter().filter_map(|&slot| self.kept[slot].first(partition));
            let waiting = one.parking.frames().iter().filter_map(|frame| frame.first.as_ref());
            let first = firsts.chain(waiting).chain(&one.refused_at_end);
            let first = first.min_by_key(|first| first.offset);
            let judged_to = one.next_offset.max(one.judged_to);
            let mut at = match first {
                Some(first) => PartitionRestart {
                    partition,
                    offset: first.offset,
                    judged_to,
                    past: first.past.clone(),
                },
                None => PartitionRestart {
                    partition,
                    offset: one.next_offset,
                    judged_to,
                    past: one.agreement.past(),
                },
            };
            if let Some(before) = at_end(partition).filter(|before| before.offset < at.offset) {
                at = before.clone();
            }
            at
        };
        self.partitions.all().map(point).collect()
    }

    fn resume(&mut self, restart: &Restart) {
        self.lowest_s = restart.finals_s;
        self.out_before_s = restart.finals_s;
        self.said_before = restart.said.clone();
        self.partitions.resume(restart.seen, &restart.partitions);
    }

    /// Tells the windows and the accounts of all frames judged.
    fn tell(&mut self, verdicts: &Verdicts) {
        let Clock { runs, calendar, max_lag_s, kept, judged, .. } = self;
        if runs.tell(verdicts, calendar, *max_lag_s, kept, judged) || self.updates {
            self.next_due_s = self.next_due_s.min(self.next_tick_s());
        }
    }

    /// When results next come out again, by the lowest clock.
    fn next_tick_s(&self) -> i64 {
        let ticks = self.lowest_s.map(|lowest_s| lowest_s.div_euclid(self.every_s));
        ticks.map_or(i64::MIN, |ticks| (ticks + 1) * self.every_s)
    }

    /// By what a window is closed now, where `otherwise` no clock has closed it.
    fn closed_by(&self, end_s: i64, otherwise: ClosedBy) -> ClosedBy {
        let highest_s = self.partitions.highest_s();
        if highest_s.is_some_and(|highest_s| highest_s >= end_s + self.max_lag_s) {
            ClosedBy::Time
        } else {
            otherwise
        }
    }
}
