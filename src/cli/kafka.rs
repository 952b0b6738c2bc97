//! The flags about Kafka: which topic is read and from where, which is written, how brokers are
//! reached.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::parse_seconds;

/// How brokers are reached.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Kafka")]
pub struct BrokerArgs {
    /// Kafka brokers to begin with; else bootstrap.servers of -X or -F
    #[arg(long, short, value_name = "HOST:PORT,…")]
    pub brokers: Option<String>,
    /// A setting of librdkafka, like security.protocol=SASL_SSL; goes before those of -F
    #[arg(long = "kafka-setting", short = 'X', value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Read settings of librdkafka from this file, one KEY=VALUE a line: the place for passwords
    #[arg(long = "kafka-settings", short = 'F', value_name = "FILE")]
    pub settings_file: Option<PathBuf>,
    /// How long to try without an answer of the brokers before the run fails
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_seconds)]
    pub give_up: u32,
}

impl std::fmt::Debug for BrokerArgs {
    /// Without the settings: they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerArgs").field("brokers", &self.brokers).finish_non_exhaustive()
    }
}

/// What is read of a topic.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Kafka")]
pub struct TopicArgs {
    #[command(flatten)]
    /// How brokers are reached.
    pub brokers: BrokerArgs,
    /// Topic to read: all its partitions, also those added later
    #[arg(long, short, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Consumer group under whose name offsets or restart points are committed; nobody else may use it
    /// [default: with -o, headcount.TOPIC.OUTPUT; else none is kept]
    #[arg(long, value_name = "NAME", requires = "topic")]
    pub group: Option<String>,
    /// Where to begin: beginning, end, committed, or a time (2026-11-23T12:00:00Z or unix seconds; by
    /// the records' own times); partitions that a checkpoint knows are entered where it left them
    /// [default: committed where the group has a restart point, else beginning]
    #[arg(long, value_name = "POINT", requires = "topic")]
    pub from: Option<From>,
    /// Where to end: end (what is in the topic at the start), or a time [default: never]
    #[arg(long, value_name = "POINT", requires = "topic")]
    pub until: Option<Until>,
    /// What to do when messages were deleted before they could be read
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub on_gap: OnGap,
    /// How long a partition read to its end holds the others' results back; likewise a pipe with nothing
    /// in it. When all are silent, results come out as the wall clock passes their windows; `off`: never
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub idle: Idle,
    /// How far in event time a partition may be ahead of the one furthest behind before it has to wait
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_seconds)]
    pub max_skew: u32,
    /// How messages are fetched: directly where brokers are reached in the clear and no setting says how, else
    /// by librdkafka
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub fetch: Fetch,
    /// Memory for messages fetched ahead, shared out over the partitions
    #[arg(long, value_name = "BYTES", default_value = "64MiB", value_parser = crate::commands::generate::parse_count)]
    pub queue_memory: u64,
}

impl TopicArgs {
    /// Only to reach brokers, as the flags have it where none is given.
    pub fn of(brokers: BrokerArgs) -> TopicArgs {
        TopicArgs {
            brokers,
            topic: None,
            group: None,
            from: None,
            until: Some(Until::End),
            on_gap: OnGap::Fail,
            idle: Idle(None),
            max_skew: 0,
            fetch: Fetch::default(),
            queue_memory: QUEUE_BYTES,
        }
    }
}

/// Memory for messages where nothing is said of it.
const QUEUE_BYTES: u64 = 64 * 1024 * 1024;

/// How a topic is filled.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Kafka")]
pub struct FillArgs {
    #[command(flatten)]
    /// How brokers are reached.
    pub brokers: BrokerArgs,
    /// Key of each frame [default: none; frames are then dealt out to the partitions in runs]
    #[arg(long, value_enum, value_name = "FIELD")]
    pub key: Option<Key>,
    /// How batches are compressed [default: none]
    #[arg(long, value_enum, value_name = "CODEC")]
    pub codec: Option<Codec>,
    /// Make the topic if it is not there
    #[arg(long)]
    pub create: bool,
    /// Partitions of a topic that is made
    #[arg(long, value_name = "N", default_value_t = 1, requires = "create", value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: i32,
}

impl FillArgs {
    /// Whether a topic is meant, and not a file.
    pub fn are_given(&self) -> bool {
        let BrokerArgs { brokers, settings, settings_file, give_up: _ } = &self.brokers;
        let reached = brokers.is_some() || !settings.is_empty() || settings_file.is_some();
        reached || self.key.is_some() || self.codec.is_some() || self.create
    }
}

/// What a frame's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Key {
    /// The user, as in the frame but unescaped.
    Uid,
}

/// How batches are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Codec {
    /// Not at all.
    None,
    /// By gzip.
    Gzip,
    /// By Snappy.
    Snappy,
    /// By LZ4.
    Lz4,
    /// By Zstandard.
    Zstd,
}

impl Codec {
    /// Its name, as librdkafka has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At the first message there is.
    Beginning,
    /// After the last message there is.
    End,
    /// At the group's restart point.
    Committed,
    /// At the first message whose record time is not before this, milliseconds of unix time.
    TimeMs(i64),
}

/// Where to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After the last message there was at the start.
    End,
    /// Before the first message whose record time is not before this, milliseconds of unix time.
    TimeMs(i64),
}

/// What to do about messages that are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnGap {
    /// Stop with an error.
    #[default]
    Fail,
    /// Go on with the first that is left; the windows about the gap are not complete.
    Skip,
}

/// How messages are fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Fetch {
    /// Past librdkafka where that can be.
    #[default]
    Direct,
    /// By librdkafka, whatever the brokers.
    Librdkafka,
}

/// After how long a partition is silent, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle(pub Option<u32>);

impl Idle {
    /// The same as a duration; none: never.
    pub fn duration(self) -> Option<Duration> {
        self.0.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl std::str::FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<From, String> {
        match text {
            "beginning" => Ok(From::Beginning),
            "end" => Ok(From::End),
            "committed" => Ok(From::Committed),
            time => time_ms(time).map(From::TimeMs).ok_or_else(|| {
                "give beginning, end, committed, or a time like 2026-11-23T12:00:00Z".into()
            }),
        }
    }
}

impl std::str::FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Until, String> {
        match text {
            "end" => Ok(Until::End),
            time => time_ms(time)
                .map(Until::TimeMs)
                .ok_or_else(|| "give end, or a time like 2026-11-23T12:00:00Z".into()),
        }
    }
}

impl std::str::FromStr for Idle {
    type Err = String;

    fn from_str(text: &str) -> Result<Idle, String> {
        match text {
            "off" => Ok(Idle(None)),
            duration => match parse_seconds(duration)? {
                0 => Err("give at least 1s, or off".into()),
                seconds => Ok(Idle(Some(seconds))),
            },
        }
    }
}

/// A time by RFC 3339, or as unix seconds.
fn time_ms(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1000),
        Err(_) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
    }
    .filter(|&ms| ms >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read() {
        assert_eq!("beginning".parse(), Ok(From::Beginning));
        assert_eq!("committed".parse(), Ok(From::Committed));
        assert_eq!("1700000000".parse(), Ok(From::TimeMs(1_700_000_000_000)));
        assert_eq!("2023-11-14T22:13:20.5Z".parse(), Ok(From::TimeMs(1_700_000_000_500)));
        assert_eq!("end".parse(), Ok(Until::End));
        assert_eq!("off".parse(), Ok(Idle(None)));
        assert_eq!("2m".parse(), Ok(Idle(Some(120))));
        for text in ["", "start", "-5", "yesterday", "9223372036854775807"] {
            assert!(text.parse::<From>().is_err(), "{text}");
            assert!(text.parse::<Until>().is_err(), "{text}");
        }
        assert!("0s".parse::<Idle>().is_err());
    }
}
