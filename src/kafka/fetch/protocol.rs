//! The requests that reading a topic needs, and their answers: which versions a broker speaks, who leads which
//! partition, records, and where a leader's epoch ended. One version of each, which all brokers since Kafka 3.1 (2022)
//! speak: the first by which records are asked for by the topic's id, so that none come of another topic made by
//! the same name.

use std::io;
use std::ops::Range;

use super::wire::{In, Out, broken};
use crate::input::messages::Partition;
use crate::kafka::ask::Isolation;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Records.
    Fetch,
    /// Who leads which partition.
    Metadata,
    /// What a broker speaks.
    ApiVersions,
    /// Where a leader's epoch ended.
    OffsetForLeaderEpoch,
}

impl Api {
    const ALL: [Api; 4] = [Api::Fetch, Api::Metadata, Api::ApiVersions, Api::OffsetForLeaderEpoch];

    /// Its key, and the version spoken here.
    pub fn key(self) -> (i16, i16) {
        match self {
            Api::Fetch => (1, 13),
            Api::Metadata => (3, 7),
            Api::ApiVersions => (18, 0),
            Api::OffsetForLeaderEpoch => (23, 3),
        }
    }

    /// Whether its version writes lengths compactly.
    pub fn is_compact(self) -> bool {
        self == Api::Fetch
    }
}

/// A topic's id.
pub type TopicId = [u8; 16];

/// The answer to [`Api::ApiVersions`], whose request is empty: whether it speaks all that is needed.
pub fn speaks_all(answer: &[u8]) -> io::Result<bool> {
    let mut from = In::new(answer);
    if from.i16()? != 0 {
        return Ok(false);
    }
    let mut spoken = 0;
    for _ in 0..from.count()? {
        let (key, least, most) = (from.i16()?, from.i16()?, from.i16()?);
        let wanted = Api::ALL.iter().find(|api| api.key().0 == key);
        spoken += usize::from(wanted.is_some_and(|api| (least..=most).contains(&api.key().1)));
    }
    Ok(spoken == Api::ALL.len())
}

/// A broker's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub id: i32,
    /// Its name, as it is to be reached.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Who leads a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The partition.
    pub partition: Partition,
    /// The broker's number; none while nobody does.
    pub node: Option<i32>,
    /// The number of its reign.
    pub epoch: i32,
}

/// What brokers say of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// All brokers.
    pub nodes: Vec<Node>,
    /// The topic's partitions, as far as they are told.
    pub leaders: Vec<Leader>,
}

/// Asks for [`Metadata`].
pub fn ask_metadata(out: &mut Out, topic: &str) {
    out.count(1);
    out.text(topic);
    // No topic is made by asking for it.
    out.i8(0);
}

/// Its answer.
pub fn metadata(answer: &[u8]) -> io::Result<Metadata> {
    let mut from = In::new(answer);
    let mut found = Metadata::default();
    let _throttle_ms = from.i32()?;
    for _ in 0..from.count()? {
        let id = from.i32()?;
        let host = from.text()?.unwrap_or_default().to_owned();
        let port = u16::try_from(from.i32()?).map_err(|_| broken("a port"))?;
        let _rack = from.text()?;
        found.nodes.push(Node { id, host, port });
    }
    let (_cluster, _controller) = (from.text()?, from.i32()?);
    for _ in 0..from.count()? {
        let (_error, _name, _internal) = (from.i16()?, from.text()?, from.i8()?);
        for _ in 0..from.count()? {
            let _error = from.i16()?;
            let partition = Partition::try_from(from.i32()?).map_err(|_| broken("a partition"))?;
            let (node, epoch) = (from.i32()?, from.i32()?);
            for _replicas_in_sync_or_offline in 0..3 {
                for _ in 0..from.count()? {
                    from.i32()?;
                }
            }
            found.leaders.push(Leader { partition, node: (node >= 0).then_some(node), epoch });
        }
    }
    Ok(found)
}

/// What is wanted of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Which.
    pub partition: Partition,
    /// From which offset on.
    pub offset: u64,
    /// The epoch of its leader, as far as is known.
    pub epoch: i32,
    /// Bytes at most, but for a batch that is larger.
    pub bytes_max: i32,
}

/// How long an answer may wait for records, and how large it may be.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Milliseconds.
    pub wait_ms: i32,
    /// Bytes, but for a batch that is larger.
    pub bytes_max: i32,
    /// What of transactions is told.
    pub isolation: Isolation,
}

/// Asks for records.
pub fn ask_fetch(out: &mut Out, topic: &TopicId, wants: &[Want], bounds: Bounds) {
    // No replica, and no session.
    out.i32(-1);
    out.i32(bounds.wait_ms);
    let bytes_min = 1;
    out.i32(bytes_min);
    out.i32(bounds.bytes_max);
    out.i8(match bounds.isolation {
        Isolation::Uncommitted => 0,
        Isolation::Committed => 1,
    });
    let (session, session_epoch) = (0, -1);
    out.i32(session);
    out.i32(session_epoch);
    out.compact_count(1);
    out.raw(topic);
    out.compact_count(wants.len());
    for want in wants {
        out.i32(want.partition.cast_signed());
        out.i32(want.epoch);
        out.i64(want.offset.cast_signed());
        // What only followers tell.
        let (last_epoch, log_start) = (-1, -1);
        out.i32(last_epoch);
        out.i64(log_start);
        out.i32(want.bytes_max);
        out.no_tags();
    }
    out.no_tags();
    let (forgotten, rack) = (0, 0);
    out.compact_count(forgotten);
    out.compact_count(rack);
    out.no_tags();
}

/// A transaction that was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted {
    /// Whose.
    pub producer: i64,
    /// Its first offset.
    pub first: u64,
}

/// What was fetched of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Which.
    pub partition: Partition,
    /// 0, or what is wrong.
    pub error: i16,
    /// The offset after the last message.
    pub high: u64,
    /// The same after the last one that may be read.
    pub end: u64,
    /// Transactions rolled back among the records.
    pub aborted: Vec<Aborted>,
    /// Where in the answer the records lie.
    pub records: Range<usize>,
}

/// The answer to [`ask_fetch`]: the error if all failed, else what each partition has.
pub fn fetched(answer: &[u8], isolation: Isolation) -> io::Result<Result<Vec<Fetched>, i16>> {
    let mut from = In::new(answer);
    let (_throttle_ms, error, _session) = (from.i32()?, from.i16()?, from.i32()?);
    if error != 0 {
        return Ok(Err(error));
    }
    let mut all = Vec::new();
    for _ in 0..from.compact_count()? {
        from.skip(size_of::<TopicId>())?;
        for _ in 0..from.compact_count()? {
            let partition = Partition::try_from(from.i32()?).map_err(|_| broken("a partition"))?;
            let error = from.i16()?;
            // Below zero: not known.
            let mut offset = || from.i64().map(|at| u64::try_from(at).unwrap_or(0));
            let (high, stable, _first) = (offset()?, offset()?, offset()?);
            let mut aborted = Vec::new();
            for _ in 0..from.compact_count()? {
                let producer = from.i64()?;
                let first = u64::try_from(from.i64()?).map_err(|_| broken("an offset"))?;
                from.tags()?;
                aborted.push(Aborted { producer, first });
            }
            let _preferred_replica = from.i32()?;
            let records = from.compact_bytes()?;
            from.tags()?;
            let end = match isolation {
                Isolation::Committed => stable,
                Isolation::Uncommitted => high,
            };
            all.push(Fetched { partition, error, high, end, aborted, records });
        }
        from.tags()?;
    }
    Ok(Ok(all))
}

/// Asks where this epoch of a partition's leaders ended, of its leader in `leader_epoch`.
pub fn ask_epoch(out: &mut Out, topic: &str, asked: &[(Partition, i32, i32)]) {
    // No replica.
    out.i32(-1);
    out.count(1);
    out.text(topic);
    out.count(asked.len());
    for &(partition, leader_epoch, epoch) in asked {
        out.i32(partition.cast_signed());
        out.i32(leader_epoch);
        out.i32(epoch);
    }
}

/// The error, or the offset after the last record of an epoch or those before; none where it is not known.
pub type EpochEnd = Result<Option<u64>, i16>;

/// Its answer, of each partition.
pub fn epoch_ends(answer: &[u8]) -> io::Result<Vec<(Partition, EpochEnd)>> {
    let mut from = In::new(answer);
    let _throttle_ms = from.i32()?;
    let mut all = Vec::new();
    for _ in 0..from.count()? {
        let _name = from.text()?;
        for _ in 0..from.count()? {
            let error = from.i16()?;
            let partition = Partition::try_from(from.i32()?).map_err(|_| broken("a partition"))?;
            let (_epoch, end) = (from.i32()?, from.i64()?);
            let end = if error == 0 { Ok(u64::try_from(end).ok()) } else { Err(error) };
            all.push((partition, end));
        }
    }
    Ok(all)
}
