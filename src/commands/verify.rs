//! `headcount verify`: recounts the input by a second, simple method and compares every window.

mod settings;
mod told;

use std::collections::BTreeMap;

use indicatif::HumanCount;
use jiff::tz::TimeZoneDatabase;

use super::print;
use super::settle::count;
use crate::cli::VerifyArgs;
use crate::error::{Error, ExitCode};
use crate::limits::{TS_S_MAX, TS_S_MIN};
use crate::log;
use crate::scan::TsUnit;
use crate::verify::replay::{Key, Replay, Word};
use crate::verify::{borders, oracle};
use told::Told;

/// Recounts and compares.
pub fn run(args: &VerifyArgs) -> Result<ExitCode, Error> {
    let settings = settings::of(args)?;
    let told = told::results(&args.results)?;
    if let Some(doubt) = settings.doubt {
        tracing::warn!(target: log::RUN, "{doubt}");
    }
    let replay = Replay::of_files(&args.files, &settings.replay)
        .map_err(|(name, source)| Error::input(&name, source))?;
    let missing = |(key, word): (&Key, &Word)| {
        let is_told = told.contains_key(key);
        (!is_told)
            .then(|| format!("{}: no result, but the recount has {}", shown(key), right(word)))
    };
    let differs = |(key, told): (&Key, &Told)| match replay.words.get(key) {
        None if settings.fill && told.is_empty_window(&replay.words) => None,
        None => Some(format!("{}: a result, but the recount has no such window", shown(key))),
        Some(word) => difference(key, told, word, &args.results.display().to_string()),
    };
    let differences: Vec<String> =
        replay.words.iter().filter_map(missing).chain(told.iter().filter_map(differs)).collect();
    if !differences.is_empty() {
        return Err(Error::Disagree(named(&differences)));
    }
    if args.quiet {
        return Ok(ExitCode::Done);
    }
    let refused = |why: &str| HumanCount(replay.refused.get(why).copied().unwrap_or(0));
    print(&format!(
        "all {} agreed with the recount: {} read, {} late, {}{} malformed{}\n",
        count(told.len() as u64, "window"),
        count(replay.frames, "frame"),
        refused("late"),
        match refused("future").0 {
            0 => String::new(),
            n => format!("{} future, ", HumanCount(n)),
        },
        HumanCount(replay.malformed.iter().sum()),
        match replay.invalid_taken {
            0 => String::new(),
            n => format!(
                "; {} counted frames are not valid JSON after their two fields (see --validate)",
                HumanCount(n)
            ),
        }
    ))
}

/// The differences as one text.
fn named(differences: &[String]) -> String {
    format!(
        "{} the recount:\n  {}",
        match differences.len() {
            1 => "1 window differs from".into(),
            n => format!("{n} windows differ from"),
        },
        differences.join("\n  ")
    )
}

/// A window's name for people.
fn shown(key: &Key) -> String {
    let zone = key.zone.as_ref().map_or(String::new(), |zone| format!("{zone} "));
    format!("{} {zone}{}", key.window, key.ts)
}

/// What the recount has of a window.
fn right(word: &Word) -> String {
    let past = word.past.map_or(String::new(), |(returning, complete)| {
        format!(", returning {returning}, past_complete {complete}")
    });
    format!(
        "cnt {}, frames {}, late {}, closed_by {}, complete {}{past}",
        word.users.len(),
        word.frames,
        word.late,
        if word.by_time { "time" } else { "end" },
        word.complete,
    )
}

/// What a result says of a window's past.
fn past(word: &Word) -> (Option<u64>, Option<u64>, Option<bool>) {
    let users = word.users.len() as u64;
    let (returning, complete) = word.past.unzip();
    (returning.map(|returning| users - returning), returning, complete)
}

/// How a result differs from the recount, if it does.
fn difference(key: &Key, told: &Told, word: &Word, file: &str) -> Option<String> {
    let line = &told.line;
    let (start_s, end_s) = (word.window.start_s, word.window.end_s);
    if !is_instant(&line.start, start_s) || !is_instant(&line.end, end_s) {
        let (start, end) = (&line.start, &line.end);
        return Some(format!(
            "{file}: line {}: {start} to {end} is not {}",
            told.number,
            shown(key)
        ));
    }
    // What came out in silence says so; a recount hears no silence.
    let closed_by = if word.by_time { "time" } else { "end" };
    let agrees = line.cnt == word.users.len() as u64
        && (line.frames, line.late, line.complete) == (word.frames, word.late, word.complete)
        && (line.new, line.returning, line.past_complete) == past(word)
        && (line.closed_by == closed_by || line.closed_by == "silence")
        && line.status != "provisional";
    let said = serde_json::to_string(line).unwrap_or_default();
    (!agrees)
        .then(|| format!("{}: the result says {said}, the recount {}", shown(key), right(word)))
}

impl Told {
    /// Whether it says, rightly, that a window between two others of its kind is empty. That each such
    /// window has a line is not looked at.
    fn is_empty_window(&self, words: &BTreeMap<Key, Word>) -> bool {
        let line = &self.line;
        let of_its_kind = |ts| Key { window: line.window.clone(), zone: line.zone.clone(), ts };
        let before = words.range(of_its_kind(i64::MIN)..of_its_kind(line.ts)).next();
        let after = words.range(of_its_kind(line.ts)..=of_its_kind(i64::MAX)).next();
        let zone = TimeZoneDatabase::bundled().get(line.zone.as_deref().unwrap_or("UTC"));
        let (Ok(length), Ok(zone)) = (line.window.parse(), zone) else { return false };
        let Some(&(start_s, end_s, ts)) = borders::windows_at(length, &zone, line.ts).first()
        else {
            return false;
        };
        before.is_some()
            && after.is_some()
            && (line.cnt, line.frames, line.late, line.ts) == (0, 0, 0, ts)
            && line.new.is_none_or(|new| new == 0)
            && line.returning.is_none_or(|returning| returning == 0)
            && is_instant(&line.start, start_s)
            && is_instant(&line.end, end_s)
    }
}

/// Whether this is how RFC 3339 writes a second of unix time. Outside the years 1 to 9999 only the year is
/// looked at.
fn is_instant(text: &str, second: i64) -> bool {
    if second > TS_S_MAX {
        return text.starts_with("+010000-");
    }
    if second < TS_S_MIN {
        return text.starts_with("0000-");
    }
    oracle::ts_of(format!("\"{text}\"").as_bytes(), TsUnit::Rfc3339) == Some(second)
}
