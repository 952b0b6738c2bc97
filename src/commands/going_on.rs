//! Checkpoints: opens what an earlier run left, in the directory of `--checkpoint` or in a state topic, and
//! says whether this one may go on with it.

use std::time::Duration;

use clap::ValueEnum;
use indicatif::HumanCount;
use serde_json::Value;

use super::outputs::Output;
use super::settle::Settings;
use super::state_topic;
use crate::checkpoint::{Dir, Open};
use crate::cli::CountArgs;
use crate::clock::cutting::{ClockCut, CutEvery};
use crate::error::Error;
use crate::log;
use crate::output::lines::Format;
use crate::output::outbox::Outbox;
use crate::recovery::inputs::{InputState, InputsState, Reads};
use crate::recovery::job::{Checkpoints, Restored};
use crate::recovery::keeper::{Keeper, OnFailure, Writing};
use crate::recovery::note::{Note, OutputState};
use crate::recovery::topic::Before;
use crate::recovery::users::InDir;
use crate::recovery::written::{FileState, OutputFile};
use crate::ring::Stop;

/// How soon after a result a checkpoint is made, where results go with it.
const SOON: Duration = Duration::from_millis(20);

/// Checkpoints, open and looked at, before anything runs.
pub struct GoingOn {
    dir: Dir,
    /// What they are called in messages.
    name: String,
    note: Option<Note>,
    settings: Value,
    every: CutEvery,
    on_failure: OnFailure,
    /// What goes with them into topics.
    outbox: Option<Outbox>,
    is_fresh: bool,
}

/// Whether the flags about checkpoints fit together.
///
/// # Errors
/// They do not.
pub fn check(args: &CountArgs) -> Result<(), Error> {
    let own = &args.checkpoints;
    let from_topic = args.input.topic.topic.is_some();
    let to_topic = args.output.output.is_some();
    let why = match (&own.checkpoint, from_topic && to_topic) {
        (Some(_), true) => {
            "--checkpoint: from a topic to a topic checkpoints are kept in a topic, together with the results: see --state-topic"
        }
        (_, false) if own.state_topic.is_some() => {
            "--state-topic: files are gone on with by --checkpoint DIR"
        }
        (None, true) if own.checkpoint_failure == OnFailure::Retry => {
            "--checkpoint-failure retry: from a topic to a topic results wait for their checkpoint: what brokers cannot do is tried again for --give-up, so give that longer"
        }
        (None, false) if own.fresh => "--fresh: no checkpoint is kept: give --checkpoint DIR",
        _ => return Ok(()),
    };
    Err(Error::usage(why))
}

impl GoingOn {
    /// Opens what these flags name, if they do: a directory, or from topic to topic the state topic.
    ///
    /// # Errors
    /// It cannot be used, another run uses it, it is damaged, or it is of other settings.
    pub fn open(args: &CountArgs, settings: &Settings) -> Result<Option<GoingOn>, Error> {
        let own = &args.checkpoints;
        let settings = serde_json::to_value(settings)
            .map_err(|e| Error::Internal(format!("settings: {e}")))?;
        let (input, output) = (&args.input.topic.topic, &args.output.output);
        let opened = match (input, output, &own.checkpoint) {
            (Some(input), Some(output), None) if !own.no_checkpoint => {
                let (dir, outbox, name) = state_topic::open(args, input, output, &settings)?;
                Some((dir, Some(outbox), name))
            }
            (_, _, Some(path)) => {
                let dir = Dir::open(path, if own.fresh { Open::Fresh } else { Open::Make })?;
                let name = dir.name().to_owned();
                if dir.is_open_to_others() {
                    tracing::warn!(
                        target: log::CHECKPOINT,
                        dir = name,
                        "{name}: others may look into it, and uids lie there in clear: chmod 700 it"
                    );
                }
                Some((dir, None, name))
            }
            (_, _, None) => None,
        };
        let Some((dir, outbox, name)) = opened else { return Ok(None) };
        let note = match dir.last()? {
            Some(tail) => {
                let note = Note::from_bytes(&tail.note, &name)?;
                note.check_settings(&settings, &name)?;
                Some(note)
            }
            None => None,
        };
        let every = CutEvery {
            at_most: own.checkpoint_every,
            with_results: outbox.is_some().then_some(SOON),
        };
        let on_failure = own.checkpoint_failure;
        Ok(Some(GoingOn {
            dir,
            name,
            note,
            settings,
            every,
            on_failure,
            outbox,
            is_fresh: own.fresh,
        }))
    }

    /// What goes with checkpoints into topics.
    pub fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    /// Whether what was left is to be forgotten.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// What was read before, if anything was.
    pub fn before(&self) -> Option<&InputState> {
        self.note.as_ref().map(|note| &note.input)
    }

    /// The topic that was read before, and what to call the checkpoint.
    ///
    /// # Errors
    /// It was no topic.
    pub fn topic_before(&self) -> Result<Option<Before<'_>>, Error> {
        match self.before() {
            None => Ok(None),
            Some(InputState::Topic(topic)) => {
                let is_committed = self.outbox.is_some();
                Ok(Some(Before { topic, name: &self.name, is_committed }))
            }
            Some(InputState::Files(_)) => Err(Error::usage(format!(
                "{}: it is the checkpoint of a run of files: read those, or start over with --fresh",
                self.name
            ))),
        }
    }

    /// Whether the outputs are those of the earlier run, if there was one, and how much it has written.
    ///
    /// # Errors
    /// It wrote to a file and this one does not, or the other way round; or in another format; or the file
    /// is shorter by now.
    pub fn check_outputs(
        &self,
        format: Format,
        results: Option<&Output>,
        rejects: Option<&Output>,
    ) -> Result<WrittenBefore, Error> {
        for output in [results, rejects].into_iter().flatten() {
            output.keep_name()?;
        }
        let Some(note) = &self.note else { return Ok(WrittenBefore::default()) };
        let OutputState { results: of_results, rejects: of_rejects, .. } = note.output;
        let is_file = |output: &&Output| output.is_file();
        let (results, rejects) = (results.filter(is_file), rejects.filter(is_file));
        for (flag, now, before) in
            [("--to", results, of_results), ("--rejects", rejects, of_rejects)]
        {
            match (now, before) {
                (Some(now), Some(state)) => now.check_is(&state)?,
                (None, None) => {}
                (now, _) => {
                    let (was, is) =
                        if now.is_some() { ("without", "with") } else { ("with", "without") };
                    return Err(Error::usage(format!(
                        "{}: it is the checkpoint of a run {was} a file of {flag}, and this one is {is}: give the same, or start over with --fresh",
                        self.name
                    )));
                }
            }
        }
        let (format, was) = (name_of(format), &note.output.format);
        if results.is_some() && format != *was {
            return Err(Error::usage(format!(
                "--format is {format} and was {was}: give the same, or start over with --fresh"
            )));
        }
        let bytes = |state: Option<FileState>| state.map(|state| state.bytes);
        Ok(WrittenBefore { results_bytes: bytes(of_results), rejects_bytes: bytes(of_rejects) })
    }

    /// Says where it goes on, unless it is told to be quiet.
    pub fn tell(&self, quiet: bool) {
        let (Some(note), false) = (&self.note, quiet) else { return };
        let place = match &note.input {
            InputState::Files(InputsState { point: Some(point), inputs, .. }) => {
                inputs.get(point.input as usize).map(|input| {
                    format!(", up to byte {} of {}", HumanCount(point.offset), input.name)
                })
            }
            InputState::Files(_) => None,
            InputState::Topic(topic) => Some(format!(" of topic {}", topic.topic)),
        };
        tracing::info!(
            target: log::CHECKPOINT,
            checkpoint = self.name,
            frames_before = note.tally.frames,
            "going on from the checkpoint in {}: {} frames read before{}",
            self.name,
            HumanCount(note.tally.frames),
            place.unwrap_or_default()
        );
    }

    /// What the engine needs to read `inputs` with so many counters. `outputs` have to be on the disk before a checkpoint counts.
    ///
    /// # Errors
    /// The thread that writes checkpoints cannot be started, or the directory not be read.
    pub fn into_checkpoints(
        self,
        inputs: Box<dyn Reads>,
        counters: usize,
        format: Format,
        outputs: Vec<OutputFile>,
        stop: Stop,
    ) -> Result<Checkpoints, Error> {
        let GoingOn { dir, name, note, settings, every, on_failure, outbox, .. } = self;
        let keeps_numbers = note.as_ref().is_some_and(|note| note.counters == counters);
        let restored = match note {
            Some(note) => {
                let point = note.input.point();
                let (clock, tally, slots) = (note.clock, note.tally, Vec::new());
                let clock = ClockCut { clock, slots, tally, point };
                Some(Restored { clock, users: Box::new(InDir::new(&dir)?), keeps_numbers })
            }
            None => None,
        };
        let writing = Writing {
            is_base: !keeps_numbers,
            dir,
            settings,
            inputs,
            format: name_of(format),
            outputs,
            outbox,
            on_failure,
        };
        let keeper = Box::new(Keeper::start(&name, writing, stop)?);
        Ok(Checkpoints { keeper, every, restored })
    }
}

/// Bytes of the files that an earlier run has written; none where there was no such run.
#[derive(Clone, Copy, Debug, Default)]
pub struct WrittenBefore {
    /// Of results.
    pub results_bytes: Option<u64>,
    /// Of rejects.
    pub rejects_bytes: Option<u64>,
}

fn name_of(format: Format) -> String {
    format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}
