//! `headcount checkpoint`, and what a disk does to one: full, read-only, not there.

use std::path::Path;

use headcount::checkpoint::check::{check, look};
use headcount::checkpoint::{Dir, Open, SegmentWriter};
use headcount::error::Error;

use super::disk::SmallDisk;
use super::harness::{Folder, run};

const SEGMENTS: u32 = 3;

/// One user and one member more a segment, in a window each; the first of three is no longer kept.
fn segment<W: std::io::Write>(number: u32, to: &mut SegmentWriter<W>) -> std::io::Result<()> {
    to.users(7, [(number, format!("secret-{number}").as_bytes())])?;
    to.members(7, number.into(), &[number])?;
    to.kept(&(u64::from(number.saturating_sub(1))..=u64::from(number)).collect::<Vec<_>>())?;
    to.note(br#"{"input":{"point":{"input":0,"offset":77}},"output":{"results":{"bytes":5}},"clock":1}"#)
}

fn made(path: &Path) -> Dir {
    let mut dir = Dir::open(path, Open::Make).unwrap();
    for number in 0..SEGMENTS {
        dir.append(false, |to| segment(number, to)).unwrap();
    }
    dir
}

/// Directory and its name.
fn checkpoint(folder: &Folder) -> String {
    let path = folder.at("checkpoint");
    drop(made(Path::new(&path)));
    path
}

#[test]
fn inspect_shows_segments_and_where_the_input_was_and_no_user() {
    let folder = Folder::new();
    let path = checkpoint(&folder);
    let ran = run(&["checkpoint", "inspect", &path]).exits(0);
    let row = ran.stdout.lines().find(|line| line.trim_start().starts_with("all")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words[2..], ["3", "3"], "users and memberships: {}", ran.stdout);
    for word in
        ["memberships", "2 windows kept", "\"offset\":77", "bytes of results: 5", "format 1"]
    {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("secret") && !ran.stdout.contains("clock"), "{}", ran.stdout);
    let note = run(&["checkpoint", "inspect", "--note", &path]).exits(0).stdout;
    let note: serde_json::Value = serde_json::from_str(&note).unwrap();
    assert_eq!((&note["clock"], &note["input"]["point"]["offset"]), (&1.into(), &77.into()));
}

#[test]
fn verify_and_inspect_work_beside_a_run_and_compact_does_not() {
    let folder = Folder::new();
    let path = folder.at("checkpoint");
    let dir = made(Path::new(&path));
    let whole = "all of 3 segments read and whole: 3 users, 2 windows with 2 memberships\n";
    assert_eq!(run(&["checkpoint", "verify", &path]).exits(0).stdout, whole);
    run(&["checkpoint", "inspect", &path]).exits(0);
    run(&["checkpoint", "compact", &path]).exits(4).says("another headcount uses this checkpoint");
    drop(dir);
    let ran = run(&["checkpoint", "compact", &path]).exits(0);
    assert!(ran.stdout.starts_with("3 segments of "), "{}", ran.stdout);
    let whole = "all of 1 segment read and whole: 3 users, 2 windows with 2 memberships\n";
    assert_eq!(run(&["checkpoint", "verify", &path]).exits(0).stdout, whole);
}

#[test]
fn a_directory_that_others_can_read_is_worth_a_word() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = checkpoint(&folder);
    assert_eq!(run(&["checkpoint", "compact", &path]).exits(0).stderr, "");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    run(&["checkpoint", "compact", &path]).exits(0).says("chmod 700");
}

#[test]
fn what_is_damaged_is_named() {
    let folder = Folder::new();
    let path = checkpoint(&folder);
    for name in ["segment-2.hcs", "manifest"] {
        let file = folder.at(&format!("checkpoint/{name}"));
        let whole = std::fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        bytes[40] ^= 4;
        std::fs::write(&file, &bytes).unwrap();
        let ran = run(&["checkpoint", "verify", &path]).exits(3);
        let _ = ran.says(&format!("{name}: damaged: ")).says("start over");
        std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        run(&["checkpoint", "verify", &path]).exits(3).says(&format!("{name}: damaged: "));
        std::fs::write(&file, &whole).unwrap();
    }
    run(&["checkpoint", "verify", &path]).exits(0);
    std::fs::remove_file(folder.at("checkpoint/segment-2.hcs")).unwrap();
    run(&["checkpoint", "verify", &path]).exits(3).says("segment-2.hcs: damaged: it is missing");
}

#[test]
fn a_member_that_is_no_user_is_named() {
    let folder = Folder::new();
    let path = checkpoint(&folder);
    let mut dir = Dir::open(Path::new(&path), Open::Existing).unwrap();
    dir.append(false, |to| {
        to.members(7, 9, &[2, 55])?;
        to.kept(&[9])?;
        to.note(b"{}")
    })
    .unwrap();
    let ran = run(&["checkpoint", "verify", &path]).exits(3);
    ran.says("number 55 of shard 7 is in the window of serial 9 and is no user");
}

#[test]
fn where_no_checkpoint_is() {
    let folder = Folder::new();
    folder.file("log", "{}");
    for command in ["inspect", "verify", "compact"] {
        for place in ["nowhere", ""] {
            let ran = run(&["checkpoint", command, &folder.at(place)]).exits(1);
            ran.says("no checkpoint is here");
        }
        run(&["checkpoint", command, &folder.at("log")]).exits(1).says("log");
    }
    assert_eq!(std::fs::read_dir(folder.at("")).unwrap().count(), 1, "nothing is made");
}

/// Appends until it cannot; the segments that are there, and the error.
fn fill(dir: &mut Dir) -> (u32, Error) {
    for number in SEGMENTS.. {
        let uid =
            |id: u32| format!("{:032x}", u128::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15 << 40));
        let uids: Vec<String> = (0..500).map(|id| uid(number * 1000 + id)).collect();
        let users = || uids.iter().zip(number * 1000..).map(|(uid, id)| (id, uid.as_bytes()));
        let written = dir.append(false, |to| {
            to.users(7, users())?;
            to.kept(&[])?;
            to.note(b"{}")
        });
        if let Err(error) = written {
            return (number, error);
        }
    }
    unreachable!("a disk without end")
}

#[test]
fn a_disk_that_is_full_leaves_what_was_there() {
    let Some(disk) = SmallDisk::new() else { return };
    let path = disk.0.at("checkpoint");
    let mut dir = made(Path::new(&path));
    let (segments, error) = fill(&mut dir);
    let text = error.to_string();
    assert!(text.contains("checkpoint/"), "{text}");
    assert!(text.contains(": cannot write: No space left on device"), "{text}");
    let whole = look(Path::new(&path), |manifest| check(Path::new(&path), manifest)).unwrap();
    assert_eq!(whole.segments, segments as usize);
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 2 + segments as usize);
    // When there is room again the same owner goes on.
    dir.remove().unwrap();
    dir.append(false, |to| segment(segments, to)).unwrap();
    drop(dir);
    run(&["checkpoint", "verify", &path]).exits(0);
}

#[test]
fn a_disk_that_cannot_be_written_is_read_all_the_same() {
    use rustix::mount::{MountFlags, mount_remount};
    let Some(disk) = SmallDisk::new() else { return };
    let path = disk.0.at("checkpoint");
    // A file open for writing, the lock, would keep it from being remounted.
    drop(made(Path::new(&path)));
    if mount_remount(disk.0.at(""), MountFlags::RDONLY, "").is_err() {
        return eprintln!("skipped: it cannot be remounted here");
    }
    run(&["checkpoint", "verify", &path]).exits(0);
    run(&["checkpoint", "inspect", &path]).exits(0);
    let ran = run(&["checkpoint", "compact", &path]).exits(1);
    ran.says("lock: cannot write: Read-only file system");
    let text = Dir::open(Path::new(&disk.0.at("new")), Open::Make).unwrap_err().to_string();
    assert!(text.contains("new: cannot write: Read-only file system"), "{text}");
}
