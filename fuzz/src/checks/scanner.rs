//! The scanner against the oracle and the naive reader: any bytes, any unit, any field paths.

use headcount::scan::{FieldPath, ScanSettings, Scanner, TsUnit, content};

use super::judges::{Judges, shown};
use super::pipeline::unit::plausible_in;
use super::wanted;

/// `UNIT ts-path 0xFF uid-path 0xFF frame`
pub fn check(bytes: &[u8]) -> bool {
    let Some((settings, line)) = wanted::read(bytes) else { return false };
    let frame = content_is_as_said(line);
    paths_are_their_text(&settings);
    let mut judges = Judges::new(settings);
    // All kernels and the naive reader; the oracle too where the frame is JSON.
    let _ = judges.all(frame);
    judges.with_validate(frame);
    units_are_as_the_naive_reader_says(&judges.settings, frame);
    true
}

/// What `content` makes of a line, by the words of its contract.
fn content_is_as_said(line: &[u8]) -> &[u8] {
    let frame = line.strip_suffix(b"\r").unwrap_or(line);
    let frame = frame.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(frame);
    let is_blank = frame.iter().all(|byte| b" \t\r".contains(byte));
    assert_eq!(content(line), (!is_blank).then_some(frame), "{}", shown(line));
    frame
}

fn paths_are_their_text(settings: &ScanSettings) {
    for path in [&settings.ts_field, &settings.uid_field] {
        assert_eq!(path.to_string().parse::<FieldPath>().as_ref(), Ok(path));
    }
}

fn units_are_as_the_naive_reader_says(settings: &ScanSettings, frame: &[u8]) {
    let found = Scanner::new(settings).plausible_units(frame);
    for ts_unit in [TsUnit::S, TsUnit::Ms, TsUnit::Us, TsUnit::Ns] {
        let expected = plausible_in(frame, settings, ts_unit);
        assert_eq!(found.contains(ts_unit), expected, "{ts_unit} on {}", shown(frame));
    }
}
