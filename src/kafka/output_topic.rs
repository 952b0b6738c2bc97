//! The topic written to, looked at before anything runs: whether it is there, made where that is asked
//! for, and whether it keeps what results are. Looking never makes it (the client's
//! `allow.auto.create.topics` is off), whatever the brokers do for others.
//!
//! On the caller's thread, before the stages start: it may wait, up to `--give-up`.

use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode;

use super::admin::{self, NewTopic};
use super::producer::Producer;
use crate::error::Error;

/// Replicas of a topic that is made, where there are as many brokers.
const REPLICAS: usize = 3;
/// How long brokers are asked at a time: between, it is seen whether they refuse us for good.
const ASK: Duration = Duration::from_millis(500);
/// How long until a topic just made is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(10);
/// How long its settings are asked for: they are good to know, no more.
const ASK_SETTING: Duration = Duration::from_secs(10);

/// What a topic is for, and so what it is made like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The newest word on each window: one partition, compacted.
    Results,
    /// Frames: so many partitions.
    Frames {
        /// How many.
        partitions: i32,
    },
}

/// A topic as the brokers know it.
struct Seen {
    /// None if it is not there.
    partitions: Option<usize>,
    /// Whether each partition has a leader.
    ready: bool,
    brokers: usize,
}

/// Makes sure that the producer's topic is there, and gives the number of its partitions. `create`: it is
/// made for this purpose if it is not.
///
/// # Errors
/// It is not there, or cannot be made; no access; no broker answers.
pub fn ensure(producer: &Producer, create: Option<Purpose>) -> Result<usize, Error> {
    let topic = producer.topic();
    let deadline = Instant::now() + producer.give_up();
    let seen = look(producer, deadline)?;
    if let Some(partitions) = seen.partitions {
        return Ok(partitions);
    }
    let Some(purpose) = create else {
        return Err(Error::Kafka(format!("topic {topic} is not there: --create makes it")));
    };
    make(producer, purpose, seen.brokers)?;
    loop {
        match look(producer, deadline)? {
            Seen { partitions: Some(partitions), ready: true, .. } => return Ok(partitions),
            _ if Instant::now() >= deadline => {
                return Err(Error::Kafka(format!(
                    "topic {topic} was made, but is not ready after {} s (--give-up)",
                    producer.give_up().as_secs()
                )));
            }
            _ => std::thread::sleep(ASK_AGAIN),
        }
    }
}

/// What is to be said of a topic of results that does not keep the newest word on each window, or of
/// which that is not known.
pub fn remark(producer: &Producer) -> Option<String> {
    let topic = producer.topic();
    let key = "cleanup.policy";
    match admin::topic_setting(producer.client(), topic, key, ASK_SETTING) {
        Ok(Some(policy)) if policy == "compact" => None,
        Ok(Some(policy)) => Some(format!(
            "topic {topic} has {key}={policy}: results in it will be deleted by age or size, or never be \
             replaced by newer ones; compact keeps the newest on each window"
        )),
        Ok(None) => Some(format!("topic {topic}: the brokers do not tell its {key}")),
        Err(refused) => Some(format!("topic {topic}: its {key} cannot be told: {}", refused.text)),
    }
}

/// Asks for the topic until an answer comes.
fn look(producer: &Producer, deadline: Instant) -> Result<Seen, Error> {
    let topic = producer.topic();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = producer.client().fetch_metadata(Some(topic), left.min(ASK));
        let metadata = match answer {
            Ok(metadata) => metadata,
            Err(error) => {
                give_up_or_go_on(producer, deadline, &error.to_string())?;
                continue;
            }
        };
        let brokers = metadata.brokers().len();
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let code = found.map(|found| found.error().map(RDKafkaErrorCode::from));
        let absent = Seen { partitions: None, ready: false, brokers };
        return match (found, code.flatten()) {
            (None, _) | (_, Some(RDKafkaErrorCode::UnknownTopicOrPartition)) => Ok(absent),
            (Some(found), None | Some(RDKafkaErrorCode::LeaderNotAvailable)) => Ok(Seen {
                partitions: Some(found.partitions().len()),
                ready: found.partitions().iter().all(|partition| partition.leader() >= 0),
                brokers,
            }),
            (_, Some(RDKafkaErrorCode::TopicAuthorizationFailed)) => Err(denied(topic)),
            (_, Some(code)) => Err(Error::Kafka(format!("topic {topic}: {code}"))),
        };
    }
}

/// Whether to ask again.
fn give_up_or_go_on(producer: &Producer, deadline: Instant, error: &str) -> Result<(), Error> {
    let brokers = producer.brokers();
    match producer.complaint() {
        Some((RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL, why)) => {
            Err(Error::Kafka(format!("{brokers} refuses us: {why}; see -X and -F")))
        }
        complaint if Instant::now() >= deadline => {
            let why = complaint.map_or_else(|| error.to_owned(), |(_, why)| why);
            Err(Error::Kafka(format!(
                "no broker at {brokers} answered within {} s (--give-up): {why}",
                producer.give_up().as_secs()
            )))
        }
        _ => Ok(()),
    }
}

fn denied(topic: &str) -> Error {
    Error::Kafka(format!(
        "topic {topic}: access denied: this user needs the rights to describe it and to write to it"
    ))
}

fn make(producer: &Producer, purpose: Purpose, brokers: usize) -> Result<(), Error> {
    let (partitions, settings) = match purpose {
        Purpose::Results => (1, &[("cleanup.policy", "compact")][..]),
        Purpose::Frames { partitions } => (partitions, &[][..]),
    };
    let name = producer.topic();
    let replicas = i32::try_from(brokers.clamp(1, REPLICAS)).unwrap_or(1);
    let new = NewTopic { name, partitions, replicas, settings };
    match admin::create_topic(producer.client(), new, producer.give_up()) {
        // Somebody else was faster.
        Ok(()) => Ok(()),
        Err(refused) if refused.code == RDKafkaErrorCode::TopicAlreadyExists => Ok(()),
        Err(refused) => Err(Error::Kafka(format!("topic {name} cannot be made: {}", refused.text))),
    }
}
