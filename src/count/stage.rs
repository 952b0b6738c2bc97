//! The counting stage: goes through the batches of the log in order, for one shard.
//!
//! Owns its counter. Reads a batch (shared with the other counters, read only), does the deeds
//! marked in it and counts the frames between them; sends the batch back when it is through. A
//! report that finds no room stops it in the middle of a batch, and so does a counter that had much
//! to move; it goes on from there.

use std::sync::Arc;

use crate::batch::BatchHandle;
use crate::clock::verdict::{Counted, Deed};
use crate::count::Counter;
use crate::count::journal::ShardCut;
use crate::error::Error;
use crate::report::{CountReport, Report};
use crate::ring::{Consumer, PopError, Producer, PushError};
use crate::stage::{Stage, Step};
use crate::stats::CountCounters;

/// The rings of one counter.
pub struct CountRings {
    /// Judged batches.
    pub from_clock: Consumer<BatchHandle>,
    /// The same batches, done with.
    pub back: Producer<BatchHandle>,
    /// The counts of reported slots, in the order of the reports.
    pub counts: Producer<Counted>,
    /// What was newly counted up to each cut, where checkpoints are made.
    pub cuts: Option<Producer<ShardCut>>,
}

/// One counter. See the module's header.
pub struct CountStage {
    shard: usize,
    counter: Counter,
    rings: CountRings,
    current: Option<Current>,
    failed: Option<Error>,
    counters: Arc<CountCounters>,
}

struct Current {
    batch: BatchHandle,
    marks_done: usize,
    /// Places of this shard's list that are counted.
    places_done: usize,
    /// Released facts that are done with, of all shards.
    released_done: usize,
}

impl CountStage {
    /// The counter of a shard; a watcher sees what is in `counters`.
    pub fn new(
        shard: usize,
        counter: Counter,
        rings: CountRings,
        counters: Arc<CountCounters>,
    ) -> CountStage {
        counters.set_users(counter.users());
        CountStage { shard, counter, rings, current: None, failed: None, counters }
    }
}

impl Stage for CountStage {
    fn name(&self) -> String {
        format!("count {}", self.shard)
    }

    fn step(&mut self) -> Step {
        if self.current.is_none() {
            self.current = match self.rings.from_clock.pop() {
                Ok(batch) => {
                    Some(Current { batch, marks_done: 0, places_done: 0, released_done: 0 })
                }
                Err(PopError::Empty) => return Step::Blocked,
                Err(PopError::Ended) => return Step::Done,
            };
        }
        let current = self.current.as_mut().expect("set above");
        let places = current.batch.facts.places(self.shard);
        let marks = current.batch.verdicts.marks();
        let mut worked = false;
        while current.places_done < places.len() || current.marks_done < marks.len() {
            let rest = &places[current.places_done..];
            let mark = marks.get(current.marks_done);
            let before = match mark {
                Some(mark) => rest.partition_point(|&place| place < mark.place),
                None => rest.len(),
            };
            match self.counter.count(&current.batch, &rest[..before]) {
                Ok(counted) => {
                    current.places_done += counted;
                    worked |= counted > 0;
                    if counted < before {
                        return Step::Worked;
                    }
                }
                Err(error) => {
                    self.failed = Some(error);
                    return Step::Done;
                }
            }
            let Some(mark) = mark else { break };
            match mark.deed {
                Deed::Open => self.counter.open(mark.slot),
                Deed::OpenPast(window) => self.counter.open_past(mark.slot, window),
                Deed::Report | Deed::Show(_) => {
                    let shown = match mark.deed {
                        Deed::Show(facts) => facts as usize,
                        _ => 0,
                    };
                    let facts = current.released_done..current.released_done + shown;
                    let released = current.batch.verdicts.released();
                    let facts = facts.filter_map(|at| released.of_shard(at, self.shard));
                    let counted = self.counter.counted_with(mark.slot, facts);
                    match self.rings.counts.push(counted) {
                        Ok(()) => current.released_done += shown,
                        Err(PushError::Full(_)) if worked => return Step::Worked,
                        Err(PushError::Full(_)) => return Step::Blocked,
                        Err(PushError::HungUp(_)) => return Step::Done,
                    }
                }
                Deed::Release(facts) => {
                    for _ in 0..facts {
                        let verdicts = &current.batch.verdicts;
                        let fact = verdicts.released().of_shard(current.released_done, self.shard);
                        current.released_done += 1;
                        let Some(fact) = fact else { continue };
                        if let Err(error) =
                            self.counter.count_released(&fact, verdicts.slots(fact.route))
                        {
                            self.failed = Some(error);
                            return Step::Done;
                        }
                    }
                }
                Deed::Free => self.counter.free(mark.slot),
                Deed::Cut => {
                    if let Some(cuts) = &mut self.rings.cuts
                        && cuts.push(self.counter.cut()).is_err()
                    {
                        // There is one cut at a time, and room for it: nobody listens any more.
                        return Step::Done;
                    }
                }
            }
            current.marks_done += 1;
            worked = true;
        }
        self.counters.set_users(self.counter.users());
        let current = self.current.take().expect("set above");
        match self.rings.back.push(current.batch) {
            Ok(()) => Step::Worked,
            Err(PushError::Full(batch)) => {
                let marks_done = batch.verdicts.marks().len();
                let places_done = batch.facts.places(self.shard).len();
                let released_done = batch.verdicts.released().len();
                self.current = Some(Current { batch, marks_done, places_done, released_done });
                if worked { Step::Worked } else { Step::Blocked }
            }
            Err(PushError::HungUp(_)) => Step::Done,
        }
    }

    fn finish(self: Box<Self>) -> Report {
        Report::Count(CountReport {
            frames: self.counter.frames(),
            users_peak: self.counter.users_peak(),
            failed: self.failed,
        })
    }
}
