//! The directory: what is read is what was written, whatever was merged, failed or killed between;
//! and every damaged bit is found.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::checkpoint::check::{check, look};
use crate::checkpoint::model::{self, Change, Life, State};

/// A folder for a test, in memory where there is one: thousands of files are fsynced.
fn room() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// The state that a directory holds, and its note.
fn state_of(dir: &Dir) -> Result<(State, Vec<u8>), Error> {
    let kept = dir.last()?.unwrap_or_default().kept;
    model::state(dir.segments()?, &kept)
}

fn note(change: &Change) -> Vec<u8> {
    change.note.clone()
}

/// The state of a change that holds all.
fn all_of(life: &Life, change: &Change) -> Change {
    Change { new: life.state.clone(), ..change.clone() }
}

#[test]
fn it_holds_what_was_appended_through_merges_restarts_and_rewrites() {
    let mut merges = 0;
    for seed in 0..12 {
        eprintln!("seed {seed}");
        let folder = room();
        let path = folder.path().join("checkpoint");
        let mut life = Life::new(seed);
        let mut dir = Dir::open(&path, Open::Make).unwrap();
        for step in 0..60 {
            let change = life.go_on(80);
            match life.random.below(20) {
                0 => {
                    let all = all_of(&life, &change);
                    dir.append(true, |to| all.write(to)).unwrap();
                    assert_eq!(dir.manifest().segments.len(), 1);
                }
                _ => drop(dir.append(false, |to| change.write(to)).unwrap()),
            }
            match life.random.below(16) {
                0 => merges += usize::from(dir.merge_all().unwrap().is_some()),
                _ => merges += usize::from(dir.merge_if_due().unwrap().is_some()),
            }
            if life.random.below(5) == 0 {
                drop(dir);
                dir = Dir::open(&path, Open::Existing).unwrap();
            }
            let segments = &dir.manifest().segments;
            assert!(segments.is_sorted_by(|a, b| a.level >= b.level && a.number < b.number));
            assert!(segments.len() <= 4 * MERGE_SEGMENTS);
            assert_eq!(state_of(&dir).unwrap(), (life.state.clone(), note(&change)), "step {step}");
            assert_eq!(dir.last().unwrap().unwrap().kept, change.kept);
            let found = look(&path, |manifest| check(&path, manifest)).unwrap();
            assert_eq!(found.users, life.state.users.len() as u64);
            let memberships: usize = life.state.members.values().map(|ids| ids.len()).sum();
            assert_eq!(found.memberships, memberships as u64);
        }
    }
    assert!(merges > 60, "{merges}");
}

/// A directory in which something was appended; the state then.
fn small(path: &Path, life: &mut Life) -> (State, Vec<u8>) {
    let mut dir = Dir::open(path, Open::Make).unwrap();
    let mut last = Change::default();
    for _ in 0..4 {
        last = life.go_on(12);
        dir.append(false, |to| last.write(to)).unwrap();
    }
    (life.state.clone(), note(&last))
}

#[test]
fn every_flipped_bit_and_every_truncation_of_a_file_is_found_and_the_file_named() {
    let folder = room();
    let path = folder.path();
    let before = small(path, &mut Life::new(3));
    let manifest = Manifest::read(path).unwrap().unwrap();
    let whole = || look(path, |manifest| check(path, manifest));
    assert!(whole().is_ok());
    let mut names: Vec<String> = manifest.segments.iter().map(SegmentEntry::file).collect();
    names.push(manifest::NAME.into());
    for name in names {
        let file = path.join(&name);
        let bytes = fs::read(&file).unwrap();
        let found = |bytes: &[u8], what: &str| {
            fs::write(&file, bytes).unwrap();
            let Err(error) = whole() else { panic!("{name}: {what} was not found") };
            let text = error.to_string();
            assert!(text.contains(&format!("{name}: damaged: ")), "{what}: {text}");
            if !what.ends_with('7') {
                return;
            }
            // Nor does a run go on from it; some of them, as this makes files.
            let opened = Dir::open(path, Open::Existing).and_then(|dir| state_of(&dir));
            assert!(opened.is_err(), "{name}: {what} was opened");
        };
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            found(&bytes, &format!("bit {bit}"));
        }
        for end in 0..bytes.len() {
            found(&bytes[..end], &format!("the end cut off at {end}"));
        }
        fs::remove_file(&file).unwrap();
        let missing = format!("{name}: damaged: it is missing");
        assert!(name == manifest::NAME || whole().unwrap_err().to_string().contains(&missing));
        let text = Dir::open(path, Open::Make).unwrap_err().to_string();
        assert!(text.contains(&missing), "{text}");
        fs::write(&file, bytes).unwrap();
    }
    assert_eq!(state_of(&Dir::open(path, Open::Existing).unwrap()).unwrap(), before);
}

#[test]
fn segments_in_one_anothers_place_are_found() {
    let folder = room();
    let path = folder.path();
    let mut dir = Dir::open(path, Open::Make).unwrap();
    let entries = [5, 6, 7].map(|id| {
        let written = dir.append(false, |to| {
            to.members(0, 1, &[id])?;
            to.kept(&[1])?;
            to.note(b"{}")
        });
        written.unwrap().entry
    });
    assert_eq!(entries[0].bytes, entries[1].bytes, "else their length tells");
    drop(dir);
    let [one, other] = [0, 1].map(|at: usize| path.join(entries[at].file()));
    fs::rename(&one, path.join("kept")).unwrap();
    fs::rename(&other, &one).unwrap();
    fs::rename(path.join("kept"), &other).unwrap();
    let manifest = Manifest::read(path).unwrap().unwrap();
    let readers = readers(path, &manifest.segments).unwrap();
    let text = model::state(readers, &[1]).unwrap_err().to_string();
    assert!(text.contains("not the segment that the manifest names"), "{text}");
    assert!(Dir::open(path, Open::Existing).is_err());
}

#[test]
fn a_newer_manifest_is_refused() {
    let folder = room();
    small(folder.path(), &mut Life::new(3));
    let read = Manifest::read(folder.path()).unwrap().unwrap();
    let newer = Manifest { format: 7, program: "9.8.7".into(), ..read };
    fs::write(folder.path().join(manifest::NAME), newer.text().unwrap()).unwrap();
    let text = Dir::open(folder.path(), Open::Make).unwrap_err().to_string();
    assert!(text.contains("manifest: written in format 7 by headcount 9.8.7, "), "{text}");
}

#[test]
fn it_has_one_owner() {
    let folder = room();
    let path = folder.path().join("checkpoint");
    assert!(matches!(Dir::open(&path, Open::Existing), Err(Error::Checkpoint(_))));
    let dir = Dir::open(&path, Open::Make).unwrap();
    assert!(!dir.is_open_to_others());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(matches!(Dir::open(&path, Open::Make), Err(Error::Fenced(_))));
    drop(dir);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(Dir::open(&path, Open::Make).unwrap().is_open_to_others());
}

#[test]
fn a_folder_of_other_things_is_left_alone() {
    let folder = room();
    fs::write(folder.path().join("thesis"), "mine").unwrap();
    let text = Dir::open(folder.path(), Open::Make).unwrap_err().to_string();
    assert!(text.contains("other files are here"), "{text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let file = folder.path().join("thesis");
    assert!(Dir::open(&file, Open::Make).is_err());
}

#[test]
fn removed_it_is_empty_and_goes_on() {
    let folder = room();
    let mut life = Life::new(3);
    small(folder.path(), &mut life);
    let mut dir = Dir::open(folder.path(), Open::Existing).unwrap();
    dir.remove().unwrap();
    assert_eq!(dir.manifest().segments, []);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "lock and manifest");
    let all = all_of(&life, &life_change());
    let written = dir.append(false, |to| all.write(to)).unwrap();
    assert_eq!(written.entry.number, 5, "no number is used twice");
}

fn life_change() -> Change {
    Change { kept: vec![1], note: b"{}".to_vec(), ..Change::default() }
}

#[test]
fn it_is_written_anew_when_most_of_it_is_of_no_use() {
    let folder = room();
    let mut dir = Dir::open(folder.path(), Open::Make).unwrap();
    for serial in 0..4 {
        let ids: Vec<u32> = (0..1_000_000).map(|i| i * (97 + serial)).collect();
        dir.append(false, |to| {
            to.members(0, serial.into(), &ids)?;
            to.kept(&[serial.into()])?;
            to.note(b"")
        })
        .unwrap();
        let merged = dir.merge_if_due().unwrap();
        // Once the second is there the first is half of it or less, with the third two thirds.
        assert!(dir.garbage_bytes() <= dir.manifest().bytes() / 2);
        assert_eq!(merged.is_some(), serial > 0 && dir.manifest().segments.len() == 1);
    }
    assert!(dir.manifest().segments.len() < 3);
}

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
                let dir = Dir::open(folder.path(), Open::Existing).unwrap();
                let step = dir.next_step().unwrap();
                assert_eq!(state_of(&dir).unwrap().0, states[step as usize], "{point} {times}");
            }
            work(folder.path()).unwrap();
            let dir = Dir::open(folder.path(), Open::Existing).unwrap();
            assert_eq!(state_of(&dir).unwrap().0, states[20], "{point} {times}");
            let files = fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(files, 2 + dir.manifest().segments.len(), "nothing is left over");
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
                let dir = Dir::open(folder.path(), Open::Existing).unwrap();
                let step = dir.next_step().unwrap();
                assert_eq!(state_of(&dir).unwrap().0, states[step as usize], "{point} {times}");
            }
            work(folder.path()).unwrap();
            let dir = Dir::open(folder.path(), Open::Existing).unwrap();
            assert_eq!(state_of(&dir).unwrap().0, states[20], "{point} {times}");
            let files = fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(files, 2 + dir.manifest().segments.len(), "nothing is left over");
        }
        assert!(kills > 0, "{point} is never passed");
    }
}

#[test]
fn what_no_segment_can_hold_is_a_fault_of_the_program() {
    let folder = room();
    let mut dir = Dir::open(folder.path(), Open::Make).unwrap();
    let error = dir.append(false, |to| to.members(0, 1, &[2, 1])).unwrap_err();
    assert!(matches!(error, Error::Internal(_)), "{error}");
    assert_eq!(dir.manifest().segments, []);
}
