//! `headcount measure`: how fast the input can be read, scanned and counted, each with all that
//! comes before it. What a part costs is the difference between two of them.

use indicatif::{DecimalBytes, HumanCount};
use serde::Serialize;

use super::print;
use super::settle::whole;
use super::source::Read;
use crate::accounts::{Accounts, Cost};
use crate::cli::MeasureCommand;
use crate::clock::ClockSettings;
use crate::engine::{self, Job, Outcome, Sizes};
use crate::error::{Error, ExitCode};
use crate::log;
use crate::output::sink::Discard;
use crate::ring::{Stop, StopReason};
use crate::scan::Kernel;
use crate::scan::stage::Depth;
use crate::stats::Live;
use crate::thread;
use crate::topology::{Topology, cores};

#[derive(Serialize)]
struct Measured {
    measured: &'static str,
    round: u32,
    frames: u64,
    bytes: u64,
    kernel: &'static str,
    #[serde(flatten)]
    cost: Cost,
}

/// Measures, once for each round: one JSON line on stdout, one for people on stderr.
pub fn run(command: &MeasureCommand) -> Result<ExitCode, Error> {
    let (depth, args) = command.parts();
    let clock = args.frames.clock()?;
    let cores = cores();
    let stop = Stop::new();
    thread::stop_on_signals(stop.clone())?;
    for round in 1..=args.rounds {
        let read = Read::look_at(&args.input, None, false, &clock, None)?;
        let topology = Topology::new(cores, &read.wish(args.threads.wish(), cores))?;
        let live = Live::new(topology.scanners);
        if args.rounds > 1
            && let Some(pipe) = read.files().iter().find(|input| input.size_bytes.is_none())
        {
            let name = &pipe.name;
            return Err(Error::usage(format!(
                "--rounds: {name} can be read only once, give a file"
            )));
        }
        let job = Job {
            scan: args.frames.scan(),
            clock: ClockSettings { partitioned: read.is_partitioned(), ..clock.clone() },
            source: read.into_source(None),
            depth,
            topology,
            wait: args.threads.wait,
            sizes: Sizes {
                memory_bytes: args.threads.memory_left(&args.input),
                ..Sizes::default()
            },
            sink: Box::new(Discard::default()),
            keeper: None,
            checkpoints: None,
            rejects: None,
            stop: stop.clone(),
            live,
        };
        let mut outcome = engine::run(job, &mut || {})?;
        if let Some(error) = failure(&mut outcome, depth, stop.reason()) {
            return Err(error);
        }
        if stop.reason() == StopReason::Interrupted {
            return Ok(ExitCode::Interrupted);
        }
        let cost = Cost::of(&outcome);
        let measured = match depth {
            Depth::Read => "read",
            Depth::Scan => "read and scan",
            Depth::Count => "read, scan and count",
        };
        tracing::info!(
            target: log::ACCOUNTS,
            "{measured}: {} in {:.3} s, {:.2} GB/s, {} frames, {} frames/s",
            DecimalBytes(outcome.read.bytes),
            cost.seconds,
            cost.gb_per_s,
            HumanCount(outcome.read.frames),
            HumanCount(whole(cost.frames_per_s)),
        );
        let line = Measured {
            measured,
            round,
            frames: outcome.read.frames,
            bytes: outcome.read.bytes,
            kernel: Kernel::best().name(),
            cost,
        };
        let line = serde_json::to_string(&line).map_err(|e| Error::output("stdout", e.into()))?;
        print(&format!("{line}\n"))?;
    }
    Ok(ExitCode::Done)
}

fn failure(outcome: &mut Outcome, depth: Depth, stopped: StopReason) -> Option<Error> {
    match depth {
        Depth::Read | Depth::Scan => outcome.failed.take(),
        Depth::Count => Accounts::of(outcome, stopped).1,
    }
}
