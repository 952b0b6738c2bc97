//! The stages of a run, stepped one at a time.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headcount::engine::{self, Job, Outcome};
use headcount::input::Input;
use headcount::output::lines::Format;
use headcount::output::reject_lines::RejectLines;
use headcount::output::sink::LineSink;
use headcount::recovery::job::Checkpoints;
use headcount::ring::{Stop, StopReason, WaitPolicy};
use headcount::scan::stage::Depth;
use headcount::stage::{Stage, Step};
use headcount::stats::Live;
use headcount::thread::Finished;

use super::log::{Source, compressed};
use super::{Case, Random};

/// Steps without any work after which the pipeline has locked up: each stage had many turns.
const IDLE_STEPS_MAX: usize = 2000;

/// Bytes shared with the test, and perhaps room for only so many.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>, Option<(usize, ErrorKind)>);

impl Shared {
    /// Forgets what was written after so many bytes.
    pub(crate) fn cut_back(&self, bytes: u64) {
        let mut written = self.0.lock().unwrap();
        let bytes = usize::try_from(bytes).unwrap();
        assert!(bytes <= written.len(), "a checkpoint speaks of what was not written");
        written.truncate(bytes);
    }

    /// What was written, but for a letter that a full sink has cut in two.
    pub(crate) fn text(&self) -> String {
        let mut bytes = self.0.lock().unwrap().clone();
        if let Err(error) = str::from_utf8(&bytes)
            && error.error_len().is_none()
        {
            bytes.truncate(error.valid_up_to());
        }
        String::from_utf8(bytes).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut taken = self.0.lock().unwrap();
        let bytes = match self.1 {
            Some((room, why)) if taken.len() >= room => return Err(why.into()),
            Some((room, _)) => &bytes[..bytes.len().min(room - taken.len())],
            None => bytes,
        };
        taken.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A pipe's other end, and what is still to be written to it.
pub(crate) struct Writer {
    end: Option<File>,
    rest: Vec<u8>,
}

/// What goes wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A signal, after so many steps.
    Signal(usize),
    /// After so many steps a stage is gone, as if it had panicked.
    Gone(usize),
    /// The results' reader goes after so many bytes.
    Closed(usize),
    /// There is room for only so many bytes of results.
    Full(usize),
    /// After so many steps one of the files is cut short.
    Shrinks(usize),
    /// There is room for only so many bytes of rejects.
    RejectsFull(usize),
    /// After so many steps all is gone but what was written.
    Killed(usize),
}

/// What a machine says that was killed.
pub(crate) const KILLED: &str = "killed";

/// The log as files and pipes, and what is still to be written to those.
pub(crate) fn lay_out(case: &Case) -> (Vec<Input>, Vec<Writer>, Vec<tempfile::NamedTempFile>) {
    let Case { log, source, .. } = case;
    let (mut inputs, mut writers, mut files) = (Vec::new(), Vec::new(), Vec::new());
    let mut random = Random(log.bytes_total());
    for (index, part) in log.parts.iter().enumerate() {
        let source = match *source {
            Source::Mixed => random.pick(&Source::ALL[..4]),
            source => source,
        };
        if source == Source::Pipe {
            let (read_end, write_end) = rustix::pipe::pipe().unwrap();
            rustix::fs::fcntl_setfl(&write_end, rustix::fs::OFlags::NONBLOCK).unwrap();
            inputs.push(Input::from_pipe(&format!("pipe {index}"), read_end));
            writers.push(Writer { end: Some(write_end.into()), rest: part.clone() });
            continue;
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes = match source {
            Source::Gzip => compressed(part, false, &mut random),
            Source::Zstd => compressed(part, true, &mut random),
            _ => part.clone(),
        };
        file.write_all(&bytes).unwrap();
        inputs.extend(Input::look_at(&[file.path().to_owned()]).unwrap());
        if source == Source::Files && random.below(8) == 0 {
            // Out of memory, where the file system does that: such ranges are read in order.
            file.as_file().sync_data().unwrap();
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        }
        files.push(file);
    }
    (inputs, writers, files)
}

pub(crate) struct Machine {
    fault: Option<Fault>,
    stop: Stop,
    stages: Vec<Box<dyn Stage>>,
    writers: Vec<Writer>,
    results: Shared,
    rejects: Shared,
    input_names: Vec<String>,
    /// Files live as long as they are read.
    files: Vec<tempfile::NamedTempFile>,
}

pub(crate) struct Ran {
    pub(crate) results: String,
    pub(crate) rejects: Vec<(String, usize, u64, Vec<u8>)>,
    pub(crate) outcome: Outcome,
    pub(crate) stopped: StopReason,
}

impl Machine {
    pub(crate) fn new(case: &Case, fault: Option<Fault>) -> Machine {
        let (inputs, writers, files) = lay_out(case);
        let (mut results, mut rejects) = (Shared::default(), Shared::default());
        match fault {
            Some(Fault::Closed(room)) => results.1 = Some((room, ErrorKind::BrokenPipe)),
            Some(Fault::Full(room)) => results.1 = Some((room, ErrorKind::StorageFull)),
            Some(Fault::RejectsFull(room)) => rejects.1 = Some((room, ErrorKind::StorageFull)),
            Some(Fault::Signal(_) | Fault::Gone(_) | Fault::Shrinks(_) | Fault::Killed(_))
            | None => {}
        }
        let machine = Machine::on(case, inputs, results, rejects, None);
        Machine { fault, writers, files, ..machine }
    }

    /// The same, and this befalls it.
    pub(crate) fn with(self, fault: Option<Fault>) -> Machine {
        Machine { fault, ..self }
    }

    /// A machine that reads these inputs, and makes checkpoints where that is wanted.
    pub(crate) fn on(
        case: &Case,
        inputs: Vec<Input>,
        results: Shared,
        rejects: Shared,
        checkpoints: Option<Checkpoints>,
    ) -> Machine {
        let Case { settings, time, topology, sizes, with_rejects, .. } = case;
        let input_names = inputs.iter().map(|input| input.name.to_string()).collect();
        let before = |of: &Shared| of.0.lock().unwrap().len() as u64;
        let sink = LineSink::new("results", Format::Json, results.clone()).after(before(&results));
        let lines = RejectLines::new("rejects", rejects.clone()).after(before(&rejects));
        let job = Job {
            source: engine::Source::Inputs(inputs, None),
            scan: settings.clone(),
            clock: time.settings(),
            depth: Depth::Count,
            topology: topology.clone(),
            wait: WaitPolicy::Park,
            sizes: *sizes,
            sink: Box::new(sink),
            keeper: None,
            checkpoints,
            rejects: with_rejects.then(|| Box::new(lines) as _),
            stop: Stop::new(),
            // Whether somebody watches changes nothing.
            live: match topology.scanners % 2 {
                0 => Live::watched(topology.scanners),
                _ => Live::new(topology.scanners),
            },
        };
        let machine = Machine::of_job(job, results);
        Machine { rejects, input_names, ..machine }
    }

    /// The stages of a job whose results go to `results`, and which nothing befalls.
    pub(crate) fn of_job(job: Job, results: Shared) -> Machine {
        let stop = job.stop.clone();
        let wiring = engine::wire(job).unwrap();
        Machine {
            fault: None,
            stop,
            stages: wiring.threads.into_iter().flat_map(|(stages, _)| stages).collect(),
            writers: Vec::new(),
            results,
            rejects: Shared::default(),
            input_names: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Steps to the end, in random order; the error says what locked up.
    pub(crate) fn run(mut self, random: &mut Random) -> Result<Ran, String> {
        let mut outcome = Outcome::default();
        let (mut steps, mut idle_steps) = (0, 0);
        // Some runs favour one stage, so that rings run full or empty.
        let favourite = random.below(self.stages.len() * 2);
        while !self.stages.is_empty() {
            if random.below(8) == 0 && self.write(random) {
                idle_steps = 0;
            }
            steps += 1;
            match self.fault {
                Some(Fault::Signal(after)) if steps == after => {
                    self.stop.request(StopReason::Interrupted);
                }
                Some(Fault::Gone(after)) if steps == after => {
                    let index = random.below(self.stages.len());
                    drop(self.stages.swap_remove(index));
                    continue;
                }
                Some(Fault::Killed(after)) if steps == after => return Err(KILLED.into()),
                Some(Fault::Shrinks(after)) if steps == after && !self.files.is_empty() => {
                    let file = self.files[random.below(self.files.len())].as_file();
                    let bytes = usize::try_from(file.metadata().unwrap().len()).unwrap();
                    file.set_len(random.below(bytes + 1) as u64).unwrap();
                }
                _ => {}
            }
            let index = if favourite < self.stages.len() && random.below(2) == 0 {
                favourite
            } else {
                random.below(self.stages.len())
            };
            match self.stages[index].step() {
                Step::Worked => idle_steps = 0,
                Step::Blocked | Step::BlockedOnInput => idle_steps += 1,
                Step::Done => {
                    let stage = self.stages.swap_remove(index);
                    let (name, busy) = (stage.name(), Duration::ZERO);
                    outcome.gather(vec![Finished { name, report: stage.finish(), busy }]);
                    idle_steps = 0;
                }
            }
            let all_written = self.writers.iter().all(|writer| writer.end.is_none());
            if idle_steps > IDLE_STEPS_MAX && all_written {
                let names: Vec<String> = self.stages.iter().map(|stage| stage.name()).collect();
                return Err(format!("locked up; still there: {}", names.join(", ")));
            }
        }
        let complete = self.rejects.text().rfind('\n').map_or(0, |at| at + 1);
        let rejects =
            self.rejects.text()[..complete].lines().map(|line| self.reject(line)).collect();
        let stopped = self.stop.reason();
        Ok(Ran { results: self.results.text(), rejects, outcome, stopped })
    }

    /// Writes a piece to the first pipe that is not done.
    fn write(&mut self, random: &mut Random) -> bool {
        let Some(writer) = self.writers.iter_mut().find(|writer| writer.end.is_some()) else {
            return false;
        };
        let bytes = (1 + random.below(3000)).min(writer.rest.len());
        match &mut writer.end {
            Some(end) if bytes > 0 => match end.write(&writer.rest[..bytes]) {
                Ok(written) => drop(writer.rest.drain(..written)),
                Err(full) if full.kind() == ErrorKind::WouldBlock => return false,
                // A run that fails or is broken off leaves its inputs.
                Err(left) => {
                    assert_eq!(left.kind(), ErrorKind::BrokenPipe);
                    writer.end = None;
                }
            },
            end => *end = None,
        }
        true
    }

    fn reject(&self, line: &str) -> (String, usize, u64, Vec<u8>) {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let payload = text("payload").map(String::into_bytes).unwrap_or_else(|| {
            use base64::Engine;
            let coded = text("payload_base64").unwrap();
            base64::engine::general_purpose::STANDARD.decode(coded).unwrap()
        });
        let input = text("input").unwrap();
        let input = self.input_names.iter().position(|name| *name == input).unwrap();
        (text("reason").unwrap(), input, json["offset"].as_u64().unwrap(), payload)
    }
}
