//! Whether a log's times look like another unit: the rule of `clock::unit_check` once more, over the
//! naive reader.

use headcount::limits::{TS_S_PLAUSIBLE_MAX, TS_S_PLAUSIBLE_MIN, UNIT_CHECK_FRAMES};
use headcount::scan::{Malformed, ScanSettings, TsUnit};
use headcount::verify::{naive, oracle};

use super::log::Log;

const UNITS: [TsUnit; 4] = [TsUnit::S, TsUnit::Ms, TsUnit::Us, TsUnit::Ns];

/// The unit most of the first frames' times would be plausible in, where none is in the one given.
pub(crate) fn wrong_unit(log: &Log, settings: &ScanSettings) -> Option<TsUnit> {
    let (mut seen, mut votes) = (0, [0; UNITS.len()]);
    for line in log.lines() {
        let frame = line.strip_suffix(b"\r").unwrap_or(line);
        let frame = frame.strip_prefix(b"\xef\xbb\xbf").unwrap_or(frame);
        let plausible = UNITS.map(|unit| plausible_in(frame, settings, unit));
        let in_own =
            UNITS.iter().zip(plausible).any(|(&unit, yes)| yes && unit == settings.ts_unit);
        if in_own || settings.ts_unit == TsUnit::Rfc3339 {
            return None;
        }
        if !plausible.contains(&true) && !is_fact(frame, settings) {
            continue;
        }
        seen += 1;
        votes.iter_mut().zip(plausible).for_each(|(votes, yes)| *votes += usize::from(yes));
        if seen == UNIT_CHECK_FRAMES {
            break;
        }
    }
    let most = UNITS.into_iter().zip(votes).find(|&(_, votes)| 2 * votes > seen);
    most.map(|(unit, _)| unit)
}

/// Whether the frame's time would lie in the plausible years in that unit.
pub(crate) fn plausible_in(frame: &[u8], settings: &ScanSettings, unit: TsUnit) -> bool {
    let ts_s = naive::read_ts(frame, &ScanSettings { ts_unit: unit, ..settings.clone() });
    ts_s.is_some_and(|ts_s| (TS_S_PLAUSIBLE_MIN..=TS_S_PLAUSIBLE_MAX).contains(&ts_s))
}

fn is_fact(frame: &[u8], settings: &ScanSettings) -> bool {
    match oracle::read(frame, settings) {
        Err(Malformed::Invalid) => !settings.validate && naive::read(frame, settings).is_ok(),
        read => read.is_ok(),
    }
}
