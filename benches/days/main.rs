//! Clock and counter over many days, one after the other on one thread: what rolling windows cost beside
//! days alone, and users told by whether they return.
//!
//! Every window's count is compared with one by bits. A figure is of the second half of sixty days, so
//! that a window of thirty has all its days. `HEADCOUNT_BENCH_USERS=1000000` takes other users than
//! 100,000; `HEADCOUNT_BENCH_ONCE='day, rolling:30d'` counts once, by itself, and says what the clock took
//! of the time, what the counter, and how much memory that was.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench prints and may stop")]

#[path = "../shared/anonymous.rs"]
mod anonymous;
mod drive;
mod log;
#[path = "../shared/random.rs"]
mod random;
#[path = "../shared/mod.rs"]
mod shared;

use headcount::clock::ClockSettings;
use headcount::clock::calendar::{Calendar, Length, Zone};
use log::Log;
use shared::{Contender, Group};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DAYS: u64 = 60;
/// Days of a rolling window, and of a past.
const LONG_DAYS: u8 = 30;

/// What is counted: its name, and whether there are rolling windows and pasts.
const SETS: [(&str, bool, bool); 3] =
    [("day", false, false), ("day, rolling:30d", true, false), ("day, returning 30d", false, true)];

/// Counts once and compares every window.
fn checked(log: &Log, rolling: bool, returning: bool) -> drive::Run {
    let lengths = [Length::Day, Length::Rolling(LONG_DAYS)];
    let lengths = if rolling { &lengths[..] } else { &lengths[..1] };
    let mut calendar = Calendar::new(lengths, &[Zone::utc()]).expect("one or two series");
    if returning {
        calendar = calendar.with_past(LONG_DAYS);
    }
    let settings = ClockSettings { calendar, ..ClockSettings::default() };
    let run = drive::run(log, DAYS / 2, &settings);
    let days = |wanted: bool| wanted.then_some(u64::from(LONG_DAYS));
    assert!(run.said == log.answer(days(rolling), days(returning)), "{settings:?}");
    run
}

fn main() {
    // As the program does.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let users = std::env::var("HEADCOUNT_BENCH_USERS").ok();
    let users = match users {
        Some(users) => users.parse().expect("a number of users"),
        None if shared::is_tiny() => 300,
        None => 100_000,
    };
    let log = Log { users, days: DAYS };
    if let Ok(wanted) = std::env::var("HEADCOUNT_BENCH_ONCE") {
        let set = SETS.iter().find(|(name, ..)| *name == wanted);
        let &(name, rolling, returning) = set.expect("the name of a set of windows");
        let run = checked(&log, rolling, returning);
        let [clock, count] = run.ns_a_frame();
        println!(
            "{name}, {users} users: clock {clock:.1} ns a frame, count {count:.1}; {:.1} bytes a user",
            run.anonymous_bytes as f64 / users as f64
        );
        return;
    }
    let contender = |&(name, rolling, returning): &(&str, bool, bool)| {
        Contender::new(name, move || {
            let run = checked(&log, rolling, returning);
            run.clock + run.count
        })
    };
    let contenders = SETS.iter().map(contender).collect();
    let name = format!("clock and count, {DAYS} days, {users} users");
    shared::run(vec![Group { name, items: log.frames_in(DAYS - DAYS / 2), contenders }]);
}
