//! `headcount plan`: what a run will be made of, before it runs.

use std::fmt::Write;

use indicatif::{BinaryBytes, HumanCount};

use super::print;
use super::settle::count;
use crate::batch::BatchShape;
use crate::cli::PlanArgs;
use crate::count::memory_bytes;
use crate::engine::Sizes;
use crate::error::{Error, ExitCode};
use crate::input::read_buf::RESERVED_BYTES;
use crate::limits::{COUNTER_USERS_MAX, FRAME_BYTES_MAX, UID_BYTES_MAX};
use crate::needs::Fixed;
use crate::scan::Kernel;
use crate::topology::{Topology, cores};

/// Prints the plan.
pub fn run(args: &PlanArgs) -> Result<ExitCode, Error> {
    let clock = args.frames.clock()?;
    let topology = Topology::new(cores(), &args.threads.wish())?;
    let sizes = Sizes::default();
    let shape = BatchShape {
        frames_max: sizes.batch_frames,
        uid_bytes_max: sizes.batch_uid_bytes,
        shards: topology.counters,
        series: clock.calendar.series().len(),
        places: clock.calendar.places(),
        held_bytes: None,
        partitioned: false,
    };
    if args.uid_bytes > UID_BYTES_MAX as u64 {
        return Err(Error::usage(format!("--uid-bytes: a uid has at most {UID_BYTES_MAX} bytes")));
    }
    let users_max = COUNTER_USERS_MAX * topology.counters as u64;
    if args.users > users_max {
        return Err(Error::usage(format!(
            "--users: at most {} can be counted at once by {}",
            HumanCount(users_max),
            count(topology.counters as u64, "counter")
        )));
    }
    let windows = clock.windows_kept();
    let plural = |n: usize, one: &str| count(n as u64, one);
    let text = describe(args, &topology, &sizes, &shape, windows, &plural);
    print(&text.map_err(|_| Error::Internal("a plan could not be put together".into()))?)
}

fn describe(
    args: &PlanArgs,
    topology: &Topology,
    sizes: &Sizes,
    shape: &BatchShape,
    windows: usize,
    plural: &dyn Fn(usize, &str) -> String,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (scanners, counters) = (topology.scanners, topology.counters);
    writeln!(
        text,
        "Threads ({} may be used; waiting: {})",
        plural(topology.cores, "core"),
        args.threads.wait
    )?;
    for (index, stages) in topology.threads.iter().enumerate() {
        let names: Vec<String> = stages.iter().map(ToString::to_string).collect();
        let pinned = if topology.pin { ", pinned" } else { "" };
        writeln!(text, "  thread {index}: {}{pinned}", names.join(", "))?;
    }
    writeln!(text, "  kernel: {}", Kernel::best().name())?;

    writeln!(text, "\nRings")?;
    let slots = sizes.batch_ring_slots;
    writeln!(text, "  scan → clock, and home again: {scanners} × {slots} batches each way")?;
    writeln!(text, "  clock → count, and back:      {counters} × {slots} batches each way")?;
    let results = sizes.result_ring_slots;
    writeln!(text, "  clock, count → output:        {} × {results} results", counters + 1)?;
    writeln!(
        text,
        "  a batch: {} frames or {} of uids; a chunk: {} of input",
        HumanCount(sizes.batch_frames as u64),
        BinaryBytes(sizes.batch_uid_bytes as u64),
        BinaryBytes(sizes.chunk_bytes as u64)
    )?;

    let fixed = Fixed::new(topology, sizes, shape);
    let reserved = (scanners + 1) * RESERVED_BYTES;
    let users = memory_bytes(args.users, args.uid_bytes, windows, counters);
    let total = fixed.bytes() + users;
    writeln!(text, "\nMemory")?;
    let mut line =
        |bytes: u64, what: &str| writeln!(text, "  {:>11}  {what}", BinaryBytes(bytes).to_string());
    line(
        fixed.buffers_bytes,
        &format!(
            "read buffers (up to {} where frames are near the limit of {})",
            BinaryBytes(reserved as u64),
            BinaryBytes(FRAME_BYTES_MAX as u64)
        ),
    )?;
    line(fixed.batches_bytes, "batches, at most (touched only as far as they are filled)")?;
    line(
        users,
        &format!(
            "{} users in windows at once, with uids of {} bytes; {} open at once at most",
            HumanCount(args.users),
            args.uid_bytes,
            plural(windows, "window")
        ),
    )?;
    let mapped = BinaryBytes((scanners * sizes.window_bytes) as u64);
    line(
        total,
        &format!(
            "in all, at most, with 8 MiB for the program itself, besides {mapped} of files mapped, the page cache's own"
        ),
    )?;
    if let Some(memory) = args.threads.memory {
        let enough = if total <= memory {
            "enough"
        } else {
            "perhaps not enough: this is the most they can need"
        };
        line(memory, &format!("given by --memory: {enough}"))?;
    }
    Ok(text)
}
