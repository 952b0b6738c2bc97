//! The flags of the log: how and how much the program says of itself.

use clap::{Args, ValueEnum};

/// How and how much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// How what is said on stderr is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub log_format: LogFormat,
    /// What is said on stderr at most; accounts are `info`
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    pub log_level: LogLevel,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines to read.
    #[default]
    Text,
    /// One JSON object a line: timestamp, level, target, message, and what the message names.
    Json,
}

/// From which level on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What ends a run.
    Error,
    /// And what may be wrong.
    Warn,
    /// And where it goes on from, and the closing accounts.
    #[default]
    Info,
    /// And what it does meanwhile.
    Debug,
}

impl LogArgs {
    /// Those of a command line that cannot be parsed, as far as it says them itself: the last `--log-format`
    /// counts. A configuration file is not looked into then, so what is wrong is said as text where only the
    /// file asks for JSON.
    pub fn among<'a>(arguments: impl IntoIterator<Item = &'a str>) -> LogArgs {
        let mut arguments = arguments.into_iter().take_while(|argument| *argument != "--");
        let mut args = LogArgs::default();
        while let Some(argument) = arguments.next() {
            let (flag, value) = match argument.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (argument, None),
            };
            if flag == "--log-format"
                && let Some(value) = value.or_else(|| arguments.next())
                && let Ok(format) = LogFormat::from_str(value, false)
            {
                args.log_format = format;
            }
        }
        args
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_told_also_where_the_rest_is_wrong() {
        for (line, format) in [
            ("headcount count --nope --log-format json", LogFormat::Json),
            ("headcount count --log-format=json --nope", LogFormat::Json),
            ("headcount count --log-format=json --log-format text", LogFormat::Text),
            ("headcount count --log-format xml --nope", LogFormat::Text),
            ("headcount count -- --log-format json", LogFormat::Text),
            ("headcount count --nope --log-format", LogFormat::Text),
        ] {
            assert_eq!(LogArgs::among(line.split(' ')).log_format, format, "{line}");
        }
    }
}
