//! Runs that are killed, again and again, and go on from what they left in a directory: with other
//! threads each time, and perhaps other counters. What comes of it all is what one run in peace says.

use std::path::PathBuf;
use std::time::Duration;

use headcount::accounts::Accounts;
use headcount::checkpoint::{Dir, Open};
use headcount::clock::cutting::{ClockCut, CutEvery};
use headcount::input::Input;
use headcount::recovery::inputs::Inputs;
use headcount::recovery::job::{Checkpoints, Restored};
use headcount::recovery::keeper::{AtOnce, OnFailure, Writing};
use headcount::recovery::note::Note;
use headcount::recovery::users::InDir;
use headcount::topology::{Topology, Wish};
use serde_json::Value;

use super::log::Source;
use super::machine::{Fault, KILLED, Machine, Shared, lay_out};
use super::{Case, Random, Right};

/// Where a directory costs no disk, if there is such a place.
fn folder() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// What a directory says, and a machine that goes on from it.
fn machine(
    case: &Case,
    paths: &[PathBuf],
    folder: &tempfile::TempDir,
    (results, rejects): (&Shared, &Shared),
) -> (bool, Machine) {
    let files = Input::look_at(paths).unwrap();
    let inputs = Inputs::look_at(&files).unwrap();
    let dir = Dir::open(&folder.path().join("checkpoint"), Open::Make).unwrap();
    let note = dir.last().unwrap().map(|tail| Note::from_bytes(&tail.note, "note").unwrap());
    if let Some(note) = &note {
        inputs.check(&note.input).unwrap();
    }
    let before = note.as_ref().map(|note| note.output.clone()).unwrap_or_default();
    results.cut_back(before.results.map_or(0, |file| file.bytes));
    rejects.cut_back(before.rejects.map_or(0, |file| file.bytes));
    let goes_on = note.is_some();
    let keeps_numbers = note.as_ref().is_some_and(|note| note.counters == case.topology.counters);
    let restored = note.map(|note| Restored {
        clock: ClockCut {
            clock: note.clock,
            slots: Vec::new(),
            tally: note.tally,
            point: note.input.point(),
        },
        users: Box::new(InDir::new(&dir).unwrap()),
        keeps_numbers,
    });
    let writing = Writing {
        dir,
        is_base: !keeps_numbers,
        settings: Value::Null,
        inputs: Box::new(inputs),
        format: "json".into(),
        outputs: Vec::new(),
        outbox: None,
        on_failure: OnFailure::Stop,
    };
    let keeper = Box::new(AtOnce(writing));
    let every = CutEvery { at_most: Duration::ZERO, with_results: None };
    let checkpoints = Checkpoints { keeper, every, restored };
    let machine = Machine::on(case, files, results.clone(), rejects.clone(), Some(checkpoints));
    (goes_on, machine)
}

impl Case {
    /// Runs it with so many kills at most; how often it went on from a checkpoint.
    pub(crate) fn check_killed(self, kills: usize, random: &mut Random, replay: &str) -> usize {
        let mut case = self;
        let what = case.what(replay);
        if matches!(case.source, Source::Pipe | Source::Mixed) {
            case.source = random.pick(&[Source::Files, Source::Gzip, Source::Zstd]);
        }
        let (_, _, files) = lay_out(&case);
        let paths: Vec<PathBuf> = files.iter().map(|file| file.path().to_owned()).collect();
        let folder = folder();
        let (results, rejects) = (Shared::default(), Shared::default());
        let mut gone_on = 0;
        let mut kills_left = kills;
        let ran = loop {
            let threads = Wish {
                scanners: Some(1 + random.below(3)),
                counters: Some(1 + random.below(3)),
                pin: false,
            };
            case.topology = Topology::new(1 + random.below(4), &threads).unwrap();
            let (goes_on, machine) = machine(&case, &paths, &folder, (&results, &rejects));
            gone_on += usize::from(goes_on);
            let after = 32 << random.below(8);
            let fault = (kills_left > 0).then(|| Fault::Killed(1 + random.below(after)));
            kills_left = kills_left.saturating_sub(1);
            match machine.with(fault).run(random) {
                Ok(ran) => break ran,
                Err(why) => assert_eq!(why, KILLED, "{what}"),
            }
        };
        let Right { expected, results: right } = case.right(random, &what);
        let mut outcome = ran.outcome;
        let (accounts, failed) = Accounts::of(&mut outcome, ran.stopped);
        if expected.wrong_unit.is_some() {
            assert!(failed.is_some() && ran.results.is_empty(), "{what}");
            return gone_on;
        }
        assert!(failed.is_none(), "{what}: {failed:?}");
        assert_eq!(ran.results, right, "{what}");
        if case.with_rejects {
            assert_eq!(case.in_order(ran.rejects), case.in_order(expected.rejects), "{what}");
        }
        let frames = accounts.since_first_checkpoint.expect("there are checkpoints");
        assert_eq!(frames.frames_read, expected.replay.frames, "{what}");
        let refused = |why| expected.replay.refused.get(why).copied().unwrap_or(0);
        let told = [frames.refused_late, frames.refused_future, frames.refused_gone];
        assert_eq!(told, ["late", "future", "gone"].map(refused), "{what}");
        assert_eq!(frames.malformed_by_reason.0, expected.replay.malformed, "{what}");

        // Once more: there is nothing to be read, but for a last line without an end, and nothing to be said.
        let last = case.log.parts.iter().rev().find(|part| !part.is_empty());
        let is_whole = last.is_none_or(|part| part.ends_with(b"\n"));
        let (goes_on, machine) = machine(&case, &paths, &folder, (&results, &rejects));
        let again = machine.run(random).unwrap_or_else(|locked| panic!("{what}: {locked}"));
        assert_eq!(again.results, right, "{what}: again");
        if goes_on {
            let (accounts, failed) = Accounts::of(&mut { again.outcome }, again.stopped);
            assert!(failed.is_none(), "{what}: again: {failed:?}");
            let all = accounts.since_first_checkpoint.expect("there are checkpoints");
            assert_eq!(all.frames_read, expected.replay.frames, "{what}: again");
            assert!(accounts.frames.frames_read == 0 || !is_whole, "{what}: again");
        }
        gone_on
    }
}
