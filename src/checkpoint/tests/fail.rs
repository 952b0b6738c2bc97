//! Steps that fail, and a program that is killed there: what was there stays whole, and can be gone on
//! from.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::model::{Life, State};
use super::{all_of, note, room, state_of};
use crate::checkpoint::check::{check, look};
use crate::checkpoint::{Dir, Manifest, Open, fail};
use crate::error::Error;

/// What a child of the test of kills does: three appends, each with what is due.
fn work(path: &Path) -> Result<(), Error> {
    let mut dir = Dir::open(path, Open::Make)?;
    let mut life = Life::new(11);
    for step in 0..20 {
        let change = life.go_on(30);
        if step < dir.next_step()? {
            continue;
        }
        match step {
            5 | 13 => {
                let all = all_of(&life, &change);
                dir.append(true, |to| all.write(to))?;
            }
            _ => drop(dir.append(false, |to| change.write(to))?),
        }
        dir.merge_if_due()?;
        if step == 16 {
            dir.merge_all()?;
        }
    }
    Ok(())
}

impl Dir {
    /// The step that comes after what is here.
    fn next_step(&self) -> Result<u64, Error> {
        let Some(tail) = self.last()? else { return Ok(0) };
        let note: serde_json::Value = serde_json::from_slice(&tail.note).unwrap();
        Ok(note["step"].as_u64().unwrap())
    }
}

/// The states after each step of [`work`].
fn states() -> Vec<State> {
    let mut life = Life::new(11);
    let steps = (0..20).map(|_| {
        life.go_on(30);
        life.state.clone()
    });
    std::iter::once(State::default()).chain(steps).collect()
}

/// What lies there is one of the states, whole.
#[track_caller]
fn is_one_of(states: &[State], path: &Path, what: &str) {
    let dir = Dir::open(path, Open::Existing).unwrap();
    let step = usize::try_from(dir.next_step().unwrap()).unwrap();
    assert_eq!(state_of(&dir).unwrap().0, states[step], "{what}");
}

/// The work can be finished, and leaves nothing over.
#[track_caller]
fn can_be_finished(states: &[State], path: &Path, what: &str) {
    work(path).unwrap();
    let dir = Dir::open(path, Open::Existing).unwrap();
    assert_eq!(state_of(&dir).unwrap().0, states[20], "{what}");
    let files = fs::read_dir(path).unwrap().count();
    assert_eq!(files, 2 + dir.manifest().segments.len(), "{what}: nothing is left over");
}

#[test]
fn a_step_that_fails_leaves_what_was_there_and_can_be_done_again() {
    let states = states();
    for point in fail::POINTS {
        for times in [1, 2, 3, 8, 9, 10, 17] {
            let folder = room();
            fail::plan(&format!("{point}*{times}=error"));
            let failed = work(folder.path());
            let has_failed = failed.is_err();
            if let Err(error) = failed {
                assert!(error.to_string().contains(point), "{error}");
            }
            fail::plan("");
            // Whatever it left: one of the states, whole; and the work can be finished.
            if has_failed && Manifest::read(folder.path()).unwrap().is_some() {
                is_one_of(&states, folder.path(), &format!("{point} {times}"));
            }
            can_be_finished(&states, folder.path(), &format!("{point} {times}"));
        }
    }
}

#[test]
fn after_an_error_the_same_owner_goes_on_or_knows_that_it_cannot() {
    for point in fail::POINTS.into_iter().filter(|point| !point.contains("remove")) {
        let folder = room();
        let mut life = Life::new(12);
        let mut dir = Dir::open(folder.path(), Open::Make).unwrap();
        let first = life.go_on(30);
        dir.append(false, |to| first.write(to)).unwrap();
        let before = state_of(&dir).unwrap();
        let second = life.go_on(30);
        fail::plan(&format!("{point}=error"));
        let failed = match point.contains("merged") {
            true => dir.merge_all().map(drop),
            false => dir.append(false, |to| second.write(to)).map(drop),
        };
        assert!(failed.unwrap_err().to_string().contains(point));
        let is_unsure = ["manifest::after_rename", "manifest::after_dir_fsync"];
        if is_unsure.iter().any(|unsure| point.ends_with(unsure)) {
            let text = dir.append(false, |to| second.write(to)).unwrap_err().to_string();
            assert!(text.contains("start again"), "{text}");
            continue;
        }
        assert_eq!(state_of(&dir).unwrap(), before, "{point}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "{point}: nothing is left");
        dir.append(false, |to| second.write(to)).unwrap();
        assert_eq!(state_of(&dir).unwrap(), (life.state.clone(), note(&second)), "{point}");
    }
}

/// Set for a child of the test below.
const CHILD: &str = "HEADCOUNT_TEST_CHECKPOINT";

#[test]
fn killed_at_any_point_it_holds_a_whole_state() {
    if let Some(path) = std::env::var_os(CHILD) {
        return work(Path::new(&path)).unwrap();
    }
    let states = states();
    let own = std::thread::current().name().unwrap().to_owned();
    for point in fail::POINTS {
        let mut kills = 0;
        for times in [1, 2, 5, 9, 17] {
            let folder = room();
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", &own]).env(CHILD, folder.path());
            child.env("HEADCOUNT_FAIL", format!("{point}*{times}=kill"));
            let ended = child.output().unwrap().status;
            kills += usize::from(std::os::unix::process::ExitStatusExt::signal(&ended) == Some(9));
            if Manifest::read(folder.path()).unwrap().is_some() {
                look(folder.path(), |manifest| check(folder.path(), manifest)).unwrap();
                is_one_of(&states, folder.path(), &format!("{point} {times}"));
            }
            can_be_finished(&states, folder.path(), &format!("{point} {times}"));
        }
        assert!(kills > 0, "{point} is never passed");
    }
}
