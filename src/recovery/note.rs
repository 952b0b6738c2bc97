//! The note of a checkpoint: all of it that is not users, as JSON. What it says is checked before a run
//! goes on: the settings that an answer depends on, the inputs, the outputs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inputs::InputState;
use super::written::FileState;
use crate::batch::Tally;
use crate::clock::state::ClockState;
use crate::error::Error;

/// What is kept besides the users.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The settings of the run, as in its summary.
    pub settings: Value,
    /// What was read.
    pub input: InputState,
    /// What was written.
    pub output: OutputState,
    /// Counters, each with the users of a shard.
    #[serde(default)]
    pub counters: usize,
    /// The account of all that was read, from the first run on.
    pub tally: Tally,
    /// The clock.
    pub clock: ClockState,
}

/// How far outputs were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputState {
    /// How results are written.
    pub format: String,
    /// The results' file; none if they went elsewhere.
    pub results: Option<FileState>,
    /// The rejects' file, if there is one.
    pub rejects: Option<FileState>,
    /// The topics that are written to together with checkpoints.
    #[serde(default)]
    pub topics: Option<TopicsWritten>,
}

/// The topics that are written to together with checkpoints, and under whose name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicsWritten {
    /// That of results.
    pub results: String,
    /// That of rejects, if they go to one.
    pub rejects: Option<String>,
    /// The group whose offsets are committed.
    pub group: String,
}

/// Settings that another run may have otherwise. They are rules for what comes from here on, and what was
/// counted by others is right by those; or series of windows, each counted apart. (The clock sees to it
/// that no window let go by the old rules is opened again by the new ones, and that a new series' windows
/// are not said to be complete where they are not.)
const FREE: [&str; 13] = [
    "windows",
    "timezones",
    "max_lag_s",
    "late",
    "keep_s",
    "agree",
    "max_ahead_s",
    "every_s",
    "emit",
    "max_refused",
    "now_s",
    "timezone_data",
    "validate",
];

/// Flags by the names of settings, where they differ.
fn flag(setting: &str) -> String {
    let name = match setting {
        "timezones" => "timezone",
        "returning_days" => "returning",
        other => other.strip_suffix("_s").unwrap_or(other),
    };
    format!("--{}", name.replace('_', "-"))
}

/// A setting's value, for people.
fn shown(value: &Value) -> String {
    if value.is_null() { "not given".into() } else { value.to_string() }
}

impl TopicsWritten {
    /// Whether a run that writes to these may go on from a checkpoint of one that wrote to `before`.
    ///
    /// # Errors
    /// It may not: results would be missing in one topic, or come twice in it.
    pub fn check(&self, before: Option<&TopicsWritten>, name: &str) -> Result<(), Error> {
        let Some(before) = before else { return Ok(()) };
        for (what, now, then) in
            [("topic", &self.results, &before.results), ("group", &self.group, &before.group)]
        {
            if now != then {
                return Err(Error::Checkpoint(format!(
                    "{name}: it is the checkpoint of a run with results to topic {} and group {}, and this one has {what} {now}: give the same, another --state-topic, or --fresh to start over",
                    before.results, before.group
                )));
            }
        }
        Ok(())
    }
}

impl Note {
    /// As bytes.
    ///
    /// # Errors
    /// Never, as all of it can be JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|e| Error::Internal(format!("a note: {e}")))
    }

    /// From bytes, whose checksum was right.
    ///
    /// # Errors
    /// They are no note of a version known here.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Note, Error> {
        // What serde says might quote a uid.
        serde_json::from_slice(bytes).map_err(|_| {
            Error::usage(format!(
                "{name}: this version of headcount does not know what the checkpoint's note says: go on with the version that made it, or start over with --fresh"
            ))
        })
    }

    /// Whether a run with these settings may go on from it.
    ///
    /// # Errors
    /// It may not; it says which flags differ.
    pub fn check_settings(&self, now: &Value, name: &str) -> Result<(), Error> {
        let empty = serde_json::Map::new();
        let (before, now) =
            (self.settings.as_object().unwrap_or(&empty), now.as_object().unwrap_or(&empty));
        let differ = now.iter().filter(|(key, value)| {
            !FREE.contains(&key.as_str()) && before.get(*key).is_some_and(|before| before != *value)
        });
        let told: Vec<String> = differ
            .map(|(key, value)| {
                format!("{} is {} and was {}", flag(key), shown(value), shown(&before[key]))
            })
            .collect();
        if told.is_empty() {
            return Ok(());
        }
        Err(Error::usage(format!(
            "{name} is the checkpoint of a run with other settings: {}; what was counted by those cannot be gone on with by others: give the same, or start over with --fresh",
            told.join("; ")
        )))
    }
}
