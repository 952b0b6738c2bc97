//! A run that goes on while the test does: its results as they come, signals to it, and its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{DEADLINE, HEADCOUNT, Ran, plain, wait_until};

/// The exit code of what was killed, as shells tell it.
pub(crate) const KILLED: i32 = 137;

/// A running binary. Killed when dropped.
pub(crate) struct Following {
    child: Child,
    /// Until somebody reads it.
    stdout: Option<(ChildStdout, Sender<String>)>,
    lines: Receiver<String>,
    /// What was taken of the lines.
    taken: String,
    stderr: Option<JoinHandle<String>>,
}

impl Following {
    /// Starts the binary and reads what it puts out.
    pub(crate) fn start(words: &str) -> Following {
        let mut following = Following::start_unread(words);
        following.read_on();
        following
    }

    /// Starts the binary, whose results nobody reads: once the pipe is full it has to wait.
    pub(crate) fn start_unread(words: &str) -> Following {
        Following::start_planned(words, "")
    }

    /// The same, with a plan of where it fails or is killed (`checkpoint/fail.rs`).
    pub(crate) fn start_planned(words: &str, plan: &str) -> Following {
        let mut command = Command::new(HEADCOUNT);
        command.args(plain(words)).env("HEADCOUNT_FAIL", plan).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (send, lines) = channel();
        let stdout = Some((child.stdout.take().unwrap(), send));
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Following { child, stdout, lines, taken: String::new(), stderr: Some(stderr) }
    }

    /// Reads the results from now on.
    pub(crate) fn read_on(&mut self) {
        let (stdout, send) = self.stdout.take().expect("nobody reads it yet");
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let _ = send.send(line.unwrap() + "\n");
            }
        });
    }

    /// The next result.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(DEADLINE).expect("a result in time");
        self.taken += &line;
        line
    }

    /// The next so many results.
    #[track_caller]
    pub(crate) fn lines(&mut self, count: usize) -> String {
        (0..count).map(|_| self.line()).collect()
    }

    /// The next result, if it is there by now.
    pub(crate) fn line_now(&mut self) -> Option<String> {
        let line = self.lines.try_recv().ok()?;
        self.taken += &line;
        Some(line)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Holds it where it is, to be let go by a signal `CONT`.
    pub(crate) fn hold(&self) {
        self.signal(Signal::STOP);
        let stat = format!("/proc/{}/stat", self.child.id());
        wait_until("a standstill", || {
            let stat = std::fs::read_to_string(&stat).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('T')
        });
    }

    /// What of it the system shows to everybody.
    pub(crate) fn shown(&self) -> String {
        let read = |name: &str| std::fs::read(format!("/proc/{}/{name}", self.child.id())).unwrap();
        String::from_utf8([read("cmdline"), read("comm")].concat()).unwrap()
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it heeds signals: it has looked at all it needs, and begins to read.
    #[track_caller]
    pub(crate) fn wait_until_it_listens(&mut self) {
        if let Some(ran) = self.ends_before_it_listens() {
            panic!("it ended with {} before it listened:\n{}", ran.code, ran.stderr);
        }
    }

    /// Waits until it heeds signals, or has ended before that, and how.
    #[track_caller]
    pub(crate) fn ends_before_it_listens(&mut self) -> Option<Ran> {
        let mut is_over = false;
        wait_until("it to listen", || {
            is_over = self.is_over();
            is_over || self.listens()
        });
        is_over.then(|| self.ended())
    }

    /// Ends it as a service is ended, once it listens, and waits until it has.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Ran {
        self.wait_until_it_listens();
        self.signal(Signal::TERM);
        self.end()
    }

    /// Ends it as a service is ended, as soon as it heeds that.
    #[track_caller]
    pub(crate) fn stop_at_once(self) -> Ran {
        let began = std::time::Instant::now();
        while !self.listens() {
            assert!(began.elapsed() < DEADLINE, "it never listened");
        }
        self.signal(Signal::TERM);
        self.end()
    }

    /// Whether it heeds signals.
    fn listens(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let term = 1 << (Signal::TERM.as_raw() - 1);
        u64::from_str_radix(caught.trim(), 16).unwrap() & term != 0
    }

    /// Whether something waits in its pipe, which nobody reads.
    pub(crate) fn has_put_out(&self) -> bool {
        let (stdout, _) = self.stdout.as_ref().expect("nobody reads it");
        rustix::io::ioctl_fionread(stdout).unwrap() > 0
    }

    /// Waits for its end; all its results come with it.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        let ran = self.ended();
        assert_ne!(ran.code, KILLED, "{}", ran.stderr);
        ran
    }

    /// Ends it without a word, in the middle of whatever it does; what it had put out and said by then.
    pub(crate) fn kill(mut self) -> Ran {
        self.signal(Signal::KILL);
        self.ended()
    }

    /// Waits until it has ended or was killed.
    pub(crate) fn ended(&mut self) -> Ran {
        if self.stdout.is_some() {
            self.read_on();
        }
        wait_until("its end", || self.is_over());
        let code = self.child.wait().unwrap().code().unwrap_or(KILLED);
        let stderr = self.stderr.take().unwrap().join().unwrap();
        Ran { code, stdout: self.all_lines(), stderr }
    }

    fn all_lines(&mut self) -> String {
        std::mem::take(&mut self.taken) + &self.lines.iter().collect::<String>()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
