//! Drives a counter through batches as the count stage does, and times each step.

use std::time::{Duration, Instant};

use headcount::batch::Batch;
use headcount::clock::verdict::Deed;
use headcount::count::Counter;

use crate::anonymous::anonymous_bytes;
use crate::stream::{BATCH_FRAMES, POOL_BATCHES, Stream, Workload};

/// Rounds of the pool between two looks at the memory.
const ROUNDS_A_LOOK: u64 = 16;

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Users of the windows, in order of end and length: those reported, then those open at the end.
    pub(crate) counts: Vec<u64>,
    /// Frames in all.
    pub(crate) frames: u64,
    /// Time in the steps after the warm-up, and frames in those.
    counting: Duration,
    frames_timed: u64,
    /// Every step's time, warm-up and growth included, in order.
    pub(crate) steps_ns: Vec<u32>,
    /// Anonymous memory at most, beyond that at the start, bytes.
    pub(crate) anonymous_bytes: u64,
}

impl Run {
    pub(crate) fn ns_a_frame(&self) -> f64 {
        self.counting.as_secs_f64() * 1e9 / self.frames_timed as f64
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
pub(crate) fn run(workload: &Workload, minutes: u64, warm_minutes: u64) -> Run {
    let anonymous_before = anonymous_bytes();
    let mut counter = Counter::new(workload.windows.slots(), u64::MAX).expect("room");
    let mut stream = Stream::new(workload);
    let (frames, warm) = (workload.frames_in(minutes), workload.frames_in(warm_minutes));
    let mut pool: Vec<Batch> = (0..POOL_BATCHES).map(|_| Stream::batch(workload)).collect();
    let mut run = Run::default();
    let mut rounds = 0;
    while run.frames < frames {
        pool.iter_mut().for_each(|batch| stream.fill(batch));
        for batch in &pool {
            let mut at = (0, 0);
            let mut through = false;
            while !through {
                let began = Instant::now();
                through = step(&mut counter, batch, &mut at, &mut run.counts);
                let took = began.elapsed();
                run.steps_ns.push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
                if run.frames >= warm {
                    run.counting += took;
                }
            }
            if run.frames >= warm {
                run.frames_timed += BATCH_FRAMES as u64;
            }
            run.frames += BATCH_FRAMES as u64;
        }
        rounds += 1;
        if rounds % ROUNDS_A_LOOK == 0 || run.frames >= frames {
            let now = anonymous_bytes().saturating_sub(anonymous_before);
            run.anonymous_bytes = run.anonymous_bytes.max(now);
        }
    }
    run.counts.extend(stream.clock.open().map(|slot| counter.users_in(slot)));
    run
}

/// A step of the count stage; says whether the batch is done with.
pub(crate) fn step(
    counter: &mut Counter,
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
        let counted = counter.count(batch, &rest[..before]).expect("users enough for no test");
        *places_done += counted;
        if counted < before {
            return false;
        }
        let Some(mark) = mark else { break };
        match mark.deed {
            Deed::Open => counter.open(mark.slot),
            Deed::Report => counts.push(counter.users_in(mark.slot)),
            Deed::Free => counter.free(mark.slot),
            Deed::Show(_) | Deed::Release(_) | Deed::OpenPast(_) | Deed::Cut => {
                unreachable!("no frame of this stream waits, no window has a past, nobody cuts")
            }
        }
        *marks_done += 1;
    }
    true
}
