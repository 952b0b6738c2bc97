//! Drives the clock and one counter through the batches of a log, as their stages do, and times both.

use std::time::{Duration, Instant};

use headcount::batch::{Batch, BatchEnd, BatchShape};
use headcount::clock::verdict::{Counted, Deed};
use headcount::clock::{Clock, ClockSettings, Frames, LogEnd};
use headcount::count::Counter;
use headcount::limits::BATCH_UID_BYTES_MAX;

use crate::anonymous::anonymous_bytes;
use crate::log::{Answer, BATCH_FRAMES, Log, POOL_BATCHES};

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The last word on each window.
    pub(crate) said: Answer,
    /// Time of the clock and of the counter after the warm-up, and the frames in it.
    pub(crate) clock: Duration,
    pub(crate) count: Duration,
    pub(crate) frames_timed: u64,
    /// Anonymous memory at most, beyond that at the start, bytes.
    pub(crate) anonymous_bytes: u64,
}

impl Run {
    /// Nanoseconds a frame of the clock and of the counter.
    pub(crate) fn ns_a_frame(&self) -> [f64; 2] {
        let a_frame = |time: Duration| time.as_secs_f64() * 1e9 / self.frames_timed as f64;
        [a_frame(self.clock), a_frame(self.count)]
    }
}

/// Counts a log; its first `warm_days` are not part of the time.
pub(crate) fn run(log: &Log, warm_days: u64, settings: &ClockSettings) -> Run {
    let anonymous_before = anonymous_bytes();
    let mut clock = Clock::new(settings);
    let mut counter = Counter::new(settings.windows_open_max(), u64::MAX).expect("room");
    let mut reading = log.read();
    let mut pool: Vec<Batch> = (0..POOL_BATCHES).map(|_| batch(settings)).collect();
    let mut run = Run::default();
    let (mut frames, warm) = (0, log.frames_in(warm_days));
    let mut is_over = false;
    while !is_over {
        pool.iter_mut().for_each(|batch| reading.fill(batch));
        for batch in &mut pool {
            let began = Instant::now();
            judge(&mut clock, batch);
            let judged = Instant::now();
            count(&mut counter, batch, &mut run.said);
            let counted = Instant::now();
            if frames >= warm {
                run.clock += judged - began;
                run.count += counted - judged;
                run.frames_timed += batch.facts.len() as u64;
            }
            frames += batch.facts.len() as u64;
            is_over |= batch.facts.is_empty();
        }
        run.anonymous_bytes =
            run.anonymous_bytes.max(anonymous_bytes().saturating_sub(anonymous_before));
    }
    assert_eq!(clock.judged().counted + clock.parked(), frames);
    let last = &mut pool[0];
    last.clear();
    last.seal(0, BatchEnd::ChunkDone);
    clock.finish(LogEnd::Read, &mut last.verdicts);
    count(&mut counter, last, &mut run.said);
    run
}

/// An empty batch for these windows.
fn batch(settings: &ClockSettings) -> Batch {
    Batch::new(&BatchShape {
        frames_max: BATCH_FRAMES,
        uid_bytes_max: BATCH_UID_BYTES_MAX,
        shards: 1,
        series: settings.calendar.slots(),
        places: settings.calendar.places(),
        held_bytes: None,
        partitioned: false,
    })
}

fn judge(clock: &mut Clock, batch: &mut Batch) {
    let Batch { facts, verdicts, .. } = batch;
    let frames = Frames { partition: 0, facts, held: None, next_offset: 0, wall_s: None };
    clock.judge(&frames, verdicts);
}

/// A judged batch through the counter.
fn count(counter: &mut Counter, batch: &Batch, said: &mut Answer) {
    let (places, released) = (batch.facts.places(0), batch.verdicts.released());
    let mut heads = batch.verdicts.heads().iter();
    let (mut places_done, mut released_done) = (0, 0);
    let mut count_to = |counter: &mut Counter, to: usize| {
        while places_done < to {
            let rest = &places[places_done..to];
            places_done += counter.count(batch, rest).expect("users enough for no test");
        }
    };
    for mark in batch.verdicts.marks() {
        count_to(counter, places.partition_point(|&place| place < mark.place));
        match mark.deed {
            Deed::Open => counter.open(mark.slot),
            Deed::OpenPast(window) => counter.open_past(mark.slot, window),
            Deed::Free => counter.free(mark.slot),
            Deed::Report => {
                let Counted { users, returning } =
                    counter.counted_with(mark.slot, std::iter::empty());
                let head = heads.next().expect("one a report");
                said.insert((head.window.series, head.window.ts_s), Counted { users, returning });
            }
            Deed::Release(facts) => {
                for _ in 0..facts {
                    let fact = released.of_shard(released_done, 0).expect("there is one shard");
                    let slots = batch.verdicts.slots(fact.route);
                    counter.count_released(&fact, slots).expect("users enough for no test");
                    released_done += 1;
                }
            }
            Deed::Show(_) | Deed::Cut => unreachable!("this log is never silent, nor cut"),
        }
    }
    count_to(counter, places.len());
}
