//! The engine: makes everything a run needs, joins the stages by rings, starts the threads, and
//! gathers what they leave behind. It stops in order: the input ends, each stage ends when the one
//! before it has.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::batch::{Batch, BatchHandle, BatchShape, Tally};
use crate::clock::cutting::{CutFlags, Cutting};
use crate::clock::stage::{ClockParts, ClockStage, OWN_BATCHES, ReaderLink, ScanLink};
use crate::clock::state::SlotSerial;
use crate::clock::unit_check::UnitCheck;
use crate::clock::{Clock, ClockSettings};
use crate::count::Counter;
use crate::count::hash::UidHasher;
use crate::count::stage::{CountRings, CountStage};
use crate::error::Error;
use crate::input::Input;
use crate::input::claim::Claims;
use crate::input::frames::FrameReader;
use crate::input::messages::{ChunkNumbers, MessageSource};
use crate::limits;
use crate::needs::Fixed;
use crate::output::cuts::Cuts;
use crate::output::rejects::{InputNames, RejectSink, RejectWriter};
use crate::output::sink::{RestartKeeper, ResultSink};
use crate::output::stage::{OutputRings, OutputStage, RejectRings};
use crate::recovery::job::{Checkpoints, Restored};
use crate::report::{ClockReport, CountReport, OutputReport, Report, ScanReport};
use crate::ring::sync::{AtomicBool, AtomicU64};
use crate::ring::{Fill, Parker, Stop, Token, WaitPolicy, Waiter, Waker, ring};
use crate::scan::stage::{Depth, Reader, ScanParts, ScanRings, ScanStage};
use crate::scan::{ScanSettings, Scanner};
use crate::stage::Stage;
use crate::stats::{Live, RingSeen, StageSeen, Wired};
use crate::thread::{self, Finished};
use crate::topology::{StageKind, Topology};

/// The sizes of a run's parts. The answer does not depend on them.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Bytes of a claimed chunk, at most [`limits::FRAME_BYTES_MAX`].
    pub chunk_bytes: usize,
    /// Bytes of a file one scanner maps at a time; with 0 files are read.
    pub window_bytes: usize,
    /// Frames of a batch.
    pub batch_frames: usize,
    /// Bytes of uids of a batch.
    pub batch_uid_bytes: usize,
    /// Batches of one scanner.
    pub batches: usize,
    /// Slots of the rings that carry batches.
    pub batch_ring_slots: usize,
    /// Slots of the rings that carry results.
    pub result_ring_slots: usize,
    /// Bytes the whole run may take: it stops where its users need more.
    pub memory_bytes: u64,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes {
            chunk_bytes: limits::CHUNK_BYTES,
            window_bytes: limits::WINDOW_BYTES,
            batch_frames: limits::BATCH_FRAMES_MAX,
            batch_uid_bytes: limits::BATCH_UID_BYTES_MAX,
            batches: limits::BATCHES_PER_SCANNER,
            batch_ring_slots: limits::BATCHES_PER_SCANNER,
            result_ring_slots: limits::RESULT_RING_SLOTS,
            memory_bytes: u64::MAX,
        }
    }
}

/// What a run reads.
pub enum Source {
    /// Files and pipes, in order, as one log; after how long without anything a pipe is silent, if ever.
    Inputs(Vec<Input>, Option<Duration>),
    /// The partitions of a topic.
    Messages(Box<dyn MessageSource>),
}

impl Source {
    /// What its parts are called where frames are named.
    fn names(&self) -> InputNames {
        match self {
            Source::Inputs(inputs, _) => {
                InputNames::Files(inputs.iter().map(|input| input.name.to_string()).collect())
            }
            Source::Messages(messages) => InputNames::Topic(messages.name()),
        }
    }
}

/// Everything a run is made from.
pub struct Job {
    /// What is read.
    pub source: Source,
    /// How frames are read.
    pub scan: ScanSettings,
    /// How time goes.
    pub clock: ClockSettings,
    /// How far frames go.
    pub depth: Depth,
    /// Which stages run where.
    pub topology: Topology,
    /// How threads wait.
    pub wait: WaitPolicy,
    /// How large things are.
    pub sizes: Sizes,
    /// Where results go.
    pub sink: Box<dyn ResultSink>,
    /// Where restart points are kept, if anywhere.
    pub keeper: Option<Box<dyn RestartKeeper>>,
    /// Where checkpoints are kept, and which one it goes on from, if any.
    pub checkpoints: Option<Checkpoints>,
    /// Where rejects go, if they are wanted.
    pub rejects: Option<Box<dyn RejectSink>>,
    /// Ends the run early.
    pub stop: Stop,
    /// What a watcher reads; one set of counters for each scanner.
    pub live: Live,
}

/// A job taken apart into its threads, not yet started.
pub struct Wiring {
    /// Each thread's stages and its waiter.
    pub threads: Vec<(Vec<Box<dyn Stage>>, Waiter)>,
    /// Whether threads are pinned.
    pub pin: bool,
    /// What a watcher is told of it but for the stages, and where.
    pub wired: (Wired, Live),
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The scanners' account of all they read.
    pub read: Tally,
    /// The clock's report.
    pub clock: ClockReport,
    /// The counters' reports, added up.
    pub counted: CountReport,
    /// The output's report.
    pub output: OutputReport,
    /// Time each stage was busy, by name.
    pub busy: Vec<(String, Duration)>,
    /// From the start of the threads to the end of the last.
    pub elapsed: Duration,
    /// A fault of the program itself, or an error of a measuring run.
    pub failed: Option<Error>,
}

/// Cuts on their way at once: one, and the last of the run.
const CUT_RING_SLOTS: usize = 2;

/// How often a run is watched.
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// Allocates and wires; nothing runs yet.
pub fn wire(job: Job) -> Result<Wiring, Error> {
    let Job { topology, sizes, .. } = &job;
    let (topology, sizes) = (topology.clone(), *sizes);
    let waiters = topology
        .threads
        .iter()
        .map(|_| Ok(Waiter::new(job.wait, Parker::new()?)))
        .collect::<std::io::Result<Vec<Waiter>>>()
        .map_err(|source| Error::System { what: "cannot make an eventfd", source })?;
    let wakers: Vec<Waker> = waiters.iter().map(Waiter::waker).collect();
    let waker = |stage: StageKind| wakers[topology.thread_of(stage)].clone();
    for waker in &wakers {
        job.stop.add_waker(waker.clone());
    }

    let shape = BatchShape {
        frames_max: sizes.batch_frames,
        uid_bytes_max: sizes.batch_uid_bytes,
        shards: topology.counters,
        series: job.clock.calendar.slots(),
        places: job.clock.calendar.places(),
        held_bytes: job.rejects.is_some().then_some(limits::BATCH_HELD_BYTES),
        partitioned: job.clock.partitioned,
    };
    let batch = || -> BatchHandle { Arc::new(Batch::new(&shape)) };
    let claimed = Arc::new(AtomicU64::new(0));
    let checking_unit = Arc::new(AtomicBool::new(job.depth == Depth::Count));
    let hasher = UidHasher::new(topology.counters);
    let names = job.source.names();
    let (keeper, restored) = match job.checkpoints {
        Some(Checkpoints { keeper, every, restored }) => (Some((keeper, every)), restored),
        None => (None, None),
    };
    let (clock_before, mut users_before) = match restored {
        Some(Restored { clock, users, keeps_numbers }) => {
            (Some(clock), Some((users, keeps_numbers)))
        }
        None => (None, None),
    };
    let from = clock_before.as_ref().and_then(|before| before.point);
    let chunks = ChunkNumbers::new(Arc::clone(&claimed));
    let scan_wakers: Vec<Waker> =
        (0..topology.scanners).map(|index| waker(StageKind::Scan(index))).collect();
    let readers = match job.source {
        Source::Inputs(inputs, idle) => {
            let input_bytes = Arc::clone(&job.live.input_bytes);
            let claims =
                Claims::new(inputs, idle, sizes.chunk_bytes, chunks, input_bytes, job.stop.clone())
                    .from(from);
            let token = Token::new(claims);
            for waker in scan_wakers {
                token.add_waker(waker);
            }
            // Who measures reads wants them made.
            let window_bytes = if job.depth == Depth::Read { 0 } else { sizes.window_bytes };
            let reader = || Reader::Lines(FrameReader::new(token.clone(), window_bytes));
            std::iter::repeat_with(reader).take(topology.scanners).collect::<Vec<Reader>>()
        }
        Source::Messages(messages) => {
            let readers = messages.start(scan_wakers, chunks, job.stop.clone())?;
            readers.into_iter().map(Reader::Messages).collect()
        }
    };

    let live = job.live.clone();
    let mut wired = Wired {
        series: job.clock.calendar.names().to_vec(),
        max_lag_s: job.clock.max_lag_s.into(),
        makes_checkpoints: keeper.is_some(),
        ..Wired::default()
    };
    let mut users_seen = Vec::new();
    let mut stages: Vec<(StageKind, Box<dyn Stage>)> = Vec::new();
    let mut scan_links = Vec::new();
    for (index, reader) in readers.into_iter().enumerate() {
        let own = StageKind::Scan(index);
        let slots = sizes.batch_ring_slots;
        let (to_clock, from) = ring(slots, waker(own), waker(StageKind::Clock));
        // Every batch can be at home at once.
        let (mut home, home_end) = ring(sizes.batches, waker(StageKind::Clock), waker(own));
        for _ in 0..sizes.batches {
            home.push(batch()).unwrap_or_else(|_| unreachable!("the ring has room for all"));
        }
        wired.rings.push(seen(own, StageKind::Clock, "batches", to_clock.fill()));
        wired.rings.push(seen(StageKind::Clock, own, "empty batches", home.fill()));
        scan_links.push(ScanLink { from, home });
        let parts = ScanParts {
            index,
            depth: job.depth,
            reader,
            scanner: Scanner::new(&job.scan),
            ts_unit: job.scan.ts_unit,
            hasher: hasher.clone(),
            checking_unit: Arc::clone(&checking_unit),
            counters: Arc::clone(&job.live.scanners[index]),
        };
        let rings = ScanRings { to_clock, home: home_end };
        stages.push((own, Box::new(ScanStage::new(parts, rings))));
    }

    if job.depth == Depth::Count {
        let reader_link = |reader: StageKind, rings: &mut Vec<RingSeen>| {
            let slots = sizes.batch_ring_slots;
            let (to, from_clock) = ring(slots, waker(StageKind::Clock), waker(reader));
            let (back_to, back) = ring(slots, waker(reader), waker(StageKind::Clock));
            rings.push(seen(StageKind::Clock, reader, "judged batches", to.fill()));
            rings.push(seen(reader, StageKind::Clock, "batches done with", back_to.fill()));
            (ReaderLink { to, back }, from_clock, back_to)
        };
        let mut readers = Vec::new();
        let mut counts = Vec::new();
        // Those of an earlier run may have been more, by its settings.
        let slots = match clock_before {
            Some(_) => limits::WINDOWS_OPEN_MAX,
            None => job.clock.windows_open_max(),
        };
        let fixed = Fixed::new(&topology, &sizes, &shape);
        let counter_bytes = fixed.counter_bytes(sizes.memory_bytes, topology.counters)?;
        let unit_is_right =
            clock_before.as_ref().is_some_and(|before| before.clock.newest_s.is_some());
        let tally_before = clock_before.as_ref().map_or_else(Tally::default, |before| before.tally);
        let from_nothing = clock_before.is_none();
        let clock = match clock_before {
            Some(before) => Clock::restore(&job.clock, before.clock, &hasher)?,
            None => Clock::new(&job.clock),
        };
        let mut counters = (0..topology.counters)
            .map(|_| Counter::new(slots, counter_bytes))
            .collect::<Result<Vec<Counter>, Error>>()?;
        // What keeps its number stands in the checkpoint already.
        let is_known = users_before.as_ref().is_some_and(|(_, keeps_numbers)| *keeps_numbers);
        if keeper.is_some() && !is_known {
            counters.iter_mut().for_each(Counter::keep_journal);
        }
        if let Some((users, keeps_numbers)) = &mut users_before {
            let slots = clock.slots_in_use();
            for &SlotSerial { slot, past_of, .. } in &slots {
                counters.iter_mut().for_each(|counter| match past_of {
                    Some(window) => counter.open_past(slot, window),
                    None => counter.open(slot),
                });
            }
            users.put_into(&mut counters, &slots, &hasher, *keeps_numbers)?;
        }
        if keeper.is_some() && is_known {
            counters.iter_mut().for_each(Counter::keep_journal);
        }
        let mut cuts = Vec::new();
        for (shard, counter) in counters.into_iter().enumerate() {
            let own = StageKind::Count(shard);
            let (link, from_clock, back) = reader_link(own, &mut wired.rings);
            readers.push(link);
            let (count, counted) =
                ring(sizes.result_ring_slots, waker(own), waker(StageKind::Output));
            wired.rings.push(seen(own, StageKind::Output, "counts", count.fill()));
            counts.push(counted);
            let cut = keeper.is_some().then(|| {
                let (cut, of_shard) = ring(CUT_RING_SLOTS, waker(own), waker(StageKind::Output));
                wired.rings.push(seen(own, StageKind::Output, "cuts", cut.fill()));
                cuts.push(of_shard);
                cut
            });
            let rings = CountRings { from_clock, back, counts: count, cuts: cut };
            let counters = Arc::default();
            users_seen.push(Arc::clone(&counters));
            stages.push((own, Box::new(CountStage::new(shard, counter, rings, counters))));
        }
        let rejects = job.rejects.map(|sink| {
            let (link, from_clock, back) = reader_link(StageKind::Output, &mut wired.rings);
            readers.push(link);
            RejectRings { from_clock, back, writer: RejectWriter::new(names, sink) }
        });
        let (messages, heard) =
            ring(sizes.result_ring_slots, waker(StageKind::Clock), waker(StageKind::Output));
        wired.rings.push(seen(StageKind::Clock, StageKind::Output, "heads", messages.fill()));
        let flags = CutFlags::default();
        let cutting = keeper.as_ref().map(|&(_, every)| Cutting {
            every,
            flags: flags.clone(),
            last: Instant::now(),
            judged_at: Instant::now(),
            tally_before,
            partitioned: job.clock.partitioned,
            point: from,
            is_within: false,
            is_joining: false,
            is_new: from_nothing,
            has_results: false,
        });
        let parts = ClockParts {
            clock,
            unit_check: match unit_is_right {
                true => UnitCheck::right(),
                false => UnitCheck::new(job.scan.ts_unit),
            },
            cutting,
            checking_unit,
            scanners: scan_links,
            readers,
            messages,
            claimed,
            stop: job.stop.clone(),
            spares: (0..OWN_BATCHES).map(|_| batch()).collect(),
            counters: Arc::clone(&live.clock),
            snapshots: live.watched.as_ref().map(|watched| watched.clock.clone()),
        };
        stages.push((StageKind::Clock, Box::new(ClockStage::new(parts))));
        let rings = OutputRings { messages: heard, counts, rejects, cuts };
        let names = job.clock.calendar.names();
        let seen = Arc::clone(&live.checkpoints);
        let cuts = keeper.map(|(keeper, _)| Cuts::new(keeper, flags, seen));
        let seen = (Arc::clone(&live.output), live.watched.clone());
        let stop = job.stop.clone();
        let output = OutputStage::new(rings, names, job.sink, job.keeper, cuts, stop, seen);
        stages.push((StageKind::Output, Box::new(output)));
    }

    let pin = topology.pin;
    let mut threads = Vec::new();
    for (kinds, waiter) in topology.threads.iter().zip(waiters) {
        let mut own = Vec::new();
        for kind in kinds {
            if let Some(at) = stages.iter().position(|(stage, _)| stage == kind) {
                own.push(stages.swap_remove(at).1);
            }
        }
        threads.push((own, waiter));
    }
    wired.counters = users_seen;
    Ok(Wiring { threads, pin, wired: (wired, live) })
}

/// A ring, for whoever watches.
fn seen(from: StageKind, to: StageKind, carries: &'static str, fill: Fill) -> RingSeen {
    RingSeen { from: from.to_string(), to: to.to_string(), carries, fill }
}

/// Runs a job to its end. `watch` is called on this thread, again and again until it is over.
pub fn run(job: Job, watch: &mut dyn FnMut()) -> Result<Outcome, Error> {
    let Wiring { threads, pin, wired: (mut wired, live) } = wire(job)?;
    let cores = if pin { thread::pin_targets(threads.len())? } else { Vec::new() };
    let threads: Vec<(Vec<thread::Watched>, Waiter)> = (0..)
        .zip(threads)
        .map(|(thread, (stages, waiter))| {
            let mut watched = |stage: Box<dyn Stage>| {
                let busy = Arc::default();
                let seen = Arc::clone(&busy);
                wired.stages.push(StageSeen { name: stage.name(), thread, busy: seen });
                (stage, busy)
            };
            (stages.into_iter().map(&mut watched).collect(), waiter)
        })
        .collect();
    let started = Instant::now();
    let (done, all_done) = std::sync::mpsc::channel();
    let handles = threads
        .into_iter()
        .enumerate()
        .map(|(index, (stages, waiter))| {
            thread::spawn(index, stages, waiter, cores.get(index).copied(), done.clone())
        })
        .collect::<Result<Vec<_>, Error>>()?;
    drop(done);
    // A job's counters are of one run: nothing is there yet.
    let _ = live.wired.set(wired);
    let mut outcome = Outcome::default();
    loop {
        match all_done.recv_timeout(WATCH_EVERY) {
            Ok(finished) => outcome.gather(finished),
            Err(RecvTimeoutError::Timeout) => watch(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    outcome.elapsed = started.elapsed();
    if handles.into_iter().any(|handle| handle.join().is_err()) {
        outcome.failed = Some(Error::Internal("a thread panicked".into()));
    }
    Ok(outcome)
}

impl Outcome {
    /// Adds what the stages of a thread left behind.
    pub fn gather(&mut self, finished: Vec<Finished>) {
        for Finished { name, report, busy } in finished {
            self.busy.push((name, busy));
            match report {
                Report::Scan(ScanReport { tally, failed, .. }) => {
                    self.read.add(&tally);
                    if let Some(error) = failed {
                        self.failed = Some(*error);
                    }
                }
                Report::Clock(clock) => self.clock = *clock,
                Report::Count(counted) => {
                    self.counted.frames += counted.frames;
                    self.counted.users_peak += counted.users_peak;
                    if counted.failed.is_some() {
                        self.failed = counted.failed;
                    }
                }
                Report::Output(output) => self.output = output,
            }
        }
    }
}
