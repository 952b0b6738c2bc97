//! Disks that are full or read-only while a checkpoint is written: the one before stays whole.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use crate::harness::{Place, Task};
use crate::logs;

/// A small file system in the checkpoint's place. Unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(place: &Place) -> Option<SmallDisk> {
        let path = place.checkpoint();
        std::fs::create_dir(&path).unwrap();
        match mount("none", &path, "tmpfs", MountFlags::empty(), c"size=16m,mode=700") {
            Ok(()) => Some(SmallDisk(path)),
            Err(e) => {
                eprintln!("skipped: a small file system cannot be mounted here ({e})");
                None
            }
        }
    }

    fn read_only(&self, read_only: bool) {
        let flags = if read_only { MountFlags::RDONLY } else { MountFlags::empty() };
        mount_remount(&self.0, flags, "").unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// Two halves of a log.
fn halves() -> [Vec<u8>; 2] {
    let mut stream = logs::bytes(&logs::workload(21, 60_000, 3.0));
    let middle = stream.len() / 2;
    let line = stream[middle..].iter().position(|&byte| byte == b'\n').unwrap();
    let second = stream.split_off(middle + line + 1);
    [stream, second]
}

fn append(task: &Task, bytes: &[u8]) {
    let mut file = File::options().append(true).create(true).open(&task.inputs[0]).unwrap();
    file.write_all(bytes).unwrap();
}

/// A run over the first half ended; the second cannot be checkpointed; then it can.
fn ends_well_where(break_it: impl Fn(&SmallDisk), says: &str, mend: impl Fn(&SmallDisk)) {
    let place = Place::new();
    let Some(disk) = SmallDisk::new(&place) else { return };
    let task = Task::new(&[place.at("log").to_str().unwrap()], "--windows minute,hour,day");
    let [first, second] = halves();
    append(&task, &first);
    place.run(&task).exits(0);
    append(&task, &second);
    break_it(&disk);
    let ran = place.run(&task).exits(1).says(says);
    ran.says(place.checkpoint().to_str().unwrap());
    mend(&disk);
    place.run(&task).exits(0).says("going on from the checkpoint in ");
    let (peace, _) = task.in_peace();
    let left = place.left();
    assert_eq!(left.last_words(), peace.last_words());
    left.accounts_are_those_of(&peace, says);
}

#[test]
fn a_full_disk() {
    let fill = |disk: &SmallDisk| {
        let mut file = File::create(disk.0.join("filler")).unwrap();
        while file.write(&[1; 512]).is_ok_and(|written| written > 0) {}
    };
    let empty = |disk: &SmallDisk| std::fs::remove_file(disk.0.join("filler")).unwrap();
    ends_well_where(fill, "No space left", empty);
}

#[test]
fn a_read_only_disk() {
    let read_only = |disk: &SmallDisk| disk.read_only(true);
    ends_well_where(read_only, "Read-only file system", |disk| disk.read_only(false));
}
