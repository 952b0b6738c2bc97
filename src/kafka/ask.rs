//! Questions to the brokers, answered on a queue: what a topic is, and where its partitions begin and
//! end. Nothing here waits.

use std::ffi::CStr;
use std::ptr;
use std::slice;

use rdkafka::bindings as c;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Queue, look_at_error, take_error, text_of};
use super::event::{Event, Trouble};
use crate::input::messages::Partition;

/// What a topic is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSeen {
    /// Its id: another one each time a topic of this name is made.
    pub id: String,
    /// How many partitions it has; they are numbered from 0.
    pub partitions: Partition,
}

/// A place in a partition to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The first offset there is.
    Earliest,
    /// The offset after the last one that may be read at the isolation level asked for.
    Latest,
    /// The first message whose record time is not before this, milliseconds.
    TimeMs(i64),
}

/// What may be read of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Only what is committed.
    Committed,
    /// All.
    Uncommitted,
}

/// What a partition answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetSeen {
    /// Which.
    pub partition: Partition,
    /// The offset; none where no message is as late.
    pub offset: Result<Option<u64>, Trouble>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`describe`].
    Topic(TopicSeen),
    /// To [`offsets`].
    Offsets(Vec<OffsetSeen>),
}

/// The options of a question.
pub(super) struct Options(*mut c::rd_kafka_AdminOptions_t);

impl Options {
    pub(super) fn new(queue: &Queue, timeout_ms: i32) -> Options {
        let any = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ANY;
        // SAFETY: the client is alive.
        let options = unsafe { c::rd_kafka_AdminOptions_new(queue.client().ptr(), any) };
        let (text, size) = (ptr::null_mut(), 0);
        // SAFETY: the options are alive; there is no room for a text, and none is written. It fails
        // for times beyond an hour, and then the default stands.
        unsafe {
            c::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, size);
        }
        Options(options)
    }

    /// For calls of the C interface.
    pub(super) fn ptr(&self) -> *mut c::rd_kafka_AdminOptions_t {
        self.0
    }

    fn isolate(&self, isolation: Isolation) {
        use c::rd_kafka_IsolationLevel_t as Level;
        let level = match isolation {
            Isolation::Committed => Level::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
            Isolation::Uncommitted => Level::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
        };
        // SAFETY: the options are alive.
        let error = unsafe { c::rd_kafka_AdminOptions_set_isolation_level(self.0, level) };
        // SAFETY: it is null or ours; for a known level it is null.
        let _ = unsafe { take_error(error) };
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: they are ours and not used again.
        unsafe { c::rd_kafka_AdminOptions_destroy(self.0) };
    }
}

/// Asks what a topic is; the answer comes on this queue.
pub fn describe(queue: &Queue, topic: &CStr, timeout_ms: i32) {
    let options = Options::new(queue, timeout_ms);
    let mut names = [topic.as_ptr()];
    // SAFETY: the array and the name in it are alive, and are copied.
    let topics =
        unsafe { c::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()) };
    // SAFETY: all four are alive; what it needs of them it copies.
    unsafe { c::rd_kafka_DescribeTopics(queue.client().ptr(), topics, options.0, queue.ptr()) };
    // SAFETY: it is ours and not used again.
    unsafe { c::rd_kafka_TopicCollection_destroy(topics) };
}

/// Asks where partitions begin, end or come to a time; at least one. The answer comes on this queue.
pub fn offsets(
    queue: &Queue,
    topic: &str,
    points: &[(Partition, Point)],
    isolation: Isolation,
    timeout_ms: i32,
) {
    let mut list = TopicPartitionList::with_capacity(points.len());
    for &(partition, point) in points {
        // What it means in this call: -2 the first, -1 the last, else a time.
        let offset = match point {
            Point::Earliest => Offset::Beginning,
            Point::Latest => Offset::End,
            Point::TimeMs(ms) => Offset::Offset(ms),
        };
        // It fails only for numbers below 0.
        let _ = list.add_partition_offset(topic, partition.cast_signed(), offset);
    }
    let options = Options::new(queue, timeout_ms);
    options.isolate(isolation);
    // SAFETY: all four are alive; what it needs of them it copies.
    unsafe { c::rd_kafka_ListOffsets(queue.client().ptr(), list.ptr(), options.0, queue.ptr()) };
}

/// Reads an event as an answer; none if it is something else.
pub fn answer(event: &Event) -> Option<Result<Answer, Trouble>> {
    let kind = event.kind();
    if kind != c::RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT
        && kind != c::RD_KAFKA_EVENT_LISTOFFSETS_RESULT
    {
        return None;
    }
    if let Some(trouble) = event.trouble() {
        return Some(Err(trouble));
    }
    Some(if kind == c::RD_KAFKA_EVENT_LISTOFFSETS_RESULT {
        Ok(Answer::Offsets(offsets_of(event)))
    } else {
        topic_of(event).map(Answer::Topic)
    })
}

fn topic_of(event: &Event) -> Result<TopicSeen, Trouble> {
    // SAFETY: the event is alive, and is such an answer.
    let result = unsafe { c::rd_kafka_event_DescribeTopics_result(event.ptr()) };
    let mut topics = 0;
    // SAFETY: the answer lives as long as its event.
    let seen = unsafe { c::rd_kafka_DescribeTopics_result_topics(result, &raw mut topics) };
    if topics == 0 {
        let text = "the brokers said nothing of the topic".into();
        return Err(Trouble { code: RDKafkaErrorCode::Fail, text });
    }
    // SAFETY: there is at least one.
    let topic = unsafe { *seen };
    // SAFETY: the description lives as long as its event.
    let error = unsafe { c::rd_kafka_TopicDescription_error(topic) };
    // SAFETY: it is null or lives as long.
    if let Some((code, text)) = unsafe { look_at_error(error) } {
        return Err(Trouble { code, text });
    }
    let mut partitions = 0;
    // SAFETY: the description lives as long as its event.
    unsafe { c::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions) };
    // SAFETY: as above.
    let id = unsafe { c::rd_kafka_TopicDescription_topic_id(topic) };
    // SAFETY: as above.
    let id = unsafe { c::rd_kafka_Uuid_base64str(id) };
    // SAFETY: the text lives as long as the event.
    let id = unsafe { text_of(id) };
    let partitions = Partition::try_from(partitions).unwrap_or(Partition::MAX);
    Ok(TopicSeen { id, partitions })
}

fn offsets_of(event: &Event) -> Vec<OffsetSeen> {
    // SAFETY: the event is alive, and is such an answer.
    let result = unsafe { c::rd_kafka_event_ListOffsets_result(event.ptr()) };
    let mut count = 0;
    // SAFETY: the answer lives as long as its event.
    let infos = unsafe { c::rd_kafka_ListOffsets_result_infos(result, &raw mut count) };
    if count == 0 {
        return Vec::new();
    }
    // SAFETY: there are as many, and they live as long as the event.
    let infos = unsafe { slice::from_raw_parts(infos, count) };
    let seen = infos.iter().filter_map(|&info| {
        // SAFETY: it lives as long as the event.
        let place = unsafe { c::rd_kafka_ListOffsetsResultInfo_topic_partition(info) };
        // SAFETY: as above.
        let place = unsafe { place.as_ref() }?;
        let offset = match RDKafkaErrorCode::from(place.err) {
            RDKafkaErrorCode::NoError => told(place.offset),
            code => Err(Trouble { code, text: code.to_string() }),
        };
        Some(OffsetSeen { partition: Partition::try_from(place.partition).ok()?, offset })
    });
    seen.collect()
}

/// An offset as it stands in an answer. What no broker filled in stands there too, without an error: librdkafka asks
/// each leader for its own, and puts together whatever came.
fn told(offset: i64) -> Result<Option<u64>, Trouble> {
    const NONE_SO_LATE: i64 = -1;
    match u64::try_from(offset) {
        Ok(offset) => Ok(Some(offset)),
        Err(_) if offset == NONE_SO_LATE => Ok(None),
        Err(_) => {
            let text = "its leader was asked for an offset, and told none".into();
            Err(Trouble { code: RDKafkaErrorCode::Partial, text })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_broker_told_is_no_offset() {
        assert_eq!(told(0), Ok(Some(0)));
        assert_eq!(told(i64::MAX), Ok(Some(i64::MAX as u64)));
        assert_eq!(told(-1), Ok(None), "none as late as the time asked for");
        for invalid in [-1001, -2, i64::MIN] {
            assert_eq!(told(invalid).unwrap_err().code, RDKafkaErrorCode::Partial);
        }
    }
}
