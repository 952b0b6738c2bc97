//! A run that is watched: fed through its stdin, asked at the address it says.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::exposition::Exposition;
use crate::http::{self, Answer};
use crate::ran::{DEADLINE, HEADCOUNT, Ran};

/// 2023-11-14T22:14:00Z: a minute begins.
pub(crate) const START_S: i64 = 1_700_000_040;

/// A frame.
pub(crate) fn frame(ts_s: i64, uid: impl std::fmt::Display) -> String {
    format!("{{\"ts\":{ts_s},\"uid\":\"{uid}\"}}\n")
}

/// Frames a minute of [`minutes`].
pub(crate) const A_MINUTE: u64 = 600;

/// Frames of so many minutes, ten a second, so that the clock is at the last of them; of seven users. Results
/// are kept back for the first thousand frames.
pub(crate) fn minutes(count: i64) -> String {
    (0..count * 600).map(|n| frame(START_S + n / 10, n % 7)).collect()
}

/// A running binary that is watched. Killed when dropped.
pub(crate) struct Watched {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
    /// Where it is asked, like `127.0.0.1:9185`.
    pub(crate) address: String,
}

impl Watched {
    /// Starts `headcount count -` with these flags and any free port.
    pub(crate) fn start(flags: &str) -> Watched {
        let mut command = Command::new(HEADCOUNT);
        command.args(["count", "-", "--http", "0"]).args(flags.split_whitespace());
        Watched::of(command)
    }

    /// The same of any command that says where it is.
    pub(crate) fn of(mut command: Command) -> Watched {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdin, mut stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        let address = first.strip_prefix("headcount: watch this run at http://");
        let address = address.unwrap_or_else(|| panic!("it does not say where it is: {first}"));
        let address = address.split_once('/').unwrap().0.to_owned();
        let read = |mut from: Box<dyn Read + Send>, mut text: String| {
            std::thread::spawn(move || {
                from.read_to_string(&mut text).unwrap();
                text
            })
        };
        let stderr = Some(read(Box::new(stderr), first));
        let stdout = Some(std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        }));
        Watched { child, stdin, stdout, stderr, address }
    }

    pub(crate) fn feed(&mut self, bytes: impl AsRef<[u8]>) {
        self.stdin.as_mut().unwrap().write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        http::get(&self.address, path)
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        self.get(path).ok().json()
    }

    pub(crate) fn metrics(&self) -> Exposition {
        Exposition::of(&self.get("/metrics").ok().body)
    }

    /// Waits until `/live` says so.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, mut so: impl FnMut(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let live = self.json("/live");
            if so(&live) {
                return live;
            }
            assert!(started.elapsed() < DEADLINE, "waited in vain for {what}: {live}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until so many frames are judged and results safe, and the clock has told of it.
    #[track_caller]
    pub(crate) fn wait_for(&self, frames: u64, results: u64) -> Value {
        self.wait(&format!("{frames} frames, {results} results"), |live| {
            let all = &live["outcomes"];
            let sum = [
                "counted",
                "refused_late",
                "refused_future",
                "refused_gone",
                "malformed",
                "parked",
            ];
            let sum: u64 = sum.iter().map(|name| all[name].as_u64().unwrap()).sum();
            live["totals"]["frames"] == frames
                && sum == frames
                && live["totals"]["results"] == results
        })
    }

    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Closes its stdin and waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        drop(self.stdin.take());
        self.ended()
    }

    /// Waits for its end, its stdin as it is.
    pub(crate) fn ended(mut self) -> Ran {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        };
        Ran {
            code: status.code().unwrap_or_else(|| panic!("{status}")),
            stdout: self.stdout.take().unwrap().join().unwrap(),
            stderr: self.stderr.take().unwrap().join().unwrap(),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
