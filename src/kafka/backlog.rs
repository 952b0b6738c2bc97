//! What a topic tells whoever watches: of each partition how much is read and unread. Nobody is asked for
//! it: ends are those of the last fetches, and those that brokers said when they were asked for silence's
//! sake. A partition that waits for others is not fetched, so its end may be some seconds old.

use std::ffi::CString;
use std::sync::{Arc, Weak};

use super::client::Client;
use super::table::{Row, Seen, Table};
use crate::stats::{Backlog, PartitionBacklog};

/// A topic's backlog. Does not hold the client.
pub struct TopicBacklog {
    client: Weak<Client>,
    topic: CString,
    table: Table,
}

impl TopicBacklog {
    /// Of a topic that this client reads, with its places.
    pub fn new(client: &Arc<Client>, topic: CString, table: Table) -> TopicBacklog {
        TopicBacklog { client: Arc::downgrade(client), topic, table }
    }
}

impl Backlog for TopicBacklog {
    fn partitions(&self) -> Vec<PartitionBacklog> {
        let client = self.client.upgrade();
        let one = |(row, seen): (Row, Seen)| {
            let fetched = client
                .as_ref()
                .and_then(|client| client.end_seen(&self.topic, row.partition.cast_signed()));
            let end = row.until.or(fetched.max(seen.end));
            PartitionBacklog {
                partition: row.partition,
                done: row.next.saturating_sub(row.entered),
                unread: end.map(|end| end.saturating_sub(row.next)),
                is_held: seen.is_held,
            }
        };
        let mut all: Vec<PartitionBacklog> = self.table.all_seen().into_iter().map(one).collect();
        all.sort_unstable_by_key(|one| one.partition);
        all
    }
}
