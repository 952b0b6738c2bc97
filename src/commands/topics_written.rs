//! The topics written to, which `-o` and `--rejects-topic` ask for: checked before anything runs.

use crate::cli::CountArgs;
use crate::error::Error;
use crate::output::lines::Format;
use crate::output::outbox::Outbox;
use crate::output::rejects::RejectSink;
use crate::output::sink::ResultSink;

/// Whether the flags about them fit together.
///
/// # Errors
/// They do not.
pub fn check(args: &CountArgs) -> Result<(), Error> {
    let (output, input) = (&args.output, &args.input.topic.topic);
    let (results, rejects) = (&output.output, &output.rejects_topic);
    if results.is_some() && output.format != Format::Json {
        return Err(Error::usage("--format: results go to a topic as JSON only"));
    }
    for (flag, topic) in [("--output", results), ("--rejects-topic", rejects)] {
        if let Some(topic) = topic
            && Some(topic) == input.as_ref()
        {
            return Err(Error::usage(format!("{flag}: {topic} is the input: give another topic")));
        }
    }
    if let (Some(results), Some(rejects)) = (results, rejects)
        && results == rejects
    {
        return Err(Error::usage(format!("--rejects-topic: {rejects} is that of the results")));
    }
    if output.create && results.is_none() && rejects.is_none() {
        return Err(Error::usage(
            "--create: no topic is written to: give --output or --rejects-topic",
        ));
    }
    Ok(())
}

/// The sink that `-o` asks for, its topic there; none without `-o`. With an outbox results go there.
///
/// # Errors
/// The topic is not there, or cannot be reached.
pub fn results(
    args: &CountArgs,
    outbox: Option<&Outbox>,
) -> Result<Option<Box<dyn ResultSink>>, Error> {
    args.output.output.as_ref().map(|topic| connect::results(topic, args, outbox)).transpose()
}

/// The sink that `--rejects-topic` asks for, likewise.
///
/// # Errors
/// The topic is not there, or cannot be reached.
pub fn rejects(
    args: &CountArgs,
    outbox: Option<&Outbox>,
) -> Result<Option<Box<dyn RejectSink>>, Error> {
    let topic = args.output.rejects_topic.as_ref();
    topic.map(|topic| connect::rejects(topic, args, outbox)).transpose()
}

#[cfg(feature = "kafka")]
mod connect {
    use super::{CountArgs, Error, Outbox, RejectSink, ResultSink};
    use crate::kafka::output_topic::{Purpose, ensure, remark};
    use crate::kafka::rejects::KafkaRejects;
    use crate::kafka::settings::Settings;
    use crate::kafka::sink::KafkaSink;
    use crate::log;

    pub(super) fn results(
        topic: &str,
        args: &CountArgs,
        outbox: Option<&Outbox>,
    ) -> Result<Box<dyn ResultSink>, Error> {
        let brokers = &args.input.topic.brokers;
        let settings = Settings::read(brokers)?;
        let mut producer = KafkaSink::producer(&settings, topic, brokers.give_up)?;
        ensure(&mut producer, args.output.create.then_some(Purpose::Results))?;
        if let Some(remark) = remark(&producer).filter(|_| !args.output.quiet) {
            tracing::warn!(target: log::KAFKA, topic, "{remark}");
        }
        Ok(Box::new(match outbox {
            Some(outbox) => KafkaSink::into_outbox(topic, outbox.clone()),
            None => KafkaSink::new(producer),
        }))
    }

    pub(super) fn rejects(
        topic: &str,
        args: &CountArgs,
        outbox: Option<&Outbox>,
    ) -> Result<Box<dyn RejectSink>, Error> {
        let brokers = &args.input.topic.brokers;
        let settings = Settings::read(brokers)?;
        let mut producer = KafkaRejects::producer(&settings, topic, brokers.give_up)?;
        let purpose = Purpose::Frames { partitions: 1 };
        ensure(&mut producer, args.output.create.then_some(purpose))?;
        Ok(Box::new(match outbox {
            Some(outbox) => KafkaRejects::into_outbox(topic, outbox.clone()),
            None => KafkaRejects::new(producer),
        }))
    }
}

#[cfg(not(feature = "kafka"))]
mod connect {
    use super::{CountArgs, Error, Outbox, RejectSink, ResultSink};
    use crate::commands::without_kafka;

    pub(super) fn results(
        _: &str,
        _: &CountArgs,
        _: Option<&Outbox>,
    ) -> Result<Box<dyn ResultSink>, Error> {
        Err(without_kafka())
    }

    pub(super) fn rejects(
        _: &str,
        _: &CountArgs,
        _: Option<&Outbox>,
    ) -> Result<Box<dyn RejectSink>, Error> {
        Err(without_kafka())
    }
}
