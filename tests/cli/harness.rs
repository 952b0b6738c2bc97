//! Running the binary to its end, and reading what it left behind.

use std::path::PathBuf;

use serde_json::Value;

pub(crate) use crate::ran::{DEADLINE, HEADCOUNT, Ran};

/// The first second of the design's example, 2023-11-14T22:14:00Z.
pub(crate) const MINUTE: i64 = 1_700_000_040;

/// The plainest frame.
pub(crate) fn frame(ts: i64, uid: &str) -> String {
    format!("{{\"ts\":{ts},\"uid\":\"{uid}\"}}\n")
}

/// One frame a minute, so that there are this many results.
pub(crate) fn minutes(n: i64) -> String {
    (0..n).map(|minute| frame(MINUTE + 60 * minute, "user")).collect()
}

impl Ran {
    pub(crate) fn counts(&self) -> Vec<(i64, u64)> {
        counts(&self.stdout)
    }
}

/// Window and users of each result. Panics on anything that is no result.
pub(crate) fn counts(results: &str) -> Vec<(i64, u64)> {
    let count = |line| {
        let result: Value = serde_json::from_str(line).unwrap();
        (result["ts"].as_i64().unwrap(), result["cnt"].as_u64().unwrap())
    };
    results.lines().map(count).collect()
}

/// The results of a whole log that are final before its end.
pub(crate) fn closed_by_time(results: &str) -> String {
    let lines = results.split_inclusive('\n');
    lines.filter(|line| line.contains(r#""closed_by":"time""#)).collect()
}

/// The same arguments, by the plain clock unless they say how time goes: logs of a few frames are enough
/// to see what is tested here. What the clock does by itself is tested in `time.rs`.
pub(crate) fn plain<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let mut args = args.to_vec();
    let says =
        |arg: &&str| ["--agree", "--late", "--config"].iter().any(|flag| arg.starts_with(flag));
    if matches!(args.first(), Some(&("count" | "verify"))) && !args.iter().any(says) {
        args.splice(1..1, ["--agree=off", "--late=drop"]);
    }
    args
}

/// The binary, with a deadline and nothing on stdin.
pub(crate) fn headcount(args: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(HEADCOUNT);
    command.args(plain(args)).timeout(DEADLINE);
    command
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Ran {
    Ran::of(headcount(args).output().unwrap())
}

/// Runs it to its end with this on stdin, through a pipe.
pub(crate) fn run_with(args: &[&str], stdin: impl Into<Vec<u8>>) -> Ran {
    Ran::of(headcount(args).write_stdin(stdin).output().unwrap())
}

/// Runs a line of shell, where `$headcount` is the binary.
pub(crate) fn shell(line: &str, folder: &Folder) -> Ran {
    let mut command = assert_cmd::Command::new("sh");
    command.args(["-c", line]).env("headcount", HEADCOUNT).current_dir(folder.0.path());
    Ran::of(command.timeout(DEADLINE).output().unwrap())
}

/// A folder of its own for a test; gone with it.
pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// The path of a file in it, there or not.
    pub(crate) fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Makes a file and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.at(name), content).unwrap();
        self.at(name)
    }

    /// Makes a named pipe and gives its path.
    pub(crate) fn fifo(&self, name: &str) -> String {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        mknodat(CWD, self.at(name), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        self.at(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// A generated stream in a file.
    pub(crate) fn generated(&self, name: &str, flags: &str) -> String {
        let path = self.at(name);
        let flags = flags.split_whitespace();
        let args: Vec<&str> = ["generate", "-o", &path].into_iter().chain(flags).collect();
        run(&args).exits(0);
        path
    }

    /// Runs `headcount count … --summary` and gives the summary too, its accounts checked.
    pub(crate) fn count(&self, args: &[&str]) -> (Ran, Value) {
        self.count_with(args, "")
    }

    /// The same with this on stdin.
    pub(crate) fn count_with(&self, args: &[&str], stdin: impl Into<Vec<u8>>) -> (Ran, Value) {
        let summary = self.at("summary.json");
        let mut all = vec!["count", "--summary", &summary];
        all.extend(args);
        let ran = run_with(&all, stdin);
        (ran, self.summary())
    }

    pub(crate) fn summary(&self) -> Value {
        let summary = serde_json::from_str(&self.read("summary.json")).unwrap();
        assert_adds_up(&summary);
        summary
    }
}

/// Checks a summary's accounts with an addition of our own.
#[track_caller]
pub(crate) fn assert_adds_up(summary: &Value) {
    let n = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("{name}: {summary}"));
    let terms = [
        "counted",
        "refused_late",
        "refused_future",
        "refused_gone",
        "malformed",
        "empty",
        "parked",
    ];
    assert_eq!(n("frames_read"), terms.into_iter().map(n).sum::<u64>(), "{summary}");
    let reasons = summary["malformed_by_reason"].as_object().unwrap();
    let malformed: u64 = reasons.values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(n("malformed"), malformed, "{summary}");
}

/// One gzip member.
pub(crate) fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// One Zstandard frame with a checksum, as the program `zstd` makes them.
pub(crate) fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A program of the system, if it is there.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.exists())
}

/// The binary held to one core, or as it is where that cannot be done.
pub(crate) fn on_one_core(args: &[&str]) -> std::process::Command {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first: String =
        cores.unwrap_or("0").trim().chars().take_while(char::is_ascii_digit).collect();
    let Some(taskset) = program("taskset") else {
        eprintln!("no taskset: not held to one core");
        let mut command = std::process::Command::new(HEADCOUNT);
        command.args(plain(args));
        return command;
    };
    let mut command = std::process::Command::new(taskset);
    command.args(["-c", &first, HEADCOUNT]).args(plain(args));
    command
}
