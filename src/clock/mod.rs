//! The clock: event time, and the verdict on each frame for each series of windows. No I/O, no system
//! time: the wall clock comes as an argument, in its place in the log.
//!
//! It sees every frame in log order, before the counters, so lateness cannot depend on how many
//! counters there are. It owns the list of kept windows and the numbers of their slots; counters only
//! do as the marks say. It runs on one thread and is a function of the log alone.
//!
//! **A partition's time** (`agreement`, `parking`). A file or stdin is one partition. `t8` is the 8th
//! largest of the partition's last 64 times, `t33` the 33rd; frames are counted in order of arrival, and
//! for each:
//!
//! | step | rule |
//! | --- | --- |
//! | agree | the time is one of the last 64, unless it lies beyond the wall clock + max-ahead: then it agrees with nobody |
//! | clock | with no clock yet: t8, from the eighth such time on. Then `max(clock, t8 if t8 <= clock + keep, t33)` |
//! | reach | `max(clock, t8) + max-ahead`, both with this frame; with no clock yet there is no reach, and every frame is parked |
//! | parked ones | those within reach are settled, in order of arrival; of the others those are refused as `future` after which 64 frames have come |
//! | itself | within reach it is judged, by the clock as it stood *before* it; else it is parked with that clock |
//! | out | then windows come out |
//!
//! A parked frame is not late: it lay beyond its clock. When a partition ends, those of its parked frames
//! that are not beyond the wall clock are settled and the others refused, before it lets go of time. So a
//! partition of fewer than eight frames has all of them counted, none late, and never a clock. With
//! `--agree off` the clock is the largest time so far, and nothing is parked.
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
//! any series counts it; else it is gone if any series says so, else late.
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

pub mod calendar;
pub mod partitions;
pub mod restart;
pub mod stage;
pub mod unit_check;
pub mod verdict;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use calendar::{Calendar, Window};
use partitions::Partitions;
use restart::{PartitionRestart, Restart};
use verdict::{ClosedBy, Deed, Head, Refusal, Route, Slot, Status, Verdicts};

use crate::error::Error;
use crate::input::messages::{Entry, News, Partition};
use crate::limits::WINDOWS_OPEN_MAX;

/// What moves the clock and what it keeps open.
#[derive(Clone, Debug)]
pub struct ClockSettings {
    /// Seconds of event time a window stays open after its end.
    pub max_lag_s: u32,
    /// The windows counted.
    pub calendar: Calendar,
    /// Several partitions, which may be far apart in time; else the log is one partition, number 0.
    pub partitioned: bool,
}

impl Default for ClockSettings {
    fn default() -> ClockSettings {
        ClockSettings { max_lag_s: 5, calendar: Calendar::default(), partitioned: false }
    }
}

impl ClockSettings {
    /// Windows open at once at most, all series together.
    ///
    /// In one partition an open window ends after `clock - max_lag` and holds `clock` or an earlier time,
    /// so it touches that span; and one more is opened before the frame that opens it closes others.
    /// Partitions may lie any time apart: then it is the bound of the program.
    pub fn windows_open_max(&self) -> usize {
        if self.partitioned {
            return WINDOWS_OPEN_MAX;
        }
        (0..)
            .zip(self.calendar.series())
            .map(|(series, _)| {
                let open = self.calendar.windows_max(series, self.max_lag_s) + 1;
                usize::try_from(open).expect("a u32 of seconds fits")
            })
            .sum()
    }
}

/// What became of the frames it judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Frames counted in at least one window.
    pub counted: u64,
    /// Frames refused as late.
    pub refused_late: u64,
    /// Frames on time whose window was out.
    pub refused_gone: u64,
    /// Frames passed over because an earlier run put their window out.
    pub out_before: u64,
    /// Results put out.
    pub results: u64,
    /// Windows that were open when the log was left, and so not put out.
    pub left_open: u64,
    /// Frames counted in those.
    pub frames_left_open: u64,
    /// Frames counted in windows put out.
    pub frames_put_out: u64,
    /// Windows open at once at most.
    pub open_peak: usize,
    /// Times that unread messages were lost.
    pub gaps: u64,
    /// Offsets in those; not every offset need have been a message.
    pub offsets_skipped: u64,
}

/// Where a partition's first frame of a window stands.
#[derive(Clone, Copy, Debug)]
struct First {
    offset: u64,
    /// The partition's clock before it.
    clock_s: Option<i64>,
}

/// What became of a window in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is counted.
    Open(Slot),
    /// It is out though the lowest clock has not come to it; kept so that it does not open again.
    Out,
    /// The same, by an earlier run.
    OutBefore,
}

struct KnownWindow {
    window: Window,
    state: State,
    frames: u64,
    /// By partition, where a restart point is wanted.
    firsts: Vec<Option<First>>,
}

/// The frames of a run that fall into one and the same window share its verdict.
#[derive(Clone, Copy)]
struct Run {
    start_s: i64,
    end_s: i64,
    route: Route,
    index: usize,
}

impl Run {
    /// Holds no time at all.
    const NONE: Run = Run { start_s: 0, end_s: 0, route: 0, index: 0 };
}

/// The clock of one log. See the module's header for the rules.
pub struct Clock {
    max_lag_s: i64,
    calendar: Calendar,
    partitioned: bool,
    partitions: Partitions,
    /// The lowest clock at its highest.
    finals_s: Option<i64>,
    /// Windows with end + max-lag up to this time were put out by an earlier run.
    out_before_s: Option<i64>,
    /// Windows not final yet, in the order in which they become so.
    known: Vec<KnownWindow>,
    /// Slots not in use; the one freed last is opened first, as its memory is warm and grown.
    free: Vec<Slot>,
    /// Lists no longer in use.
    firsts_free: Vec<Vec<Option<First>>>,
    /// By partition: the offset after its last judged message.
    next_offsets: Vec<u64>,
    restart_due: bool,
    failed: Option<Error>,
    judged: Judged,
}

impl Clock {
    /// A clock before its first frame; of a log of partitions, before the first has joined.
    pub fn new(settings: &ClockSettings) -> Clock {
        let slots = settings.windows_open_max();
        assert_eq!(settings.calendar.series().len(), 1, "one series until the clock has several");
        let mut clock = Clock {
            max_lag_s: i64::from(settings.max_lag_s),
            calendar: settings.calendar.clone(),
            partitioned: settings.partitioned,
            partitions: Partitions::default(),
            finals_s: None,
            out_before_s: None,
            known: Vec::with_capacity(slots),
            free: (0..Slot::try_from(slots).expect("WINDOWS_OPEN_MAX fits a slot")).rev().collect(),
            firsts_free: Vec::new(),
            next_offsets: Vec::new(),
            restart_due: false,
            failed: None,
            judged: Judged::default(),
        };
        if !settings.partitioned {
            clock.partitions.join(0, Entry::Beginning);
        }
        clock
    }

    /// Judges the next frames of a partition, given by their times and, in a log of partitions, their
    /// offsets: one verdict each, with the marks between them. `next_offset` follows the last
    /// message, which need not have been a frame.
    pub fn judge(
        &mut self,
        partition: Partition,
        ts_s: &[i64],
        offsets: &[u64],
        next_offset: u64,
        verdicts: &mut Verdicts,
    ) {
        let mut run = Run::NONE;
        let mut clock_s = self.partitions.clock_s(partition);
        if let Some(&first_s) = ts_s.first() {
            // It ends a silence, whether or not it moves a clock. Its own lateness is judged below, by
            // the clock as it was.
            self.partitions.see(partition, first_s);
        }
        for (place, &ts_s) in ts_s.iter().enumerate() {
            if ts_s < run.start_s || ts_s >= run.end_s {
                match self.enter(partition, ts_s, clock_s, offsets.get(place).copied(), verdicts) {
                    Ok(entered) => run = entered,
                    Err(why) => {
                        self.refuse(why, verdicts);
                        if why != Refusal::Late && clock_s.is_none_or(|clock_s| ts_s > clock_s) {
                            clock_s = Some(ts_s);
                            if self.advance(partition, ts_s, verdicts) {
                                run = Run::NONE;
                            }
                        }
                        continue;
                    }
                }
            }
            self.known[run.index].frames += 1;
            self.judged.counted += 1;
            verdicts.send(run.route);
            if clock_s.is_none_or(|clock_s| ts_s > clock_s) {
                clock_s = Some(ts_s);
                if self.advance(partition, ts_s, verdicts) {
                    // Windows closed: the places in the list have changed.
                    run = Run::NONE;
                }
            }
        }
        if self.partitioned {
            self.passed(partition, next_offset);
        }
    }

    /// Hears what the source says, and puts out what comes of it.
    pub fn hear(&mut self, news: &News, verdicts: &mut Verdicts) {
        match *news {
            News::Resumed(ref restart) => self.resume(restart),
            News::Joined { partition, entry } => self.partitions.join(partition, entry),
            News::Gap { partition, from, to } => {
                self.judged.gaps += 1;
                self.judged.offsets_skipped += to.saturating_sub(from);
                self.partitions.gap(partition);
                self.passed(partition, to);
            }
            News::Ended { partition } => {
                self.partitions.end(partition);
                self.settle(verdicts);
            }
            News::Silent { partition } => {
                self.partitions.silence(partition);
                self.settle(verdicts);
            }
            News::Doubtful { partition } => self.partitions.doubt(partition),
            News::AllSilent { now_s } => {
                for index in 0..self.known.len() {
                    let known = &self.known[index];
                    if now_s >= known.window.end_s + self.max_lag_s
                        && matches!(known.state, State::Open(_))
                    {
                        self.put_out(index, ClosedBy::Silence, verdicts);
                    }
                }
            }
        }
    }

    /// The end of the log: all windows come out, unless it was broken off.
    pub fn finish(&mut self, broken_off: bool, verdicts: &mut Verdicts) {
        self.restart_due = true;
        let is_open = |known: &&KnownWindow| matches!(known.state, State::Open(_));
        if broken_off {
            self.judged.left_open = self.known.iter().filter(is_open).count() as u64;
            self.judged.frames_left_open =
                self.known.iter().filter(is_open).map(|known| known.frames).sum();
            return;
        }
        for partition in self.partitions.numbers().collect::<Vec<_>>() {
            self.partitions.end(partition);
        }
        self.settle(verdicts);
        // What is still open comes out, yet it is not final: a next run is to read it again.
        for index in 0..self.known.len() {
            if let State::Open(slot) = self.known[index].state {
                self.report(index, ClosedBy::End, verdicts);
                verdicts.mark(slot, Deed::Free);
            }
        }
    }

    /// What became of the frames so far.
    pub fn judged(&self) -> Judged {
        self.judged
    }

    /// Why it cannot go on, if so.
    pub fn take_failed(&mut self) -> Option<Error> {
        self.failed.take()
    }

    /// From where another run can go on, if windows came out since it was last asked and the log has
    /// partitions.
    pub fn take_restart(&mut self) -> Option<Arc<Restart>> {
        if !std::mem::take(&mut self.restart_due) || !self.partitioned {
            return None;
        }
        let point = |partition: Partition| {
            let next = First {
                offset: self.next_offsets.get(partition as usize).copied().unwrap_or(0),
                clock_s: self.partitions.clock_s(partition),
            };
            let open = self.known.iter().filter(|known| matches!(known.state, State::Open(_)));
            let firsts = open.filter_map(|known| *known.firsts.get(partition as usize)?);
            let first = firsts.chain([next]).min_by_key(|first| first.offset).unwrap_or(next);
            PartitionRestart { partition, offset: first.offset, clock_s: first.clock_s }
        };
        let out = self.known.iter().filter(|known| !matches!(known.state, State::Open(_)));
        Some(Arc::new(Restart {
            finals_s: self.finals_s,
            seen: self.partitions.seen(),
            out_s: out.map(|known| known.window.start_s).collect(),
            partitions: self.partitions.numbers().map(point).collect(),
        }))
    }

    /// The verdict on a frame outside the present run: its window, opened if need be.
    fn enter(
        &mut self,
        partition: Partition,
        ts_s: i64,
        clock_s: Option<i64>,
        offset: Option<u64>,
        verdicts: &mut Verdicts,
    ) -> Result<Run, Refusal> {
        let window = self.calendar.window_at(0, ts_s);
        let final_from_s = window.end_s + self.max_lag_s;
        if self.out_before_s.is_some_and(|out_s| out_s >= final_from_s) {
            return Err(Refusal::OutBefore);
        }
        let found = self.known.binary_search_by_key(&window.end_s, |known| known.window.end_s);
        if let Ok(index) = found
            && self.known[index].state == State::OutBefore
        {
            return Err(Refusal::OutBefore);
        }
        if clock_s.is_some_and(|clock_s| clock_s >= final_from_s) {
            return Err(Refusal::Late);
        }
        let index = match found {
            Ok(index) => index,
            Err(_) if self.finals_s.is_some_and(|finals_s| finals_s >= final_from_s) => {
                return Err(Refusal::Gone);
            }
            Err(index) => {
                let Some(slot) = self.free.pop() else {
                    self.failed.get_or_insert(Error::TooManyWindows);
                    return Err(Refusal::Gone);
                };
                verdicts.mark(slot, Deed::Open);
                let firsts = self.firsts_free.pop().unwrap_or_default();
                let state = State::Open(slot);
                self.known.insert(index, KnownWindow { window, state, frames: 0, firsts });
                self.judged.open_peak = self.judged.open_peak.max(self.known.len());
                index
            }
        };
        let known = &mut self.known[index];
        let State::Open(slot) = known.state else { return Err(Refusal::Gone) };
        if let Some(offset) = offset {
            let at = partition as usize;
            if known.firsts.len() <= at {
                known.firsts.resize(at + 1, None);
            }
            known.firsts[at].get_or_insert(First { offset, clock_s });
        }
        let route = verdicts.add_route(&[slot]);
        Ok(Run { start_s: window.start_s, end_s: window.end_s, route, index })
    }

    fn refuse(&mut self, why: Refusal, verdicts: &mut Verdicts) {
        *match why {
            Refusal::Late => &mut self.judged.refused_late,
            Refusal::Gone => &mut self.judged.refused_gone,
            Refusal::OutBefore => &mut self.judged.out_before,
        } += 1;
        verdicts.refuse(why);
    }

    /// Moves a partition's clock; says whether windows left the list.
    fn advance(&mut self, partition: Partition, to_s: i64, verdicts: &mut Verdicts) -> bool {
        self.partitions.see(partition, to_s);
        self.settle(verdicts)
    }

    /// Puts out what has become final; says whether windows left the list.
    fn settle(&mut self, verdicts: &mut Verdicts) -> bool {
        let Some(lowest_s) = self.partitions.lowest_s() else { return false };
        if self.finals_s.is_some_and(|finals_s| finals_s >= lowest_s) {
            return false;
        }
        self.finals_s = Some(lowest_s);
        let finals = self
            .known
            .iter()
            .take_while(|known| lowest_s >= known.window.end_s + self.max_lag_s)
            .count();
        for index in 0..finals {
            if matches!(self.known[index].state, State::Open(_)) {
                self.put_out(index, ClosedBy::Time, verdicts);
            }
        }
        for mut known in self.known.drain(..finals) {
            known.firsts.clear();
            self.firsts_free.push(known.firsts);
        }
        self.restart_due |= finals > 0;
        finals > 0
    }

    fn put_out(&mut self, index: usize, closed_by: ClosedBy, verdicts: &mut Verdicts) {
        self.report(index, closed_by, verdicts);
        let known = &mut self.known[index];
        if let State::Open(slot) = std::mem::replace(&mut known.state, State::Out) {
            verdicts.mark(slot, Deed::Free);
            self.free.push(slot);
        }
        self.restart_due = true;
    }

    fn report(&mut self, index: usize, closed_by: ClosedBy, verdicts: &mut Verdicts) {
        let KnownWindow { window, state, frames, .. } = self.known[index];
        let State::Open(slot) = state else { return };
        let complete_after_s = self.partitions.complete_after_s();
        let head = Head {
            window,
            frames,
            late: 0,
            status: Status::Final,
            rev: 0,
            closed_by,
            complete: complete_after_s.is_some_and(|after_s| window.start_s > after_s),
        };
        verdicts.report(slot, head);
        self.judged.results += 1;
        self.judged.frames_put_out += frames;
    }

    fn passed(&mut self, partition: Partition, next_offset: u64) {
        let index = partition as usize;
        if self.next_offsets.len() <= index {
            self.next_offsets.resize(index + 1, 0);
        }
        self.next_offsets[index] = next_offset;
    }

    fn resume(&mut self, restart: &Restart) {
        self.finals_s = restart.finals_s;
        self.out_before_s = restart.finals_s;
        self.partitions.resume(restart.seen);
        for &start_s in &restart.out_s {
            let window = self.calendar.window_at(0, start_s);
            let key = window.end_s;
            if let Err(index) = self.known.binary_search_by_key(&key, |known| known.window.end_s) {
                let (state, firsts) = (State::OutBefore, Vec::new());
                self.known.insert(index, KnownWindow { window, state, frames: 0, firsts });
            }
        }
        for &PartitionRestart { partition, offset, .. } in &restart.partitions {
            self.passed(partition, offset);
        }
    }
}
