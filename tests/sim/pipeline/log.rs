//! A small log, and what a right run says of it.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::write::GzEncoder;
use headcount::scan::{Malformed, ScanSettings, TsUnit};
use headcount::verify::recount::Recount;

use super::Random;
use super::unit::wrong_unit;

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
    /// The times are in this unit instead, and nothing else is to be said.
    pub(crate) wrong_unit: Option<TsUnit>,
}

impl Log {
    /// All lines in order, without their line feeds.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().flat_map(|part| part.split(|&byte| byte == b'\n'))
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
            wrong_unit: wrong_unit(self, settings),
            ..expected
        }
    }
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
