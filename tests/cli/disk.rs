//! Outputs that cannot be written: the disk is full, the folder is not there, the file is the input.

use super::harness::{Folder, MINUTE, frame, gzip, minutes, run, run_with, shell};

/// A file system of 64 KiB in a folder. Unmounted when dropped.
pub(crate) struct SmallDisk(pub(crate) Folder);

impl SmallDisk {
    pub(crate) fn new() -> Option<SmallDisk> {
        use rustix::mount::{MountFlags, mount};
        let folder = Folder::new();
        match mount("none", folder.at(""), "tmpfs", MountFlags::empty(), c"size=64k") {
            Ok(()) => Some(SmallDisk(folder)),
            Err(e) => {
                eprintln!("skipped: a small file system cannot be mounted here ({e})");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.0.at(""), rustix::mount::UnmountFlags::DETACH);
    }
}

/// Two thousand results, which are more than 64 KiB.
fn log(folder: &Folder) -> String {
    folder.file("log", minutes(2000))
}

#[test]
fn results_that_do_not_fit_on_the_disk() {
    let Some(disk) = SmallDisk::new() else { return };
    let folder = Folder::new();
    let (log, to) = (log(&folder), disk.0.at("results"));
    let (ran, summary) = folder.count(&[&log, "--to", &to]);
    let ran = ran.exits(1).says("results: cannot write: No space left").says(" read = ");
    assert_eq!(ran.stdout, "");
    let there = disk.0.read("results");
    let whole = there.matches('\n').count() as u64;
    let n = |name: &str| summary[name].as_u64().unwrap();
    assert!(n("windows") <= whole, "{whole} are on the disk: {summary}");
    assert!(n("windows_withheld") > 0, "{summary}");
    assert_eq!(summary["ended"], "failed");
    let right = run(&["count", "-q", &log]).exits(0).stdout;
    assert!(right.starts_with(&there), "what is on the disk is right");
}

#[test]
fn rejects_that_do_not_fit_on_the_disk() {
    let Some(disk) = SmallDisk::new() else { return };
    let folder = Folder::new();
    let log = folder.file("log", frame(MINUTE, "a") + &"[\"not a frame\"]\n".repeat(100_000));
    let (ran, summary) = folder.count(&[&log, "--rejects", &disk.0.at("rejects")]);
    ran.exits(1).says("rejects: cannot write: No space left").says(" read = ");
    assert_eq!(summary["ended"], "failed");
}

#[test]
fn a_summary_that_does_not_fit_on_the_disk() {
    let Some(disk) = SmallDisk::new() else { return };
    let mut size = 64 * 1024;
    while std::fs::write(disk.0.at("filler"), vec![0; size]).is_err() {
        size -= 512;
    }
    let ran = run_with(&["count", "-", "--summary", &disk.0.at("summary")], minutes(3));
    let ran = ran.exits(1).says("summary: cannot write: No space left");
    assert_eq!(ran.counts().len(), 3, "the results are out all the same");
}

#[test]
fn a_device_that_is_always_full() {
    for frames in [1, 2000] {
        let folder = Folder::new();
        let log = minutes(frames) + "[]\n";
        let (ran, summary) = folder.count_with(&["-", "--to", "/dev/full"], log.clone());
        ran.exits(1).says("/dev/full: cannot write: No space left");
        assert_eq!(summary["windows"], 0, "{summary}");
        let (ran, _) = folder.count_with(&["-", "--rejects", "/dev/full"], log.clone());
        ran.exits(1).says("/dev/full: cannot write: No space left");
        let ran = run_with(&["count", "-", "--summary", "/dev/full"], log);
        ran.exits(1).says("/dev/full: cannot write: No space left");
    }
}

#[test]
fn stdout_that_is_full_is_an_error_for_every_command() {
    let folder = Folder::new();
    let log = log(&folder);
    let results = folder.at("results");
    run(&["count", "-q", &log, "--to", &results]).exits(0);
    for command in [
        "count log",
        "measure read log",
        "verify --agree=off --late=drop results log",
        "plan",
        "man",
        "completions bash",
        "generate --frames 1000",
        "demo --frames 1000",
        "--help",
        "--version",
    ] {
        let ran = shell(&format!("\"$headcount\" {command} > /dev/full"), &folder);
        ran.exits(1).says("stdout: ").says("No space left");
    }
}

#[test]
fn an_output_in_a_folder_that_is_not_there() {
    let folder = Folder::new();
    let to = folder.at("nowhere/file");
    for flag in ["--to", "--rejects", "--summary"] {
        let ran = run_with(&["count", "-", flag, &to], minutes(3)).exits(1);
        assert_eq!(ran.stdout, "", "nothing is counted first");
        ran.says("nowhere/file: cannot write: No such file");
    }
    run_with(&["count", "-", "--to", &folder.at("")], "").exits(1).says("Is a directory");
}

#[test]
fn an_output_that_is_an_input_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    for content in [minutes(3).into_bytes(), gzip(minutes(3))] {
        let log = folder.file("log", &content);
        let _ = std::fs::remove_file(folder.at("link"));
        let _ = std::fs::remove_file(folder.at("name"));
        std::os::unix::fs::symlink(&log, folder.at("link")).unwrap();
        std::fs::hard_link(&log, folder.at("name")).unwrap();
        for flag in ["--to", "--rejects", "--summary"] {
            for name in ["log", "link", "name", "./log"] {
                let ran = run(&["count", &log, flag, &folder.at(name)]).exits(2);
                ran.says("is the input").says("give another output");
                let line = format!("\"$headcount\" count {flag} {name} < log");
                shell(&line, &folder).exits(2).says("is the input stdin");
            }
        }
        assert_eq!(std::fs::read(&log).unwrap(), content);
    }
}

#[test]
fn two_outputs_in_one_file_are_refused() {
    let folder = Folder::new();
    let to = folder.file("out", "old");
    std::os::unix::fs::symlink(&to, folder.at("link")).unwrap();
    for other in ["out", "./out", "link"] {
        let other = folder.at(other);
        let ran = run_with(&["count", "-", "--to", &to, "--rejects", &other], minutes(3));
        ran.exits(2).says("for two outputs");
        let ran = run_with(&["count", "-", "--summary", &to, "--rejects", &other], minutes(3));
        ran.exits(2).says("for two outputs");
    }
    run_with(&["count", "-", "--to", "/dev/null", "--rejects", "/dev/null"], minutes(3)).exits(0);
}

#[test]
fn an_output_in_the_file_that_stdout_is_is_refused() {
    let folder = Folder::new();
    folder.file("log", minutes(3));
    for flag in ["--rejects", "--summary"] {
        for name in ["out", "./out", "/dev/stdout"] {
            let ran = shell(&format!("\"$headcount\" count log {flag} {name} > out"), &folder);
            ran.exits(2).says("for two outputs");
        }
    }
    let line = "\"$headcount\" count log --to /dev/stdout --rejects /dev/stdout > out";
    shell(line, &folder).exits(2).says("for two outputs");
    for fine in ["--to /dev/stdout > out", "--summary out >/dev/null", "--to out >> out"] {
        shell(&format!("\"$headcount\" count log {fine}"), &folder).exits(0);
    }
}

#[test]
fn results_are_not_put_into_the_input() {
    let folder = Folder::new();
    folder.file("log", minutes(3));
    for line in ["count log >> log", "count < log >> log", "count other log >> log"] {
        folder.file("other", minutes(3));
        let ran = shell(&format!("\"$headcount\" {line}"), &folder).exits(2);
        ran.says("stdout is the input ");
        assert_eq!(folder.read("log"), minutes(3));
    }
}

#[test]
fn a_summary_goes_into_a_named_pipe() {
    let folder = Folder::new();
    folder.file("log", minutes(3));
    folder.fifo("fifo");
    let line = "cat fifo > summary.json & \"$headcount\" count log --summary fifo; wait";
    shell(line, &folder).exits(0);
    assert_eq!(folder.summary()["windows"], 3);
}
