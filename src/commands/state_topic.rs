//! The state topic of a run from a topic to a topic: looked at, made where that is asked for, and taken over from
//! whatever run had it, if this one may go on from what it left.

use serde_json::Value;

use crate::checkpoint::Dir;
use crate::cli::CountArgs;
use crate::error::Error;
use crate::output::outbox::Outbox;

/// Takes over what is in it; what it is called in messages comes last.
///
/// # Errors
/// It is not there, cannot be reached or does not keep what it is to keep; or a run with these settings may
/// not go on from what is in it.
#[cfg(feature = "kafka")]
pub fn open(
    args: &CountArgs,
    input: &str,
    output: &str,
    run: &Value,
) -> Result<(Dir, Outbox, String), Error> {
    use super::source::group;
    use crate::kafka::output_topic::{Purpose, check_state, ensure};
    use crate::kafka::producer::Producer;
    use crate::kafka::settings::Settings;
    use crate::kafka::state_topic::Exchange;
    use crate::log;
    use crate::recovery::note::{Note, TopicsWritten};

    let (topic, own) = (&args.input.topic, &args.checkpoints);
    let settings = Settings::read(&topic.brokers)?;
    let state = match &own.state_topic {
        Some(name) => name.clone(),
        None => format!("headcount.{input}.{output}.state"),
    };
    let rejects = args.output.rejects_topic.clone();
    if [Some(input), Some(output), rejects.as_deref()].contains(&Some(&*state)) {
        return Err(Error::usage(format!(
            "--state-topic: {state} is read or written otherwise: give another topic"
        )));
    }
    let mut producer = Producer::new(&settings, &state, topic.brokers.give_up, &[])?;
    ensure(&mut producer, args.output.create.then_some(Purpose::State))?;
    check_state(&producer)?;
    drop(producer);
    let name = format!("state topic {state}");
    let group = group(&args.input, input, Some(output)).unwrap_or_default();
    let written = TopicsWritten { results: output.to_owned(), rejects, group };
    let exchange = Exchange { input: input.to_owned(), state, written: written.clone() };
    let (dir, outbox) = exchange.take_over(topic, &settings, own.fresh, |last| {
        let note = Note::from_bytes(&last.note, &name)?;
        written.check(note.output.topics.as_ref(), &name)?;
        note.check_settings(run, &name)
    })?;
    if topic.from.is_some() && dir.last()?.is_some() && !args.output.quiet {
        tracing::info!(
            target: log::RUN,
            topic = input,
            "--from holds for partitions that the checkpoint does not know; --fresh starts over"
        );
    }
    Ok((dir, outbox, name))
}

/// Takes over what is in it.
///
/// # Errors
/// This program was built without Kafka.
#[cfg(not(feature = "kafka"))]
pub fn open(_: &CountArgs, _: &str, _: &str, _: &Value) -> Result<(Dir, Outbox, String), Error> {
    Err(super::without_kafka())
}
