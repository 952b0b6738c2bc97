//! The configuration file: every flag by its long name, in TOML.
//!
//! Keys become flags in front of those of the command line, and the command line parser judges
//! them all: a flag has one definition, one check and one error. What is given on the command line
//! goes before what is in the file.
//!
//! ```toml
//! max-lag = "30s"
//! windows = ["minute", "day"]
//! format = "csv"
//! validate = true
//! ```

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgAction, Command};

use crate::error::Error;

/// The arguments with those of the configuration file laid under them, if one is given.
///
/// `arguments` begins with the program's name; `command` is the whole program's.
pub fn with_file(command: &Command, arguments: Vec<OsString>) -> Result<Vec<OsString>, Error> {
    let Some(path) = path(&arguments) else { return Ok(arguments) };
    let (at, subcommand) = subcommand(command, &arguments);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| Error::input(&Path::new(&path).display().to_string(), source))?;
    let mut flags = flags_of(subcommand, &text)
        .map_err(|why| Error::usage(format!("{}: {why}", Path::new(&path).display())))?;
    let mut all = arguments;
    let rest = all.split_off(at);
    all.append(&mut flags);
    all.extend(rest);
    Ok(all)
}

/// What `--config` is given, if it is.
pub fn path(arguments: &[OsString]) -> Option<OsString> {
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    let mut path = None;
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            path = arguments.next().cloned();
        } else if let Some(value) =
            argument.to_str().and_then(|text| text.strip_prefix("--config="))
        {
            path = Some(value.into());
        }
    }
    path
}

/// The innermost subcommand, and where its arguments begin.
fn subcommand<'c>(command: &'c Command, arguments: &[OsString]) -> (usize, &'c Command) {
    let (mut at, mut found) = (1, command);
    while let Some(inner) = arguments
        .get(at)
        .and_then(|name| found.get_subcommands().find(|inner| name == inner.get_name()))
    {
        (at, found) = (at + 1, inner);
    }
    (at, found)
}

/// The flags a file's text asks for.
fn flags_of(command: &Command, text: &str) -> Result<Vec<OsString>, String> {
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    let mut flags = Vec::new();
    for (key, value) in table {
        let known = command
            .get_arguments()
            .filter(|argument| argument.get_long() != Some("config"))
            .find(|argument| argument.get_long() == Some(&key));
        let Some(argument) = known else {
            let names: Vec<&str> = command
                .get_arguments()
                .filter_map(clap::Arg::get_long)
                .filter(|name| *name != "config")
                .collect();
            return Err(format!("unknown key {key:?}; there are {}", names.join(", ")));
        };
        let takes_value = argument.get_action().takes_values();
        let values = match value {
            toml::Value::Array(values) if matches!(argument.get_action(), ArgAction::Append) => {
                values
            }
            toml::Value::Array(values) if argument.get_value_delimiter() == Some(',') => {
                vec![toml::Value::String(listed(&key, values)?)]
            }
            value => vec![value],
        };
        for value in values {
            match value {
                toml::Value::Boolean(true) if !takes_value => flags.push(format!("--{key}").into()),
                toml::Value::Boolean(false) if !takes_value => {}
                toml::Value::String(text) if takes_value => {
                    flags.push(format!("--{key}={text}").into());
                }
                toml::Value::Integer(number) if takes_value => {
                    flags.push(format!("--{key}={number}").into());
                }
                toml::Value::Float(number) if takes_value => {
                    flags.push(format!("--{key}={number}").into());
                }
                toml::Value::Boolean(choice) if takes_value => {
                    flags.push(format!("--{key}={choice}").into());
                }
                _ if takes_value => return Err(format!("{key}: give a string or a number")),
                _ => return Err(format!("{key}: give true or false")),
            }
        }
    }
    Ok(flags)
}

/// A list as its flag takes it.
fn listed(key: &str, values: Vec<toml::Value>) -> Result<String, String> {
    let text = |value| match value {
        toml::Value::String(text) => Ok(text),
        _ => Err(format!("{key}: give a list of strings")),
    };
    Ok(values.into_iter().map(text).collect::<Result<Vec<_>, _>>()?.join(","))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn merged(text: &str, arguments: &[&str]) -> Result<Vec<String>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut all: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        all.push("--config".into());
        all.push(file.path().into());
        let given = all.len();
        with_file(&Cli::command(), all)
            .map(|all| {
                let strings = all.iter().map(|a| a.to_string_lossy().into_owned());
                strings.take(arguments.len() + all.len() - given).collect()
            })
            .map_err(|e| e.to_string())
    }

    #[test]
    fn keys_become_flags_before_those_given() {
        let text = "max-lag = \"30s\"\nvalidate = true\npin = false\nscanners = 2\n";
        let all = merged(text, &["headcount", "count", "x", "--max-lag", "1s"]).unwrap();
        assert_eq!(
            all[2..],
            ["--max-lag=30s", "--scanners=2", "--validate", "x", "--max-lag", "1s"]
                .map(String::from)
        );
        let all = merged("windows = [\"day\", \"6h\"]", &["headcount", "count"]).unwrap();
        assert_eq!(all[2..], ["--windows=day,6h".to_owned()]);
        let all = merged("rounds = 3", &["headcount", "measure", "scan", "x"]).unwrap();
        assert_eq!(all[3..], ["--rounds=3", "x"].map(String::from));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("nope = 1", "unknown key \"nope\""),
            ("config = \"x\"", "unknown key"),
            ("validate = 1", "give true or false"),
            ("max-lag = [1]", "give a string or a number"),
            ("windows = [1]", "give a list of strings"),
            ("max-lag = ", "TOML parse error"),
        ] {
            let error = merged(text, &["headcount", "count", "x"]).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
