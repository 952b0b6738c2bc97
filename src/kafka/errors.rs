//! What goes wrong with Kafka, in words: what, where, and what to do. No setting's value is ever
//! among them.

use rdkafka::types::RDKafkaErrorCode as Code;

use super::event::Trouble;
use crate::error::Error;
use crate::input::messages::Partition;

/// An error of Kafka.
pub fn kafka(text: impl Into<String>) -> Error {
    Error::Kafka(text.into())
}

/// The topic is not there.
pub fn no_topic(topic: &str, brokers: &str) -> Error {
    kafka(format!(
        "topic {topic}: there is none on {brokers}, and none was made: check the name, or make it first"
    ))
}

/// The topic was deleted while it was read.
pub fn topic_gone(topic: &str) -> Error {
    kafka(format!("topic {topic}: it was deleted while it was read"))
}

/// The topic is another one than at the start.
pub fn topic_remade(topic: &str) -> Error {
    kafka(format!(
        "topic {topic}: it was deleted and made again while it was read; what was counted of the old one cannot be gone on with: start anew"
    ))
}

/// The topic has fewer partitions than it had.
pub fn fewer_partitions(topic: &str, before: Partition, now: Partition) -> Error {
    kafka(format!(
        "topic {topic}: it has {now} partitions where it had {before}: it was made again while it was read"
    ))
}

/// Nobody answers.
pub fn no_answer(brokers: &str, seconds: u32, last: Option<&Trouble>) -> Error {
    let why = last.map_or(String::new(), |trouble| format!(" ({})", words(trouble)));
    kafka(format!(
        "brokers {brokers}: no answer for {seconds} s{why}: check --brokers, the network, that they run, and whether they want TLS (-X security.protocol); --give-up says how long to try"
    ))
}

/// What a group committed is not told.
pub fn no_offsets(group: &str, seconds: u32, last: &Trouble) -> Error {
    kafka(format!(
        "group {group}: what it committed was not told for {seconds} s ({}): its brokers are away, or a transaction that commits for it may be open; --give-up says how long to wait",
        words(last)
    ))
}

/// A partition does not answer.
pub fn no_answer_of(
    topic: &str,
    partition: Partition,
    next_offset: u64,
    seconds: u32,
    last: Option<&Trouble>,
) -> Error {
    let why = last.map_or(String::new(), |trouble| format!(" ({})", words(trouble)));
    kafka(format!(
        "topic {topic}, partition {partition}, offset {next_offset}: no answer of the brokers for {seconds} s{why}; --give-up says how long to try"
    ))
}

/// A partition's brokers answer, but send nothing of it.
pub fn nothing_comes_of(
    topic: &str,
    partition: Partition,
    next_offset: u64,
    seconds: u32,
) -> Error {
    let what = nothing_comes_text(topic, partition, next_offset);
    kafka(format!(
        "{what} for {seconds} s: start again, as a new client asks anew who leads the partition, and look at the brokers' logs; --give-up says how long to wait"
    ))
}

/// The same, while it is waited for.
pub fn nothing_comes_text(topic: &str, partition: Partition, next_offset: u64) -> String {
    format!(
        "topic {topic}, partition {partition}, offset {next_offset}: its brokers say that more is unread, but nothing has come"
    )
}

/// Messages are gone that were still to be read.
pub fn gap(topic: &str, partition: Partition, from: u64, to: u64) -> Error {
    kafka(format!(
        "topic {topic}, partition {partition}: offsets {from} to {} were deleted before they were read (the first there is: {to}); to go on with what is left: --on-gap skip",
        to.saturating_sub(1)
    ))
}

/// The log ends before what was read.
pub fn cut_back(topic: &str, partition: Partition, next_offset: u64, end: u64) -> Error {
    kafka(format!(
        "topic {topic}, partition {partition}: offset {next_offset} lies beyond its end at {end}: the log was cut back or is another one; results of it cannot be trusted, start anew with --from beginning"
    ))
}

/// The log was cut back, and goes on: the last message read is none of it any more.
pub fn cut_back_below(topic: &str, partition: Partition, next_offset: u64) -> Error {
    kafka(format!(
        "topic {topic}, partition {partition}: its log was cut back below offset {next_offset}, up to which it was read (a leader was elected that lacked messages): results of it cannot be trusted, start anew with --from beginning"
    ))
}

/// A restart point is of a run that counted other windows.
pub fn other_windows(topic: &str, group: &str, windows: &str) -> Error {
    kafka(format!(
        "group {group}: its restart point of topic {topic} is of a run that counted other windows ({windows}): count the same, or give another --group or --from beginning"
    ))
}

/// Something cannot be read, and would be passed over.
pub fn unreadable(topic: &str, partition: Partition, next_offset: u64, text: &str) -> Error {
    kafka(format!("topic {topic}, partition {partition}, offset {next_offset}: {text}"))
}

/// What a topic or the brokers answer that trying again does not change; none if it may.
pub fn for_good(trouble: &Trouble, topic: &str, brokers: &str) -> Option<Error> {
    let text = words(trouble);
    Some(match trouble.code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic => no_topic(topic, brokers),
        Code::TopicAuthorizationFailed => kafka(format!(
            "topic {topic}: access denied: the user needs the rights DESCRIBE and READ on it"
        )),
        Code::InvalidTopic => Error::usage(format!("{topic}: that cannot be a topic's name")),
        Code::ClusterAuthorizationFailed => {
            kafka(format!("brokers {brokers}: access denied to the cluster"))
        }
        Code::Authentication | Code::SaslAuthenticationFailed | Code::UnsupportedSASLMechanism => {
            kafka(format!(
                "brokers {brokers}: authentication failed: {text}: check security.protocol, sasl.mechanism, sasl.username and sasl.password (-X or -F)"
            ))
        }
        Code::SSL => kafka(format!(
            "brokers {brokers}: no TLS connection: {text}: check security.protocol and the settings ssl.… (-X or -F)"
        )),
        Code::UnsupportedFeature | Code::UnsupportedVersion => {
            kafka(format!("brokers {brokers}: too old for this program: {text}"))
        }
        _ => return None,
    })
}

/// What a group's coordinator answers that trying again does not change; none if it may.
pub fn for_good_of_group(trouble: &Trouble, group: &str) -> Option<Error> {
    Some(kafka(match trouble.code {
        Code::GroupAuthorizationFailed => {
            format!("group {group}: access denied: the user needs the right READ on it")
        }
        Code::UnknownMemberId
        | Code::IllegalGeneration
        | Code::RebalanceInProgress
        | Code::FencedInstanceId
        | Code::StaleMemberEpoch => {
            format!("group {group}: other consumers are members of it: give another --group")
        }
        Code::InvalidGroupId => format!("group {group}: that cannot be a group's name"),
        Code::OffsetMetadataTooLarge => format!(
            "group {group}: the brokers keep too little with an offset: set their offset.metadata.max.bytes to 4096"
        ),
        _ => return None,
    }))
}

/// A transaction did not come about, of this id and to these topics; what was last heard of the brokers.
pub fn of_transaction(trouble: &Trouble, id: &str, topics: &str, last: Option<&Trouble>) -> Error {
    let text = match trouble.code {
        Code::Fenced | Code::ProducerFenced => {
            return Error::Fenced(format!(
                "transactional.id {id}: another instance of this run has taken over, or the brokers ended a transaction that this one left open for longer than --give-up; it has put out nothing since: end the other one, or start this one again"
            ));
        }
        Code::TransactionalIdAuthorizationFailed | Code::ClusterAuthorizationFailed => format!(
            "transactional.id {id}: access denied: the user needs the rights DESCRIBE and WRITE on it"
        ),
        Code::TopicAuthorizationFailed => format!(
            "topics {topics}: access denied to one of them: the user needs the rights DESCRIBE and WRITE on each"
        ),
        Code::GroupAuthorizationFailed => format!(
            "transactional.id {id}: access denied to its group: the user needs the right READ on it"
        ),
        Code::MessageSizeTooLarge => format!(
            "topics {topics}: a message is larger than one of them takes (its max.message.bytes)"
        ),
        Code::UnknownTopicOrPartition | Code::UnknownTopic => {
            format!("topics {topics}: one of them is not there any more")
        }
        _ => {
            let last = last.map_or(String::new(), |last| format!("; last heard: {}", words(last)));
            format!(
                "transactional.id {id}: {}{last}; --give-up says how long to try",
                words(trouble)
            )
        }
    };
    kafka(text)
}

/// librdkafka's words, without the figures that change with each try.
pub fn words(trouble: &Trouble) -> String {
    let text = trouble.text.trim();
    let text = text.split(" (after ").next().unwrap_or(text);
    if text.is_empty() { trouble.code.to_string() } else { text.to_owned() }
}
