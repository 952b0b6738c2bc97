//! `--rejects`: every frame that was not counted, why, and where it stands.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::harness::{Folder, MINUTE, frame, gzip, run};

/// Frames that are refused, with the reason; the last only with `--validate`.
const BAD: [(&str, &[u8]); 9] = [
    ("not_object", b"[1700000040, \"u\"]"),
    ("no_ts", br#"{"uid":"u","t":1}"#),
    ("no_uid", br#"{"ts":1700000040}"#),
    ("bad_ts", br#"{"ts":true,"uid":"u"}"#),
    ("bad_uid", br#"{"ts":1700000040,"uid":""}"#),
    ("bad_uid", b"{\"ts\":1700000040,\"uid\":\"\xff\xfe\"}"),
    ("cut_off", br#"{"ts":1700000040,"uid":"u"#),
    ("late", br#"{"ts":1699999970,"uid":"\u00e9 \\ \" /"}"#),
    ("invalid", "{\"ts\":1700000040,\"uid\":\"u\"} é".as_bytes()),
];

fn rejects(folder: &Folder) -> Vec<Value> {
    folder.read("rejects").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn payload(reject: &Value) -> Vec<u8> {
    match (reject.get("payload"), reject.get("payload_base64")) {
        (Some(text), None) => text.as_str().unwrap().into(),
        (None, Some(coded)) => {
            let bytes = STANDARD.decode(coded.as_str().unwrap()).unwrap();
            assert!(std::str::from_utf8(&bytes).is_err(), "this needs no base64: {reject}");
            bytes
        }
        _ => panic!("not one payload: {reject}"),
    }
}

/// The log, with each bad frame between good ones.
fn log(line_end: &str) -> Vec<u8> {
    let mut log = frame(MINUTE, "first").into_bytes();
    log.extend(frame(MINUTE + 5, "second").bytes());
    for (_, bad) in BAD {
        log.extend_from_slice(bad);
        log.extend(line_end.bytes());
        log.extend(frame(MINUTE + 5, "good").bytes());
    }
    log
}

#[test]
fn each_has_its_reason_its_place_and_its_payload() {
    for (line_end, flags) in [
        ("\n", &[][..]),
        ("\r\n", &["--scanners", "3", "--counters", "2"]),
        ("\n\n", &["--wait=park"]),
    ] {
        let folder = Folder::new();
        let log = log(line_end);
        let inputs = [
            folder.file("plain", &log),
            folder.file("coded", gzip(&log)),
            folder.file("last", &log),
        ];
        let to = folder.at("rejects");
        let mut args = vec!["--rejects", &to, "--validate"];
        args.extend(inputs.iter().map(String::as_str));
        args.extend(flags);
        let (ran, summary) = folder.count(&args);
        assert_eq!(ran.exits(0).counts(), [(MINUTE, 3)]);
        assert_eq!((&summary["malformed"], &summary["refused_late"]), (&24.into(), &3.into()));
        let rejects = rejects(&folder);
        assert_eq!(rejects.len(), inputs.len() * BAD.len());
        for (place, reject) in rejects.iter().enumerate() {
            let (reason, bad) = BAD[place % BAD.len()];
            assert_eq!(reject["reason"], reason);
            assert_eq!(reject["input"], inputs[place / BAD.len()]);
            assert_eq!(payload(reject), bad, "{reject}");
            assert_eq!(reject.get("cut"), None, "{reject}");
            let offset = usize::try_from(reject["offset"].as_u64().unwrap()).unwrap();
            assert!(log[offset..].starts_with(bad), "{reject}");
        }
    }
}

#[test]
fn a_frame_too_long_is_there_with_its_beginning() {
    let folder = Folder::new();
    let long = format!("{{\"x\":\"{}\"}}", "é".repeat(8 * 1024 * 1024));
    let log = frame(MINUTE, "a") + &long + "\n" + &frame(MINUTE, "b");
    let to = folder.at("rejects");
    for input in [folder.file("plain", &log), folder.file("coded", gzip(&log))] {
        let ran = run(&["count", "--rejects", &to, &input]).exits(0);
        assert_eq!(ran.counts(), [(MINUTE, 2)]);
        let rejects = rejects(&folder);
        assert_eq!(rejects.len(), 1, "{rejects:?}");
        let reject = &rejects[0];
        let offset = frame(MINUTE, "a").len();
        assert_eq!(
            (&reject["reason"], &reject["cut"], &reject["offset"]),
            (&"too_long".into(), &true.into(), &offset.into())
        );
        let payload = payload(reject);
        assert!(payload.len() >= 1024, "{}", payload.len());
        assert!(long.as_bytes().starts_with(&payload));
    }
}

#[test]
fn with_none_the_file_is_empty() {
    let folder = Folder::new();
    let (to, input) = (folder.file("rejects", "old"), folder.file("log", frame(MINUTE, "a")));
    run(&["count", "--rejects", &to, &input]).exits(0);
    assert_eq!(folder.read("rejects"), "");
}

#[test]
fn the_counts_are_the_same_with_and_without() {
    let folder = Folder::new();
    let input = folder.generated(
        "log",
        "--kind hostile --frames 20000 --frame-bytes 400 --rate 50 --flips 0 --malformed 5%",
    );
    let without = run(&["count", &input]).exits(0);
    let to = folder.at("rejects");
    let (with, summary) = folder.count(&[&input, "--rejects", &to]);
    assert_eq!(with.exits(0).stdout, without.stdout);
    let refused =
        summary["malformed"].as_u64().unwrap() + summary["refused_late"].as_u64().unwrap();
    let rejects = rejects(&folder);
    assert_eq!(rejects.len() as u64, refused);
    let log = std::fs::read(&input).unwrap();
    for reject in &rejects {
        let offset = usize::try_from(reject["offset"].as_u64().unwrap()).unwrap();
        assert!(log[offset..].starts_with(&payload(reject)), "{reject}");
    }
}
