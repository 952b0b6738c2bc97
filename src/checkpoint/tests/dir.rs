//! The directory: what is read is what was written, whatever was merged between; and every damaged bit
//! is found.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::model::{self, Change, Life, State};
use super::{all_of, each_damage, note, room, seeds, state_of};
use crate::checkpoint::check::{check, look};
use crate::checkpoint::manifest::{self, Manifest, SegmentEntry};
use crate::checkpoint::{Dir, Open, SegmentReader};
use crate::error::Error;
use crate::limits::{MERGE_SEGMENTS, REWRITE_GARBAGE};

#[test]
fn it_holds_what_was_appended_through_merges_restarts_and_rewrites() {
    let (mut merges, seeds) = (0, seeds(12));
    let least = 5 * (seeds.end - seeds.start);
    for seed in seeds {
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
                0 => merges += u64::from(dir.merge_all().unwrap().is_some()),
                _ => merges += u64::from(dir.merge_if_due().unwrap().is_some()),
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
    assert!(merges > least, "{merges}");
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
        each_damage(&bytes, &found);
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
    let open = |entry| SegmentReader::open(path, entry).unwrap();
    let readers = manifest.segments.iter().map(open).collect();
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
fn what_a_run_left_unfinished_is_removed_and_nothing_else() {
    let folder = room();
    let path = folder.path();
    let before = small(path, &mut Life::new(3));
    let ours = ["segment-9.hcs", "segment-9.hcs.tmp", "manifest.tmp"];
    let others = ["segment-09.hcs", "segment-9.hcs.old", "notes.tmp", "segment-x.hcs"];
    for name in ours.into_iter().chain(others) {
        fs::write(path.join(name), "?").unwrap();
    }
    let dir = Dir::open(path, Open::Existing).unwrap();
    assert_eq!(state_of(&dir).unwrap(), before);
    assert!(ours.iter().all(|name| !path.join(name).exists()));
    assert!(others.iter().all(|name| path.join(name).exists()));
}

#[test]
fn made_fresh_it_is_empty_whatever_was_there() {
    let damages: [fn(&Path) -> std::io::Result<()>; 4] = [
        |_| Ok(()),
        |path| fs::write(path.join("manifest"), "not one"),
        |path| fs::remove_file(path.join("manifest")),
        |path| fs::write(path.join("segment-2.hcs"), ""),
    ];
    for damage in damages {
        let folder = room();
        let path = folder.path();
        let mut life = Life::new(3);
        small(path, &mut life);
        damage(path).unwrap();
        let mut dir = Dir::open(path, Open::Fresh).unwrap();
        assert_eq!(dir.manifest().segments, []);
        assert_eq!(fs::read_dir(path).unwrap().count(), 2, "lock and manifest");
        let kept = life.kept.iter().copied().collect();
        let all = Change { kept, ..all_of(&life, &life_change()) };
        assert_eq!(dir.append(false, |to| all.write(to)).unwrap().entry.number, 5);
        drop(dir);
        assert_eq!(state_of(&Dir::open(path, Open::Make).unwrap()).unwrap().0, life.state);
    }
    let folder = room();
    fs::write(folder.path().join("thesis"), "mine").unwrap();
    assert!(Dir::open(folder.path(), Open::Fresh).is_err());
    let path = folder.path().join("new");
    assert_eq!(Dir::open(&path, Open::Fresh).unwrap().manifest().next, 1);
    let _dir = Dir::open(&path, Open::Make).unwrap();
    assert!(matches!(Dir::open(&path, Open::Fresh), Err(Error::Fenced(_))));
}

#[test]
fn it_is_written_anew_when_most_of_it_is_of_no_use() {
    let folder = room();
    let mut dir = Dir::open(folder.path(), Open::Make).unwrap();
    let mut most = 0;
    for serial in 0..8 {
        let ids: Vec<u32> = (0..1_000_000).map(|i| i * (97 + serial)).collect();
        dir.append(false, |to| {
            to.members(0, serial.into(), &ids)?;
            to.kept(&[serial.into()])?;
            to.note(b"")
        })
        .unwrap();
        let merged = dir.merge_if_due().unwrap();
        let garbage = dir.garbage_bytes();
        assert!(garbage <= REWRITE_GARBAGE * (dir.manifest().bytes() - garbage));
        assert_eq!(merged.is_some(), serial > 0 && dir.manifest().segments.len() == 1);
        most = most.max(dir.manifest().segments.len());
    }
    // All are alike: of four three are of no use, or a little less; of five four are.
    assert!((3..=4).contains(&most) && dir.manifest().segments.len() < 5, "{most}");
}

#[test]
fn what_no_segment_can_hold_is_a_fault_of_the_program() {
    let folder = room();
    let mut dir = Dir::open(folder.path(), Open::Make).unwrap();
    let error = dir.append(false, |to| to.members(0, 1, &[2, 1])).unwrap_err();
    assert!(matches!(error, Error::Internal(_)), "{error}");
    assert_eq!(dir.manifest().segments, []);
}
