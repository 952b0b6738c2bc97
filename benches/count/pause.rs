//! How long a cut stops a counter. `HEADCOUNT_BENCH_PAUSE=1000000` (users) measures it, in place of criterion.
//!
//! A counter goes through the bench's log; after so many batches a cut is taken, as the count stage takes
//! it, and a second thread makes a segment of it, as the keeper does, while the counter goes on. The
//! counts are compared with the plain ones. Said are the time of the cut itself, and the longest step among the
//! 100 after it, in which the journal's memory is new and the other thread is at work; beside it the same
//! of 100 steps long after a cut. What the clock does for a cut, and the disk, are not in it.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use headcount::batch::Batch;
use headcount::checkpoint::SegmentWriter;
use headcount::count::Counter;
use headcount::count::journal::ShardCut;

use crate::drive::step;
use crate::plain::ALL;
use crate::stream::{BATCH_FRAMES, POOL_BATCHES, Stream, Workload};

/// Batches between two cuts: about half a million frames.
const BATCHES_A_CUT: usize = 1024;
/// Steps looked at after a cut, and as many in the middle between two.
const STEPS: usize = 100;

/// Measures all windows that hold a year, and says one row of a table for each.
pub(crate) fn run(users: u64, cuts: usize) {
    for windows in
        ALL.into_iter().filter(|windows| windows.name == "all six" || windows.name == "year")
    {
        let workload = Workload { windows, users, uid_bytes: 14 };
        let (taken, after, between) = measure(&workload, cuts);
        let row = [&taken, &after, &between].map(|ns| {
            let [p50, p99, most] = [500, 990, 1000].map(|share| of_a_thousand(ns, share));
            format!("{p50:.3}, {p99:.3}, {most:.3}")
        });
        println!("| {} | {users} | {} | {} |", windows.name, taken.len(), row.join(" | "));
    }
}

/// Of each cut its own time, of the 100 steps after it the longest, and of 100 between two; nanoseconds.
fn measure(workload: &Workload, cuts: usize) -> (Vec<u64>, Vec<u64>, Vec<u64>) {
    let mut counter = Counter::new(workload.windows.slots(), u64::MAX).expect("room");
    counter.keep_journal();
    let mut stream = Stream::new(workload);
    let mut pool: Vec<Batch> = (0..POOL_BATCHES).map(|_| Stream::batch(workload)).collect();
    let (sent, came) = channel::<ShardCut>();
    let keeper =
        thread::spawn(move || came.into_iter().map(|cut| segment_bytes(&cut)).sum::<usize>());
    let (mut taken, mut after, mut between) = (Vec::new(), Vec::new(), Vec::new());
    let (mut counts, mut frames) = (Vec::new(), 0);
    let (mut batches, mut longest_ns) = (0, 0);
    while taken.len() < cuts {
        pool.iter_mut().for_each(|batch| stream.fill(batch));
        for batch in &pool {
            let mut at = (0, 0);
            let mut through = false;
            while !through {
                let began = Instant::now();
                through = step(&mut counter, batch, &mut at, &mut counts);
                longest_ns = longest_ns.max(ns(began));
            }
            frames += BATCH_FRAMES as u64;
            batches += 1;
            match batches % BATCHES_A_CUT {
                0 => {
                    let began = Instant::now();
                    let cut = counter.cut();
                    taken.push(ns(began));
                    sent.send(cut).expect("it listens");
                    longest_ns = 0;
                }
                STEPS if !taken.is_empty() => after.push(longest_ns),
                at if at == BATCHES_A_CUT / 2 => longest_ns = 0,
                at if at == BATCHES_A_CUT / 2 + STEPS => between.push(longest_ns),
                _ => {}
            }
        }
    }
    drop(sent);
    assert!(keeper.join().expect("segments in memory") > 0);
    counts.extend(stream.clock.open().map(|slot| counter.users_in(slot)));
    assert_eq!(counts, workload.plain_counts(frames), "{workload:?}");
    (taken, after, between)
}

/// Writes a segment, sorted as the keeper does it. Slots stand for serials.
fn segment_bytes(cut: &ShardCut) -> usize {
    let written = || {
        let mut segment = SegmentWriter::new(Vec::new())?;
        let mut users: Vec<_> = cut.users().collect();
        users.sort_by_key(|&(id, _)| id);
        users.dedup_by_key(|&mut (id, _)| id);
        segment.users(0, users)?;
        let mut members: Vec<_> = cut.members().collect();
        members.sort_by_key(|&(slot, _)| slot);
        for (slot, ids) in members {
            let mut ids: Vec<_> = ids.flatten().copied().collect();
            ids.sort_unstable();
            segment.members(0, slot.into(), &ids)?;
        }
        segment.kept(&[])?;
        segment.note(b"")?;
        segment.finish()
    };
    written().expect("memory takes it").out.len()
}

fn ns(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The value that this many of a thousand do not exceed, milliseconds.
fn of_a_thousand(ns: &[u64], share: usize) -> f64 {
    let mut sorted = ns.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() - 1) * share / 1000] as f64 / 1e6
}
