//! The flags of checkpoints in a run. The commands that look at checkpoints have their own.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::recovery::keeper::OnFailure;

/// Whether checkpoints are made, and where.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Checkpoints")]
pub struct CheckpointsArgs {
    /// Reading files, or results of a topic going to a file, keep checkpoints in this directory (made if need be): killed at any moment and started again with
    /// the same command, the run goes on from the last one, and ends with the same output as if left in
    /// peace. Uids lie there in clear
    #[arg(long, value_name = "DIR")]
    pub checkpoint: Option<PathBuf>,
    /// How long after a checkpoint the next one is begun, like 5s or 500ms
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub checkpoint_every: Duration,
    /// Forget the checkpoint that is there and start over
    #[arg(long, conflicts_with = "no_checkpoint")]
    pub fresh: bool,
    /// From a topic to a topic, checkpoints are kept in this topic, together with the results, so that each
    /// result is there exactly once; uids lie in it in clear
    /// [default: headcount.TOPIC.OUTPUT.state; --create makes it]
    #[arg(long, value_name = "TOPIC", requires = "output")]
    pub state_topic: Option<String>,
    /// From a topic to a topic, keep no checkpoints: a run that was killed puts out its last results again,
    /// and one that was stopped reads open windows again
    #[arg(long, conflicts_with_all = ["checkpoint", "state_topic"])]
    pub no_checkpoint: bool,
    /// What to do when a checkpoint cannot be written into the directory; into a topic it is tried again for
    /// --give-up, then the run stops
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub checkpoint_failure: OnFailure,
}

/// A duration: `5s`, `500ms`, `1m`; a plain number is seconds.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let why = || "give a duration like 5s, 500ms or 1m".to_owned();
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let duration: jiff::SignedDuration = text.parse().map_err(|_| why())?;
    Duration::try_from(duration).map_err(|_| why())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_may_be_short() {
        for (text, ms) in [("5s", 5000), ("100ms", 100), ("2", 2000), ("1m", 60_000), ("0s", 0)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "-1s", "5 apples", "soon"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
