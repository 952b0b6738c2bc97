//! Whether we fetch ourselves: where brokers are reached in the clear and nothing was set of how librdkafka
//! fetches; else it does.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::lanes::{Fixed, Lanes};
use super::protocol::{Bounds, Node, TopicId};
use super::scout;
use crate::cli::kafka::{Fetch, TopicArgs, Until};
use crate::input::messages::Partition;
use crate::kafka::ask::Isolation;
use crate::kafka::client::Wakers;
use crate::kafka::consumer::Share;
use crate::kafka::settings::Settings;

/// What may be set without a say in how is fetched.
const OF_NO_CONCERN: [&str; 3] = ["client.id", "isolation.level", "security.protocol"];
/// What brokers call us unless it was said.
const CLIENT: &str = "headcount";
/// Where brokers are that are named without a port.
const PORT: u16 = 9092;
/// The number of a broker whose number is not known.
const NOBODY: i32 = -1;

/// How the partitions of a topic (name and id) are fetched; none: by librdkafka.
pub fn fixed(
    settings: &Settings,
    args: &TopicArgs,
    topic: (&str, &str),
    partitions: Partition,
    isolation: Isolation,
) -> Option<Fixed> {
    let is_clear = settings
        .given("security.protocol")
        .is_none_or(|protocol| protocol.eq_ignore_ascii_case("plaintext"));
    let is_plain = settings.keys().all(|key| OF_NO_CONCERN.contains(&key));
    // By record times a partition is left at a message, which has to be looked at.
    if args.fetch == Fetch::Librdkafka
        || !is_clear
        || !is_plain
        || matches!(args.until, Some(Until::TimeMs(_)))
    {
        return None;
    }
    let share = Share::of(args.queue_memory, partitions);
    let bytes = |bytes: u64| i32::try_from(bytes).unwrap_or(i32::MAX);
    Some(Fixed {
        topic: topic.0.to_owned(),
        topic_id: topic_id(topic.1)?,
        client: settings.given("client.id").unwrap_or(CLIENT).to_owned(),
        brokers: settings.brokers().split(',').map(node).collect::<Option<_>>()?,
        bounds: Bounds {
            wait_ms: if args.until == Some(Until::End) { 50 } else { 250 },
            bytes_max: bytes(share.fetch),
            isolation,
        },
        partition_bytes: bytes(share.partition_fetch),
        queue_bytes: usize::try_from(share.queue).unwrap_or(usize::MAX),
    })
}

/// A topic's id from the text librdkafka makes of it, in the usual alphabet (Kafka's own tools have another); none where
/// topics have none, as in clusters that came from before Kafka 2.8 and were told to stay so.
fn topic_id(text: &str) -> Option<TopicId> {
    const NONE: TopicId = [0; 16];
    let id = STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()?;
    (id != NONE).then_some(id)
}

/// A broker as it is named by people; none if that cannot be told.
fn node(name: &str) -> Option<Node> {
    let name = name.trim();
    let name = name.split_once("://").map_or(name, |(_, name)| name);
    let (host, port) = match name.rsplit_once(':') {
        // The colons of an address of IPv6 are none before a port.
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => (name, PORT),
        Some((host, port)) => (host, port.parse().ok()?),
        None => (name, PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| Node { id: NOBODY, host: host.to_owned(), port })
}

/// Begins to fetch; none where brokers are too old, or none of them answers.
pub fn start(fixed: Fixed, wakers: Arc<Wakers>) -> Option<Lanes> {
    let mut brokers = fixed.brokers.iter();
    let metadata = brokers.find_map(|node| scout::ask(node, &fixed).ok())??;
    let lanes = Lanes::new(fixed, wakers);
    let scouting = lanes.clone();
    let thread = std::thread::Builder::new().name("fetch".into());
    thread.spawn(move || scout::run(&scouting)).ok()?;
    if !scout::heed(&lanes, metadata) {
        lanes.scout_again();
    }
    Some(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_topics_are_read_in_librdkafkas_alphabet() {
        assert_eq!(
            topic_id("+/+/+/+/+/+/+/+/+/+/+w"),
            Some([0xfb, 0xff, 0xbf].repeat(6)[..16].try_into().unwrap())
        );
        assert_eq!(topic_id("AAAAAAAAAAAAAAAAAAAAAA"), None);
        assert_eq!(topic_id("-_-_-_-_-_-_-_-_-_-_-w"), None);
        assert_eq!(topic_id("AAAA"), None);
    }

    #[test]
    fn brokers_are_taken_as_people_name_them() {
        let told = |name| node(name).map(|node| (node.host, node.port));
        let known = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(told("kafka"), known("kafka", 9092));
        assert_eq!(told(" PLAINTEXT://kafka-1:19092"), known("kafka-1", 19092));
        assert_eq!(told("[::1]:9093"), known("::1", 9093));
        assert_eq!(told("fe80::1"), known("fe80::1", 9092));
        assert_eq!(told("kafka:port"), None);
        assert_eq!(told(""), None);
    }
}
