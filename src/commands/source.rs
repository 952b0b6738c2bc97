//! What a run reads, by its flags: files and stdin, or a topic.

use std::time::Duration;

use crate::cli::InputArgs;
use crate::clock::ClockSettings;
use crate::engine::Source;
use crate::error::Error;
use crate::input::Input;
#[cfg(feature = "kafka")]
use crate::kafka::topic::Topic;
use crate::output::sink::RestartKeeper;
use crate::recovery::inputs::{InputState, Inputs, Reads};
use crate::recovery::topic::Before;
use crate::stats::Backlog;
use crate::topology::Wish;
use crate::watch::progress::Extent;

use super::settle::TopicSummary;

/// Cores up to which one scanner is enough for what librdkafka fetches: its own threads want the others.
const FEW_CORES: usize = 3;

/// What is read, looked at and not yet begun.
pub enum Read {
    /// Files and pipes.
    Files(Vec<Input>),
    /// A topic.
    #[cfg(feature = "kafka")]
    Topic(Box<Topic>),
}

/// The group under whose name offsets are committed, if any.
#[cfg(feature = "kafka")]
pub fn group(args: &InputArgs, topic: &str, output: Option<&str>) -> Option<String> {
    let own = output.map(|output| format!("headcount.{topic}.{output}"));
    args.topic.group.clone().or(own)
}

/// What of a topic is told when it has been read.
pub enum Told {
    /// It was none.
    Nothing,
    /// Its names, and where its places are kept.
    #[cfg(feature = "kafka")]
    Topic(TopicSummary, crate::kafka::table::Table),
}

impl Read {
    /// Looks at what these flags name. `output` is the topic of the results, where there is one; `writes`
    /// says whether any topic is written to.
    ///
    /// # Errors
    /// It cannot be read, or there is both or neither.
    pub fn look_at(
        args: &InputArgs,
        output: Option<&str>,
        writes: bool,
        clock: &ClockSettings,
        before: Option<Before<'_>>,
    ) -> Result<Read, Error> {
        let Some(topic) = &args.topic.topic else {
            if args.topic.brokers.brokers.is_some() && !writes {
                return Err(Error::usage("--brokers: give the topic to read by --topic"));
            }
            return super::inputs(&args.files).map(Read::Files);
        };
        if !args.files.is_empty() {
            return Err(Error::usage("give files or a topic to read, not both"));
        }
        Read::topic(args, topic, output, clock, before)
    }

    #[cfg(feature = "kafka")]
    fn topic(
        args: &InputArgs,
        topic: &str,
        output: Option<&str>,
        clock: &ClockSettings,
        before: Option<Before<'_>>,
    ) -> Result<Read, Error> {
        let group = group(args, topic, output);
        let topic = Topic::look_at(&args.topic, topic, group.as_deref(), clock, before)?;
        Ok(Read::Topic(Box::new(topic)))
    }

    #[cfg(not(feature = "kafka"))]
    fn topic(
        _: &InputArgs,
        _: &str,
        _: Option<&str>,
        _: &ClockSettings,
        _: Option<Before<'_>>,
    ) -> Result<Read, Error> {
        Err(Error::usage("--topic: this program was built without Kafka"))
    }

    /// The files among it.
    pub fn files(&self) -> &[Input] {
        match self {
            Read::Files(inputs) => inputs,
            #[cfg(feature = "kafka")]
            Read::Topic(_) => &[],
        }
    }

    /// What it is called.
    pub fn names(&self) -> Vec<String> {
        match self {
            Read::Files(inputs) => inputs.iter().map(|input| input.name.to_string()).collect(),
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => vec![crate::input::messages::MessageSource::name(&**topic)],
        }
    }

    /// How much there is, as far as it is known.
    pub fn extent(&self) -> Extent {
        match self {
            Read::Files(inputs) => {
                Extent::Bytes(inputs.iter().map(|input| input.size_bytes).sum::<Option<u64>>())
            }
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => Extent::Messages(topic.offsets_total()),
        }
    }

    /// What it tells whoever watches of its partitions, if it has any.
    pub fn backlog(&self) -> Option<Box<dyn Backlog>> {
        match self {
            Read::Files(_) => None,
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => Some(topic.backlog()),
        }
    }

    /// Whether it has partitions.
    pub fn is_partitioned(&self) -> bool {
        match self {
            Read::Files(_) => false,
            #[cfg(feature = "kafka")]
            Read::Topic(_) => true,
        }
    }

    /// Whether librdkafka fetches it.
    fn is_by_librdkafka(&self) -> bool {
        match self {
            Read::Files(_) => false,
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => !topic.is_fetched_directly(),
        }
    }

    /// Whether all it will hold is there already.
    pub fn is_bounded(&self) -> bool {
        match self {
            Read::Files(inputs) => !inputs.iter().any(Input::is_pipe),
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => topic.is_bounded(),
        }
    }

    /// What suits it where the user has no wish.
    pub fn wish(&self, wish: Wish, cores: usize) -> Wish {
        if !self.is_by_librdkafka() {
            return wish;
        }
        let scanners = wish.scanners.or((cores <= FEW_CORES).then_some(1));
        Wish { scanners, ..wish }
    }

    /// What checkpoints say of it, whether those of an earlier run were of the same.
    ///
    /// # Errors
    /// It cannot be read again, or is another one.
    pub fn reads(&self, before: Option<&InputState>) -> Result<Box<dyn Reads>, Error> {
        match self {
            Read::Files(files) => {
                let inputs = Inputs::look_at(files)?;
                before.map_or(Ok(()), |before| inputs.check(before))?;
                Ok(Box::new(inputs))
            }
            // It was checked when it was looked at.
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => Ok(topic.reads()),
        }
    }

    /// What keeps restart points.
    pub fn keeper(&self) -> Option<Box<dyn RestartKeeper>> {
        match self {
            Read::Files(_) => None,
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => topic.keeper(),
        }
    }

    /// What can be told of it once it is read.
    pub fn told(&self) -> Told {
        match self {
            Read::Files(_) => Told::Nothing,
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => Told::Topic(
                TopicSummary {
                    name: crate::input::messages::MessageSource::name(&**topic),
                    id: topic.topic_id().into(),
                    cluster_id: topic.cluster_id().map(str::to_owned),
                    partitions: Vec::new(),
                },
                topic.table(),
            ),
        }
    }

    /// What the engine reads; a pipe is silent after `idle`.
    pub fn into_source(self, idle: Option<Duration>) -> Source {
        match self {
            Read::Files(inputs) => Source::Inputs(inputs, idle),
            #[cfg(feature = "kafka")]
            Read::Topic(topic) => Source::Messages(topic),
        }
    }
}

impl Told {
    /// The topic, with its places now.
    pub fn now(self) -> Option<TopicSummary> {
        match self {
            Told::Nothing => None,
            #[cfg(feature = "kafka")]
            Told::Topic(summary, table) => {
                let place = |row: crate::kafka::table::Row| super::settle::PartitionSummary {
                    partition: row.partition,
                    entered: row.entered,
                    next: row.next,
                    until: row.until,
                };
                Some(TopicSummary {
                    partitions: table.all().into_iter().map(place).collect(),
                    ..summary
                })
            }
        }
    }
}
