//! Threads: the only place that spawns and pins those of a run, and the loop that steps stages and
//! waits. (The only others are the workers of [`crate::generate`], which are no part of a run.)
//!
//! A thread owns its stages, the output first, a scanner last. After each step that did something
//! it begins with the first again: what has been read is counted and put out before more is read,
//! and a scanner on another thread gets its batches back as soon as can be. It waits only when a
//! whole round did nothing: then it spins, yields or parks as the wait policy says (see
//! [`crate::ring::wait`]).

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, ExitCode};
use crate::report::Report;
use crate::ring::{Stop, StopReason, Waiter};
use crate::stage::{Stage, Step};
use crate::stats::BusyCounter;

/// What a stage did with its thread.
#[derive(Debug)]
pub struct Finished {
    /// Its name.
    pub name: String,
    /// What it leaves behind.
    pub report: Report,
    /// Time spent in steps that did something.
    pub busy: Duration,
}

struct Running {
    stage: Box<dyn Stage>,
    busy: Duration,
    /// The same for a watcher.
    seen: Arc<BusyCounter>,
    waits_on_input: bool,
}

/// A stage, and where a watcher sees how busy it is.
pub type Watched = (Box<dyn Stage>, Arc<BusyCounter>);

/// Starts a thread that runs these stages to their end. Pinned to `core` where one is given.
pub fn spawn(
    index: usize,
    stages: Vec<Watched>,
    waiter: Waiter,
    core: Option<core_affinity::CoreId>,
    done: Sender<Vec<Finished>>,
) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(format!("headcount {index}"))
        .spawn(move || {
            if let Some(core) = core {
                core_affinity::set_for_current(core);
            }
            // Nobody listens any more only if starting another thread failed.
            let _ = done.send(run(stages, waiter));
        })
        .map_err(|source| Error::System { what: "cannot start a thread", source })
}

/// The cores threads are pinned to, in order.
pub fn pin_targets(threads: usize) -> Result<Vec<core_affinity::CoreId>, Error> {
    match core_affinity::get_core_ids() {
        Some(cores) if cores.len() >= threads => Ok(cores),
        _ => Err(Error::System {
            what: "--pin: cannot tell which cores this process may use",
            source: io::Error::other("no affinity mask"),
        }),
    }
}

/// Turns SIGINT and SIGTERM into a stop of the run. A second one ends the program at once: whoever
/// sends it does not want to wait for the input any longer.
pub fn stop_on_signals(stop: Stop) -> Result<(), Error> {
    let fail = |source| Error::System { what: "cannot listen for signals", source };
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(fail)?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for _ in signals.forever() {
                if !stop.request(StopReason::Interrupted) {
                    std::process::exit(i32::from(ExitCode::Interrupted as u8));
                }
            }
        })
        .map(drop)
        .map_err(fail)
}

/// Runs a producer beside the pipeline, as `demo` needs one.
pub fn spawn_producer<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    std::thread::Builder::new()
        .name("producer".into())
        .spawn(work)
        .map_err(|source| Error::System { what: "cannot start a thread", source })
}

/// Runs what writes checkpoints. It ends when nobody has any more of them.
pub fn spawn_keeper(work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name("checkpoints".into())
        .spawn(work)
        .map_err(|source| Error::System { what: "cannot start a thread", source })
}

/// Runs the server that a run is watched by. It is no part of the run.
pub fn spawn_watcher(work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name("watch".into())
        .spawn(work)
        .map_err(|source| Error::System { what: "cannot start a thread", source })
}

fn run(stages: Vec<Watched>, mut waiter: Waiter) -> Vec<Finished> {
    let mut running: Vec<Running> = stages
        .into_iter()
        .map(|(stage, seen)| Running { stage, busy: Duration::ZERO, seen, waits_on_input: false })
        .collect();
    let mut finished = Vec::with_capacity(running.len());
    while !running.is_empty() {
        let mut worked = false;
        let mut started = Instant::now();
        let mut index = 0;
        while let Some(one) = running.get_mut(index) {
            let step = one.stage.step();
            let now = Instant::now();
            one.waits_on_input = step == Step::BlockedOnInput;
            match step {
                Step::Worked => {
                    one.busy += now - started;
                    one.seen.set(one.busy);
                    worked = true;
                    break;
                }
                Step::Blocked | Step::BlockedOnInput => index += 1,
                Step::Done => {
                    let Running { stage, busy, .. } = running.remove(index);
                    let name = stage.name();
                    finished.push(Finished { name, report: stage.finish(), busy });
                    worked = true;
                }
            }
            started = now;
        }
        if worked {
            waiter.worked();
        } else {
            let waiting = running.iter().find(|one| one.waits_on_input);
            let fd: Option<BorrowedFd<'_>> = waiting.and_then(|one| one.stage.input_fd());
            waiter.idle(fd, running.iter().filter_map(|one| one.stage.wake_in()).min());
        }
    }
    finished
}
