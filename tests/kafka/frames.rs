//! Frames made by a test, what must come of them, and chance.

use std::collections::BTreeMap;

use headcount::clock::ClockSettings;
use headcount::clock::calendar::Length;
use headcount::scan::ScanSettings;
use headcount::verify::replay::{Key, ReplaySettings, Replayer, Word};
use headcount::verify::rules::Rules;
use serde_json::Value;

/// 2023-11-14T22:14:00Z: a minute begins.
pub(crate) const START_S: i64 = 1_700_000_040;

/// A frame of this second.
pub(crate) fn at(ts_s: i64, uid: impl std::fmt::Display) -> String {
    format!("{{\"ts\":{ts_s},\"uid\":\"{uid}\"}}")
}

/// A frame in the middle of a minute, counted from the start: it closes the minute before.
pub(crate) fn of_minute(minute: i64, uid: impl std::fmt::Display) -> String {
    at(START_S + 60 * minute + 30, uid)
}

/// A minute beyond the wall clock, by which silence would put windows out.
pub(crate) const AHEAD_S: i64 = 4_000_000_020;

/// A frame in the middle of a minute, counted from that one.
pub(crate) fn ahead(minute: i64, uid: impl std::fmt::Display) -> String {
    at(AHEAD_S + 60 * minute + 30, uid)
}

/// The start of a minute that is over by now, its max-lag too.
pub(crate) fn minute_past_s() -> i64 {
    let now_s = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    now_s.div_euclid(60) * 60 - 180
}

/// Frames as lines.
pub(crate) fn lines<F: AsRef<[u8]>>(frames: impl IntoIterator<Item = F>) -> Vec<u8> {
    let line = |frame: F| [frame.as_ref(), b"\n"].concat();
    frames.into_iter().flat_map(line).collect()
}

/// Of each result its `ts`, `cnt` and `frames`, in order.
pub(crate) fn counts(results: &str) -> Vec<(i64, u64, u64)> {
    let count = |line: &str| {
        let result: Value = serde_json::from_str(line).unwrap();
        let number = |name: &str| result[name].as_u64().unwrap();
        (result["ts"].as_i64().unwrap(), number("cnt"), number("frames"))
    };
    results.lines().map(count).collect()
}

/// A field of each result, in order.
pub(crate) fn each(results: &str, field: &str) -> Vec<Value> {
    let field = |line: &str| serde_json::from_str::<Value>(line).unwrap()[field].take();
    results.lines().map(field).collect()
}

/// The last word on each window: its users, frames, and the number of the record, which rises.
pub(crate) fn last_words(results: &str) -> BTreeMap<i64, [u64; 3]> {
    let word = |line: &str| {
        let result: Value = serde_json::from_str(line).unwrap();
        let number = |name: &str| result[name].as_u64().unwrap();
        (result["ts"].as_i64().unwrap(), ["cnt", "frames", "rev"].map(number))
    };
    let mut last = BTreeMap::new();
    for (ts_s, word) in results.lines().map(word) {
        let before = last.insert(ts_s, word);
        assert!(before.is_none_or(|[.., rev]| rev < word[2]), "{ts_s}: {before:?}, then {word:?}");
    }
    last
}

/// What must come of partitions that are read to their ends by the plain clock, by the program's second,
/// simple method; and how many of their frames are late.
pub(crate) fn recount<F: AsRef<[u8]>>(partitions: &[Vec<F>]) -> (Vec<(i64, u64, u64)>, u64) {
    let settings = ReplaySettings {
        scan: ScanSettings::default(),
        rules: Rules::of(&ClockSettings::plain()),
        lengths: vec![Length::Minute],
        zones: vec!["UTC".into()],
        returning_days: None,
        partitions: true,
    };
    let mut replayer = Replayer::new(&settings, partitions.len());
    for (partition, frames) in partitions.iter().enumerate() {
        for frame in frames {
            replayer.line(partition, frame.as_ref());
        }
        replayer.end(partition);
    }
    let replay = replayer.finish();
    let word =
        |(key, word): (Key, Word)| (key.ts, u64::try_from(word.users.len()).unwrap(), word.frames);
    let late = replay.refused.get("late").copied().unwrap_or(0);
    (replay.words.into_iter().map(word).collect(), late)
}

/// Chance that can be had again (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    /// From `HEADCOUNT_SEED`, else the time; says which.
    pub(crate) fn new() -> Random {
        let given = std::env::var("HEADCOUNT_SEED").ok().map(|text| text.parse().unwrap());
        let seed = given.unwrap_or_else(|| {
            let since = std::time::UNIX_EPOCH.elapsed().unwrap();
            u64::from(since.subsec_nanos()) << 32 | since.as_secs() & 0xffff_ffff
        });
        eprintln!("HEADCOUNT_SEED={seed}");
        Random(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) % bound
    }
}
