//! `headcount count`: the main job, from flags to accounts.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::inputs;
use super::settle::{Summary, settle};
use crate::accounts::{Accounts, Cost};
use crate::cli::CountArgs;
use crate::engine::{self, Job, Sizes};
use crate::error::{Error, ExitCode};
use crate::input::Input;
use crate::output::sink::{LineSink, ResultSink};
use crate::ring::Stop;
use crate::scan::stage::Depth;
use crate::stats::Live;
use crate::thread;
use crate::topology::{Topology, cores};
use crate::watch::progress::Progress;

/// Bytes of rejects gathered before they are written.
const REJECT_BUFFER_BYTES: usize = 256 * 1024;

/// Counts.
pub fn run(args: &CountArgs) -> Result<ExitCode, Error> {
    let output = &args.output;
    let clock = args.frames.clock()?;
    let topology = Topology::new(cores(), &args.threads.wish())?;
    let inputs = inputs(&args.input.files)?;
    let names: Vec<String> = inputs.iter().map(|input| input.name.to_string()).collect();
    different_files(&[&output.to, &output.rejects, &output.summary])?;
    let sink: Box<dyn ResultSink> = match &output.to {
        Some(path) => {
            let file = create(path, &inputs)?;
            Box::new(LineSink::new(&path.display().to_string(), output.format, file))
        }
        None => Box::new(LineSink::new("stdout", output.format, std::io::stdout())),
    };
    let rejects = match &output.rejects {
        Some(path) => {
            let out = BufWriter::with_capacity(REJECT_BUFFER_BYTES, create(path, &inputs)?);
            Some((path.display().to_string(), Box::new(out) as Box<dyn Write + Send>))
        }
        None => None,
    };
    if let Some(path) = &output.summary {
        // Told now, not after the run; it is written at the end.
        create(path, &inputs)?;
    }
    let stop = Stop::new();
    thread::stop_on_signals(stop.clone())?;
    let live = Live::new(topology.scanners);
    let progress = Progress::new(live.clone(), &inputs, output.quiet);
    let job = Job {
        inputs,
        scan: args.frames.scan(),
        clock,
        depth: Depth::Count,
        topology: topology.clone(),
        wait: args.threads.wait,
        sizes: Sizes::default(),
        sink,
        rejects,
        stop: stop.clone(),
        live,
    };
    let mut outcome = engine::run(job, &mut || progress.tick())?;
    progress.finish();
    let (accounts, failed) = Accounts::of(&mut outcome, stop.reason());
    let cost = Cost::of(&outcome);
    let summary = Summary::new(accounts, cost, &topology, names, &args.frames);
    settle(&summary, failed, output.summary.as_deref(), output.quiet)
}

/// Makes or empties an output file, unless that would destroy an input.
fn create(path: &Path, inputs: &[Input]) -> Result<File, Error> {
    let name = path.display().to_string();
    if let Ok(there) = path.metadata()
        && let Some(input) = inputs.iter().find(|input| input.is_same_file(&there))
    {
        let input = &input.name;
        return Err(Error::usage(format!("{name} is the input {input}: give another output")));
    }
    File::create(path).map_err(|source| Error::output(&name, source))
}

/// Two outputs in one file would spoil each other.
fn different_files(paths: &[&Option<PathBuf>]) -> Result<(), Error> {
    let given: Vec<_> = paths.iter().filter_map(|path| path.as_ref()).collect();
    let places: Vec<_> = given.iter().map(|path| place(path)).collect();
    for (index, path) in given.iter().enumerate() {
        let same = places[..index].contains(&places[index]);
        if same && !path.starts_with("/dev") {
            return Err(Error::usage(format!("{} is given for two outputs", path.display())));
        }
    }
    Ok(())
}

/// The one path of a file, there or not, however it is written.
fn place(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    path.canonicalize()
        .or_else(|_| Ok(folder.unwrap_or(Path::new(".")).canonicalize()?.join(name)))
        .unwrap_or_else(|_: std::io::Error| path.to_owned())
}
