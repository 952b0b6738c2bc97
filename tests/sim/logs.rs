//! Generated logs with everything in them.

use headcount::generate::Workload;
use headcount::scan::{Malformed, ScanSettings};
use headcount::verify::{naive, oracle};

use crate::pipeline::Random;
use crate::pipeline::log::Log;
use crate::pipeline::time::BEGIN_S;

/// A log of one to three parts, each of them anything from empty to some hundred frames.
pub(crate) fn generated(random: &mut Random) -> Log {
    Log { parts: (0..1 + random.below(3)).map(|_| part(random)).collect() }
}

fn part(random: &mut Random) -> Vec<u8> {
    let workload = Workload {
        frames: [0, 1, 2, 30, 200][random.below(5)],
        users: 1 + random.next() % 50,
        rate_per_s: random.pick(&[0.05, 0.5, 3.0]),
        start_s: 1_700_000_000 + i64::try_from(random.next() % 300).unwrap(),
        frame_bytes: random.pick(&[60, 83, 300, 2000]),
        malformed: 0.05,
        flips: random.pick(&[0.0, 0.01]),
        seed: random.next(),
        ..Workload::hostile()
    };
    let mut bytes = Vec::new();
    if random.below(4) == 0 {
        bytes.extend_from_slice(b"\xef\xbb\xbf");
    }
    workload.generator().unwrap().write_to(&mut bytes, 1).unwrap();
    for _ in 0..random.below(3) {
        bytes.extend_from_slice(random.pick(&[
            &b"\n"[..],
            b"\r\n",
            b" \t\n",
            b"null\n",
            b"\xff\n",
        ]));
    }
    if random.below(4) == 0 {
        // The last line has no line end, and may be cut in the middle of a number.
        bytes.truncate(bytes.len().saturating_sub(1 + random.below(40)));
    }
    bytes
}

/// The same log with further producers: stretches of frames of other times, and single ones.
pub(crate) fn with_producers_apart(log: &Log, random: &mut Random) -> Log {
    let parts = log.parts.iter().map(|part| {
        let mut lines: Vec<Vec<u8>> =
            part.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        for _ in 0..random.below(4) {
            let apart_s = random.pick(&[-90_000, -4000, -300, 70, 500, 4000, 90_000]);
            let (frames, step) = random.pick(&[(1, 1), (7, 1), (30, 1), (80, 1), (60, 3)]);
            let mut at = random.below(lines.len() + 1);
            for _ in 0..frames {
                let ts_s = BEGIN_S + apart_s + i64::try_from(random.next() % 90).unwrap();
                let frame = format!("{{\"ts\":{ts_s},\"uid\":\"{}\"}}\n", random.below(40));
                lines.insert(at, frame.into_bytes());
                at = (at + step).min(lines.len());
            }
        }
        lines.concat()
    });
    Log { parts: parts.collect() }
}

/// The definition of right is itself checked: oracle and naive reader agree on what is JSON.
#[test]
fn both_references_agree_on_the_logs() {
    for seed in 0..50 {
        let settings = ScanSettings::default();
        for part in generated(&mut Random(seed)).parts {
            for line in part.split(|&byte| byte == b'\n') {
                let oracle = oracle::read(line, &settings);
                if oracle != Err(Malformed::Invalid) {
                    assert_eq!(oracle, naive::read(line, &settings), "{}", line.escape_ascii());
                }
            }
        }
    }
}
