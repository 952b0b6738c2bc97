//! The largest frame there may be, and input without an end in sight: the memory is bounded.

use std::fs::File;

use serde_json::Value;

use super::harness::{Folder, MINUTE, frame, gzip, run, shell, zstd};

/// Bytes of one frame at most.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a run may take with the longest lines.
const MEMORY_BYTES_MAX: u64 = 100_000_000;

/// A frame of exactly this many bytes, its fields at its end.
fn frame_of(bytes: usize) -> String {
    let end = format!("\",\"ts\":{MINUTE},\"uid\":\"large\"}}");
    let mut frame = String::from("{\"x\":\"");
    frame.extend(std::iter::repeat_n('x', bytes - frame.len() - end.len()));
    frame + &end
}

#[track_caller]
fn assert_memory(summary: &Value) {
    let bytes = summary["peak_memory_bytes"].as_u64().unwrap();
    assert!(bytes < MEMORY_BYTES_MAX, "{bytes} bytes of memory");
}

#[test]
fn a_frame_of_16_mib_is_counted_and_one_of_a_byte_more_is_not() {
    let folder = Folder::new();
    for (bom, bytes, line_end, good) in [
        ("", FRAME_BYTES_MAX, "\n", true),
        ("", FRAME_BYTES_MAX + 1, "\n", false),
        ("\u{feff}", FRAME_BYTES_MAX, "\r\n", true),
        ("\u{feff}", FRAME_BYTES_MAX + 1, "\r\n", false),
        ("", FRAME_BYTES_MAX, "", true),
        ("", FRAME_BYTES_MAX + 1, "", false),
    ] {
        let log = [bom, &frame_of(bytes), line_end, &line_end.repeat(2)].concat();
        let log = frame(MINUTE, "before") + &log + if line_end.is_empty() { "" } else { "{}" };
        let after = u64::from(!line_end.is_empty());
        for (input, scanners) in [
            (folder.file("plain", &log), "1"),
            (folder.file("plain", &log), "3"),
            (folder.file("gz", gzip(&log)), "2"),
            (folder.file("zst", zstd(&log)), "2"),
            ("-".into(), "2"),
        ] {
            let stdin = if input == "-" { log.clone() } else { String::new() };
            let (ran, summary) = folder.count_with(&["--scanners", scanners, &input], stdin);
            let users = if good { 2 } else { 1 };
            assert_eq!(ran.exits(0).counts(), [(MINUTE, users)], "{bytes} {line_end:?} {input}");
            assert_eq!(summary["malformed_by_reason"]["too_long"], u64::from(!good), "{input}");
            assert_eq!(summary["malformed"], u64::from(!good) + after, "{input}");
            assert_eq!(summary["bytes"], log.len(), "{input}");
            assert_memory(&summary);
        }
    }
}

#[test]
fn two_gigabytes_without_a_newline_are_one_frame_too_long() {
    let folder = Folder::new();
    let path = folder.file("zeros", frame(MINUTE, "a"));
    let bytes = 2_000_000_000;
    File::options().write(true).open(&path).unwrap().set_len(bytes).unwrap();
    let rejects = folder.at("rejects");
    let (ran, summary) = folder.count(&[&path, "--rejects", &rejects]);
    assert_eq!(ran.exits(0).counts(), [(MINUTE, 1)]);
    assert_eq!(summary["malformed_by_reason"]["too_long"], 1, "{summary}");
    assert_eq!((&summary["frames_read"], &summary["bytes"]), (&2.into(), &bytes.into()));
    assert_memory(&summary);
}

#[test]
fn so_it_is_in_a_pipe_and_compressed() {
    let folder = Folder::new();
    let log = frame(MINUTE, "a") + &"x".repeat(200_000_000) + "\n" + &frame(MINUTE, "b");
    for coded in [gzip(&log), zstd(&log)] {
        let (ran, summary) = folder.count(&[&folder.file("coded", coded)]);
        assert_eq!(ran.exits(0).counts(), [(MINUTE, 2)]);
        assert_eq!(summary["malformed_by_reason"]["too_long"], 1, "{summary}");
        assert_eq!((&summary["frames_read"], &summary["bytes"]), (&3.into(), &log.len().into()));
        assert_memory(&summary);
    }
    let line = "head -c 200000000 /dev/zero | \"$headcount\" count --summary summary.json";
    shell(line, &folder).exits(0);
    let summary = folder.summary();
    assert_eq!(summary["malformed_by_reason"]["too_long"], 1, "{summary}");
    assert_eq!((&summary["frames_read"], &summary["bytes"]), (&1.into(), &200_000_000.into()));
    assert_memory(&summary);
}

#[test]
fn many_long_frames_need_no_more_memory_than_one() {
    let folder = Folder::new();
    let log: String = (0..8).map(|_| frame_of(FRAME_BYTES_MAX) + "\n").collect();
    let path = folder.file("log", log);
    let (ran, summary) = folder.count(&[&path]);
    assert_eq!(ran.exits(0).counts(), [(MINUTE, 1)]);
    assert_eq!(summary["counted"], 8);
    assert_memory(&summary);
}

#[test]
fn a_line_too_long_is_a_frame_too_long_wherever_it_begins() {
    let folder = Folder::new();
    // Longer than any line that could hold a frame, by less than is read at a time.
    let long = |start: &str| format!("{start}{}\n", " ".repeat(16 * 1024 * 1024 + 100_000));
    for (start, mark_bytes) in [("", 0), ("\u{feff}{", 3)] {
        let mut rejects = Vec::new();
        for padding in [0, 100_000, 200_000] {
            let before = frame_of(padding + 100);
            let log = before.clone() + "\n" + &long(start) + &frame(MINUTE, "b");
            let file = folder.file("log", &log);
            let to = folder.at("rejects");
            for (input, stdin) in [(file.as_str(), ""), ("-", log.as_str())] {
                let (ran, summary) = folder.count_with(&[input, "--rejects", &to], stdin);
                let results = folder.file("results", &ran.exits(0).stdout);
                assert_eq!(summary["malformed_by_reason"]["too_long"], 1, "{padding}: {summary}");
                assert_eq!(summary["blank_lines"], 0, "{padding}: {summary}");
                let recount = run(&["verify", &results, &file]).exits(0).stdout;
                assert!(recount.contains(" 3 frames read, 0 late, 1 malformed"), "{recount}");
                let mut reject: Value = serde_json::from_str(&folder.read("rejects")).unwrap();
                assert_eq!(reject["offset"], before.len() + 1 + mark_bytes);
                reject["offset"].take();
                reject["input"].take();
                rejects.push(reject);
            }
        }
        assert!(rejects.iter().all(|reject| *reject == rejects[0]), "{rejects:?}");
    }
}
