//! `--checkpoint`: opens what an earlier run left, and says whether this one may go on with it.

use std::time::Duration;

use clap::ValueEnum;
use indicatif::HumanCount;
use serde_json::Value;

use super::outputs::Output;
use super::say;
use super::settle::Settings;
use crate::checkpoint::{Dir, Open};
use crate::cli::checkpoints::CheckpointsArgs;
use crate::clock::cutting::ClockCut;
use crate::error::Error;
use crate::input::Input;
use crate::output::lines::Format;
use crate::recovery::inputs::Inputs;
use crate::recovery::job::{Checkpoints, Restored};
use crate::recovery::keeper::{Keeper, OnFailure, Writing};
use crate::recovery::note::{Note, OutputState};
use crate::recovery::users::InDir;
use crate::recovery::written::{FileState, OutputFile};
use crate::ring::Stop;

/// Checkpoints, open and looked at, before anything runs.
pub struct GoingOn {
    dir: Dir,
    note: Option<Note>,
    settings: Value,
    inputs: Inputs,
    every: Duration,
    on_failure: OnFailure,
}

impl GoingOn {
    /// Opens the directory these flags name, if they do.
    ///
    /// # Errors
    /// It cannot be used, another run uses it, it is damaged, or it is of other settings or inputs.
    pub fn open(
        args: &CheckpointsArgs,
        inputs: Option<&[Input]>,
        settings: &Settings,
    ) -> Result<Option<GoingOn>, Error> {
        let Some(path) = &args.checkpoint else { return Ok(None) };
        let Some(inputs) = inputs else {
            return Err(Error::usage(
                "--checkpoint keeps checkpoints of files; a run of a topic goes on from where its --group was committed",
            ));
        };
        let inputs = Inputs::look_at(inputs)?;
        let settings = serde_json::to_value(settings)
            .map_err(|e| Error::Internal(format!("settings: {e}")))?;
        let dir = Dir::open(path, if args.fresh { Open::Fresh } else { Open::Make })?;
        if dir.is_open_to_others() {
            say(&format!(
                "{}: others may look into it, and uids lie there in clear: chmod 700 it",
                dir.name()
            ));
        }
        let note = match dir.last()? {
            Some(tail) => {
                let note = Note::from_bytes(&tail.note, dir.name())?;
                note.check_settings(&settings, dir.name())?;
                inputs.check(&note.input)?;
                Some(note)
            }
            None => None,
        };
        let (every, on_failure) = (args.checkpoint_every, args.checkpoint_failure);
        Ok(Some(GoingOn { dir, note, settings, inputs, every, on_failure }))
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
    ) -> Result<Before, Error> {
        for output in [results, rejects].into_iter().flatten() {
            output.keep_name()?;
        }
        let Some(note) = &self.note else { return Ok(Before::default()) };
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
                        self.dir.name()
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
        Ok(Before { results_bytes: bytes(of_results), rejects_bytes: bytes(of_rejects) })
    }

    /// Says where it goes on, unless it is told to be quiet.
    pub fn tell(&self, quiet: bool) {
        let (Some(note), false) = (&self.note, quiet) else { return };
        let place = note.input.point.and_then(|point| {
            let input = note.input.inputs.get(point.input as usize)?;
            Some(format!(", up to byte {} of {}", HumanCount(point.offset), input.name))
        });
        say(&format!(
            "going on from the checkpoint in {}: {} frames read before{}",
            self.dir.name(),
            HumanCount(note.tally.frames),
            place.unwrap_or_default()
        ));
    }

    /// What the engine needs. `outputs` have to be on the disk before a checkpoint counts.
    ///
    /// # Errors
    /// The thread that writes checkpoints cannot be started, or the directory not be read.
    pub fn into_checkpoints(
        self,
        format: Format,
        outputs: Vec<OutputFile>,
        stop: Stop,
    ) -> Result<Checkpoints, Error> {
        let GoingOn { dir, note, settings, inputs, every, on_failure } = self;
        let restored = match note {
            Some(note) => {
                let clock = ClockCut {
                    clock: note.clock,
                    slots: Vec::new(),
                    tally: note.tally,
                    point: note.input.point,
                };
                Some(Restored { clock, users: Box::new(InDir::new(&dir)?) })
            }
            None => None,
        };
        let writing = Writing {
            is_base: true,
            dir,
            settings,
            inputs,
            format: name_of(format),
            outputs,
            on_failure,
        };
        let keeper = Box::new(Keeper::start(writing, stop)?);
        Ok(Checkpoints { keeper, every, restored })
    }
}

/// Bytes of the files that an earlier run has written; none where there was no such run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before {
    /// Of results.
    pub results_bytes: Option<u64>,
    /// Of rejects.
    pub rejects_bytes: Option<u64>,
}

fn name_of(format: Format) -> String {
    format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}
