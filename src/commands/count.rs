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
    // All are opened before any is emptied: a name mistyped costs nobody the results of before.
    let open = |path: &Option<PathBuf>| match path {
        Some(path) => open_output(path, &inputs).map(Some),
        None => Ok(None),
    };
    let (to, rejects) = (open(&output.to)?, open(&output.rejects)?);
    // The summary is written at the end, but whether it can be is told now.
    open(&output.summary)?;
    let sink: Box<dyn ResultSink> = match (&output.to, to) {
        (Some(path), Some(file)) => {
            empty(path, &file)?;
            Box::new(LineSink::new(&path.display().to_string(), output.format, file))
        }
        _ => Box::new(LineSink::new("stdout", output.format, std::io::stdout())),
    };
    let rejects = match (&output.rejects, rejects) {
        (Some(path), Some(file)) => {
            empty(path, &file)?;
            let out = BufWriter::with_capacity(REJECT_BUFFER_BYTES, file);
            Some((path.display().to_string(), Box::new(out) as Box<dyn Write + Send>))
        }
        _ => None,
    };
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

/// Opens or makes an output file, unless it is an input.
fn open_output(path: &Path, inputs: &[Input]) -> Result<File, Error> {
    let name = path.display().to_string();
    if let Ok(there) = path.metadata()
        && let Some(input) = inputs.iter().find(|input| input.is_same_file(&there))
    {
        let input = &input.name;
        return Err(Error::usage(format!("{name} is the input {input}: give another output")));
    }
    let options = File::options().write(true).create(true).truncate(false).open(path);
    options.map_err(|source| Error::output(&name, source))
}

/// Empties an output file; what is no plain file has nothing to empty.
fn empty(path: &Path, file: &File) -> Result<(), Error> {
    let fail = |source| Error::output(&path.display().to_string(), source);
    if file.metadata().map_err(fail)?.is_file() {
        file.set_len(0).map_err(fail)?;
    }
    Ok(())
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
