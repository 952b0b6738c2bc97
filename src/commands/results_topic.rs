//! Results to a topic: what `-o` asks for, checked before anything runs.

use crate::cli::CountArgs;
use crate::error::Error;
use crate::output::lines::Format;
use crate::output::sink::ResultSink;

/// Whether the flags about it fit together.
///
/// # Errors
/// They do not.
pub fn check(args: &CountArgs) -> Result<(), Error> {
    let Some(topic) = &args.output.output else { return Ok(()) };
    if args.output.format != Format::Json {
        return Err(Error::usage("--format: results go to a topic as JSON only"));
    }
    if args.input.topic.topic.as_ref() == Some(topic) {
        return Err(Error::usage(format!("--output: {topic} is the input: give another topic")));
    }
    Ok(())
}

/// The sink that `-o` asks for, its topic there; none without `-o`.
///
/// # Errors
/// The topic is not there, or cannot be reached.
pub fn open(args: &CountArgs) -> Result<Option<Box<dyn ResultSink>>, Error> {
    args.output.output.as_ref().map(|topic| connect(topic, args)).transpose()
}

#[cfg(feature = "kafka")]
fn connect(topic: &str, args: &CountArgs) -> Result<Box<dyn ResultSink>, Error> {
    use crate::kafka::output_topic::{Purpose, ensure, remark};
    use crate::kafka::settings::Settings;
    use crate::kafka::sink::KafkaSink;

    let brokers = &args.input.topic.brokers;
    let settings = Settings::read(brokers)?;
    let mut producer = KafkaSink::producer(&settings, topic, brokers.give_up)?;
    ensure(&mut producer, args.output.create.then_some(Purpose::Results))?;
    if let Some(remark) = remark(&producer).filter(|_| !args.output.quiet) {
        super::say(&remark);
    }
    Ok(Box::new(KafkaSink::new(producer)))
}

#[cfg(not(feature = "kafka"))]
fn connect(_: &str, _: &CountArgs) -> Result<Box<dyn ResultSink>, Error> {
    Err(super::without_kafka())
}
