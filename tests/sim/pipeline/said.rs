//! What was put out, against the reference: every byte where each window has one word, else the last
//! word on each window and how its words follow one another.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use headcount::output::record::Instant;
use headcount::verify::replay::{Key, Word};
use serde::Deserialize;

/// The reference's windows.
pub(crate) type Words = BTreeMap<Key, Word>;

/// A result.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Said {
    ts: i64,
    pub(crate) cnt: u64,
    window: String,
    zone: Option<String>,
    start: String,
    end: String,
    pub(crate) frames: u64,
    late: u64,
    pub(crate) status: String,
    pub(crate) rev: u32,
    pub(crate) closed_by: String,
    complete: bool,
}

impl Said {
    pub(crate) fn of(line: &str) -> Said {
        serde_json::from_str(line).unwrap()
    }

    fn is_revised(&self) -> bool {
        self.status == "revised"
    }

    pub(crate) fn key(&self) -> Key {
        Key { window: self.window.clone(), zone: self.zone.clone(), ts: self.ts }
    }

    /// Whether it is of a window that time has closed, and says less than the reference in the end, or
    /// the same.
    pub(crate) fn is_on_the_way_to(&self, words: &Words) -> bool {
        let is_closed = self.status != "provisional" && self.closed_by == "time";
        words.get(&self.key()).is_some_and(|word| {
            is_closed
                && self.cnt <= word.users.len() as u64
                && self.frames <= word.frames
                && self.late <= word.late
        })
    }

    /// Whether it says the same. In silence results come out by the wall clock, and before all
    /// partitions have shown when they begin.
    fn is(&self, word: &Word, in_silence: bool) -> bool {
        let closed_by = if word.by_time { "time" } else { "end" };
        let instant = |second| Instant(second).to_string();
        let spans = (instant(word.window.start_s), instant(word.window.end_s));
        (self.cnt, self.frames, self.late) == (word.users.len() as u64, word.frames, word.late)
            && (&self.start, &self.end) == (&spans.0, &spans.1)
            && self.status != "provisional"
            && (self.closed_by == closed_by || in_silence && self.closed_by == "silence")
            && (self.complete == word.complete || in_silence)
    }
}

/// All that is put out where each window has one word: by their ends, the shorter first.
pub(crate) fn bytes(words: &Words) -> String {
    let mut in_order: Vec<_> = words.iter().collect();
    in_order.sort_unstable_by_key(|(_, word)| (word.window.end_s, word.window.series));
    let mut bytes = String::new();
    for (Key { window, zone, ts }, word) in in_order {
        let zone = zone.as_ref().map_or(String::new(), |zone| format!(r#","zone":"{zone}""#));
        let closed_by = if word.by_time { "time" } else { "end" };
        writeln!(
            bytes,
            r#"{{"ts":{ts},"cnt":{},"window":"{window}"{zone},"start":"{}","end":"{}","frames":{},"late":{},"status":"final","rev":0,"closed_by":"{closed_by}","complete":{}}}"#,
            word.users.len(),
            Instant(word.window.start_s),
            Instant(word.window.end_s),
            word.frames,
            word.late,
            word.complete,
        )
        .unwrap();
    }
    bytes
}

/// The last word on each window; of each the words must follow one another.
pub(crate) fn last_words(results: &str, what: &str) -> BTreeMap<Key, Said> {
    let mut last = BTreeMap::<Key, Said>::new();
    for said in results.lines().map(Said::of) {
        let before = last.get(&said.key());
        assert_eq!(said.rev, before.map_or(0, |before| before.rev + 1), "{what}: {said:?}");
        let was_open = before.is_none_or(|before| before.status == "provisional");
        assert_eq!(said.is_revised(), !was_open, "{what}: {said:?}");
        last.insert(said.key(), said);
    }
    last
}

/// Where the last words are not the reference's. What was shown in silence and then refused leaves an
/// empty window behind.
pub(crate) fn differences(
    results: &str,
    words: &Words,
    in_silence: bool,
    what: &str,
) -> Vec<String> {
    let last = last_words(results, what);
    let is_empty = |said: &Said| in_silence && said.rev > 0 && said.frames + said.cnt == 0;
    let wrong = |(key, said): (&Key, &Said)| match words.get(key) {
        Some(word) => (!said.is(word, in_silence)).then(|| format!("{said:?} is not {word:?}")),
        None => (!is_empty(said)).then(|| format!("{said:?} is no window")),
    };
    let missing = words.keys().filter(|key| !last.contains_key(key));
    let missing = missing.map(|key| format!("no result for {key:?}"));
    last.iter().filter_map(wrong).chain(missing).collect()
}
