//! The program on a terminal: what a terminal shows of it while it runs, and when it is over.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::harness::{Folder, HEADCOUNT, MINUTE, counts, frame, minutes, plain, run};
use super::live::wait_for;

/// Which streams of the program the terminal is.
#[derive(Clone, Copy)]
enum On {
    Stderr,
    Both,
}

/// A terminal, and the program on it. Killed when dropped.
struct Terminal {
    child: Child,
    master: File,
    /// All bytes that came, and what a terminal makes of them.
    shown: Arc<Mutex<(Vec<u8>, vt100::Parser)>>,
    reader: Option<JoinHandle<()>>,
}

const ROWS: u16 = 12;
const COLUMNS: u16 = 132;

fn size(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

impl Terminal {
    fn start(args: &[&str], on: On, envs: &[(&str, &str)]) -> Terminal {
        Terminal::of(COLUMNS, args, on, envs)
    }

    fn of(columns: u16, args: &[&str], on: On, envs: &[(&str, &str)]) -> Terminal {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = File::from(rustix::fs::open(&*name, flags, Mode::empty()).unwrap());
        let master = File::from(master);
        let winsize = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, winsize).unwrap();
        let mut command = Command::new(HEADCOUNT);
        command.args(plain(args)).env("TERM", "xterm").env_remove("NO_COLOR");
        command.envs(envs.iter().copied());
        command.stdin(Stdio::piped()).stderr(slave.try_clone().unwrap());
        match on {
            On::Stderr => command.stdout(Stdio::piped()),
            On::Both => command.stdout(slave.try_clone().unwrap()),
        };
        let parser = vt100::Parser::new(size(ROWS), size(columns), 10_000);
        let shown = Arc::new(Mutex::new((Vec::new(), parser)));
        let terminal = (shown.clone(), master.try_clone().unwrap());
        let mut new = Terminal { child: command.spawn().unwrap(), master, shown, reader: None };
        // The program's are the only ones left: when it ends, so does what is read here.
        drop((slave, command));
        new.reader = Some(std::thread::spawn(move || {
            let (shown, mut from) = terminal;
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                let mut shown = shown.lock().unwrap();
                shown.0.extend_from_slice(&bytes[..n]);
                shown.1.process(&bytes[..n]);
            }
        }));
        new
    }

    fn resize(&self, rows: u16, columns: u16) {
        let to = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, to).unwrap();
        self.shown.lock().unwrap().1.set_size(size(rows), size(columns));
    }

    fn feed(&mut self, lines: &str) {
        self.child.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    }

    /// The lines on the screen now.
    fn screen(&self) -> String {
        self.shown.lock().unwrap().1.screen().contents()
    }

    #[track_caller]
    fn wait_for(&self, what: &str) {
        wait_for(&format!("{what:?} on the terminal"), || self.screen().contains(what));
    }

    /// Everything that stands on it once the program is over, what has gone out at the top included; the bytes that came.
    #[track_caller]
    fn end(mut self, code: i32) -> (Vec<String>, String) {
        drop(self.child.stdin.take());
        wait_for("the program to end", || self.child.try_wait().unwrap().is_some());
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        let (bytes, parser) = &mut *self.shown.lock().unwrap();
        let screen = parser.screen_mut();
        screen.set_scrollback(usize::MAX);
        let mut lines = Vec::new();
        let (_, columns) = screen.size();
        loop {
            let above = screen.scrollback();
            let rows: Vec<String> = screen.rows(0, columns.get()).collect();
            if above == 0 {
                lines.extend(rows);
                break;
            }
            lines.push(rows[0].clone());
            screen.set_scrollback(above - 1);
        }
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(status.code(), Some(code), "{text}");
        (lines.into_iter().map(|line| line.trim_end().to_owned()).collect(), text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Frames as they come in the minute after the n-th, more than can all be kept waiting.
fn minute(n: i64, user: &str) -> String {
    frame(MINUTE + 60 * n, user) + &frame(MINUTE + 60 * n + 59, user)
}

/// Window starts and users of lines of a table.
fn rows(lines: &[String]) -> Vec<(String, String)> {
    let cells = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
    cells
        .filter(|cells| cells.first() == Some(&"minute"))
        .map(|cells| (cells[1][11..16].to_owned(), cells[2].to_owned()))
        .collect()
}

#[test]
fn bounded_input_has_a_progress_line() {
    // Nobody reads the results, so that the program is held up and can be looked at.
    let folder = Folder::new();
    let log = folder.file("log", minutes(5000));
    let mut terminal = Terminal::start(&["count", &log], On::Stderr, &[]);
    terminal.wait_for(" left  ");
    let screen = terminal.screen();
    let bytes = std::fs::metadata(&log).unwrap().len();
    let total = format!(" of {}  ", indicatif::DecimalBytes(bytes));
    assert!(screen.contains(&total) && screen.contains(" frames/s  "), "{screen}");
    let mut results = String::new();
    terminal.child.stdout.take().unwrap().read_to_string(&mut results).unwrap();
    assert_eq!(counts(&results).len(), 5000);
    let (lines, _) = terminal.end(0);
    assert!(lines.iter().all(|line| line.starts_with("headcount: ")), "{lines:?}");
}

#[test]
fn input_without_a_known_end_has_a_status_line() {
    let mut terminal = Terminal::start(&["count", "-"], On::Stderr, &[]);
    terminal.feed(&(minute(0, "a") + &minute(1, "b") + &minute(2, "c")));
    terminal.wait_for("newest: minute 2023-11-14T22:15:00Z 1");
    terminal.wait_for(" frames/s  ");
    terminal.wait_for("  clock 2023-11-14T22:16:59Z");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    terminal.feed(&frame(now.try_into().unwrap(), "now"));
    terminal.wait_for("  lag ");
    let (lines, _) = terminal.end(0);
    assert!(lines.iter().all(|line| line.starts_with("headcount: ")), "{lines:?}");
}

#[test]
fn quiet_draws_nothing() {
    let mut terminal = Terminal::start(&["count", "-", "--quiet"], On::Stderr, &[]);
    terminal.feed(&minutes(3));
    assert_eq!(terminal.end(0).1, "");
}

#[test]
fn lines_and_the_status_do_not_tear_each_other() {
    let args = ["count", "-", "--late=drop", "--agree=33,33/64"];
    for format in ["text", "json"] {
        let args = [&args[..], &["--log-format", format]].concat();
        let mut terminal = Terminal::of(1000, &args, On::Both, &[]);
        let rising = |from_s: i64| (0..200).map(move |n| frame(from_s + n / 2, "user"));
        terminal.feed(&rising(MINUTE + 7200).collect::<String>());
        terminal.wait_for(" frames/s  ");
        terminal.feed(&frame(MINUTE, "old").repeat(100));
        terminal.wait_for("frames were refused");
        terminal.wait_for(" frames/s  ");
        terminal.feed(&rising(MINUTE + 7300).collect::<String>());
        terminal.wait_for("2023-11-15T00:15:00Z");
        let (lines, text) = terminal.end(0);
        let is_json = |line: &&String| serde_json::from_str::<serde_json::Value>(line).is_ok();
        let is_said = |line: &&String| line.starts_with("headcount: ");
        let (json, rest): (Vec<_>, Vec<_>) = lines.iter().partition(is_json);
        assert!(rest.iter().all(|line| is_said(line) && format == "text"), "{rest:#?}\n{text:?}");
        let results = json.iter().filter(|line| line.contains("closed_by")).count();
        assert_eq!(results, 4, "{lines:#?}\n{text:?}");
        let alarms = lines.iter().filter(|line| line.contains("frames were refused")).count();
        assert_eq!(alarms, 1, "{lines:#?}\n{text:?}");
    }
}

#[test]
fn a_table_changes_in_place() {
    let args = ["count", "-", "--format", "table", "--agree=off", "--late=revise", "--every=1"];
    let mut terminal = Terminal::start(&args, On::Both, &[]);
    terminal.feed(&(minute(0, "a") + &minute(1, "a") + &minute(2, "a")));
    terminal.wait_for("22:15:00Z");
    terminal.wait_for(" frames/s  ");
    let before = terminal.screen();
    assert!(before.starts_with("window "), "{before}");
    // The first minute's row is written over.
    terminal.feed(&(frame(MINUTE + 5, "late") + &minute(2, "b")));
    terminal.feed(&minute(3, "c"));
    terminal.wait_for("revised");
    terminal.wait_for("22:16:00Z");
    let lines: Vec<String> = terminal.screen().lines().map(str::to_owned).collect();
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(start, users)| (start.to_string(), users.to_string())).collect()
    };
    assert_eq!(rows(&lines), pairs(&[("22:14", "2"), ("22:15", "1"), ("22:16", "2")]));
    assert!(lines[1].contains("revised") && lines[2].contains("final"), "{lines:#?}");
    // Above the words below it come what is said, and more minutes than there are rows.
    for n in 4..24 {
        terminal.feed(&minute(n, "d"));
    }
    terminal.wait_for("22:36:00Z");
    let screen = terminal.screen();
    let last = screen.trim_end().lines().last().unwrap();
    assert!(screen.starts_with("window ") && last.contains(" frames/s  "), "{screen}");
    assert!(screen.lines().count() < usize::from(ROWS), "{screen}");
    let (lines, text) = terminal.end(0);
    let starts: Vec<String> = rows(&lines).into_iter().map(|(start, _)| start).collect();
    let all: Vec<String> = (14..38).map(|minute| format!("22:{minute}")).collect();
    assert_eq!(starts, all, "each once, in order: {lines:#?}");
    assert!(lines.last().unwrap().starts_with("headcount: "), "{lines:#?}");
    assert!(text.contains("\x1b["));
}

#[test]
fn what_a_window_holds_so_far_stands_back_unless_no_colour_is_wanted() {
    let args = [
        "count",
        "-",
        "--format=table",
        "--emit=updates",
        "--every=1",
        "--agree=off",
        "--late=revise",
    ];
    for (no_color, is_dim) in [("", true), ("1", false)] {
        let mut terminal = Terminal::start(&args, On::Both, &[("NO_COLOR", no_color)]);
        terminal.feed(&(minute(0, "a") + &frame(MINUTE + 61, "a")));
        terminal.wait_for("provisional");
        let (_, text) = terminal.end(0);
        assert_eq!(text.contains("\x1b[2m"), is_dim, "{text:?}");
    }
}

#[test]
fn a_table_goes_with_the_terminals_size() {
    let args = ["count", "-", "--format", "table"];
    let mut terminal = Terminal::start(&args, On::Both, &[]);
    for n in 0..9 {
        terminal.feed(&minute(n, "a"));
    }
    terminal.wait_for("22:21:00Z");
    assert!(terminal.screen().contains("closed by"), "{}", terminal.screen());
    terminal.resize(ROWS, 80);
    wait_for("fewer columns", || !terminal.screen().contains("closed by"));
    terminal.resize(ROWS, COLUMNS);
    terminal.wait_for("closed by");
    terminal.resize(30, COLUMNS);
    for n in 9..19 {
        terminal.feed(&minute(n, "a"));
    }
    terminal.wait_for("22:31:00Z");
    wait_for("more rows", || terminal.screen().lines().count() > usize::from(ROWS) + 5);
    terminal.end(0);
}

#[test]
fn a_dumb_terminal_has_plain_lines() {
    let folder = Folder::new();
    let log = folder.file("log", minutes(50));
    for term in ["dumb", ""] {
        for format in ["json", "table"] {
            let args = ["count", &log, "--format", format];
            let terminal = Terminal::start(&args, On::Both, &[("TERM", term)]);
            let (_, text) = terminal.end(0);
            assert!(!text.contains('\x1b'), "{text:?}");
            let lines = text.replace("\r\n", "\n");
            let results: String = lines
                .split_inclusive('\n')
                .filter(|line| !line.starts_with("headcount: "))
                .collect();
            assert_eq!(results, run(&args).exits(0).stdout);
        }
    }
}
