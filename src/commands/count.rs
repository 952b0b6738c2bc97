//! `headcount count`: the main job, from flags to accounts.

use std::io::{self, IsTerminal, LineWriter};
use std::path::PathBuf;

use super::going_on::{self, GoingOn, WrittenBefore};
use super::outputs::Output;
use super::settle::{self, Summary, settle};
use super::source::Read;
use super::topics_written;
use super::watch::Watch;
use crate::accounts::{Accounts, Cost};
use crate::cli::CountArgs;
use crate::cli::kafka::From;
use crate::clock::ClockSettings;
use crate::engine::{self, Job, Sizes};
use crate::error::{Error, ExitCode};
use crate::log;
use crate::output::lines::Format;
use crate::output::reject_lines::RejectLines;
use crate::output::rejects::RejectSink;
use crate::output::sink::{LineSink, ResultSink};
use crate::recovery::written::Written;
use crate::ring::Stop;
use crate::scan::Kernel;
use crate::scan::stage::Depth;
use crate::stats::Live;
use crate::thread;
use crate::topology::{Topology, cores};
use crate::watch::progress::{self, Progress};
use crate::watch::screen;
use crate::watch::table::LiveTable;

/// Results on stdout: the table that is drawn there, if one is; else lines, which on a terminal come beside what is
/// drawn, each whole.
fn on_stdout(format: Format, with_past: bool, table: Option<&LiveTable>) -> Box<dyn ResultSink> {
    match table {
        Some(table) => Box::new(table.clone()),
        None if io::stdout().is_terminal() => {
            let out = LineWriter::new(screen::Stdout);
            Box::new(LineSink::new("stdout", format, out).with_past(with_past))
        }
        None => Box::new(LineSink::new("stdout", format, io::stdout()).with_past(with_past)),
    }
}

/// Counts.
pub fn run(args: &CountArgs) -> Result<ExitCode, Error> {
    let output = &args.output;
    let clock = args.frames.clock()?;
    topics_written::check(args)?;
    going_on::check(args)?;
    // Before anything is read: an address that is taken costs nobody a run.
    let watch = Watch::start(args.watch.http, output.quiet)?;
    let writes = output.output.is_some() || output.rejects_topic.is_some();
    let settings = settle::Settings::of(&args.frames);
    // A topic is entered where its checkpoint left it.
    let opened = match args.input.topic.topic {
        Some(_) => GoingOn::open(args, &settings)?,
        None => None,
    };
    let mut input = args.input.clone();
    if opened.as_ref().is_some_and(GoingOn::is_fresh) {
        // What the group committed is forgotten, too.
        input.topic.from.get_or_insert(From::Beginning);
    }
    let topic_before = opened.as_ref().map_or(Ok(None), GoingOn::topic_before)?;
    let read = Read::look_at(&input, output.output.as_deref(), writes, &clock, topic_before)?;
    let now_s = args.frames.time.now.or_else(|| read.is_bounded().then(crate::input::wall_s));
    let clock = ClockSettings { partitioned: read.is_partitioned(), now_s, ..clock };
    let cores = cores();
    let topology = Topology::new(cores, &read.wish(args.threads.wish(), cores))?;
    tracing::debug!(
        target: log::RUN,
        threads = topology.threads.len(),
        scanners = topology.scanners,
        counters = topology.counters,
        kernel = Kernel::best().name(),
        "{} threads, kernel {}",
        topology.threads.len(),
        Kernel::best().name()
    );
    let (names, told) = (read.names(), read.told());
    // All are opened before any is emptied: a name mistyped costs nobody the results of before.
    let open = |path: &Option<PathBuf>| match path {
        Some(path) => Output::open(path, read.files()).map(Some),
        None => Ok(None),
    };
    let to_stdout = output.to.is_none() && output.output.is_none();
    let stdout = to_stdout.then(|| Output::stdout(read.files())).transpose()?;
    let (to, rejects) = (open(&output.to)?, open(&output.rejects)?);
    let summary_to = open(&output.summary)?;
    let given: Vec<&Output> = [&stdout, &to, &rejects, &summary_to].into_iter().flatten().collect();
    Output::check_different(&given)?;
    let going_on = match opened {
        None if !read.is_partitioned() => {
            if args.checkpoints.checkpoint.is_some() {
                // Before a directory is made.
                read.reads(None)?;
            }
            GoingOn::open(args, &settings)?
        }
        opened => opened,
    };
    let reads = going_on.as_ref().map(|going_on| read.reads(going_on.before())).transpose()?;
    let outbox = going_on.as_ref().and_then(GoingOn::outbox);
    let before = match &going_on {
        Some(going_on) => going_on.check_outputs(output.format, to.as_ref(), rejects.as_ref())?,
        None => WrittenBefore::default(),
    };
    // What has to be on the disk before a checkpoint counts.
    let mut written = Vec::new();
    let besides = |output: &Output, what| match &going_on {
        Some(_) => output.besides(what),
        None => Ok(None),
    };
    let with_past = args.frames.windows.returning.is_some();
    let draws = to_stdout && output.format == Format::Table && screen::can_draw(&io::stdout());
    let table = draws.then(|| LiveTable::on_stdout(with_past, &clock.calendar.names()));
    let sink: Box<dyn ResultSink> = match (topics_written::results(args, outbox)?, to) {
        (Some(topic), _) => topic,
        (None, Some(to)) => {
            let name = to.name().to_owned();
            let besides = besides(&to, Written::Results)?;
            let file = to.from(before.results_bytes)?;
            let sink = LineSink::new(&name, output.format, file).with_past(with_past);
            match besides {
                Some(besides) => {
                    written.push(besides);
                    Box::new(sink.after(before.results_bytes.unwrap_or(0)))
                }
                None => Box::new(sink),
            }
        }
        (None, None) => on_stdout(output.format, with_past, table.as_ref()),
    };
    let rejects: Option<Box<dyn RejectSink>> =
        match (topics_written::rejects(args, outbox)?, rejects) {
            (Some(topic), _) => Some(topic),
            (None, Some(file)) => {
                let name = file.name().to_owned();
                let besides = besides(&file, Written::Rejects)?;
                let sink = RejectLines::new(&name, file.from(before.rejects_bytes)?);
                match besides {
                    Some(besides) => {
                        written.push(besides);
                        Some(Box::new(sink.after(before.rejects_bytes.unwrap_or(0))))
                    }
                    None => Some(Box::new(sink)),
                }
            }
            (None, None) => None,
        };
    let stop = Stop::new();
    thread::stop_on_signals(stop.clone())?;
    let wants_results = progress::wants_results(read.extent(), output.quiet, table.as_ref());
    let live = match watch.is_on() || wants_results {
        true => Live::watched(topology.scanners),
        false => Live::new(topology.scanners),
    };
    let mut progress =
        Progress::new(live.clone(), read.extent(), output.quiet, table, read.backlog());
    let checkpoints = match going_on.zip(reads) {
        Some((going_on, reads)) => {
            going_on.tell(output.quiet);
            Some(going_on.into_checkpoints(
                reads,
                topology.counters,
                output.format,
                written,
                stop.clone(),
            )?)
        }
        None => None,
    };
    watch.begin(&read, &live, &stop);
    let job = Job {
        // Offsets go with the checkpoints.
        keeper: if checkpoints.is_none() { read.keeper() } else { None },
        checkpoints,
        source: read.into_source(args.input.topic.idle.duration()),
        scan: args.frames.scan(),
        clock,
        depth: Depth::Count,
        topology: topology.clone(),
        wait: args.threads.wait,
        sizes: Sizes { memory_bytes: args.threads.memory_left(&args.input), ..Sizes::default() },
        sink,
        rejects,
        stop: stop.clone(),
        live,
    };
    let mut outcome = engine::run(job, &mut || progress.tick())?;
    drop(progress);
    watch.end();
    let (accounts, failed) = Accounts::of(&mut outcome, stop.reason());
    let cost = Cost::of(&outcome);
    let mut summary = Summary::new(accounts, cost, &topology, names, &args.frames);
    (summary.topic, summary.settings.now_s) = (told.now(), now_s);
    settle(&summary, failed, summary_to, output.quiet)
}
