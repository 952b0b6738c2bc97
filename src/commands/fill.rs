//! `headcount generate -b … -o TOPIC`: the stream to a topic.

use crate::commands::generate::GenerateArgs;
use crate::error::{Error, ExitCode};

/// Fills the topic; all frames made have to be delivered.
///
/// # Errors
/// The flags do not fit; the topic is not there, or not all frames could be delivered.
#[cfg(feature = "kafka")]
pub fn run(args: &GenerateArgs) -> Result<ExitCode, Error> {
    use super::settle::count;
    use crate::kafka::fill::{Filler, producer};
    use crate::kafka::output_topic::{Purpose, ensure};
    use crate::kafka::settings::Settings;
    use crate::log;
    use crate::ring::{Stop, StopReason};

    let fill = &args.topic;
    let settings = Settings::read(&fill.brokers)?;
    let topic = args.output.as_deref().and_then(|topic| topic.to_str());
    let topic = topic.ok_or_else(|| Error::usage("give the topic to fill by --output"))?;
    let generator = args.generator().map_err(Error::usage)?;
    let codec = fill.codec.map(|codec| codec.as_str());
    let mut producer = producer(&settings, topic, fill.brokers.give_up, codec, &generator)?;
    let create = fill.create.then_some(Purpose::Frames { partitions: fill.partitions });
    let partitions = ensure(&mut producer, create)?;

    let failed = |e| Error::output(&format!("topic {topic}"), e);
    let stop = Stop::new();
    crate::thread::stop_on_signals(stop.clone())?;
    let keyed = fill.key.is_some();
    let mut filler = Filler::new(&generator, producer, partitions, keyed, stop.clone());
    let threads = args.threads().map_err(failed)?;
    let written = generator.write_to(&mut filler, threads);
    let interrupted = stop.reason() == StopReason::Interrupted;
    let written = match written {
        Err(e) if !interrupted => return Err(failed(e)),
        written => written.ok(),
    };
    let delivered = filler.finish().map_err(failed)?;
    match written {
        Some(written) if written.frames == delivered => Ok(ExitCode::Done),
        Some(written) => Err(Error::Internal(format!(
            "{} made, but {} delivered",
            count(written.frames, "frame"),
            count(delivered, "frame")
        ))),
        None => {
            let said = count(delivered, "frame");
            tracing::info!(target: log::RUN, topic, delivered, "interrupted: {said} delivered");
            Ok(ExitCode::Interrupted)
        }
    }
}

/// There is no Kafka.
///
/// # Errors
/// Always.
#[cfg(not(feature = "kafka"))]
pub fn run(_: &GenerateArgs) -> Result<ExitCode, Error> {
    Err(super::without_kafka())
}
