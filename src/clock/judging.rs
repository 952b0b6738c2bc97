//! Judging frames: a partition's next ones, and those that waited.
//!
//! Frames of one run that do not lie above their partition's clock change nothing but counts, so they
//! are judged together; all others one by one, by the steps of the clock's contract.

use super::alarm::Alarm;
use super::parking::Parked;
use super::partitions::{Holds, One};
use super::restart::First;
use super::runs::{Run, Runs};
use super::verdict::{REFUSED, Refusal, Verdicts};
use super::{Clock, Frames};
use crate::error::Error;
use crate::input::messages::Partition;

/// Where a frame stands in its partition, where that matters.
pub(super) enum Stands<'a> {
    /// It does not: the log has no partitions.
    Nowhere,
    /// Here; what its partition knew before it is asked for once it is needed.
    At(Partition, u64, &'a dyn Fn(&One) -> First),
}

impl Clock {
    /// Judges the next frames of a partition: one verdict each, with the marks between them.
    pub fn judge(&mut self, frames: &Frames<'_>, verdicts: &mut Verdicts) {
        let &Frames { partition, facts, next_offset, wall_s, .. } = frames;
        let ts_s = facts.ts_s();
        self.hear_wall(wall_s);
        self.runs = Runs::NONE;
        let one = self.partitions.one(partition);
        let ends_silence = one.holds != Holds::Yes && !ts_s.is_empty();
        // What an earlier run judged is judged by other rules than what is new.
        let new_from = facts.offsets().partition_point(|&offset| offset < one.judged_to);
        let mut place = 0;
        if ends_silence {
            // Whether or not it moves a clock: it may be the only one that holds time back now.
            one.holds = Holds::Yes;
            self.judge_one(frames, 0, verdicts);
            self.tell(verdicts);
            self.settle(verdicts);
            place = 1;
        }
        while place < ts_s.len() {
            if place == new_from && place > 0 {
                self.tell(verdicts);
                self.runs = Runs::NONE;
            }
            let until = if place < new_from { new_from } else { ts_s.len() };
            let together = self.judge_together(partition, &ts_s[place..until], verdicts);
            place += together;
            if place < until {
                self.judge_one(frames, place, verdicts);
                place += 1;
            }
        }
        self.tell(verdicts);
        if self.partitioned {
            // 0 of a batch in which no message was: a chunk's last one, or all of what was drawn lay elsewhere.
            let one = self.partitions.one(partition);
            one.next_offset = one.next_offset.max(next_offset);
        }
    }

    /// Judges the first of these frames that belong to the run met last and change no clock: says how
    /// many.
    fn judge_together(
        &mut self,
        partition: Partition,
        ts_s: &[i64],
        verdicts: &mut Verdicts,
    ) -> usize {
        if self.partitions.is_entering(partition) {
            return 0;
        }
        let one = self.partitions.one(partition);
        let Some(clock_s) = one.agreement.clock_s() else { return 0 };
        if !one.agreement.is_calm() {
            return 0;
        }
        let run = self.runs.last();
        if run.refusal.is_some() {
            return 0;
        }
        let at_once = match one.parking.expires_with() {
            Some(number) => usize::try_from(number - one.frames - 1).unwrap_or(0).min(ts_s.len()),
            None => ts_s.len(),
        };
        let (from_s, to_s) = (run.start_s, run.end_s.min(clock_s.saturating_add(1)));
        let others = |&ts_s: &i64| ts_s < from_s || ts_s >= to_s;
        let frames = ts_s[..at_once].iter().position(others).unwrap_or(at_once);
        if frames > 0 {
            one.agreement.see_below(&ts_s[..frames]);
            one.frames += frames as u64;
            run.frames += frames as u64;
            self.judged.counted += frames as u64;
            verdicts.send_all(run.route, frames);
        }
        frames
    }

    /// Judges one frame, by all the steps.
    fn judge_one(&mut self, frames: &Frames<'_>, place: usize, verdicts: &mut Verdicts) {
        let partition = frames.partition;
        let ts_s = frames.facts.ts_s()[place];
        let agrees = match (self.now_s, self.max_ahead_s) {
            (Some(now_s), Some(ahead_s)) => ts_s <= now_s.saturating_add(ahead_s),
            _ => true,
        };
        if agrees && self.partitions.is_entering(partition) {
            self.partitions.enter(partition, ts_s);
        }
        let one = self.partitions.one(partition);
        one.frames += 1;
        let before_s = one.agreement.clock_s();
        let moved = if agrees { one.agreement.see(ts_s) } else { one.agreement.look() };
        let reach_s = match self.max_ahead_s {
            Some(ahead_s) => {
                let existing_s = one.agreement.existing_s(ahead_s);
                existing_s.map(|existing_s| existing_s.saturating_add(ahead_s))
            }
            None => Some(i64::MAX),
        };
        let waiting = !one.parking.is_empty();
        if waiting {
            self.settle_within(partition, reach_s, verdicts);
        }
        let offset = frames.facts.offsets().get(place).copied();
        let first = |one: &One| First {
            offset: offset.unwrap_or(0),
            past: one.agreement.past_before(before_s, agrees),
        };
        if reach_s.is_none_or(|reach_s| ts_s > reach_s) {
            self.park(frames, place, first);
            verdicts.put_off();
        } else {
            let stands = match offset {
                Some(offset) => Stands::At(partition, offset, &first),
                None => Stands::Nowhere,
            };
            self.count(partition, ts_s, before_s, &stands, verdicts);
        }
        if moved {
            let clock_s = self.partitions.one(partition).agreement.clock_s();
            self.tell(verdicts);
            self.runs.forget_above(clock_s);
            self.partitions.moved(clock_s);
            // One that was ahead of the lowest is not it.
            let was_lowest = before_s.zip(self.lowest_s).is_none_or(|(before, low)| before <= low);
            if was_lowest {
                self.settle(verdicts);
            }
        }
    }

    /// The verdict on a frame within reach.
    fn count(
        &mut self,
        partition: Partition,
        ts_s: i64,
        clock_s: Option<i64>,
        stands: &Stands<'_>,
        verdicts: &mut Verdicts,
    ) {
        let run = self.run_of(partition, ts_s, clock_s, stands, verdicts);
        run.frames += 1;
        match run.refusal {
            None => {
                let route = run.route;
                verdicts.send(route);
                self.judged.counted += 1;
                self.newest_s = self.newest_s.max(Some(ts_s));
            }
            Some(why) => {
                verdicts.refuse(why, run.route);
                self.judged.remembered += u64::from(run.route != REFUSED);
                let number = self.partitions.one(partition).frames;
                self.refused(partition, number, ts_s, why);
            }
        }
    }

    /// The run of a time, looked up if it is not at hand.
    fn run_of(
        &mut self,
        partition: Partition,
        ts_s: i64,
        clock_s: Option<i64>,
        stands: &Stands<'_>,
        verdicts: &mut Verdicts,
    ) -> &mut Run {
        if !self.runs.turn_to(ts_s) {
            self.tell(verdicts);
            let run = self.look_up(partition, ts_s, clock_s, stands, verdicts);
            self.runs.meet(run);
        }
        self.runs.last()
    }

    /// A frame that waited is within reach, or waits no longer: it is not late.
    fn release(&mut self, partition: Partition, mut frame: Parked, verdicts: &mut Verdicts) {
        let first = frame.first.take();
        let known = |_: &One| first.clone().expect("only asked for where it is there");
        let stands = match &first {
            Some(first) => Stands::At(partition, first.offset, &known),
            None => Stands::Nowhere,
        };
        self.tell(verdicts);
        let mut run = self.look_up(partition, frame.ts_s, None, &stands, verdicts);
        run.frames = 1;
        // Not to be used by frames that may be late.
        run.clock_below_s = i64::MIN;
        match run.refusal {
            None => {
                self.judged.counted += 1;
                self.newest_s = self.newest_s.max(Some(frame.ts_s));
                verdicts.release(run.route, &frame);
            }
            Some(why) => {
                if run.route != REFUSED {
                    self.judged.remembered += 1;
                    verdicts.release(run.route, &frame);
                }
                verdicts.reject(frame.payload.take(), why);
                self.refused(partition, frame.number, frame.ts_s, why);
            }
        }
        self.runs.meet(run);
        self.tell(verdicts);
        self.runs.forget_above(Some(i64::MIN));
        self.partitions.one(partition).parking.give_back(frame);
    }

    /// Settles the parked frames that reach has come to, and refuses those that have waited too long.
    fn settle_within(
        &mut self,
        partition: Partition,
        reach_s: Option<i64>,
        verdicts: &mut Verdicts,
    ) {
        if let Some(reach_s) = reach_s {
            while let Some(frame) = self.partitions.one(partition).parking.take_within(reach_s) {
                self.release(partition, frame, verdicts);
            }
        }
        let frames = self.partitions.one(partition).frames;
        while let Some(frame) = self.partitions.one(partition).parking.take_expired(frames) {
            self.refuse_parked(partition, frame, verdicts);
        }
    }

    /// A partition ends: those of its parked frames that are not beyond the wall clock are counted.
    pub(super) fn settle_parked(&mut self, partition: Partition, verdicts: &mut Verdicts) {
        let now_s = self.now_s.unwrap_or(i64::MAX);
        while let Some(frame) = self.partitions.one(partition).parking.take_first() {
            if frame.ts_s <= now_s {
                self.release(partition, frame, verdicts);
            } else {
                let one = self.partitions.one(partition);
                if let Some(first) = &frame.first
                    && one.refused_at_end.as_ref().is_none_or(|at| at.offset > first.offset)
                {
                    one.refused_at_end = Some(first.clone());
                }
                self.refuse_parked(partition, frame, verdicts);
            }
        }
    }

    fn refuse_parked(&mut self, partition: Partition, mut frame: Parked, verdicts: &mut Verdicts) {
        let why = Refusal::Future;
        verdicts.reject(frame.payload.take(), why);
        self.refused(partition, frame.number, frame.ts_s, why);
        if frame.shown {
            self.take_back(frame.ts_s);
        }
        self.partitions.one(partition).parking.give_back(frame);
    }

    fn park(&mut self, frames: &Frames<'_>, place: usize, first: impl Fn(&One) -> First) {
        let facts = frames.facts;
        let one = self.partitions.one(frames.partition);
        let mut frame = one.parking.blank();
        (frame.ts_s, frame.hash, frame.shard) =
            (facts.ts_s()[place], facts.hash(place), facts.shard(place));
        frame.uid.extend_from_slice(facts.uid(place));
        frame.number = one.frames;
        frame.first = self.partitioned.then(|| first(one));
        let held = frames.held.and_then(|held| held.fact(place));
        one.parking.park(frame, held);
    }

    /// Accounts a refused frame, and looks whether there are many.
    fn refused(&mut self, partition: Partition, number: u64, ts_s: i64, why: Refusal) {
        let judged = &mut self.judged;
        *match why {
            Refusal::Late => &mut judged.refused_late,
            Refusal::Future => &mut judged.refused_future,
            Refusal::Gone => &mut judged.refused_gone,
            Refusal::OutBefore => {
                judged.out_before += 1;
                return;
            }
        } += 1;
        let one = self.partitions.one(partition);
        let (share, many) = one.refusals.refuse(number, ts_s);
        let too_many = self.max_refused.is_some_and(|max| share > max);
        if !many && !too_many {
            return;
        }
        let (refused, refused_s) = one.refusals.summary();
        let times_s = one.agreement.past().times_s;
        let agreeing_s = times_s.iter().min().copied().zip(times_s.iter().max().copied());
        let partition = self.partitioned.then_some(partition);
        let alarm = Alarm { partition, refused, refused_s, agreeing_s };
        if too_many {
            self.failed.get_or_insert_with(|| Error::TooManyRefused(alarm.to_string()));
        } else if many {
            self.alarms.push(alarm);
        }
    }
}
