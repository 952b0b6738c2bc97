//! `headcount verify`: recounts the input by a second, simple method and compares every window.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use indicatif::HumanCount;
use serde::{Deserialize, Serialize};

use super::print;
use super::settle::count;
use crate::cli::VerifyArgs;
use crate::error::{Error, ExitCode};
use crate::limits::TS_S_MAX;
use crate::scan::TsUnit;
use crate::verify::oracle;
use crate::verify::recount::Recount;

/// Differences named; the rest is only counted.
const DIFFERENCES_NAMED: usize = 20;

/// What of a result is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    ts: i64,
    cnt: u64,
    window: String,
    frames: u64,
    late: u64,
    status: String,
    rev: u32,
    closed_by: String,
    complete: bool,
}

/// One line of results.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    said: Said,
    start: String,
    end: String,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

/// Recounts and compares.
pub fn run(args: &VerifyArgs) -> Result<ExitCode, Error> {
    let max_lag_s = args.frames.max_lag;
    let said = results(&args.results)?;
    let recount = Recount::of_files(&args.files, &args.frames.scan(), max_lag_s)
        .map_err(|(name, source)| Error::input(&name, source))?;
    let mut differences = Vec::new();
    for (&ts, minute) in &recount.minutes {
        let right = Said {
            ts,
            cnt: minute.users.len() as u64,
            window: "minute".into(),
            frames: minute.frames,
            late: 0,
            status: "final".into(),
            rev: 0,
            closed_by: if recount.closed_by_time(ts, max_lag_s) { "time" } else { "end" }.into(),
            complete: recount.complete(ts),
        };
        match said.get(&ts) {
            None => {
                differences.push(format!("minute {ts}: no result, but the recount has {right}"))
            }
            Some(said) if *said != right => {
                differences
                    .push(format!("minute {ts}: the result says {said}, the recount {right}"));
            }
            Some(_) => {}
        }
    }
    for ts in said.keys().filter(|ts| !recount.minutes.contains_key(ts)) {
        differences.push(format!("minute {ts}: a result, but the recount has no such minute"));
    }
    if !differences.is_empty() {
        let named = differences.len().min(DIFFERENCES_NAMED);
        let more = match differences.len() - named {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        return Err(Error::Disagree(format!(
            "{} the recount:\n  {}{more}",
            match differences.len() {
                1 => "1 window differs from".into(),
                n => format!("{n} windows differ from"),
            },
            differences[..named].join("\n  ")
        )));
    }
    if args.quiet {
        return Ok(ExitCode::Done);
    }
    print(&format!(
        "all {} agreed with the recount: {} read, {} late, {} malformed{}\n",
        count(said.len() as u64, "window"),
        count(recount.frames, "frame"),
        HumanCount(recount.late),
        HumanCount(recount.malformed.iter().sum()),
        match recount.counted_though_invalid {
            0 => String::new(),
            n => format!(
                "; {} counted frames are not valid JSON after their two fields (see --validate)",
                HumanCount(n)
            ),
        }
    ))
}

/// The results in a file, by their window's start.
fn results(path: &Path) -> Result<BTreeMap<i64, Said>, Error> {
    let name = path.display().to_string();
    let fail = |e| Error::input(&name, e);
    let mut results = BTreeMap::new();
    let lines = BufReader::new(File::open(path).map_err(fail)?).lines();
    for (number, line) in (1..).zip(lines) {
        let line = line.map_err(fail)?;
        let Line { said, start, end } = serde_json::from_str(&line).map_err(|e| {
            Error::usage(format!("{name}: line {number} is no result of --format json: {e}"))
        })?;
        let ts = said.ts;
        if !is_instant(&start, ts) || !is_instant(&end, ts.saturating_add(60)) {
            return Err(Error::Disagree(format!(
                "{name}: line {number}: {start} to {end} is not minute {ts}"
            )));
        }
        if results.insert(ts, said).is_some() {
            return Err(Error::Disagree(format!(
                "{name}: line {number}: a second result for minute {ts}"
            )));
        }
    }
    Ok(results)
}

/// Whether this is how RFC 3339 writes a second of unix time; the year 9999 may be the window's last.
fn is_instant(text: &str, second: i64) -> bool {
    if second == TS_S_MAX + 1 {
        return text == "+010000-01-01T00:00:00Z";
    }
    oracle::ts_of(format!("\"{text}\"").as_bytes(), TsUnit::Rfc3339) == Some(second)
}
