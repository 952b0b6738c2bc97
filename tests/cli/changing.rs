//! Files that change while they are read. A named pipe before them, held open, makes the moment
//! certain: headcount has looked at all inputs, and not read the second.

use std::fs::File;
use std::io::Write;

use super::harness::{Folder, MINUTE, Ran, assert_adds_up, frame, gzip, minutes};
use super::live::{Live, open_fifo};

/// Counts a named pipe with one frame and then a file that is changed in between.
fn count_while(folder: &Folder, file: &str, flags: &[&str], change: impl FnOnce(&File)) -> Ran {
    let (fifo, summary) = (folder.fifo("fifo"), folder.at("summary.json"));
    let mut args = vec!["count", &fifo, file, "--summary", &summary];
    args.extend(flags);
    let mut live = Live::start(&args);
    let mut writer = open_fifo(&fifo, &mut live);
    change(&File::options().append(true).open(file).unwrap());
    writer.write_all(frame(MINUTE, "before").as_bytes()).unwrap();
    drop(writer);
    let ran = live.end();
    assert_adds_up(&folder.summary());
    ran
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    for flags in [&[][..], &["--scanners", "3"], &["--scanners=1", "--wait=park"]] {
        let folder = Folder::new();
        let log = minutes(100_000);
        let file = folder.file("log", &log);
        let keep = log.len() / 2;
        let ran = count_while(&folder, &file, flags, |file| file.set_len(keep as u64).unwrap());
        let ran = ran.exits(1).says("log: it shrank while it was read").says(" read = ");
        ran.says(&format!("{} bytes at the start, {keep} now", log.len()))
            .says("still open and not put out");
    }
}

#[test]
fn what_was_final_before_it_shrank_is_out() {
    let folder = Folder::new();
    let log = minutes(100_000);
    let file = folder.file("log", &log);
    let ran = count_while(&folder, &file, &[], |file| file.set_len(3_000_000).unwrap()).exits(1);
    let counts = ran.counts();
    let per_mebibyte = (1 << 20) / frame(MINUTE, "user").len();
    assert!(counts.len() >= 2 * per_mebibyte - 2, "{} results", counts.len());
    assert!(counts.iter().zip(0..).all(|(&(ts, _), n)| ts == MINUTE + 60 * n));
    assert!(!ran.stdout.contains(r#""closed_by":"end""#), "no window is invented");
}

#[test]
fn a_file_that_is_emptied_or_gone_is_an_error() {
    let folder = Folder::new();
    let file = folder.file("log", minutes(3));
    count_while(&folder, &file, &[], |file| file.set_len(0).unwrap()).exits(1).says("it shrank");
    let folder = Folder::new();
    let file = folder.file("log", minutes(3));
    let ran = count_while(&folder, &file, &[], |_| std::fs::remove_file(&file).unwrap());
    ran.exits(1).says("log: No such file");
}

#[test]
fn of_a_file_that_grows_the_size_at_the_start_counts() {
    let folder = Folder::new();
    let file = folder.file("log", frame(MINUTE, "a"));
    let more = frame(MINUTE, "b").repeat(100_000);
    let ran = count_while(&folder, &file, &[], |mut file| file.write_all(more.as_bytes()).unwrap());
    let ran = ran.exits(0);
    assert_eq!(ran.counts(), [(MINUTE, 2)]);
    ran.says("2 read = 2 counted");
}

#[test]
fn a_file_that_is_replaced_before_its_turn_is_an_error() {
    let old = minutes(3);
    for (old, new) in [
        (old.clone().into_bytes(), minutes(9).into_bytes()),
        (gzip(&old), gzip(minutes(9))),
        (gzip(&old), minutes(9).into_bytes()),
    ] {
        let folder = Folder::new();
        let (file, other) = (folder.file("log", old), folder.file("other", new));
        let ran = count_while(&folder, &file, &[], |_| std::fs::rename(other, &file).unwrap());
        ran.exits(1).says("log: it was replaced by another file");
    }
}

#[test]
fn a_file_that_is_replaced_by_a_named_pipe_is_an_error_too() {
    for old in [minutes(3).into_bytes(), gzip(minutes(3))] {
        let folder = Folder::new();
        let (file, other) = (folder.file("log", old), folder.fifo("other"));
        let ran = count_while(&folder, &file, &[], |_| std::fs::rename(other, &file).unwrap());
        ran.exits(1).says("log: it was replaced by another file");
    }
}
