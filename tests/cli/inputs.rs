//! What can be read: files, several as one log, .gz and .zst by their content, stdin of every kind,
//! named pipes.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use super::harness::{Folder, MINUTE, Ran, frame, gzip, minutes, run, run_with, shell, zstd};
use super::live::{Live, open_fifo};

/// Some minutes, cut in three where it hurts: within a frame.
fn parts() -> (String, [String; 3]) {
    let log = minutes(40) + &frame(MINUTE + 60 * 39, "another");
    let (a, rest) = log.split_at(200);
    let (b, c) = rest.split_at(555);
    (log.clone(), [a, b, c].map(String::from))
}

#[test]
fn several_files_are_one_log_in_the_order_given() {
    let folder = Folder::new();
    let early = folder.file("early", frame(MINUTE, "a") + &frame(MINUTE, "b"));
    let late = folder.file("late", frame(MINUTE + 120, "a"));
    let ran = run(&["count", &early, &late, &early]).exits(0);
    assert_eq!(ran.counts(), [(MINUTE, 2), (MINUTE + 120, 1)]);
    ran.says("5 read = 3 counted + 2 late");
    let ran = run(&["count", &late, &early]).exits(0);
    assert_eq!(ran.counts(), [(MINUTE + 120, 1)]);
    ran.says("3 read = 1 counted + 2 late");
}

#[test]
fn a_file_without_a_final_newline_does_not_run_into_the_next() {
    let folder = Folder::new();
    let frames = ["a", "b", "c"].map(|uid| frame(MINUTE, uid).trim_end().to_owned());
    let plain = folder.file("plain", &frames[0]);
    let coded = folder.file("coded", gzip(&frames[1]));
    let ran = run_with(&["count", &plain, "-", &coded, &plain], frames[2].clone()).exits(0);
    assert_eq!(ran.counts(), [(MINUTE, 3)]);
    ran.says("4 read = 4 counted");
}

#[test]
fn coding_is_told_by_content_and_all_members_are_read() {
    let folder = Folder::new();
    let (log, parts) = parts();
    let plain = run(&["count", &folder.file("log.gz", &log)]).exits(0).stdout;
    assert_eq!(plain.lines().count(), 40);
    let gz: Vec<u8> = parts.iter().flat_map(gzip).collect();
    let empty_between: Vec<u8> =
        [gzip(&parts[0]), gzip(""), gzip(&parts[1]), gzip(&parts[2])].concat();
    let zst: Vec<u8> = parts.iter().flat_map(zstd).collect();
    let skippable = b"\x5a\x2a\x4d\x18\x05\0\0\0hello".to_vec();
    let skipping: Vec<u8> = [
        skippable.clone(),
        zstd(&parts[0]),
        skippable.clone(),
        zstd(&parts[1]),
        zstd(&parts[2]),
        skippable,
    ]
    .concat();
    for (name, coded) in
        [("a.zst", gz), ("b.jsonl", empty_between), ("c.gz", zst), ("skipping.txt", skipping)]
    {
        let path = folder.file(name, &coded);
        let (ran, summary) = folder.count(&[&path]);
        assert_eq!(ran.exits(0).stdout, plain, "{name}");
        assert_eq!(summary["bytes"], log.len(), "{name}");
        assert_eq!(
            run_with(&["count", "-"], coded.clone()).exits(0).stdout,
            plain,
            "{name} in a pipe"
        );
        assert_eq!(redirected(&path, 0, &[]).exits(0).stdout, plain, "{name} on stdin");
    }
}

/// Counts a stream that comes byte by byte.
#[track_caller]
fn drip(coded: &[u8]) {
    let mut live = Live::start(&["count", "-q"]);
    live.drip(coded);
    live.close();
    assert_eq!(live.end().exits(0).stdout, run_with(&["count"], parts().0).exits(0).stdout);
}

#[test]
fn gzip_may_come_byte_by_byte() {
    drip(&parts().1.iter().flat_map(gzip).collect::<Vec<u8>>());
}

#[test]
fn zstd_may_come_byte_by_byte() {
    drip(&parts().1.iter().flat_map(zstd).collect::<Vec<u8>>());
}

/// Counts stdin redirected from a file that was read up to this offset.
fn redirected(path: &str, offset: u64, flags: &[&str]) -> Ran {
    let mut file = File::open(path).unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    Live::reading(file, &[&["count", "-"], flags].concat()).end()
}

#[test]
fn a_redirected_file_is_read_from_where_it_stands() {
    let folder = Folder::new();
    let head = "a line of something else\n";
    let bad = "[not a frame]\n";
    let path = folder.file("log", [head, bad, &minutes(3)].concat());
    let rejects = folder.at("rejects");
    let ran = redirected(&path, head.len() as u64, &["--rejects", &rejects]).exits(0);
    assert_eq!(ran.counts().len(), 3);
    ran.says("4 read = 3 counted + 0 late + 1 malformed");
    let reject: serde_json::Value = serde_json::from_str(&folder.read("rejects")).unwrap();
    assert_eq!(reject["input"], "stdin");
    assert_eq!(reject["offset"], head.len(), "an offset in the file, not in what was read of it");
    let beyond = redirected(&path, 1 << 40, &[]).exits(0);
    assert_eq!(beyond.stdout, "");
    let coded = folder.file("coded", [head.as_bytes(), &gzip(minutes(3))].concat());
    assert_eq!(redirected(&coded, head.len() as u64, &[]).exits(0).counts().len(), 3);
}

#[test]
fn a_shell_may_have_read_the_first_line() {
    let folder = Folder::new();
    folder.file("log", "header\n".to_owned() + &minutes(3));
    let ran = shell(r#"{ read line; "$headcount" count -; } < log"#, &folder).exits(0);
    assert_eq!(ran.counts().len(), 3);
    ran.says("0 malformed");
}

#[test]
fn a_named_pipe_is_read_until_its_writer_closes_it() {
    let folder = Folder::new();
    let fifo = folder.fifo("fifo");
    for content in [minutes(3).into_bytes(), gzip(minutes(3)), zstd(minutes(3))] {
        let mut live = Live::start(&["count", &fifo]);
        let mut writer = open_fifo(&fifo, &mut live);
        let (first, second) = content.split_at(content.len() / 2);
        writer.write_all(first).unwrap();
        writer.write_all(second).unwrap();
        drop(writer);
        assert_eq!(live.end().exits(0).counts().len(), 3);
    }
}

#[test]
fn stdin_is_given_once() {
    run_with(&["count", "-", "-"], "").exits(2).says("stdin (-) is given twice");
}

#[test]
fn a_file_whose_name_begins_with_a_dash() {
    let folder = Folder::new();
    folder.file("-log", minutes(2));
    let ran = shell(r#""$headcount" count -- -log"#, &folder).exits(0);
    assert_eq!(ran.counts().len(), 2);
}

#[test]
fn a_pipe_on_stdin_is_no_output_whoever_is_at_its_other_end() {
    // A named pipe whose writer has gone; to open it once more would wait for another.
    let folder = Folder::new();
    let (fifo, to) = (folder.fifo("fifo"), folder.file("results", "old"));
    let mut both_ends = File::options().read(true).write(true).open(&fifo).unwrap();
    both_ends.write_all(minutes(3).as_bytes()).unwrap();
    let read_end = File::open(&fifo).unwrap();
    drop(both_ends);
    Live::reading(read_end, &["count", "-", "--to", &to]).end().exits(0);
    assert_eq!(folder.read("results").lines().count(), 3);
}

#[test]
fn a_file_that_says_it_is_empty_and_is_not() {
    // Files of /proc have no size until they are read.
    let folder = Folder::new();
    let file = "/proc/sys/kernel/ostype";
    for line in [format!("count {file}"), format!("count - <{file}"), format!("count <{file}")] {
        let ran = shell(&format!("\"$headcount\" {line}"), &folder).exits(0);
        ran.says("1 read = 0 counted + 0 late + 1 malformed");
    }
}
