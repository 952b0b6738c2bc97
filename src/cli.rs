//! The command line: each flag once. Help, man page, completions and the configuration file follow
//! from these definitions.

pub mod checkpoint;
pub mod checkpoints;
pub mod kafka;
pub mod log;
pub mod time;
pub mod watch;
pub mod windows;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::clock::ClockSettings;
use crate::commands::generate::GenerateArgs;
use crate::error::Error;
use crate::limits::WINDOWS_OPEN_MAX;
use crate::output::lines::Format;
use crate::ring::WaitPolicy;
use crate::scan::stage::Depth;
use crate::scan::{FieldPath, Kernel, ScanSettings, TsUnit};
use crate::topology::Wish;

/// Exact unique users per minute, hour, day, week, month and year, from a log of JSON frames.
///
/// Reads JSON objects, the lines of files (plain, .gz, .zst) or stdin or the messages of a Kafka topic,
/// takes `ts` and `uid` out of each, and says exactly how many different users were seen in each
/// window. Results go to stdout as JSON lines, and nothing else does, or to a topic; progress and the
/// closing accounts go to stderr.
#[derive(Debug, Parser)]
#[command(
    name = "headcount",
    version,
    args_override_self = true,
    after_help = "Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 accounts or verify do not agree or a checkpoint is damaged, 4 another instance has the checkpoint, 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count the users of files, stdin or a Kafka topic
    #[command(
        args_override_self = true,
        after_help = "Examples:\n  headcount count log.jsonl\n  headcount count day1.jsonl.zst day2.jsonl.zst --to counts.jsonl --summary run.json\n  tail -f log.jsonl | headcount count -"
    )]
    Count(Box<CountArgs>),
    /// Measure how fast each part is: reading, scanning, counting
    #[command(subcommand)]
    Measure(MeasureCommand),
    /// Make a sample stream, reproducible from its seed
    #[command(args_override_self = true)]
    Generate(GenerateArgs),
    /// Make a sample stream, count it, and show the result: no file needed
    Demo(DemoArgs),
    /// Recount by a second, simple method and compare
    #[command(args_override_self = true)]
    Verify(VerifyArgs),
    /// Say which threads, rings and memory a run will have, before it runs
    #[command(args_override_self = true)]
    Plan(PlanArgs),
    /// Look at a run's checkpoint, check it, make it small
    #[command(subcommand)]
    Checkpoint(checkpoint::CheckpointCommand),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the man pages
    Man,
}

impl Command {
    /// How it says what it has to say.
    pub fn log(&self) -> log::LogArgs {
        match self {
            Command::Count(args) => args.log,
            Command::Measure(command) => command.parts().1.log,
            Command::Generate(args) => args.log,
            Command::Verify(args) => args.log,
            Command::Checkpoint(command) => command.log(),
            Command::Demo(_) | Command::Plan(_) | Command::Completions(_) | Command::Man => {
                log::LogArgs::default()
            }
        }
    }
}

/// How frames are read.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Frames")]
pub struct FrameArgs {
    /// Where a frame's time stands: a member of the root, or a dotted path (a dot in a name: `\.`)
    #[arg(long, value_name = "PATH", default_value = "ts")]
    pub ts_field: FieldPath,
    /// Where a frame's user stands
    #[arg(long, value_name = "PATH", default_value = "uid")]
    pub uid_field: FieldPath,
    /// What a frame's time counts
    #[arg(long, value_enum, value_name = "UNIT", default_value_t)]
    pub ts_unit: TsUnit,
    /// Check that each frame is valid JSON to its end (slower); else scanning stops after both
    /// fields and what follows them is not seen
    #[arg(long)]
    pub validate: bool,
    #[command(flatten)]
    /// How event time goes.
    pub time: time::TimeArgs,
    #[command(flatten)]
    /// Which windows are counted.
    pub windows: windows::WindowArgs,
}

impl FrameArgs {
    /// The scanner's settings.
    pub fn scan(&self) -> ScanSettings {
        ScanSettings {
            ts_field: self.ts_field.clone(),
            uid_field: self.uid_field.clone(),
            ts_unit: self.ts_unit,
            validate: self.validate,
            kernel: Kernel::best(),
        }
    }

    /// The clock's settings.
    pub fn clock(&self) -> Result<ClockSettings, Error> {
        let calendar = self.windows.calendar()?;
        let settings = ClockSettings { calendar, ..self.time.settings() };
        let kept = settings.windows_kept();
        if kept > WINDOWS_OPEN_MAX {
            return Err(Error::usage(format!(
                "--max-lag {} s and --keep {} s could keep {kept} windows at once; {WINDOWS_OPEN_MAX} is the most",
                self.time.max_lag, self.time.keep
            )));
        }
        Ok(settings)
    }
}

impl Default for FrameArgs {
    fn default() -> FrameArgs {
        let ScanSettings { ts_field, uid_field, ts_unit, validate, .. } = ScanSettings::default();
        let (time, windows) = (time::TimeArgs::default(), windows::WindowArgs::default());
        FrameArgs { ts_field, uid_field, ts_unit, validate, time, windows }
    }
}

/// Which threads do the work.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Threads and memory")]
pub struct ThreadArgs {
    /// Scanners [default: by cores, see `headcount plan`]
    #[arg(long, value_name = "N")]
    pub scanners: Option<usize>,
    /// Counters, each for its share of the users [default: by cores]
    #[arg(long, value_name = "N")]
    pub counters: Option<usize>,
    /// Keep each thread on a core of its own
    #[arg(long)]
    pub pin: bool,
    /// How threads wait for one another
    #[arg(long, value_enum, value_name = "POLICY", default_value_t)]
    pub wait: WaitPolicy,
    /// Memory the run may take; where its users need more it stops with an error, and never puts out
    /// a lower count [default: no bound]
    #[arg(long, value_name = "BYTES", value_parser = crate::commands::generate::parse_count)]
    pub memory: Option<u64>,
}

impl ThreadArgs {
    /// The memory that is left besides what a topic's messages may take, bytes.
    pub fn memory_left(&self, input: &InputArgs) -> u64 {
        let messages = if input.topic.topic.is_some() { input.topic.queue_memory } else { 0 };
        self.memory.map_or(u64::MAX, |memory| memory.saturating_sub(messages))
    }

    /// What the topology is to follow.
    pub fn wish(&self) -> Wish {
        Wish { scanners: self.scanners, counters: self.counters, pin: self.pin }
    }
}

/// What is read.
#[derive(Clone, Debug, Args)]
pub struct InputArgs {
    /// Files to read as one log, in this order: plain, .gz or .zst (told by content); `-` is stdin
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    /// Or a topic.
    pub topic: kafka::TopicArgs,
}

/// `headcount count`.
#[derive(Clone, Debug, Args)]
pub struct CountArgs {
    #[command(flatten)]
    /// What is read.
    pub input: InputArgs,
    #[command(flatten)]
    /// How frames are read.
    pub frames: FrameArgs,
    #[command(flatten)]
    /// Where results go.
    pub output: OutputArgs,
    #[command(flatten)]
    /// Whether checkpoints are made.
    pub checkpoints: checkpoints::CheckpointsArgs,
    #[command(flatten)]
    /// How it is watched.
    pub watch: watch::WatchArgs,
    #[command(flatten)]
    /// Which threads do the work.
    pub threads: ThreadArgs,
    #[command(flatten)]
    /// What is said meanwhile.
    pub log: log::LogArgs,
    #[command(flatten)]
    /// The configuration file.
    pub config: ConfigArgs,
}

/// Where results go.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Write results to this file; a file there is replaced, or gone on with from a checkpoint [default:
    /// stdout]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Write results to this Kafka topic, in place of stdout: keyed by window, like minute/1700000040
    #[arg(long, short, value_name = "TOPIC", conflicts_with = "to")]
    pub output: Option<String>,
    /// Make the topics written to if they are not there: one partition each, that of results compacted
    #[arg(long)]
    pub create: bool,
    /// How results are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: Format,
    /// Write frames that were malformed or refused to this file, as JSON lines with reason, input,
    /// offset and payload
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Write them to this Kafka topic instead: the payload as it was, with reason, topic (input),
    /// partition and offset as headers
    #[arg(long, value_name = "TOPIC", conflicts_with = "rejects")]
    pub rejects_topic: Option<String>,
    /// Write the closing accounts to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// No progress and no accounts on stderr; errors still
    #[arg(long, short)]
    pub quiet: bool,
}

/// The configuration file.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// Read flags from this TOML file, by their long names; flags given here go before it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `headcount measure …`.
#[derive(Clone, Debug, Subcommand)]
pub enum MeasureCommand {
    /// Read the input and do nothing with it
    #[command(args_override_self = true)]
    Read(MeasureArgs),
    /// Read it and scan every frame
    #[command(args_override_self = true)]
    Scan(MeasureArgs),
    /// Do all but write results
    #[command(args_override_self = true)]
    Count(MeasureArgs),
}

impl MeasureCommand {
    /// How far frames go, and with which flags.
    pub fn parts(&self) -> (Depth, &MeasureArgs) {
        match self {
            MeasureCommand::Read(args) => (Depth::Read, args),
            MeasureCommand::Scan(args) => (Depth::Scan, args),
            MeasureCommand::Count(args) => (Depth::Count, args),
        }
    }
}

/// Flags of `headcount measure`.
#[derive(Clone, Debug, Args)]
pub struct MeasureArgs {
    #[command(flatten)]
    /// What is read.
    pub input: InputArgs,
    #[command(flatten)]
    /// How frames are read.
    pub frames: FrameArgs,
    #[command(flatten)]
    /// Which threads do the work.
    pub threads: ThreadArgs,
    /// Read the input this many times over
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    #[command(flatten)]
    /// What is said meanwhile.
    pub log: log::LogArgs,
    #[command(flatten)]
    /// The configuration file.
    pub config: ConfigArgs,
}

/// `headcount demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Frames to make and count
    #[arg(long, value_name = "N", default_value_t = 600_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub frames: u64,
    /// Where the sample's randomness comes from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `headcount verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Results of `headcount count`, JSON lines
    #[arg(value_name = "RESULTS")]
    pub results: PathBuf,
    /// The input they were counted from, in the same order; `-` is stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    /// How frames are read; as in the run that is verified.
    pub frames: FrameArgs,
    /// Take all settings from the summary of the run that is verified, and none from flags
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Each file is a partition of a topic; else all are one log
    #[arg(long)]
    pub partitions: bool,
    /// No word if all agrees
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    /// What is said meanwhile.
    pub log: log::LogArgs,
    #[command(flatten)]
    /// The configuration file.
    pub config: ConfigArgs,
}

/// `headcount plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    /// How frames are read.
    pub frames: FrameArgs,
    #[command(flatten)]
    /// Which threads do the work.
    pub threads: ThreadArgs,
    /// Users expected in the windows open at once
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub users: u64,
    /// Bytes of a uid on average
    #[arg(long, value_name = "BYTES", default_value_t = 16)]
    pub uid_bytes: u64,
    #[command(flatten)]
    /// The configuration file.
    pub config: ConfigArgs,
}

/// `headcount completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: clap_complete::Shell,
}

/// A duration as whole seconds: `90`, `5s`, `2m`, `1h 30m`, `1d` of 24 hours.
fn parse_seconds(text: &str) -> Result<u32, String> {
    let why = "give whole seconds, like 5s, 2m, 1h or 1d";
    let seconds = match text.parse::<i64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let span: jiff::Span = text.parse().map_err(|_| why.to_owned())?;
            let days = jiff::SpanRelativeTo::days_are_24_hours();
            let duration = span.to_duration(days).map_err(|_| why.to_owned())?;
            if duration.subsec_nanos() != 0 {
                return Err(why.to_owned());
            }
            duration.as_secs()
        }
    };
    u32::try_from(seconds).map_err(|_| format!("{why}, from 0 to 136 years"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_whole_seconds() {
        for (text, seconds) in [("5", 5), ("5s", 5), ("2m", 120), ("1h 30m", 5400), ("0", 0)] {
            assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        }
        for text in ["", "5 apples", "500ms", "-1s", "-1", "1.5", "200y", "9999999999999"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_lag_beyond_the_bound_is_refused() {
        let args = |lag: &str| {
            let cli = Cli::try_parse_from(["headcount", "count", "-", "--max-lag", lag]).unwrap();
            let Command::Count(args) = cli.command else { unreachable!() };
            args.frames.clock()
        };
        assert!(args("11d").is_ok());
        assert!(args("12d").is_err());
    }
}
