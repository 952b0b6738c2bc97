//! A file that is cut short by another thread while it is counted, at any moment: no frame is made
//! of what is not in it, what was put out before is right, and the error says what happened.
//!
//! The moments are drawn from a seed (`HEADCOUNT_SEED`); what was met with it depends on the host.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests an unwrap is the assertion")]

use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use headcount::accounts::{Accounts, Ended};
use headcount::clock::ClockSettings;
use headcount::engine::{self, Job, Sizes, Source};
use headcount::input::Input;
use headcount::output::lines::Format;
use headcount::output::reject_lines::RejectLines;
use headcount::output::sink::LineSink;
use headcount::ring::{Stop, StopReason, WaitPolicy};
use headcount::scan::ScanSettings;
use headcount::scan::stage::Depth;
use headcount::stats::Live;
use headcount::topology::{Topology, Wish};
use rustix::mm::{MapFlags, ProtFlags, mmap};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

struct Ran {
    results: String,
    rejects: String,
    accounts: Accounts,
    failed: Option<String>,
}

fn count(input: Input, cores: usize, sizes: Sizes) -> Ran {
    let topology = Topology::new(cores, &Wish::default()).unwrap();
    let (results, rejects) = (Shared::default(), Shared::default());
    let job = Job {
        source: Source::Inputs(vec![input], None),
        scan: ScanSettings { validate: cores == 1, ..ScanSettings::default() },
        clock: ClockSettings::default(),
        depth: Depth::Count,
        live: Live::new(topology.scanners),
        topology,
        wait: WaitPolicy::Balanced,
        sizes,
        sink: Box::new(LineSink::new("results", Format::Json, results.clone())),
        keeper: None,
        checkpoints: None,
        rejects: Some(Box::new(RejectLines::new("rejects", rejects.clone()))),
        stop: Stop::new(),
    };
    let mut outcome = engine::run(job, &mut || {}).unwrap();
    let (accounts, failed) = Accounts::of(&mut outcome, StopReason::Running);
    let failed = failed.map(|error| error.to_string());
    Ran { results: results.text(), rejects: rejects.text(), accounts, failed }
}

/// Frames of many lengths, a minute each twenty.
fn log() -> String {
    (0..12_000i64)
        .map(|n| {
            let ts = 1_700_000_040 + n * 3;
            let pad = "x".repeat(usize::try_from(n * 37 % 701).unwrap());
            format!("{{\"pad\":\"{pad}\",\"ts\":{ts},\"uid\":\"user {}\"}}\n", n % 97)
        })
        .collect()
}

#[test]
fn at_any_moment() {
    let seed = std::env::var("HEADCOUNT_SEED").map_or_else(
        |_| std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        |text| text.parse().unwrap(),
    );
    eprintln!("HEADCOUNT_SEED={seed}");
    let mut state = seed | 1;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % n
    };
    let log = log();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, &log).unwrap();
    let look = || Input::look_at(std::slice::from_ref(&path)).unwrap().remove(0);
    let started = Instant::now();
    let whole = count(look(), 2, Sizes::default());
    let took_us = u64::try_from(started.elapsed().as_micros()).unwrap();
    assert!(whole.failed.is_none());
    assert_eq!(whole.accounts.frames.frames_read, 12_000);
    for run in 0..300 {
        std::fs::write(&path, &log).unwrap();
        let input = look();
        let keep = below(log.len() as u64 + 1);
        let wait = Duration::from_micros(below(2 * took_us + 1));
        let file = File::options().write(true).open(&path).unwrap();
        let cutter = std::thread::spawn(move || {
            // Sleeping is too coarse for this.
            let started = Instant::now();
            while started.elapsed() < wait {
                std::hint::spin_loop();
            }
            file.set_len(keep).unwrap();
        });
        let chunk_bytes = [4096, 65_536, 1 << 20][usize::try_from(below(3)).unwrap()];
        let cores = 1 + usize::try_from(below(3)).unwrap();
        let ran = count(input, cores, Sizes { chunk_bytes, ..Sizes::default() });
        cutter.join().unwrap();
        let what = format!("HEADCOUNT_SEED={seed}, run {run}, {keep} bytes kept");
        assert_eq!(ran.rejects, "", "{what}: made of what is not in the file");
        let frames = ran.accounts.frames;
        assert_eq!((frames.malformed, ran.accounts.blank_lines), (0, 0), "{what}");
        match ran.failed {
            None => {
                assert_eq!(ran.accounts.ended, Ended::Done, "{what}");
                assert_eq!(frames.frames_read, 12_000, "{what}");
                assert_eq!(ran.results, whole.results, "{what}");
            }
            Some(error) => {
                let says = format!(
                    "it shrank while it was read: {} bytes at the start, {keep} now",
                    log.len()
                );
                assert!(error.contains(&says), "{what}: {error}");
                assert!(whole.results.starts_with(&ran.results), "{what}");
            }
        }
    }
}

/// In a process of its own: our handler is there, and then something that is not ours is cut short.
#[test]
fn a_mapping_that_is_not_ours_ends_the_process_as_before() {
    const CHILD: &str = "HEADCOUNT_TEST_FAULT";
    if std::env::var_os(CHILD).is_none() {
        let name = "a_mapping_that_is_not_ours_ends_the_process_as_before";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let status =
            child.args([name, "--exact"]).env(CHILD, "1").stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.signal(), Some(rustix::process::Signal::BUS.as_raw()), "{status}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, log()).unwrap();
    let input = Input::look_at(std::slice::from_ref(&path)).unwrap().remove(0);
    assert!(count(input, 1, Sizes::default()).failed.is_none());
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let (prot, flags) = (ProtFlags::READ, MapFlags::SHARED);
    // SAFETY: the kernel chooses the place, so nothing that is there is replaced.
    let at = unsafe { mmap(std::ptr::null_mut(), 1 << 20, prot, flags, &file, 0) }.unwrap();
    file.set_len(0).unwrap();
    // SAFETY: the mapping is never taken away. The page cannot be had, which is what this is about.
    let byte = unsafe { at.cast::<u8>().read_volatile() };
    panic!("read {byte} where there is nothing");
}
