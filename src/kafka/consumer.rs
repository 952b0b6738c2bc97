//! The settings of the client that reads: what exactness rests on, and the sizes that share
//! `--queue-memory` out over the partitions.

use rdkafka::config::ClientConfig;

use super::ask::Isolation;
use super::settings::{Fixed, Settings};
use crate::cli::kafka::{TopicArgs, Until};
use crate::error::Error;
use crate::input::messages::Partition;

/// What must be as it is.
const FIXED: [Fixed; 4] = [
    Fixed {
        key: "enable.auto.commit",
        value: "false",
        why: "only what is put out for good is committed, with --group",
    },
    Fixed {
        key: "enable.auto.offset.store",
        value: "false",
        why: "only what is put out for good is committed, with --group",
    },
    Fixed {
        key: "auto.offset.reset",
        value: "error",
        why: "use --from and --on-gap: it would pass over messages without a word",
    },
    Fixed { key: "enable.partition.eof", value: "true", why: "a partition's end is told by it" },
];
/// The user's choice by another flag.
const NOT_HERE: [(&str, &str); 2] =
    [("group.id", "use --group"), ("group.instance.id", "no group is joined")];

/// The group the client has where none is asked for: librdkafka wants one, and nothing is kept with it.
const NO_GROUP: &str = "headcount";

const MIB: u64 = 1024 * 1024;
/// Bytes fetched at a time at most. What was fetched is then still in the second-level cache when it is
/// taken apart and scanned: 16 MiB took a third more CPU time and were no faster on one machine.
const FETCH_MAX: u64 = 4 * MIB;
/// What librdkafka needs beside a message, about, bytes.
const MESSAGE_BYTES: u64 = 512;

/// The settings of the client that reads so many partitions.
///
/// # Errors
/// A setting given cannot be.
pub fn config(
    settings: &Settings,
    args: &TopicArgs,
    partitions: Partition,
    group: Option<&str>,
) -> Result<ClientConfig, Error> {
    for (key, instead) in NOT_HERE {
        if settings.given(key).is_some() {
            return Err(Error::usage(format!("-X: {key} cannot be set: {instead}")));
        }
    }
    let share = Share::of(args.queue_memory, partitions);
    // A partition's end is told with an answer that had nothing; in a bounded run that is waited for.
    let wait_ms = if args.until == Some(Until::End) { 50 } else { 250 };
    let fetch_max: u64 =
        settings.given("fetch.max.bytes").and_then(|text| text.parse().ok()).unwrap_or(share.fetch);
    let defaults = [
        ("group.id", group.unwrap_or(NO_GROUP).to_owned()),
        ("isolation.level", "read_committed".into()),
        ("queued.max.messages.kbytes", (share.queue / 1024).to_string()),
        ("queued.min.messages", share.messages.to_string()),
        ("fetch.message.max.bytes", share.partition_fetch.to_string()),
        ("fetch.max.bytes", share.fetch.to_string()),
        // A batch larger than asked for comes all the same.
        ("receive.message.max.bytes", (fetch_max + 128 * MIB).min(i32::MAX as u64).to_string()),
        ("fetch.wait.max.ms", wait_ms.to_string()),
        ("fetch.queue.backoff.ms", "5".into()),
        ("fetch.error.backoff.ms", "100".into()),
        ("reconnect.backoff.max.ms", "1000".into()),
    ];
    settings.client(&defaults, &FIXED)
}

/// What of transactions is read.
pub fn isolation(settings: &Settings) -> Isolation {
    match settings.given("isolation.level") {
        Some("read_uncommitted") => Isolation::Uncommitted,
        _ => Isolation::Committed,
    }
}

/// The shares of the budget, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Queued of a partition before no more is fetched.
    pub queue: u64,
    /// Messages of a partition the same.
    pub messages: u64,
    /// Fetched of a partition at a time.
    pub partition_fetch: u64,
    /// Fetched of a broker at a time.
    pub fetch: u64,
}

impl Share {
    /// Up to a quarter is for what is being fetched, by which a queue can grow beyond its bound.
    pub fn of(budget: u64, partitions: Partition) -> Share {
        let own = budget / u64::from(partitions.max(1));
        let partition_fetch = (own / 4).clamp(MIB / 16, FETCH_MAX);
        let queue = own.saturating_sub(partition_fetch).clamp(MIB / 16, 2047 * MIB);
        let fetch = (budget / 4).clamp(MIB, FETCH_MAX).max(partition_fetch);
        Share { queue, messages: (own / MESSAGE_BYTES).clamp(100, 100_000), partition_fetch, fetch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_to_the_budget() {
        for mib in [16, 64, 256, 4096] {
            for partitions in [1, 4, 12, 64] {
                let budget = mib * MIB;
                let share = Share::of(budget, partitions);
                let all = u64::from(partitions) * (share.queue + share.partition_fetch);
                assert!(all <= budget || partitions == 64 && mib == 16, "{mib} {partitions}");
                assert!(share.partition_fetch <= share.fetch);
            }
        }
        let one = Share::of(64 * MIB, 1);
        let expected =
            Share { queue: 60 * MIB, messages: 100_000, partition_fetch: 4 * MIB, fetch: 4 * MIB };
        assert_eq!(one, expected);
    }
}
