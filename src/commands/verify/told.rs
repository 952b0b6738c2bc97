//! The results that are verified: the last line about each window, and that revisions are in order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::verify::replay::Key;

/// One line of results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) ts: i64,
    pub(super) cnt: u64,
    pub(super) window: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zone: Option<String>,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) frames: u64,
    pub(super) late: u64,
    pub(super) status: String,
    pub(super) rev: u32,
    pub(super) closed_by: String,
    pub(super) complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) returning: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) past_complete: Option<bool>,
}

/// The last word of the results on a window.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// It.
    pub(super) line: Line,
    /// Where it stands, from 1.
    pub(super) number: usize,
}

/// The last word on each window in a file of results.
///
/// # Errors
/// It cannot be read, or its revisions are not in order.
pub(super) fn results(path: &Path) -> Result<BTreeMap<Key, Told>, Error> {
    let name = path.display().to_string();
    let fail = |e| Error::input(&name, e);
    let mut results: BTreeMap<Key, Told> = BTreeMap::new();
    let lines = BufReader::new(File::open(path).map_err(fail)?).lines();
    for (number, line) in (1..).zip(lines) {
        let text = line.map_err(fail)?;
        let line: Line = serde_json::from_str(&text).map_err(|e| {
            Error::usage(format!("{name}: line {number} is no result of --format json: {e}"))
        })?;
        let key = Key { window: line.window.clone(), zone: line.zone.clone(), ts: line.ts };
        let before = results.get(&key).map(|told| &told.line);
        let rev = before.map_or(0, |before| before.rev + 1);
        if line.rev != rev {
            let (window, rev_told) = (super::shown(&key), line.rev);
            return Err(Error::Disagree(match rev_told {
                0 => format!("{name}: line {number}: a second result for {window}"),
                _ => format!(
                    "{name}: line {number}: rev {rev_told} of {window}, where rev {rev} is due"
                ),
            }));
        }
        let due = match before.map(|before| before.status.as_str()) {
            None | Some("provisional") => ["provisional", "final"],
            Some(_) => ["provisional", "revised"],
        };
        if !due.contains(&line.status.as_str()) {
            let (window, status) = (super::shown(&key), &line.status);
            return Err(Error::Disagree(format!(
                "{name}: line {number}: {window} is {status} where {} is due",
                due[1]
            )));
        }
        results.insert(key, Told { line, number });
    }
    Ok(results)
}
