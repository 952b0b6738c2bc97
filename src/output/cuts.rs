//! Cuts on their way to be kept: each waits until every counter has given its part, and until the
//! results and the rejects before it are where they should be.
//!
//! Belongs to the output's stage. The clock makes one at a time, but for the last, which does not wait
//! for the one before; they are kept in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::rejects::RejectWriter;
use super::sink::{Cut, CutKeeper};
use crate::clock::cutting::{ClockCut, CutFlags};
use crate::count::journal::ShardCut;
use crate::error::Error;
use crate::ring::{Consumer, PopError};
use crate::stats::CheckpointCounters;

struct Waiting {
    clock: Box<ClockCut>,
    shards: Vec<ShardCut>,
    /// So many results come before it,
    results: u64,
    results_bytes: Option<u64>,
}

/// The cuts that are not kept yet. See the module's header.
pub struct Cuts {
    keeper: Box<dyn CutKeeper>,
    flags: CutFlags,
    waiting: VecDeque<Waiting>,
    /// By cut, how many rejects come before it, and their bytes.
    rejects: VecDeque<(u64, Option<u64>)>,
    /// Since when one is being kept.
    keeping: Option<Instant>,
    /// How long the one kept last took.
    took: Duration,
    counters: Arc<CheckpointCounters>,
}

impl Cuts {
    /// None yet. The clock goes by `flags`; a watcher sees what is in `counters`.
    pub fn new(
        keeper: Box<dyn CutKeeper>,
        flags: CutFlags,
        counters: Arc<CheckpointCounters>,
    ) -> Cuts {
        let (waiting, rejects) = (VecDeque::new(), VecDeque::new());
        let (keeping, took) = (None, Duration::ZERO);
        Cuts { keeper, flags, waiting, rejects, keeping, took, counters }
    }

    /// Whether nothing more is to be taken for now: one is being kept, for which all is there, and more than
    /// enough waits for the next.
    pub(super) fn hold_back(&self) -> bool {
        self.keeping.is_some() && self.keeper.is_full()
    }

    /// There is a cut after so many results.
    pub(super) fn heard_of(&mut self, clock: Box<ClockCut>, results: u64, bytes: Option<u64>) {
        self.waiting.push_back(Waiting {
            clock,
            shards: Vec::new(),
            results,
            results_bytes: bytes,
        });
    }

    /// There is a cut after the rejects so far. This may be heard before the cut is.
    pub(super) fn rejects_up_to(&mut self, writer: &RejectWriter) {
        self.rejects.push_back((writer.put_so_far(), writer.length()));
    }

    /// Sends the next cut on its way if it is whole and what is before it safe: so many results, and
    /// rejects where there are any. True while one is on its way, or waits.
    pub(super) fn settle(
        &mut self,
        counters: &mut [Consumer<ShardCut>],
        results_safe: u64,
        rejects_safe: Option<u64>,
    ) -> Result<bool, Error> {
        if self.keeper.is_crowded() {
            // Relaxed: it tells of nothing but itself.
            self.flags.wanted.store(true, Ordering::Relaxed);
        }
        if let Some(since) = self.keeping {
            if !self.keeper.is_kept()? {
                return Ok(true);
            }
            self.keeping = None;
            let took = since.elapsed();
            self.counters.kept(took);
            // One alone that took long, as beside a merge, is not to hold back the next.
            let usual = took.min(std::mem::replace(&mut self.took, took));
            let usual_us = u64::try_from(usual.as_micros()).unwrap_or(u64::MAX);
            // Relaxed: it tells of nothing but itself.
            self.flags.took_us.store(usual_us, Ordering::Relaxed);
            // Release: pairs with the clock's acquire.
            self.flags.under_way.store(false, Ordering::Release);
        }
        let Some(next) = self.waiting.front_mut() else { return Ok(false) };
        while let Some(counter) = counters.get_mut(next.shards.len()) {
            match counter.pop() {
                Ok(shard) => next.shards.push(shard),
                Err(PopError::Empty) => return Ok(true),
                Err(PopError::Ended) => {
                    // It failed, and the run with it.
                    self.waiting.clear();
                    return Ok(false);
                }
            }
        }
        let (rejects, rejects_bytes) = match (rejects_safe, self.rejects.front()) {
            (None, _) => (0, None),
            (Some(_), None) => return Ok(true),
            (Some(_), Some(&rejects)) => rejects,
        };
        if next.results > results_safe || rejects_safe.is_some_and(|safe| rejects > safe) {
            return Ok(true);
        }
        self.rejects.pop_front();
        if let Some(Waiting { clock, shards, results, results_bytes }) = self.waiting.pop_front() {
            let cut = Cut { clock, shards, results, rejects, results_bytes, rejects_bytes };
            self.keeper.keep(cut)?;
            self.keeping = Some(Instant::now());
        }
        Ok(true)
    }
}
