//! A count with a checkpoint: started, killed, stopped, and what it left behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub(crate) use crate::ran::{DEADLINE, HEADCOUNT, Ran};

/// How long to sleep between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What a run says that found a checkpoint.
const GOES_ON: &str = "headcount: going on from the checkpoint in ";

/// What is counted, and how.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) inputs: Vec<String>,
    pub(crate) flags: Vec<String>,
    /// Flags of the checkpoint.
    pub(crate) every: String,
}

impl Task {
    pub(crate) fn new(inputs: &[&str], flags: &str) -> Task {
        Task {
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            flags: flags.split_whitespace().map(str::to_owned).collect(),
            every: "100ms".into(),
        }
    }

    /// What comes of it without a checkpoint, and how long that takes.
    pub(crate) fn in_peace(&self) -> (Left, Duration) {
        let place = Place::new();
        let mut command = place.without_checkpoint(self);
        let began = Instant::now();
        Ran::of(command.output().unwrap()).exits(0);
        (place.left(), began.elapsed())
    }
}

/// Where it writes: results, rejects, summary and checkpoint. Gone when dropped.
pub(crate) struct Place(tempfile::TempDir);

/// How a run that was broken off ended.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    /// The exit code; none where it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

impl Broken {
    pub(crate) fn went_on(&self) -> bool {
        self.stderr.contains(GOES_ON)
    }

    /// Asserts that no fault of the program itself was met, and that it ended so or was killed.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Broken {
        assert!(self.code.is_none_or(|own| own == code), "{self:?}");
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains("internal error"));
        self
    }
}

impl Place {
    pub(crate) fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    /// Where a write to the disk costs nothing, so that there can be many checkpoints a run.
    pub(crate) fn in_memory() -> Place {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Place(tempfile::tempdir_in(memory).unwrap()) } else { Place::new() }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The folder of the checkpoint.
    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.at("checkpoint")
    }

    fn without_checkpoint(&self, task: &Task) -> Command {
        let mut command = Command::new(HEADCOUNT);
        command.arg("count").args(&task.inputs).args(&task.flags);
        command.arg("--to").arg(self.at("out.jsonl"));
        command.arg("--rejects").arg(self.at("rejects.jsonl"));
        command.arg("--summary").arg(self.at("summary.json"));
        command.stdin(Stdio::null());
        command
    }

    fn command(&self, task: &Task) -> Command {
        let mut command = self.without_checkpoint(task);
        command.arg("--checkpoint").arg(self.checkpoint());
        command.arg(format!("--checkpoint-every={}", task.every));
        command
    }

    /// Starts it, its stderr in a file.
    pub(crate) fn start(&self, task: &Task) -> Running<'_> {
        self.start_failing(task, "")
    }

    /// The same, with a plan of where it fails or is killed (`checkpoint/fail.rs`).
    pub(crate) fn start_failing(&self, task: &Task, plan: &str) -> Running<'_> {
        let stderr = File::create(self.at("stderr")).unwrap();
        let mut command = self.command(task);
        command.env("HEADCOUNT_FAIL", plan).stdout(Stdio::null()).stderr(stderr);
        Running { child: command.spawn().unwrap(), place: self }
    }

    /// Runs it to its end, with further flags.
    pub(crate) fn run_with(&self, task: &Task, more: &[&str]) -> Ran {
        let mut running = self.command(task);
        running.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ran::of(running.output().unwrap())
    }

    pub(crate) fn run(&self, task: &Task) -> Ran {
        self.run_with(task, &[])
    }

    /// The same, nowhere to put rejects.
    pub(crate) fn run_without_rejects(&self, task: &Task) -> Ran {
        let mut command = Command::new(HEADCOUNT);
        command.arg("count").args(&task.inputs).args(&task.flags);
        command.arg("--to").arg(self.at("out.jsonl")).arg("--checkpoint").arg(self.checkpoint());
        Ran::of(command.output().unwrap())
    }

    /// Kills it so long after its start, if it runs that long.
    pub(crate) fn kill_after(&self, task: &Task, after: Duration) -> Broken {
        let mut running = self.start(task);
        let began = Instant::now();
        while began.elapsed() < after && !running.is_over() {
            sleep(LOOK_EVERY);
        }
        running.child.kill().unwrap();
        running.end()
    }

    /// What lies there now.
    #[track_caller]
    pub(crate) fn left(&self) -> Left {
        let read = |name: &str| std::fs::read_to_string(self.at(name)).unwrap();
        let mut rejects: Vec<String> = read("rejects.jsonl").lines().map(str::to_owned).collect();
        rejects.sort_unstable();
        let summary = serde_json::from_str(&read("summary.json")).unwrap();
        Left { out: read("out.jsonl"), rejects, summary }
    }

    /// All of its files and what they hold but for those of this run alone.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = files_under(self.0.path());
        files.remove(&self.at("summary.json"));
        files.remove(&self.at("stderr"));
        files
    }
}

/// All files in a folder and those below, with what they hold.
pub(crate) fn files_under(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut files_under(&path));
        } else {
            files.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    files
}

/// A run that has not ended. Killed when dropped.
pub(crate) struct Running<'p> {
    child: Child,
    place: &'p Place,
}

impl Running<'_> {
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Looks again and again until it is so, or the run is over.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !self.is_over() && !is_so(self) {
            assert!(began.elapsed() < DEADLINE, "waited in vain for {what}");
            sleep(LOOK_EVERY);
        }
    }

    /// Whether SIGTERM would not simply kill it.
    pub(crate) fn heeds_sigterm(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        // None where it has just ended.
        let caught = caught.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        caught & 1 << (Signal::TERM.as_raw() - 1) != 0
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Broken {
        self.wait_until("the program to end", |_| false);
        let status = self.child.wait().unwrap();
        let stderr = std::fs::read_to_string(self.place.at("stderr")).unwrap();
        assert!(status.code().is_some() || status.signal() == Some(9), "{status}: {stderr}");
        Broken { code: status.code(), stderr }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run left behind.
pub(crate) struct Left {
    pub(crate) out: String,
    /// In order of their text.
    pub(crate) rejects: Vec<String>,
    pub(crate) summary: Value,
}

/// Members of a summary that tell what became of the frames.
const ACCOUNTS: [&str; 9] = [
    "frames_read",
    "counted",
    "refused_late",
    "refused_future",
    "refused_gone",
    "malformed",
    "malformed_by_reason",
    "empty",
    "parked",
];

/// What became of the frames.
fn accounts(of: &Value) -> Vec<(&'static str, &Value)> {
    ACCOUNTS.iter().map(|&name| (name, &of[name])).collect()
}

impl Left {
    /// Asserts that this, left behind by all runs together, is what one run in peace left.
    #[track_caller]
    pub(crate) fn is_that_of(&self, peace: &Left, how: &str) {
        assert_each_rev_once(&self.out, how);
        assert_lines(self.out.lines(), peace.out.lines(), how);
        assert!(self.out == peace.out, "the same lines, but not the same bytes: {how}");
        let own = self.rejects.iter().map(String::as_str);
        assert_lines(own, peace.rejects.iter().map(String::as_str), how);
        self.accounts_are_those_of(peace, how);
    }

    /// Asserts that all runs together account for the frames as one run does.
    #[track_caller]
    pub(crate) fn accounts_are_those_of(&self, peace: &Left, how: &str) {
        let all = accounts(&self.summary["since_first_checkpoint"]);
        assert_eq!(all, accounts(&peace.summary), "{how}");
    }

    pub(crate) fn frames_read(&self) -> u64 {
        self.summary["frames_read"].as_u64().unwrap()
    }

    /// The last word on each window: all of it but how sure it is and how often it was said.
    pub(crate) fn last_words(&self) -> BTreeMap<String, Value> {
        let mut words = BTreeMap::new();
        for line in self.out.lines() {
            let mut result: Value = serde_json::from_str(line).unwrap();
            let key = window(&result);
            let members = result.as_object_mut().unwrap();
            for name in ["status", "rev", "closed_by"] {
                members.remove(name).unwrap();
            }
            words.insert(key, result);
        }
        words
    }
}

fn window(result: &Value) -> String {
    format!("{} {} {}", result["window"], result["zone"], result["ts"])
}

/// Each window's records are numbered from 0.
#[track_caller]
pub(crate) fn assert_each_rev_once(results: &str, how: &str) {
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    for line in results.lines() {
        let result: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}: {how}"));
        let next = next.entry(window(&result)).or_default();
        assert_eq!(result["rev"].as_u64(), Some(*next), "{line}: {how}");
        *next += 1;
    }
}

/// The first line that differs, and not all of them.
#[track_caller]
fn assert_lines<'l>(
    own: impl Iterator<Item = &'l str>,
    right: impl Iterator<Item = &'l str>,
    how: &str,
) {
    let (own, right): (Vec<&str>, Vec<&str>) = (own.collect(), right.collect());
    let at = own.iter().zip(&right).position(|(own, right)| own != right);
    let at = at.unwrap_or(own.len().min(right.len()));
    let [own_line, right_line] = [&own, &right].map(|lines| lines.get(at));
    let lines = (own.len(), right.len());
    assert_eq!(own_line, right_line, "line {at} of {lines:?}: {how}");
}
