//! SIGINT and SIGTERM: the accounts, what is final, and no window invented.

use std::io::Read;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::harness::{Folder, HEADCOUNT, MINUTE, counts, frame, minutes, on_one_core};
use super::live::{Live, wait_for};

#[test]
fn a_run_that_follows_a_pipe_ends_with_its_accounts() {
    for signal in [Signal::INT, Signal::TERM] {
        for wait in ["spin", "balanced", "park"] {
            for one_core in [false, true] {
                let folder = Folder::new();
                let summary = folder.at("summary.json");
                let args = ["count", "-", "--wait", wait, "--summary", &summary];
                let mut live =
                    if one_core { Live::spawn(on_one_core(&args)) } else { Live::start(&args) };
                live.feed(frame(MINUTE, "a") + &frame(MINUTE + 65, "a") + &frame(MINUTE + 66, "b"));
                assert_eq!(counts(&live.line()), [(MINUTE, 1)]);
                live.signal(signal);
                let ran = live.end().exits(130);
                assert_eq!(ran.stdout, "", "the open minute is not put out");
                ran.says("3 read = 3 counted")
                    .says("interrupted: 1 window still open and not put out, with 2 frames");
                let summary = folder.summary();
                assert_eq!(summary["ended"], "interrupted");
                assert_eq!(
                    (&summary["windows"], &summary["windows_left_open"]),
                    (&1.into(), &1.into())
                );
            }
        }
    }
}

#[test]
fn a_run_over_a_file_ends_too() {
    let folder = Folder::new();
    let fifo = folder.fifo("fifo");
    let log = folder.file("log", minutes(3));
    let mut live = Live::start(&["count", &log, &fifo]);
    let _writer = super::live::open_fifo(&fifo, &mut live);
    assert_eq!(counts(&live.line()), [(MINUTE, 1)]);
    live.signal(Signal::TERM);
    assert_eq!(live.end().exits(130).stdout, "");
}

#[test]
fn a_second_signal_ends_a_run_that_cannot_stop() {
    // Nobody reads the results, so that the program is held up in writing them.
    let folder = Folder::new();
    let log = folder.file("log", minutes(5000));
    let mut command = Command::new(HEADCOUNT);
    command.args(["count", "--agree=off", "--late=drop", &log]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    wait_for("the pipe to be full", || rustix::io::ioctl_fionread(&stdout).unwrap() > 60_000);
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(child.try_wait().unwrap(), None, "it is held up");
    wait_for("the second signal to end it", || {
        let _ = kill_process(pid, Signal::INT);
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_run_that_waits_for_a_named_pipes_writer_ends_too() {
    let folder = Folder::new();
    let fifo = folder.fifo("fifo");
    let log = folder.file("log", minutes(3));
    let live = Live::start(&["count", &log, &fifo]);
    assert_eq!(counts(&live.line()), [(MINUTE, 1)]);
    live.signal(Signal::INT);
    live.end().exits(130);
}

#[test]
fn a_run_in_a_line_without_an_end_ends_too() {
    let folder = Folder::new();
    let log = folder.file("log", minutes(3));
    for scanners in ["--scanners=1", "--scanners=2"] {
        let live = Live::start(&["count", &log, "/dev/zero", scanners]);
        assert_eq!(counts(&live.line()), [(MINUTE, 1)], "known before the line, so out before it");
        wait_for("the line to be too long", || live.bytes_read() > 64 << 20);
        live.signal(Signal::INT);
        live.end().exits(130).says("1 too_long");
    }
}
