//! `headcount checkpoint …`: looking at a checkpoint, and making it small.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::kafka::BrokerArgs;
use super::log::LogArgs;

/// `headcount checkpoint …`.
#[derive(Clone, Debug, Subcommand)]
pub enum CheckpointCommand {
    /// Say what a checkpoint holds: segments, users, windows, and where its input was
    #[command(args_override_self = true)]
    Inspect(InspectArgs),
    /// Read all of it: every checksum, every list, and whether they fit together
    #[command(args_override_self = true)]
    Verify(CheckpointArgs),
    /// Write it anew as one segment, without what is of no use; no run may be using it (one that uses the
    /// state topic is stopped by it)
    #[command(args_override_self = true)]
    Compact(CheckpointArgs),
}

/// Which checkpoint.
#[derive(Clone, Debug, Args)]
pub struct CheckpointArgs {
    /// The directory of a run's --checkpoint
    #[arg(value_name = "DIR", required_unless_present = "state_topic")]
    pub dir: Option<PathBuf>,
    /// The state topic of a run from a topic to a topic; read with --brokers
    #[arg(long, value_name = "TOPIC", conflicts_with = "dir")]
    pub state_topic: Option<String>,
    #[command(flatten)]
    /// How its brokers are reached.
    pub brokers: BrokerArgs,
    #[command(flatten)]
    /// What is said meanwhile.
    pub log: LogArgs,
}

impl CheckpointCommand {
    /// How it says what it has to say.
    pub fn log(&self) -> LogArgs {
        match self {
            CheckpointCommand::Inspect(args) => args.checkpoint.log,
            CheckpointCommand::Verify(args) | CheckpointCommand::Compact(args) => args.log,
        }
    }
}

/// Flags of `headcount checkpoint inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArgs {
    #[command(flatten)]
    /// Which.
    pub checkpoint: CheckpointArgs,
    /// Print what the run noted with its state and nothing else: its settings, its input, its clocks, as
    /// JSON. Frames that wait stand in it with their uids
    #[arg(long)]
    pub note: bool,
}
