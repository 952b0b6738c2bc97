//! The head of a fuzzed frame: what is looked for in it.
//!
//! `UNIT ts-path 0xFF uid-path 0xFF frame`. The unit is a letter or any other byte; a path is the
//! text of `--ts-field`, and 0xFF stands in no text. So an input can be read, and written by hand.

use headcount::scan::{ScanSettings, TsUnit};

const UNITS: [(u8, TsUnit); 5] = [
    (b's', TsUnit::S),
    (b'm', TsUnit::Ms),
    (b'u', TsUnit::Us),
    (b'n', TsUnit::Ns),
    (b'r', TsUnit::Rfc3339),
];

/// Settings and the rest; nothing where a path is none.
pub fn read(bytes: &[u8]) -> Option<(ScanSettings, &[u8])> {
    let (&unit, rest) = bytes.split_first()?;
    let letter = UNITS.iter().find(|(letter, _)| *letter == unit);
    let (_, ts_unit) = letter.unwrap_or(&UNITS[usize::from(unit) % UNITS.len()]);
    let mut parts = rest.splitn(3, |&byte| byte == 0xFF);
    let mut path = || std::str::from_utf8(parts.next()?).ok()?.parse().ok();
    let (ts_field, uid_field) = (path()?, path()?);
    let settings =
        ScanSettings { ts_field, uid_field, ts_unit: *ts_unit, ..ScanSettings::default() };
    Some((settings, parts.next()?))
}
