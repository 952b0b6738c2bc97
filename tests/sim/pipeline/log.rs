//! A small log, and what a right run says of it.

use std::io::Write as _;

use flate2::write::GzEncoder;
use headcount::scan::{ScanSettings, TsUnit};
use headcount::verify::lines::{self, Line};
use headcount::verify::replay::{Refused, Replay};

use super::Random;
use super::time::Time;
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
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) parts: Vec<Vec<u8>>,
}

/// What a right run says.
pub(crate) struct Expected {
    pub(crate) replay: Replay,
    /// Reason, input, offset and payload of each.
    pub(crate) rejects: Vec<(String, usize, u64, Vec<u8>)>,
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

    pub(crate) fn expected(&self, settings: &ScanSettings, time: &Time) -> Expected {
        let mut replayer = time.replayer(settings, 1);
        let mut rejects = Vec::new();
        // Of each frame its input, where it begins, and itself.
        let mut frames: Vec<(usize, u64, &[u8])> = Vec::new();
        let mut refused = |frames: &[(usize, u64, &[u8])], all: Refused| {
            for (number, why) in all {
                let (input, at, frame) = frames[usize::try_from(number).unwrap()];
                rejects.push((why.to_owned(), input, at, frame.to_vec()));
            }
        };
        for (input, part) in self.parts.iter().enumerate() {
            let mut offset = 0;
            for line in part.split_inclusive(|&byte| byte == b'\n') {
                let content = line.strip_suffix(b"\n").unwrap_or(line);
                let read = lines::read(content, settings);
                if read != Line::Blank {
                    let frame = content.strip_suffix(b"\r").unwrap_or(content);
                    let frame = frame.strip_prefix(b"\xef\xbb\xbf").unwrap_or(frame);
                    let mark = frame.as_ptr().addr() - content.as_ptr().addr();
                    frames.push((input, offset + mark as u64, frame));
                }
                if let Line::Malformed(reason) = read {
                    refused(&frames, vec![(frames.len() as u64 - 1, reason.as_str())]);
                }
                refused(&frames, replayer.line(0, content));
                offset += line.len() as u64;
            }
        }
        refused(&frames, replayer.end(0));
        Expected { replay: replayer.finish(), rejects, wrong_unit: wrong_unit(self, settings) }
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
