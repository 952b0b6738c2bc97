//! The topic written to, looked at before anything runs: whether it is there, made where that is asked
//! for, and whether it keeps what results are. Looking never makes it (the clients'
//! `allow.auto.create.topics` is off), whatever the brokers do for others.
//!
//! On the caller's thread, before the stages start: it may wait, up to `--give-up`.

use std::ffi::CStr;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::admin::{self, NewTopic};
use super::errors::{self, kafka, words};
use super::producer::Producer;
use super::topic_handle::TopicState;
use crate::error::Error;

/// Replicas of a topic that is made, where there are as many brokers.
const REPLICAS: usize = 3;
/// How long brokers are waited for at first: in between it is seen whether they refuse us for good. Each
/// time twice as long, so that also one far away has the time to answer.
const STEP_MS: i32 = 100;
/// How long until a topic just made is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(10);
/// How long a topic's settings are waited for: they are good to know, no more.
const SETTING_MS: i32 = 10_000;

/// What a state topic has to be like.
const STATE_SETTINGS: [(&CStr, &CStr); 3] =
    [(c"cleanup.policy", c"delete"), (c"retention.ms", c"-1"), (c"retention.bytes", c"-1")];

/// What a topic is for, and so what it is made like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The newest word on each window: one partition, compacted.
    Results,
    /// Checkpoints: one partition, of which nothing goes by itself.
    State,
    /// Frames: so many partitions.
    Frames {
        /// How many.
        partitions: i32,
    },
}

/// Makes sure that the producer's topic is there, and gives the number of its partitions. `create`: it is
/// made for this purpose if it is not.
///
/// # Errors
/// It is not there, or cannot be made; no access; no broker answers.
pub fn ensure(producer: &mut Producer, create: Option<Purpose>) -> Result<usize, Error> {
    let give_up_s = producer.give_up_s();
    let deadline = Instant::now() + Duration::from_secs(give_up_s.into());
    // The first answer comes on a connection that is only to begin with. A producer asks for its id when
    // one comes on another; without that it would do so half a second later.
    look(producer, deadline)?;
    let seen = look(producer, deadline)?;
    let topic = producer.name();
    if seen.error != Code::UnknownTopicOrPartition {
        return Ok(seen.partitions);
    }
    let Some(purpose) = create else {
        return Err(kafka(format!("topic {topic}: there is none: --create makes it")));
    };
    make(producer, purpose, seen.brokers)?;
    loop {
        let seen = look(producer, deadline)?;
        if seen.is_ready {
            return Ok(seen.partitions);
        }
        if Instant::now() >= deadline {
            let topic = producer.name();
            return Err(kafka(format!(
                "topic {topic} was made, but cannot be used after {give_up_s} s (--give-up)"
            )));
        }
        std::thread::sleep(ASK_AGAIN);
    }
}

/// Whether a state topic keeps what it is to keep.
///
/// # Errors
/// It does not, or that cannot be known.
pub fn check_state(producer: &Producer) -> Result<(), Error> {
    let topic = producer.name();
    for (key, wanted) in STATE_SETTINGS {
        let (key, wanted) = (key.to_string_lossy(), wanted.to_string_lossy());
        let found = admin::topic_setting(&producer.answers(), producer.c_name(), &key, SETTING_MS);
        match found {
            Ok(Some(found)) if found == wanted => {}
            Ok(found) => {
                return Err(kafka(format!(
                    "state topic {topic}: its {key} is {}, and is to be {wanted}: else parts of checkpoints would be lost; change it, or give another --state-topic",
                    found.as_deref().unwrap_or("not told")
                )));
            }
            Err(trouble) => {
                return Err(kafka(format!(
                    "state topic {topic}: its {key} is not known, and is to be {wanted}: {}",
                    words(&trouble)
                )));
            }
        }
    }
    Ok(())
}

/// What is to be said of a topic of results that does not keep the newest word on each window, or of
/// which that is not known.
pub fn remark(producer: &Producer) -> Option<String> {
    let topic = producer.name();
    let key = "cleanup.policy";
    match admin::topic_setting(&producer.answers(), producer.c_name(), key, SETTING_MS) {
        Ok(Some(policy)) if policy == "compact" => None,
        Ok(Some(policy)) => Some(format!(
            "topic {topic} has {key}={policy}: its results go by age or size; with {key}=compact it would keep the newest of each window"
        )),
        Ok(None) => Some(format!("topic {topic}: the brokers do not tell its {key}")),
        Err(trouble) => Some(format!("topic {topic}: its {key} is not known: {}", words(&trouble))),
    }
}

/// Asks for the topic until an answer comes.
fn look(producer: &mut Producer, deadline: Instant) -> Result<TopicState, Error> {
    let mut step_ms = STEP_MS;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left_ms = i32::try_from(left.as_millis()).unwrap_or(i32::MAX);
        let answer = producer.topic().state(step_ms.min(left_ms).max(1));
        step_ms = step_ms.saturating_mul(2);
        let (topic, brokers) = (producer.name().to_owned(), producer.brokers().to_owned());
        match answer {
            Ok(seen) => {
                return match seen.error {
                    Code::NoError | Code::UnknownTopicOrPartition | Code::LeaderNotAvailable => {
                        Ok(seen)
                    }
                    Code::TopicAuthorizationFailed => Err(kafka(format!(
                        "topic {topic}: access denied: the user needs the rights DESCRIBE and WRITE on it"
                    ))),
                    Code::InvalidTopic => {
                        Err(Error::usage(format!("{topic}: that cannot be a topic's name")))
                    }
                    code => Err(kafka(format!("topic {topic}: {code}"))),
                };
            }
            Err(_) => {
                let give_up_s = producer.give_up_s();
                let trouble = producer.trouble();
                let for_good =
                    trouble.and_then(|trouble| errors::for_good(trouble, &topic, &brokers));
                if let Some(error) = for_good {
                    return Err(error);
                }
                if Instant::now() >= deadline {
                    return Err(errors::no_answer(&brokers, give_up_s, trouble));
                }
            }
        }
    }
}

fn make(producer: &Producer, purpose: Purpose, brokers: usize) -> Result<(), Error> {
    let (partitions, settings) = match purpose {
        Purpose::Results => (1, &[(c"cleanup.policy", c"compact")][..]),
        Purpose::State => (1, &STATE_SETTINGS[..]),
        Purpose::Frames { partitions } => (partitions, &[][..]),
    };
    let replicas = i32::try_from(brokers.clamp(1, REPLICAS)).unwrap_or(1);
    let new = NewTopic { name: producer.c_name(), partitions, replicas, settings };
    let timeout_ms = producer.give_up_s().saturating_mul(1000);
    let timeout_ms = i32::try_from(timeout_ms).unwrap_or(i32::MAX).min(3_600_000);
    match admin::create_topic(&producer.answers(), new, timeout_ms) {
        Ok(()) => Ok(()),
        // Somebody else was faster.
        Err(trouble) if trouble.code == Code::TopicAlreadyExists => Ok(()),
        Err(trouble) => {
            Err(kafka(format!("topic {} cannot be made: {}", producer.name(), words(&trouble))))
        }
    }
}
