//! Inputs that are not what they should be: a clear error, the accounts, and nothing put out that is
//! not right.

use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::harness::{
    Folder, HEADCOUNT, MINUTE, Ran, closed_by_time, frame, gzip, minutes, program, run, run_with,
    zstd,
};

#[test]
fn an_input_that_is_not_there_or_is_a_folder() {
    let folder = Folder::new();
    let good = folder.file("good", minutes(3));
    let missing = folder.at("missing");
    let ran = run(&["count", &good, &missing]).exits(1).says("missing: No such file");
    assert_eq!(ran.stdout, "", "the inputs are looked at first");
    run(&["count", &folder.at("good/x")]).exits(1).says("good/x: Not a directory");
    run(&["count", &folder.at("")]).exits(1).says("is a directory");
    run(&["measure", "read", &missing]).exits(1).says("missing: No such file");
}

#[test]
fn an_output_is_left_alone_if_an_input_cannot_be_read() {
    let folder = Folder::new();
    let to = folder.file("results", "of yesterday");
    run(&["count", &folder.at("missing"), "--to", &to]).exits(1);
    assert_eq!(folder.read("results"), "of yesterday");
}

#[test]
fn an_input_that_may_not_be_read() {
    let folder = Folder::new();
    let secret = folder.file("secret", minutes(3));
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o000)).unwrap();
    std::fs::set_permissions(folder.at(""), PermissionsExt::from_mode(0o755)).unwrap();
    let as_nobody = |args: &[&str]| {
        let mut command = Command::new(HEADCOUNT);
        if rustix::process::geteuid().is_root() {
            command = Command::new(program("setpriv")?);
            command.args(["--reuid", "65534", "--clear-groups", HEADCOUNT]);
        }
        Some(Ran::of(command.args(args).output().ok()?))
    };
    match as_nobody(&["-V"]) {
        Some(ran) if ran.code == 0 => {}
        _ => return eprintln!("skipped: the binary cannot be run as another user here"),
    }
    let ran = as_nobody(&["count", &secret]).unwrap().exits(1);
    ran.says("secret: Permission denied");
}

#[test]
fn nothing_in_it() {
    let folder = Folder::new();
    for content in ["", "\n", "\n\r\n  \t\n\n", "\u{feff}", "\u{feff}\n\n", &"\n".repeat(3_000_000)]
    {
        for input in [folder.file("log", content), folder.file("coded", gzip(content)), "-".into()]
        {
            let (ran, summary) = folder.count_with(&[&input], content);
            assert_eq!(ran.exits(0).stdout, "");
            assert_eq!(summary["frames_read"], 0, "{content:?} {input}");
            assert_eq!(summary["bytes"], content.len(), "{input}");
        }
    }
}

/// Frames that do not compress well, in many minutes.
fn log() -> String {
    let uid = |n: i64| n.wrapping_mul(0x5851_f42d_4c95_7f2d).unsigned_abs();
    (0..3000).map(|n| frame(MINUTE + 7 * n, &uid(n).to_string())).collect()
}

/// What a decoder of the same kind gets out of it before it is cut off.
fn decoded(mut decoder: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let error = decoder.read_to_end(&mut bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    bytes
}

/// Counts a file that was cut off after these bytes had been decoded.
#[track_caller]
fn check_cut_off(folder: &Folder, cut: &[u8], decoded: &[u8], what: &str) {
    let lines = decoded.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let before = run_with(&["count", "-"], &decoded[..lines]).exits(0).stdout;
    let offset = decoded.len();
    let error = format!("{what} can be read no further after {offset} bytes: it is cut off");
    let path = folder.file("cut", cut);
    for input in [path.as_str(), "-"] {
        let (ran, summary) = folder.count_with(&[input], cut);
        let ran = ran.exits(1).says(&error).says(" read = ");
        assert_eq!(ran.stdout, closed_by_time(&before), "cut after {} bytes", cut.len());
        assert_eq!(summary["ended"], "failed");
        assert!(summary["error"].as_str().unwrap().ends_with(&error), "{summary}");
    }
}

#[test]
fn a_gzip_file_that_is_cut_off() {
    let folder = Folder::new();
    let log = log();
    let (first, second) = log.split_at(log.len() / 3);
    let (first, second) = (gzip(first), gzip(second));
    let whole = [first.clone(), second].concat();
    let places =
        (2..12).chain((100..whole.len()).step_by(2999)).chain(whole.len() - 9..whole.len());
    for cut in places.chain([first.len() + 1, first.len() + 2, first.len() + 10]) {
        let cut = &whole[..cut];
        let decoded = decoded(flate2::read::MultiGzDecoder::new(cut));
        check_cut_off(&folder, cut, &decoded, "gzip data");
    }
    run_with(&["count", "-"], first).exits(0);
}

#[test]
fn a_zstd_file_that_is_cut_off() {
    let folder = Folder::new();
    let log = log();
    let (first, second) = log.split_at(log.len() / 3);
    let (first, second) = (zstd(first), zstd(second));
    let whole = [first.clone(), second].concat();
    let places =
        (4..12).chain((100..whole.len()).step_by(2999)).chain(whole.len() - 5..whole.len());
    for cut in places.chain([first.len() + 1, first.len() + 4, first.len() + 10]) {
        let cut = &whole[..cut];
        let decoded = decoded(zstd::Decoder::new(cut).unwrap());
        check_cut_off(&folder, cut, &decoded, "Zstandard data");
    }
    run_with(&["count", "-"], first).exits(0);
}

#[test]
fn a_compressed_file_that_is_damaged() {
    let folder = Folder::new();
    for (coded, what) in [(gzip(log()), "gzip data"), (zstd(log()), "Zstandard data")] {
        for at in [coded.len() / 2, coded.len() - 2] {
            let mut damaged = coded.clone();
            damaged[at] ^= 0x55;
            let (ran, summary) = folder.count(&[&folder.file("damaged", damaged)]);
            ran.exits(1).says("damaged: ").says(what).says("can be read no further after ");
            assert_eq!(summary["ended"], "failed");
        }
    }
}

#[test]
fn after_a_broken_input_no_other_is_counted() {
    let folder = Folder::new();
    let coded = gzip(minutes(3));
    let broken = folder.file("broken", &coded[..coded.len() - 1]);
    let good = folder.file("good", minutes(30));
    let ran = run(&["count", &broken, &good]).exits(1).says("broken: gzip data");
    assert_eq!(ran.counts(), [(MINUTE, 1)]);
    ran.says("2 windows still open and not put out, with 2 frames");
}

#[test]
fn bytes_of_no_sense_are_malformed_and_nothing_worse() {
    let folder = Folder::new();
    let mut state = 88_172_645_463_325_252_u64;
    let mut noise: Vec<u8> = (0..3_000_000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect();
    noise[0] = b'x';
    let lines = noise.split(|byte| *byte == b'\n').count();
    for input in [folder.file("noise", &noise), "-".into()] {
        let (ran, summary) = folder.count_with(&[&input], noise.clone());
        assert_eq!(ran.exits(0).stdout, "");
        assert_eq!(summary["malformed"], summary["frames_read"]);
        assert!(summary["frames_read"].as_u64().unwrap() > lines as u64 * 9 / 10, "{summary}");
    }
}
