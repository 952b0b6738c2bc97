//! Drives a counter through batches as the count stage does, and times each step.

use std::time::{Duration, Instant};

use headcount::batch::Batch;
use headcount::clock::ClockSettings;
use headcount::clock::verdict::{Deed, Slot};

use crate::stream::{BATCH_FRAMES, POOL_BATCHES, Stream};

/// What is measured.
pub(crate) trait Counting {
    fn open(&mut self, slot: Slot);
    fn users_in(&self, slot: Slot) -> u64;
    fn free(&mut self, slot: Slot);
    /// Counts some of these places: says how many.
    fn count(&mut self, batch: &Batch, places: &[u16]) -> usize;
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Users of the windows reported.
    pub(crate) counts: Vec<u64>,
    /// Time in the steps after the warm-up.
    pub(crate) counting: Duration,
    /// Frames in those.
    pub(crate) frames: u64,
    /// Every step's time, warm-up and growth included, in order.
    pub(crate) steps_ns: Vec<u32>,
}

impl Run {
    pub(crate) fn ns_a_frame(&self) -> f64 {
        self.counting.as_secs_f64() * 1e9 / self.frames as f64
    }

    /// The step's time that this many of a thousand steps do not exceed, milliseconds.
    pub(crate) fn step_ms(&self, per_mille: usize) -> f64 {
        let mut sorted = self.steps_ns.clone();
        sorted.sort_unstable();
        let at = (sorted.len() - 1) * per_mille / 1000;
        f64::from(sorted[at]) / 1e6
    }
}

/// Counts this many minutes; the first `warm_minutes` are not part of the time a frame.
pub(crate) fn run(counter: &mut dyn Counting, users: u64, minutes: u64, warm_minutes: u64) -> Run {
    let settings = ClockSettings::plain();
    let mut stream = Stream::new(users, &settings);
    let (frames, warm) = (stream.frames_in(minutes), stream.frames_in(warm_minutes));
    let mut pool: Vec<Batch> = (0..POOL_BATCHES).map(|_| Stream::batch()).collect();
    let mut run = Run::default();
    let mut counted = 0;
    while counted < frames {
        pool.iter_mut().for_each(|batch| stream.fill(batch));
        for batch in &pool {
            let mut at = (0, 0);
            let mut through = false;
            while !through {
                let began = Instant::now();
                through = step(counter, batch, &mut at, &mut run.counts);
                let took = began.elapsed();
                run.steps_ns.push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
                if counted >= warm {
                    run.counting += took;
                }
            }
            if counted >= warm {
                run.frames += BATCH_FRAMES as u64;
            }
            counted += BATCH_FRAMES as u64;
        }
    }
    run
}

/// A step of the count stage; says whether the batch is done with.
fn step(
    counter: &mut dyn Counting,
    batch: &Batch,
    (places_done, marks_done): &mut (usize, usize),
    counts: &mut Vec<u64>,
) -> bool {
    let places = batch.facts.places(0);
    let marks = batch.verdicts.marks();
    while *places_done < places.len() || *marks_done < marks.len() {
        let rest = &places[*places_done..];
        let mark = marks.get(*marks_done);
        let before =
            mark.map_or(rest.len(), |mark| rest.partition_point(|&place| place < mark.place));
        let counted = counter.count(batch, &rest[..before]);
        *places_done += counted;
        if counted < before {
            return false;
        }
        let Some(mark) = mark else { break };
        match mark.deed {
            Deed::Open => counter.open(mark.slot),
            Deed::Report => counts.push(counter.users_in(mark.slot)),
            Deed::Free => counter.free(mark.slot),
            Deed::Show(_) | Deed::Release(_) => unreachable!("no frame of this stream waits"),
        }
        *marks_done += 1;
    }
    true
}
