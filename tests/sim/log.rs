//! A small log with everything in it, and what a right run says of it.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::write::GzEncoder;
use headcount::generate::Workload;
use headcount::limits::{TS_S_PLAUSIBLE_MAX, TS_S_PLAUSIBLE_MIN};
use headcount::scan::{Malformed, ScanSettings};
use headcount::verify::recount::Recount;
use headcount::verify::{naive, oracle};

use crate::Random;

/// How the engine gets the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Files,
    Gzip,
    Zstd,
    Pipe,
    Mixed,
}

impl Source {
    pub(crate) const ALL: [Source; 5] =
        [Source::Files, Source::Gzip, Source::Zstd, Source::Pipe, Source::Mixed];
}

/// A log in a few parts, read as one.
pub(crate) struct Log {
    pub(crate) parts: Vec<Vec<u8>>,
}

/// What a right run says.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) results: String,
    /// Reason, input, offset and payload of each.
    pub(crate) rejects: Vec<(String, usize, u64, Vec<u8>)>,
    pub(crate) frames: u64,
    pub(crate) late: u64,
    pub(crate) malformed: [u64; Malformed::ALL.len()],
}

impl Log {
    /// A log that is empty, or has a time that shows its unit: of a few frames whose times are all
    /// flipped the program would rightly say that they look like another unit.
    pub(crate) fn new(random: &mut Random) -> Log {
        loop {
            let parts = (0..1 + random.below(3)).map(|_| part(random)).collect();
            let log = Log { parts };
            if log.bytes_total() == 0 || log.shows_its_unit() {
                return log;
            }
        }
    }

    fn shows_its_unit(&self) -> bool {
        let settings = ScanSettings::default();
        let lines = self.parts.iter().flat_map(|part| part.split(|&byte| byte == b'\n'));
        let mut facts = lines.filter_map(|line| naive::read(line, &settings).ok());
        facts.any(|(ts_s, _)| (TS_S_PLAUSIBLE_MIN..=TS_S_PLAUSIBLE_MAX).contains(&ts_s))
    }

    pub(crate) fn bytes_total(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    pub(crate) fn expected(&self, settings: &ScanSettings, max_lag_s: u32) -> Expected {
        let mut recount = Recount::default();
        let mut expected = Expected::default();
        for (input, part) in self.parts.iter().enumerate() {
            let mut offset = 0;
            for line in part.split_inclusive(|&byte| byte == b'\n') {
                let content = line.strip_suffix(b"\n").unwrap_or(line);
                let (late, malformed) = (recount.late, recount.malformed);
                recount.line(content, settings, max_lag_s);
                let reason = if recount.late > late {
                    Some("late")
                } else {
                    Malformed::ALL
                        .into_iter()
                        .find(|reason| {
                            recount.malformed[reason.index()] > malformed[reason.index()]
                        })
                        .map(Malformed::as_str)
                };
                if let Some(reason) = reason {
                    let frame = content.strip_suffix(b"\r").unwrap_or(content);
                    let frame = frame.strip_prefix(b"\xef\xbb\xbf").unwrap_or(frame);
                    let mark = frame.as_ptr().addr() - content.as_ptr().addr();
                    let at = offset + mark as u64;
                    expected.rejects.push((reason.into(), input, at, frame.to_vec()));
                }
                offset += line.len() as u64;
            }
        }
        for (&ts, minute) in &recount.minutes {
            let time = |s: i64| headcount::output::record::Instant(s);
            let closed_by = if recount.closed_by_time(ts, max_lag_s) { "time" } else { "end" };
            writeln!(
                expected.results,
                r#"{{"ts":{ts},"cnt":{},"window":"minute","start":"{}","end":"{}","frames":{},"late":0,"status":"final","rev":0,"closed_by":"{closed_by}","complete":{}}}"#,
                minute.users.len(),
                time(ts),
                time(ts + 60),
                minute.frames,
                recount.complete(ts),
            )
            .unwrap();
        }
        Expected {
            frames: recount.frames,
            late: recount.late,
            malformed: recount.malformed,
            ..expected
        }
    }
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

/// One part, compressed in several pieces.
pub(crate) fn compressed(part: &[u8], zstd: bool, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let cut = random.below(part.len() + 1);
    for piece in [&part[..cut], &part[cut..]] {
        if zstd {
            out.extend(zstd::encode_all(piece, 1).unwrap());
        } else {
            let mut gzip = GzEncoder::new(&mut out, flate2::Compression::fast());
            gzip.write_all(piece).unwrap();
            gzip.finish().unwrap();
        }
    }
    out
}

/// The definition of right is itself checked: oracle and naive reader agree on what is JSON.
#[test]
fn both_references_agree_on_the_logs() {
    for seed in 0..50 {
        let settings = ScanSettings::default();
        for part in Log::new(&mut Random(seed)).parts {
            for line in part.split(|&byte| byte == b'\n') {
                let oracle = oracle::read(line, &settings);
                if oracle != Err(Malformed::Invalid) {
                    assert_eq!(oracle, naive::read(line, &settings), "{}", line.escape_ascii());
                }
            }
        }
    }
}
