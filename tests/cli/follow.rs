//! A log that is still being written: what is final comes out while the pipe stays open.

use std::process::Command;

use super::harness::{Folder, HEADCOUNT, MINUTE, counts, frame, gzip, on_one_core, plain, zstd};
use super::live::{Live, wait_for};

/// Feeds minute after minute; each one's result must come before the next is fed.
fn check(command: Command, coded: impl Fn(String) -> Vec<u8>) {
    let mut live = Live::spawn(command);
    live.feed(coded(frame(MINUTE, "a") + &frame(MINUTE, "b")));
    for minute in 1..5 {
        // The half of a frame keeps nothing back.
        let next = frame(MINUTE + 60 * minute + 5, "a");
        let (half, rest) = next.split_at(next.len() / 2);
        live.feed(coded(half.into()));
        live.feed(coded(rest.into()));
        let result = live.line();
        let users = if minute == 1 { 2 } else { 1 };
        assert_eq!(counts(&result), [(MINUTE + 60 * (minute - 1), users)]);
        assert!(result.contains(r#""closed_by":"time""#), "{result}");
        assert!(!live.is_over());
    }
    live.close();
    let ran = live.end().exits(0);
    assert_eq!(ran.counts(), [(MINUTE + 240, 1)]);
    ran.says("6 read = 6 counted");
}

#[test]
fn a_closed_minute_is_out_while_the_pipe_stays_open() {
    for wait in ["spin", "balanced", "park"] {
        for threads in [
            &[][..],
            &["--scanners=1"],
            &["--scanners=3", "--counters=2"],
            &["--rejects=/dev/null"],
        ] {
            let args = [&["count", "-", "--wait", wait][..], threads].concat();
            check(on_one_core(&args), String::into_bytes);
            let mut command = Command::new(HEADCOUNT);
            command.args(plain(&args));
            check(command, String::into_bytes);
        }
    }
}

#[test]
fn of_a_silent_pipe_comes_what_the_wall_clock_has_passed() {
    let now_s = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let past = now_s.div_euclid(60) * 60 - 180;
    for (wait, scanners) in [("spin", "1"), ("balanced", "2"), ("park", "3")] {
        let flags = ["--idle=1s", "--agree=8,33/64", "--late=drop", "--wait", wait];
        let args = [&["count", "-", "--scanners", scanners][..], &flags].concat();
        let mut live = Live::start(&args);
        // Too few for a clock; the last lies ahead of the wall clock, and half a frame is none.
        let ahead = frame(now_s + 7200, "z");
        let frames = frame(past, "a") + &frame(past + 61, "a") + &frame(past + 2, "b") + &ahead;
        live.feed(frames + "{");
        for (expected, rev) in [([(past, 2), (past + 60, 1)], 0), ([(past, 3), (past + 60, 2)], 1)]
        {
            let results = live.line() + "\n" + &live.line();
            assert_eq!(counts(&results), expected, "--wait {wait}");
            let said = format!(r#""rev":{rev},"closed_by":"silence","complete":false"#);
            assert!(results.lines().next().unwrap().contains(&said), "{results}");
            if rev == 0 {
                // What comes after all is judged as if there had been none.
                live.feed("}\n".to_owned() + &frame(past + 3, "c") + &frame(past + 62, "c"));
            }
        }
        live.close();
        let ran = live.end().exits(0);
        assert_eq!(ran.stdout, "");
        ran.says("7 read = 5 counted").says("1 future").says("1 malformed");
    }
}

#[test]
fn so_it_is_with_compressed_input() {
    for coded in [|text: String| gzip(text), |text: String| zstd(text)] {
        let args = ["count", "-", "--wait", "park"];
        check(on_one_core(&args), coded);
        let mut command = Command::new(HEADCOUNT);
        command.args(plain(&args));
        check(command, coded);
    }
}

#[test]
fn rejects_are_out_too() {
    let folder = Folder::new();
    let rejects = folder.at("rejects");
    let mut live = Live::start(&["count", "--rejects", &rejects]);
    live.feed("[]\n");
    wait_for("a reject in the file", || {
        std::fs::read(&rejects).is_ok_and(|bytes| bytes.ends_with(b"\n"))
    });
    live.close();
    live.end().exits(0);
}

#[test]
fn idle_all_threads_sleep() {
    for wait in ["balanced", "park"] {
        let mut live = Live::start(&["count", "-", "--wait", wait]);
        live.feed(frame(MINUTE, "a") + &frame(MINUTE + 65, "a"));
        live.line();
        let mut asleep = 0;
        wait_for("all threads to sleep, and to stay so", || {
            asleep = if live.sleeps() { asleep + 1 } else { 0 };
            asleep == 50
        });
        live.close();
        live.end().exits(0);
    }
}
