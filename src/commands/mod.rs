//! One short file a subcommand, and what they share.

pub mod checkpoint;
pub mod count;
pub mod demo;
pub mod fill;
pub mod generate;
pub mod going_on;
pub mod measure;
pub mod outputs;
pub mod plan;
pub mod settle;
pub mod shell;
pub mod source;
pub mod state_topic;
pub mod topics_written;
pub mod verify;
pub mod watch;

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches};

use crate::cli::log::LogArgs;
use crate::cli::{Cli, Command};
use crate::config;
use crate::error::{Error, ExitCode};
use crate::input::Input;
use crate::log;

/// Runs the program with these arguments; the first is its name.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let parsed = parse(arguments.clone());
    log::start(match &parsed {
        Ok(Some(command)) => command.log(),
        Ok(None) => LogArgs::default(),
        Err(_) => LogArgs::among(arguments.iter().filter_map(|argument| argument.to_str())),
    });
    match parsed.and_then(|command| command.map_or(Ok(ExitCode::Done), dispatch)) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            error.exit_code()
        }
    }
}

/// Says an error that ends the run.
pub fn complain(error: &Error) {
    let (kind, name) = (error.kind(), error.name());
    tracing::error!(target: log::RUN, kind, name, exit_code = error.exit_code() as u8, "{error}");
}

/// The command asked for; none if help or the version was, which is then printed.
fn parse(arguments: Vec<OsString>) -> Result<Option<Command>, Error> {
    let mut command = Cli::command();
    let all = config::with_file(&command, arguments.clone())?;
    let mut parse = |arguments| {
        let matches = command.try_get_matches_from_mut(arguments)?;
        Cli::from_arg_matches(&matches)
    };
    match parse(all) {
        Ok(cli) => Ok(Some(cli.command)),
        Err(error) if error.use_stderr() => {
            let text = error.render().to_string();
            let text = text.trim_end().trim_start_matches("error: ");
            // What is right without the configuration file is wrong in it.
            Err(Error::usage(match config::path(&arguments) {
                Some(path) if parse(arguments).is_ok() => {
                    format!("{}: {text}", Path::new(&path).display())
                }
                _ => text.to_owned(),
            }))
        }
        Err(help) => match help.print() {
            Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::output("stdout", e)),
            _ => Ok(None),
        },
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::Count(args) => count::run(&args),
        Command::Measure(command) => measure::run(&command),
        Command::Generate(args) if args.topic.are_given() => fill::run(&args),
        Command::Generate(args) => {
            generate::run(&args).map_err(|e| match e.kind() {
                ErrorKind::InvalidInput => Error::usage(e.to_string()),
                _ => Error::System { what: "cannot write the stream", source: e },
            })?;
            Ok(ExitCode::Done)
        }
        Command::Demo(args) => demo::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Checkpoint(command) => checkpoint::run(&command),
        Command::Completions(args) => shell::completions(args.shell),
        Command::Man => shell::man(),
    }
}

/// A topic is asked for, of a program built without Kafka.
#[cfg(not(feature = "kafka"))]
fn without_kafka() -> Error {
    Error::usage("this headcount was built without Kafka (feature `kafka`)")
}

/// The inputs given; stdin if none is and something is piped in.
fn inputs(files: &[PathBuf]) -> Result<Vec<Input>, Error> {
    if files.is_empty() {
        if std::io::stdin().is_terminal() {
            return Err(Error::usage("no input: give files, or - for stdin"));
        }
        return Input::look_at(&[PathBuf::from("-")]);
    }
    Input::look_at(files)
}

/// Prints to stdout; a closed pipe is no error.
fn print(text: &str) -> Result<ExitCode, Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::output("stdout", e)),
        _ => Ok(ExitCode::Done),
    }
}
