//! The program with `--http`: fed line by line, its results read as they come.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

const HEADCOUNT: &str = env!("CARGO_BIN_EXE_headcount");
/// Nothing takes a tenth of it: what is not over by then hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// The first second of 2023-11-14T22:14:00Z.
pub(crate) const MINUTE: i64 = 1_700_000_040;

/// A few frames move the clock, the next minute closes the one before, and silence nothing.
pub(crate) const PLAIN: &str = "--agree=off --max-lag=0s --idle=off";

/// A running program that serves its page. Killed when dropped.
pub(crate) struct Run {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Where it serves: `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
}

impl Run {
    /// Counts what it is fed, with these flags besides.
    pub(crate) fn piped(flags: &str) -> Run {
        Run::at("127.0.0.1:0", &format!("- {PLAIN} {flags}"), &[])
    }

    /// `headcount count` with these words and arguments, serving there.
    pub(crate) fn at(address: &str, words: &str, more: &[&str]) -> Run {
        let mut command = Command::new(HEADCOUNT);
        command.args(["count", "--http", address]).args(words.split_whitespace()).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = send.send(line.unwrap());
            }
        });
        // It says where it serves; what follows is read so that it never waits for us.
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let origin = loop {
            let mut line = String::new();
            let read = stderr.read_line(&mut line).unwrap();
            said += &line;
            assert!(read > 0, "it ended and never said where it serves: {said}");
            if let Some((_, rest)) = line.split_once("http://") {
                let port = rest.split(['/', ' ', '\n', ',']).next().unwrap();
                break format!("http://{port}");
            }
        };
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            let _ = stderr.read_to_end(&mut rest);
        });
        let stdin = child.stdin.take();
        Run { child, stdin, lines, origin }
    }

    /// Writes to its stdin, which stays open.
    pub(crate) fn feed(&mut self, frames: &str) {
        self.stdin.as_mut().unwrap().write_all(frames.as_bytes()).unwrap();
    }

    /// Closes its stdin: the log ends.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// The next result on stdout.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let line = self.lines.recv_timeout(DEADLINE).expect("a result on stdout, in time");
        serde_json::from_str(&line).unwrap()
    }

    /// Users of the next so many results.
    #[track_caller]
    pub(crate) fn counts(&self, results: usize) -> Vec<u64> {
        (0..results).map(|_| self.result()["cnt"].as_u64().unwrap()).collect()
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as a service is ended, in peace.
    #[cfg(feature = "kafka")]
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap();
    }

    /// Where it serves, without the scheme.
    pub(crate) fn address(&self) -> String {
        self.origin.replace("http://", "")
    }

    /// What it answers to a GET.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let host = self.address();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        body.to_owned()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end, which is to be a good one.
#[cfg(feature = "kafka")]
#[track_caller]
pub(crate) fn succeeds(words: &str) {
    let ran = Command::new(HEADCOUNT).args(words.split_whitespace()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Frames of so many users, one a user, in the minute that is this many after the first.
pub(crate) fn minute(minute: i64, users: u32) -> String {
    let ts = MINUTE + 60 * minute;
    (0..users).map(|user| format!("{{\"ts\":{ts},\"uid\":\"user-{user}\"}}\n")).collect()
}
