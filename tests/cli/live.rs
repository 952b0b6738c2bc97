//! A run that is watched while it goes on: fed bit by bit, read line by line, sent signals.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::harness::{DEADLINE, HEADCOUNT, Ran, plain};

/// How long to sleep between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A running binary. Killed when dropped.
pub(crate) struct Live {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
}

impl Live {
    /// Starts `headcount` with these arguments, all its streams piped.
    pub(crate) fn start(args: &[&str]) -> Live {
        let mut command = Command::new(HEADCOUNT);
        command.args(plain(args));
        Live::spawn(command)
    }

    /// Starts a command, all its streams piped.
    pub(crate) fn spawn(mut command: Command) -> Live {
        command.stdin(Stdio::piped());
        Live::of(command)
    }

    /// Starts `headcount` with these arguments and this as its stdin.
    pub(crate) fn reading(stdin: File, args: &[&str]) -> Live {
        let mut command = Command::new(HEADCOUNT);
        command.args(plain(args)).stdin(stdin);
        Live::of(command)
    }

    fn of(mut command: Command) -> Live {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = send.send(line.unwrap());
            }
        });
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Live { child, stdin, lines, stderr: Some(stderr) }
    }

    /// Writes to its stdin, which stays open.
    pub(crate) fn feed(&mut self, bytes: impl AsRef<[u8]>) {
        self.stdin.as_mut().unwrap().write_all(bytes.as_ref()).unwrap();
    }

    /// Writes to its stdin byte by byte, each after it has taken the one before.
    pub(crate) fn drip(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.feed([*byte]);
            let stdin = self.stdin.as_ref().unwrap();
            wait_for("a byte to be taken", || rustix::io::ioctl_fionread(stdin.as_fd()) == Ok(0));
        }
    }

    /// Closes its stdin.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// The next line of its stdout, which is to come without its input being closed.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("a line on stdout, in time")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Whether none of its threads runs or wants to.
    pub(crate) fn sleeps(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap()).all(
            |stat| {
                let (_, after_name) = stat.rsplit_once(") ").unwrap();
                after_name.starts_with('S')
            },
        )
    }

    /// Bytes it has read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.child.id())).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
        line.parse().unwrap()
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end, its stdin as it is; what is left of stdout comes with it.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        wait_for("the program to end", || self.is_over());
        let status = self.child.wait().unwrap();
        Ran {
            code: status.code().unwrap_or_else(|| panic!("{status}")),
            stdout: self.lines.iter().map(|line| line + "\n").collect(),
            stderr: self.stderr.take().unwrap().join().unwrap(),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until it is so.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < DEADLINE, "waited in vain for {what}");
        sleep(LOOK_EVERY);
    }
}

/// Opens a named pipe for writing, once its reader is there.
pub(crate) fn open_fifo(path: &str, reader: &mut Live) -> File {
    use std::os::unix::fs::OpenOptionsExt;
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut open = None;
    wait_for("the named pipe to have a reader", || {
        assert!(!reader.is_over(), "it ended and never read the named pipe");
        open = File::options().write(true).custom_flags(nonblock).open(path).ok();
        open.is_some()
    });
    let file = open.unwrap();
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty()).unwrap();
    file
}
