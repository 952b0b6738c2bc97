//! Memory: nothing is allocated once a run is under way, and it stays flat however long the log
//! and however short its frames.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is the assertion")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use headcount::batch::{Batch, BatchEnd, BatchShape};
use headcount::clock::calendar::{Calendar, Length};
use headcount::clock::verdict::Slot;
use headcount::clock::{ClockSettings, settings};
use headcount::count::hash::UidHasher;
use headcount::count::{Counter, memory_bytes};
use headcount::engine::{self, Job, Sizes, Source};
use headcount::error::Error;
use headcount::generate::{Late, Workload};
use headcount::input::Input;
use headcount::output::lines::{Format, LineWriter};
use headcount::output::record::WindowResult;
use headcount::output::sink::ResultSink;
use headcount::ring::{Stop, WaitPolicy};
use headcount::scan::ScanSettings;
use headcount::scan::stage::Depth;
use headcount::stats::Live;
use headcount::topology::{Topology, Wish};

/// Counts the allocations of every thread that has not asked to be left out, and the bytes that all
/// hold.
struct Counting;

static HELD: AtomicU64 = AtomicU64::new(0);
static HELD_PEAK: AtomicU64 = AtomicU64::new(0);

fn hold(bytes: usize) {
    let held = HELD.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
    HELD_PEAK.fetch_max(held, Ordering::Relaxed);
}

fn let_go(bytes: usize) {
    HELD.fetch_sub(bytes as u64, Ordering::Relaxed);
}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Set on threads that are not the engine's: the test's own, and those that write to pipes.
    static LEFT_OUT: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if !LEFT_OUT.get() {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        hold(layout.size());
        // SAFETY: as the caller promised us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        hold(layout.size());
        // SAFETY: as the caller promised us.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        // For a moment there may be both.
        hold(bytes);
        let_go(layout.size());
        // SAFETY: as the caller promised us.
        unsafe { System.realloc(at, layout, bytes) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let_go(layout.size());
        // SAFETY: as the caller promised us.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time: the count is the whole process's.
static ALONE: Mutex<()> = Mutex::new(());

/// Notes how many allocations there were at each result.
struct Noting {
    lines: LineWriter,
    noted: Arc<Mutex<Vec<u64>>>,
}

impl ResultSink for Noting {
    fn name(&self) -> &str {
        "notes"
    }

    fn put(&mut self, result: &WindowResult) -> std::io::Result<()> {
        self.lines.line(result)?;
        let allocations = ALLOCATIONS.load(Ordering::Relaxed);
        self.noted.lock().unwrap().push(allocations);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    fn settled(&mut self) -> std::io::Result<u64> {
        Ok(self.noted.lock().unwrap().len() as u64)
    }
}

/// A stream whose users and windows are as many after a few minutes as ever.
fn steady(frame_bytes: usize, minutes: u64) -> Workload {
    Workload {
        frames: minutes * 6000,
        users: 3000,
        rate_per_s: 100.0,
        frame_bytes,
        late: vec![Late { share: 0.01, delay_s_max: 5 }],
        malformed: 0.01,
        escapes: 0.01,
        ..Workload::default()
    }
}

fn allocations_at_results(frame_bytes: usize, cores: usize, wish: Wish, piped: bool) -> Vec<u64> {
    let topology = Topology::new(cores, &wish).unwrap();
    let noted = Arc::new(Mutex::new(Vec::with_capacity(1000)));
    let mut bytes = Vec::new();
    steady(frame_bytes, 40).generator().unwrap().write_to(&mut bytes, 1).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let (inputs, writer) = if piped {
        let (read_end, write_end) = rustix::pipe::pipe().unwrap();
        let writer = std::thread::spawn(move || {
            LEFT_OUT.set(true);
            File::from(write_end).write_all(&bytes).unwrap();
        });
        (vec![Input::from_pipe("pipe", read_end)], Some(writer))
    } else {
        (Input::look_at(&[file.path().to_owned()]).unwrap(), None)
    };
    let sink = Noting { lines: LineWriter::new(Format::Json), noted: Arc::clone(&noted) };
    let job = Job {
        source: Source::Inputs(inputs, None),
        scan: ScanSettings::default(),
        // Nothing is kept beyond max-lag: else windows grow in number for the first hour of the log.
        clock: ClockSettings { late: settings::Late::Drop, ..ClockSettings::default() },
        depth: Depth::Count,
        live: Live::new(topology.scanners),
        topology,
        wait: WaitPolicy::Balanced,
        // Small batches, so that scanners are not minutes ahead of the counters.
        sizes: Sizes { batch_frames: 256, ..Sizes::default() },
        sink: Box::new(sink),
        keeper: None,
        checkpoints: None,
        rejects: None,
        stop: Stop::new(),
    };
    LEFT_OUT.set(true);
    engine::run(job, &mut || {}).unwrap();
    LEFT_OUT.set(false);
    if let Some(writer) = writer {
        writer.join().unwrap();
    }
    Arc::try_unwrap(noted).unwrap().into_inner().unwrap()
}

#[test]
fn nothing_is_allocated_once_running() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let fixed = |scanners, counters| Wish {
        scanners: Some(scanners),
        counters: Some(counters),
        pin: false,
    };
    for (cores, wish) in
        [(1, Wish::default()), (2, Wish::default()), (2, fixed(3, 2)), (6, fixed(3, 2))]
    {
        for frame_bytes in [83, 2080] {
            for piped in [false, true] {
                let noted = allocations_at_results(frame_bytes, cores, wish, piped);
                assert_eq!(noted.len(), 41);
                // By the tenth minute every slot and every batch has been in use; by the 25th no
                // scanner has ended yet.
                let later = noted[25] - noted[10];
                assert_eq!(
                    later, 0,
                    "{cores} cores, {wish:?}, {frame_bytes} bytes, piped {piped}: {noted:?}"
                );
            }
        }
    }
}

#[test]
fn the_calendar_allocates_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let names = "minute,15m,hour,day,week,month,year,rolling:7d";
    let lengths: Vec<Length> = names.split(',').map(|name| name.parse().unwrap()).collect();
    let zones = ["Europe/Zurich", "Africa/Casablanca", "Australia/Lord_Howe", "UTC"];
    let zones = zones.map(|name| name.parse().unwrap());
    let mut calendar = Calendar::new(&lengths, &zones).unwrap();
    let series = (0..).take(calendar.series().len());
    let mut once = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for ts_s in (1_000_000_000..2_500_000_000).step_by(400_000) {
            for series in series.clone() {
                assert!(calendar.window_at(series, ts_s).contains(ts_s));
            }
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    // Threads of other tests may begin meanwhile, but not each time.
    let allocations: Vec<u64> = (0..5).map(|_| once()).collect();
    assert!(allocations.contains(&0), "{allocations:?}");
}

#[test]
fn the_test_notices_an_allocation() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    drop(std::hint::black_box(vec![1u8; 100]));
    assert_ne!(ALLOCATIONS.load(Ordering::Relaxed), before);
}

const MIB: u64 = 1024 * 1024;

/// Users of one shard in a counter by itself.
struct Users {
    users: u32,
    uid_bytes: usize,
    /// How often as many others come after them, when the windows have gone.
    generations: u32,
    slots: u16,
}

impl Users {
    fn needed_bytes(&self) -> u64 {
        memory_bytes(u64::from(self.users), self.uid_bytes as u64, usize::from(self.slots), 1)
    }

    /// Counts them all into every slot's window: how that ended, and the most bytes it held. The same
    /// with the same hashes, which say when each sub-table grows.
    fn count(&self, hasher: &UidHasher, bytes_max: u64) -> (Result<(), Error>, u64) {
        const FRAMES: u32 = 500;
        let mut batch = Batch::new(&BatchShape {
            frames_max: FRAMES as usize,
            uid_bytes_max: FRAMES as usize * 1024,
            shards: 1,
            series: 1,
            places: usize::from(self.slots),
            held_bytes: None,
            partitioned: false,
        });
        let slots: Vec<Slot> = (0..self.slots).collect();
        let before = HELD.load(Ordering::Relaxed);
        HELD_PEAK.store(before, Ordering::Relaxed);
        let mut run = || {
            let mut counter = Counter::new(slots.len(), bytes_max)?;
            for generation in 0..self.generations {
                slots.iter().for_each(|&slot| counter.open(slot));
                for from in (0..self.users).step_by(FRAMES as usize) {
                    batch.clear();
                    let route = batch.verdicts.add_route(&slots);
                    let to = self.users.min(from + FRAMES);
                    for user in from..to {
                        let width = self.uid_bytes - 2;
                        let uid = format!("{generation:02}{user:0width$}");
                        batch.push(0, uid.as_bytes(), hasher.table(uid.as_bytes()), 0);
                        batch.verdicts.send(route);
                    }
                    batch.seal(0, BatchEnd::More);
                    let places = batch.facts.places(0);
                    let mut done = 0;
                    while done < places.len() {
                        done += counter.count(&batch, &places[done..])?;
                    }
                    for &slot in &slots {
                        assert_eq!(counter.users_in(slot), u64::from(to));
                    }
                }
                slots.iter().for_each(|&slot| counter.free(slot));
            }
            Ok(())
        };
        let ran = run();
        (ran, HELD_PEAK.load(Ordering::Relaxed) - before)
    }
}

const USERS: [Users; 5] = [
    Users { users: 100_000, uid_bytes: 14, generations: 1, slots: 1 },
    Users { users: 250_000, uid_bytes: 14, generations: 4, slots: 1 },
    Users { users: 60_000, uid_bytes: 36, generations: 4, slots: 90 },
    Users { users: 60_000, uid_bytes: 15, generations: 4, slots: 200 },
    Users { users: 20_000, uid_bytes: 700, generations: 2, slots: 3 },
];

#[test]
fn users_take_no_more_than_is_said_before() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for users in USERS {
        let needed = users.needed_bytes();
        let (ran, most) = users.count(&UidHasher::new(1), u64::MAX);
        assert!(ran.is_ok());
        let (n, uid) = (users.users, users.uid_bytes);
        assert!(most <= needed, "{most} bytes held, {needed} foretold: {n} users, uids of {uid}");
        assert!(
            most > needed / 4,
            "{most} bytes held, {needed} foretold: {n} users, uids of {uid}"
        );
    }
}

#[test]
fn a_bound_on_memory_is_kept_and_is_an_error() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for users in USERS {
        let hasher = UidHasher::new(1);
        let (_, most) = users.count(&hasher, u64::MAX);
        for share in [5, 50, 90] {
            let bytes_max = (most * share / 100).max(headcount::count::BYTES_MIN);
            let (ran, held) = users.count(&hasher, bytes_max);
            // Lists of pages and of slots are not counted: a page has thousands of users.
            let slack = 64 * 1024 + bytes_max / 100;
            assert!(held <= bytes_max + slack, "{held} bytes held, {bytes_max} were allowed");
            assert!(matches!(ran, Err(Error::MemoryUsedUp { .. })), "{share} % were enough");
        }
        // What it holds is enough, but for places in the list of free numbers that are not in use yet.
        assert!(users.count(&hasher, most + most / 5 + MIB).0.is_ok());
    }
}

/// The summary of a run over a stream.
fn summary(workload: &Workload) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_headcount"))
        .args(["count", "-", "--quiet", "--late=drop", "--summary"])
        .arg(&summary)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let written = workload.generator().unwrap().write_to(&mut stdin, 1).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let summary: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(summary).unwrap()).unwrap();
    assert_eq!(summary["frames_read"].as_u64(), Some(written.frames));
    summary
}

/// Most memory the program had at once, bytes.
fn peak_bytes(workload: &Workload) -> u64 {
    summary(workload)["peak_memory_bytes"].as_u64().unwrap()
}

#[test]
fn memory_follows_the_users_of_open_windows_not_of_the_log() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Nearly every frame brings a user never seen before: 6,000 a minute, 600,000 in all.
    let workload = Workload { users: 1_000_000_000, ..steady(83, 100) };
    let long = summary(&workload);
    assert_eq!(long["windows"].as_u64(), Some(101));
    // Two minutes are open for five seconds of each.
    let users_peak = long["users_peak"].as_u64().unwrap();
    assert!((5_900..8_000).contains(&users_peak), "{users_peak} users in open windows");
    // All of them would take 20 MB and more.
    let short = peak_bytes(&Workload { frames: 6000 * 10, ..workload });
    let long = long["peak_memory_bytes"].as_u64().unwrap();
    assert!(long < short + 4 * MIB, "{short} bytes for 10 minutes, {long} for 100");
}

#[test]
fn users_take_no_more_than_planned() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let few = peak_bytes(&steady(83, 10));
    for users in [300_000, 700_000] {
        // Three minutes with a frame a user each; the uids are of 14 bytes.
        let workload =
            Workload { users, frames: users * 3, rate_per_s: users as f64 / 60.0, ..steady(83, 0) };
        let summary = summary(&workload);
        let peak = summary["peak_memory_bytes"].as_u64().unwrap();
        let held = summary["users_peak"].as_u64().unwrap();
        let planned = memory_bytes(held, 14, 3, 1);
        let used = peak.saturating_sub(few);
        assert!(used < planned + 8 * MIB, "{used} bytes used, {planned} planned for {held}");
        assert!(used > planned / 4, "{used} bytes used, but {planned} planned for {held}");
    }
}

#[test]
fn memory_is_flat_over_a_longer_log_and_shorter_frames() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let short = peak_bytes(&steady(2080, 10));
    assert!(short < 32 * MIB, "{short} bytes for ten minutes of 3,000 users");
    let long = peak_bytes(&steady(2080, 100));
    assert!(long < short + 4 * MIB, "{short} bytes for 10 minutes, {long} for 100");
    let small_frames = peak_bytes(&steady(83, 100));
    // Small frames fill whole batches, large ones a part of each.
    assert!(
        small_frames < short + 16 * MIB,
        "{small_frames} bytes on small frames, {short} on large"
    );
    let small_frames_long = peak_bytes(&steady(83, 1000));
    assert!(
        small_frames_long < small_frames + 4 * MIB,
        "{small_frames_long} bytes, {small_frames}"
    );
}
