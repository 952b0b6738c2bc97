//! What can go wrong, said once: what, where, and what to do next; and the exit codes.

use std::io;

/// An error that ends a run. Its text stands alone after the program's name.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line or the configuration asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// An input cannot be read.
    #[error("{name}: {source}")]
    Input {
        /// Which one.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// An output cannot be written.
    #[error("{name}: cannot write: {source}")]
    Output {
        /// Which one.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Something else of the operating system failed.
    #[error("{what}: {source}")]
    System {
        /// What was wanted of it.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Nobody can be listened to at this address.
    #[error(
        "--http {address}: cannot listen there: {source}; give another address or port (0: any port that is free)"
    )]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A counter met more users at once than it has numbers for.
    #[error(
        "a counter met more than {} users that its windows hold or held lately: give more --counters, or a shorter --max-lag",
        crate::limits::USERS_MAX
    )]
    TooManyUsers,
    /// The users need more memory than they may have.
    #[error(
        "the users need more than the {} that --memory leaves a counter for them: give more --memory, count fewer or shorter windows, or keep them for less long; `headcount plan --users N` says what is needed",
        indicatif::BinaryBytes(*.bytes_max)
    )]
    MemoryUsedUp {
        /// What a counter may have.
        bytes_max: u64,
    },
    /// More windows are open at once than there are slots.
    #[error(
        "more than {} windows are kept at once: a partition is far behind the others (see --max-skew), many times are wrong, or --max-lag and --keep are too long",
        crate::limits::WINDOWS_OPEN_MAX
    )]
    TooManyWindows,
    /// More empty windows lie between two results than are filled in.
    #[error(
        "--fill: more than {} empty windows lie between two results of one length: count larger windows, or leave the empty ones out",
        crate::limits::FILL_MAX
    )]
    TooManyEmpty,
    /// More frames were refused than `--max-refused` allows: how many, and their times.
    #[error("--max-refused: {0}")]
    TooManyRefused(String),
    /// A Kafka broker, topic or client does not do what is asked: what, where, and what to do.
    #[error("{0}")]
    Kafka(String),
    /// The accounts of a run do not add up, or results differ from a recount.
    #[error("{0}")]
    Disagree(String),
    /// A part of a checkpoint is not as it was written.
    #[error(
        "{file}: damaged: {what}: put back a whole copy of the checkpoint, or give --fresh to start over"
    )]
    Damaged {
        /// Its name.
        file: String,
        /// Where in it, and what is wrong.
        what: String,
    },
    /// A checkpoint that a newer version of the program has written.
    #[error(
        "{file}: written in format {found} by headcount {program}, and this one reads formats up to {known}: use that version, or give --fresh to start over"
    )]
    Newer {
        /// Its name.
        file: String,
        /// Its format.
        found: u32,
        /// The version that wrote it.
        program: String,
        /// The newest format that this program knows.
        known: u32,
    },
    /// There is no checkpoint, or none that can be used: what, and what to do.
    #[error("{0}")]
    Checkpoint(String),
    /// Another instance works with the same checkpoint.
    #[error("{0}")]
    Fenced(String),
    /// A fault of this program.
    #[error("internal error: {0}; the results of this run cannot be trusted, please report it")]
    Internal(String),
}

impl Error {
    /// The command line is wrong.
    pub fn usage(text: impl Into<String>) -> Error {
        Error::Usage(text.into())
    }

    /// An input cannot be read.
    pub fn input(name: &str, source: io::Error) -> Error {
        Error::Input { name: name.into(), source }
    }

    /// An output cannot be written.
    pub fn output(name: &str, source: io::Error) -> Error {
        Error::Output { name: name.into(), source }
    }

    /// What kind it is, in a word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Error::Usage(_) => "usage",
            Error::Input { .. } => "input",
            Error::Output { .. } => "output",
            Error::System { .. } => "system",
            Error::Listen { .. } => "listen",
            Error::TooManyUsers => "too_many_users",
            Error::MemoryUsedUp { .. } => "memory",
            Error::TooManyWindows => "too_many_windows",
            Error::TooManyEmpty => "too_many_empty",
            Error::TooManyRefused(_) => "too_many_refused",
            Error::Kafka(_) => "kafka",
            Error::Disagree(_) => "disagree",
            Error::Damaged { .. } => "damaged",
            Error::Newer { .. } => "newer",
            Error::Checkpoint(_) => "checkpoint",
            Error::Fenced(_) => "fenced",
            Error::Internal(_) => "internal",
        }
    }

    /// The name of what it is about, where it has one: a file, mostly.
    pub fn name(&self) -> Option<&str> {
        match self {
            Error::Input { name, .. } | Error::Output { name, .. } => Some(name),
            Error::Damaged { file, .. } | Error::Newer { file, .. } => Some(file),
            _ => None,
        }
    }

    /// The exit code of a run that ends with this error.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Error::Usage(_) => ExitCode::Usage,
            Error::Input { .. }
            | Error::Output { .. }
            | Error::System { .. }
            | Error::Listen { .. } => ExitCode::Failed,
            Error::Disagree(_) => ExitCode::Disagree,
            Error::Fenced(_) => ExitCode::Fenced,
            Error::TooManyUsers
            | Error::MemoryUsedUp { .. }
            | Error::TooManyWindows
            | Error::TooManyEmpty
            | Error::TooManyRefused(_)
            | Error::Kafka(_)
            | Error::Damaged { .. }
            | Error::Newer { .. }
            | Error::Checkpoint(_)
            | Error::Internal(_) => ExitCode::Failed,
        }
    }
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All was done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The accounts do not add up, results differ from a recount, or a checkpoint is damaged.
    Disagree = 3,
    /// Another instance has what this one works with.
    Fenced = 4,
    /// SIGINT or SIGTERM ended the run; what was put out is right.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> std::process::ExitCode {
        std::process::ExitCode::from(code as u8)
    }
}
