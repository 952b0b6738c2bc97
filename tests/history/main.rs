//! Two years in one run: partitions that begin and end at very different times, all six windows, by local
//! time. Few windows are kept at once, memory stays flat, and every result is the reference's.
//!
//! `HEADCOUNT_SEED` draws other streams; `HEADCOUNT_HISTORY` says how many times as many frames.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is the assertion")]

mod source;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use headcount::accounts::Accounts;
use headcount::clock::ClockSettings;
use headcount::clock::calendar::{Calendar, Length};
use headcount::clock::settings::Late as LateFrames;
use headcount::engine::{self, Job, Sizes, Source};
use headcount::error::Error;
use headcount::generate::{Generator, Late, Skew, Workload};
use headcount::output::record::WindowResult;
use headcount::output::sink::ResultSink;
use headcount::ring::{Stop, StopReason, WaitPolicy};
use headcount::scan::ScanSettings;
use headcount::scan::stage::Depth;
use headcount::stats::Live;
use headcount::topology::{Topology, Wish};
use headcount::verify::replay::{Replay, ReplaySettings, Replayer};
use headcount::verify::rules::Rules;
use source::Generated;

const DAY_S: u64 = 86_400;
/// 2023-01-01T00:00:00Z; the second year is a leap year.
const BEGIN_S: i64 = 1_672_531_200;
const DAYS: u64 = 731;
/// First day, days, and frames in 1,000 s.
const PARTITIONS: [(u64, u64, f64); 5] =
    [(0, DAYS, 1.0), (90, 180, 2.0), (700, 31, 10.0), (0, 1, 50.0), (365, 366, 1.0)];
const LENGTHS: [Length; 6] =
    [Length::Minute, Length::Hour, Length::Day, Length::Week, Length::Month, Length::Year];
const ZONE: &str = "Europe/Zurich";

/// Counts the bytes that the process holds.
struct Holding;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Holding {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised us.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Holding = Holding;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn partitions() -> Arc<Vec<Generator>> {
    let (seed, times) =
        (number("HEADCOUNT_SEED").unwrap_or(1), number("HEADCOUNT_HISTORY").unwrap_or(1));
    let generator = |(index, (first, days, frames)): (u64, (u64, u64, f64))| {
        let rate_per_s = frames / 1000.0 * times as f64;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small and whole"
        )]
        let frames = ((days * DAY_S) as f64 * rate_per_s) as u64;
        let workload = Workload {
            frames,
            users: 3000,
            skew: Skew::Zipf { quarters: 4 },
            rate_per_s,
            start_s: BEGIN_S.checked_add_unsigned(first * DAY_S).unwrap(),
            frame_bytes: 90,
            late: vec![
                Late { share: 0.01, delay_s_max: 7200 },
                Late { share: 0.002, delay_s_max: 3 * 86_400 },
            ],
            flips: 0.001,
            duplicates: 0.01,
            malformed: 0.002,
            seed: seed.wrapping_add(index),
            ..Workload::default()
        };
        workload.generator().unwrap()
    };
    Arc::new((0..).zip(PARTITIONS).map(generator).collect())
}

fn settings(late: LateFrames) -> ClockSettings {
    let calendar = Calendar::new(&LENGTHS, &[ZONE.parse().unwrap()]).unwrap();
    let now_s = BEGIN_S.checked_add_unsigned((DAYS + 1) * DAY_S);
    ClockSettings { calendar, late, partitioned: true, now_s, ..ClockSettings::default() }
}

/// One test at a time: the memory is the whole process's.
static ALONE: Mutex<()> = Mutex::new(());

/// What the reference says, one partition after the other.
fn replay(partitions: &[Generator], late: LateFrames) -> Replay {
    let settings = ReplaySettings {
        scan: ScanSettings::default(),
        rules: Rules::of(&settings(late)),
        lengths: LENGTHS.to_vec(),
        zones: vec![ZONE.into()],
        returning_days: None,
        partitions: true,
    };
    let mut replayer = Replayer::new(&settings, partitions.len());
    let mut line = Vec::new();
    for (index, generator) in partitions.iter().enumerate() {
        for i in 0..generator.workload().frames {
            line.clear();
            generator.frame(i, &mut line);
            replayer.line(index, line.strip_suffix(b"\n").unwrap_or(&line));
        }
        replayer.end(index);
    }
    replayer.finish()
}

/// By length, the last word on each window: users, frames, late ones, complete. Its memory is there before
/// the run.
type Told = BTreeMap<&'static str, BTreeMap<i64, [u64; 4]>>;

fn right(replay: &Replay) -> Told {
    let mut right = Told::new();
    for (key, word) in &replay.words {
        let name = LENGTHS.map(length_name).into_iter().find(|name| *name == key.window).unwrap();
        let told = [word.users.len() as u64, word.frames, word.late, u64::from(word.complete)];
        right.entry(name).or_default().insert(key.ts, told);
    }
    right
}

fn length_name(length: Length) -> &'static str {
    match length {
        Length::Minute => "minute",
        Length::Hour => "hour",
        Length::Day => "day",
        Length::Week => "week",
        Length::Month => "month",
        _ => "year",
    }
}

/// Notes the last words, and what memory the run held at most, in the first half year and later.
#[derive(Default)]
struct Noted {
    told: Told,
    unknown: u64,
    taken: u64,
    held_first: usize,
    held_later: usize,
}

struct Noting(Arc<Mutex<Noted>>);

impl ResultSink for Noting {
    fn name(&self) -> &str {
        "notes"
    }

    fn put(&mut self, result: &WindowResult) -> std::io::Result<()> {
        let mut noted = self.0.lock().unwrap();
        noted.taken += 1;
        let told = [result.cnt, result.frames, result.late, u64::from(result.complete)];
        let window = noted.told.get_mut(&*result.window).and_then(|of| of.get_mut(&result.ts));
        match window {
            Some(window) => *window = told,
            None => noted.unknown += 1,
        }
        let held = HELD.load(Ordering::Relaxed);
        let day = (result.end.0 - BEGIN_S).div_euclid(86_400);
        let peak = if day < 180 { &mut noted.held_first } else { &mut noted.held_later };
        *peak = held.max(*peak);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    fn settled(&mut self) -> std::io::Result<u64> {
        Ok(self.0.lock().unwrap().taken)
    }
}

/// The engine's run. `windows` are those to expect.
fn count(
    partitions: &Arc<Vec<Generator>>,
    late: LateFrames,
    max_skew_s: u32,
    windows: &Told,
) -> (Accounts, Option<Error>, Noted) {
    let topology = Topology::new(2, &Wish::default()).unwrap();
    let blank = windows.iter().map(|(name, of)| {
        let of = of.keys().map(|&ts| (ts, [0; 4])).collect();
        (*name, of)
    });
    let noted = Arc::new(Mutex::new(Noted { told: blank.collect(), ..Noted::default() }));
    let seed = number("HEADCOUNT_SEED").unwrap_or(1);
    let agrees_to_s = settings(late).now_s.unwrap() + 600;
    let source = Generated { partitions: Arc::clone(partitions), max_skew_s, agrees_to_s, seed };
    let job = Job {
        source: Source::Messages(Box::new(source)),
        scan: ScanSettings::default(),
        clock: settings(late),
        depth: Depth::Count,
        live: Live::new(topology.scanners),
        topology,
        wait: WaitPolicy::Park,
        sizes: Sizes::default(),
        sink: Box::new(Noting(Arc::clone(&noted))),
        keeper: None,
        checkpoints: None,
        rejects: None,
        stop: Stop::new(),
    };
    let held_before = HELD.load(Ordering::Relaxed);
    let mut outcome = engine::run(job, &mut || {}).unwrap();
    let (accounts, failed) = Accounts::of(&mut outcome, StopReason::Running);
    let mut noted = std::mem::take(&mut *noted.lock().unwrap());
    noted.held_first = noted.held_first.saturating_sub(held_before);
    noted.held_later = noted.held_later.saturating_sub(held_before);
    (accounts, failed, noted)
}

#[test]
fn two_years_over_partitions_far_apart() {
    let _alone = ALONE.lock().unwrap();
    let partitions = partitions();
    for late in [LateFrames::Revise, LateFrames::Drop] {
        let mut replay = replay(&partitions, late);
        let right = right(&replay);
        replay.words.clear();
        let (accounts, failed, noted) = count(&partitions, late, 600, &right);
        assert!(failed.is_none(), "{failed:?}");
        assert_eq!(noted.unknown, 0, "{late:?}");
        for (length, windows) in &right {
            let told = &noted.told[length];
            let wrong: Vec<_> =
                windows.iter().filter(|(ts, word)| told[ts] != **word).take(3).collect();
            assert!(wrong.is_empty(), "{late:?}, {length}: not {wrong:?}");
        }
        let frames = &accounts.frames;
        let refused = |why| replay.refused.get(why).copied().unwrap_or(0);
        assert_eq!(
            (frames.refused_late, frames.refused_future),
            (refused("late"), refused("future"))
        );
        assert_eq!((frames.refused_gone, frames.frames_read), (0, replay.frames));
        assert!(refused("future") > 0 && right["minute"].len() > 50_000 && right["year"].len() > 2);
        let Noted { held_first, held_later, .. } = noted;
        eprintln!(
            "{late:?}: {} frames, {} results, {} windows kept at most; held {held_first} bytes, later {held_later}",
            frames.frames_read, accounts.windows, accounts.windows_open_peak
        );
        assert!(accounts.windows_open_peak < 1000, "{}", accounts.windows_open_peak);
        // More windows at once make for some more; no result leaves 16 bytes behind.
        assert!(held_later < held_first + (1 << 20), "{held_first} bytes, later {held_later}");
    }
}

#[test]
fn nothing_held_back_is_too_many_windows() {
    let _alone = ALONE.lock().unwrap();
    let partitions = partitions();
    let (_, failed, _) = count(&partitions, LateFrames::Drop, u32::MAX, &Told::new());
    assert!(matches!(failed, Some(Error::TooManyWindows)), "{failed:?}");
}
