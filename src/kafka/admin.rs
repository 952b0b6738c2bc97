//! Questions to the brokers about a topic to be written: make it, tell one of its settings, delete its first
//! records. They go over a client's own connections. The first two wait for the answer, on the caller's
//! thread before a run; for the last one somebody has to look again.

use std::ffi::CStr;
use std::slice;

use rdkafka::bindings as c;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};

use super::ask::Options;
use super::client::{Queue, text_of};
use super::event::{Event, Trouble};

/// A topic to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewTopic<'a> {
    /// Its name.
    pub name: &'a CStr,
    /// Its partitions.
    pub partitions: i32,
    /// Its replicas.
    pub replicas: i32,
    /// Settings other than the brokers' own.
    pub settings: &'a [(&'a CStr, &'a CStr)],
}

fn trouble(code: RDKafkaRespErr, text: String) -> Trouble {
    let code = Code::from(code);
    Trouble { code, text: if text.is_empty() { code.to_string() } else { text } }
}

fn odd(text: &str) -> Trouble {
    Trouble { code: Code::Fail, text: text.to_owned() }
}

/// Waits for the answer on the queue.
fn answer(queue: &Queue, timeout_ms: i32) -> Result<Event, Trouble> {
    // The question has the same timeout, so an answer comes, if only that there was none.
    let event = queue.poll(timeout_ms.saturating_add(1000)).ok_or_else(|| odd("no answer"))?;
    event.trouble().map_or(Ok(event), Err)
}

/// Makes a topic. It may take a moment more until all brokers know it.
///
/// # Errors
/// The brokers did not make it.
pub fn create_topic(queue: &Queue, topic: NewTopic<'_>, timeout_ms: i32) -> Result<(), Trouble> {
    let mut text = [0_u8; 512];
    let NewTopic { name, partitions, replicas, settings } = topic;
    // SAFETY: name and text are alive, the text's size is its size.
    let new = unsafe {
        c::rd_kafka_NewTopic_new(
            name.as_ptr(),
            partitions,
            replicas,
            text.as_mut_ptr().cast(),
            text.len(),
        )
    };
    if new.is_null() {
        let why = CStr::from_bytes_until_nul(&text).unwrap_or_default();
        return Err(odd(&why.to_string_lossy()));
    }
    for (key, value) in settings {
        // SAFETY: all three are alive, the texts are copied. It fails only without a key.
        unsafe { c::rd_kafka_NewTopic_set_config(new, key.as_ptr(), value.as_ptr()) };
    }
    let options = Options::new(queue, timeout_ms);
    let mut topics = [new];
    // SAFETY: all are alive; what it needs of them it copies.
    unsafe {
        c::rd_kafka_CreateTopics(
            queue.client().ptr(),
            topics.as_mut_ptr(),
            topics.len(),
            options.ptr(),
            queue.ptr(),
        );
    }
    // SAFETY: it is ours and not used again.
    unsafe { c::rd_kafka_NewTopic_destroy(new) };
    let answer = answer(queue, timeout_ms)?;
    // SAFETY: the event is alive; null if it is another answer.
    let result = unsafe { c::rd_kafka_event_CreateTopics_result(answer.ptr()) };
    if result.is_null() {
        return Err(odd("an answer to another question"));
    }
    let mut count = 0;
    // SAFETY: the answer lives as long as its event.
    let made = unsafe { c::rd_kafka_CreateTopics_result_topics(result, &raw mut count) };
    if count == 0 {
        return Err(odd("the brokers said nothing of the topic"));
    }
    // SAFETY: there is at least one.
    let made = unsafe { *made };
    // SAFETY: it lives as long as its event.
    let code = unsafe { c::rd_kafka_topic_result_error(made) };
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    // SAFETY: as above.
    let text = unsafe { c::rd_kafka_topic_result_error_string(made) };
    // SAFETY: the text lives as long as the event.
    Err(trouble(code, unsafe { text_of(text) }))
}

/// A topic's setting, as it is in force; none if there is no such setting.
///
/// # Errors
/// The brokers do not tell.
pub fn topic_setting(
    queue: &Queue,
    topic: &CStr,
    key: &str,
    timeout_ms: i32,
) -> Result<Option<String>, Trouble> {
    let kind = c::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the name is alive, and is copied.
    let resource = unsafe { c::rd_kafka_ConfigResource_new(kind, topic.as_ptr()) };
    if resource.is_null() {
        return Err(odd("that is no topic's name"));
    }
    let options = Options::new(queue, timeout_ms);
    let mut resources = [resource];
    // SAFETY: all are alive; what it needs of them it copies.
    unsafe {
        c::rd_kafka_DescribeConfigs(
            queue.client().ptr(),
            resources.as_mut_ptr(),
            resources.len(),
            options.ptr(),
            queue.ptr(),
        );
    }
    // SAFETY: it is ours and not used again.
    unsafe { c::rd_kafka_ConfigResource_destroy(resource) };
    let answer = answer(queue, timeout_ms)?;
    // SAFETY: the event is alive; null if it is another answer.
    let result = unsafe { c::rd_kafka_event_DescribeConfigs_result(answer.ptr()) };
    if result.is_null() {
        return Err(odd("an answer to another question"));
    }
    let mut count = 0;
    // SAFETY: the answer lives as long as its event.
    let described = unsafe { c::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count) };
    if count == 0 {
        return Err(odd("the brokers said nothing of the topic"));
    }
    // SAFETY: there is at least one.
    let described = unsafe { *described };
    // SAFETY: it lives as long as its event.
    let code = unsafe { c::rd_kafka_ConfigResource_error(described) };
    if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        // SAFETY: as above.
        let text = unsafe { c::rd_kafka_ConfigResource_error_string(described) };
        // SAFETY: the text lives as long as the event.
        return Err(trouble(code, unsafe { text_of(text) }));
    }
    // SAFETY: as above.
    let settings = unsafe { c::rd_kafka_ConfigResource_configs(described, &raw mut count) };
    if count == 0 {
        return Ok(None);
    }
    // SAFETY: there are as many, and they live as long as the event.
    for &setting in unsafe { slice::from_raw_parts(settings, count) } {
        // SAFETY: it lives as long as the event.
        let name = unsafe { c::rd_kafka_ConfigEntry_name(setting) };
        // SAFETY: so does the text.
        if unsafe { text_of(name) } == key {
            // SAFETY: as above.
            let value = unsafe { c::rd_kafka_ConfigEntry_value(setting) };
            // SAFETY: as above.
            return Ok(Some(unsafe { text_of(value) }));
        }
    }
    Ok(None)
}

/// Asks for the records before this offset to be deleted; the answer comes on the queue.
pub fn delete_records(queue: &Queue, topic: &str, partition: i32, before: u64, timeout_ms: i32) {
    let mut list = TopicPartitionList::new();
    // It fails only for numbers below 0.
    let _ = list.add_partition_offset(topic, partition, Offset::Offset(before.cast_signed()));
    // SAFETY: the list is alive, and is copied.
    let delete = unsafe { c::rd_kafka_DeleteRecords_new(list.ptr()) };
    let options = Options::new(queue, timeout_ms);
    let mut all = [delete];
    // SAFETY: all are alive; what it needs of them it copies.
    unsafe {
        c::rd_kafka_DeleteRecords(
            queue.client().ptr(),
            all.as_mut_ptr(),
            all.len(),
            options.ptr(),
            queue.ptr(),
        );
    }
    // SAFETY: it is ours and not used again.
    unsafe { c::rd_kafka_DeleteRecords_destroy(delete) };
}

/// What went wrong with deleting records of a partition, by the answer.
pub fn records_deleted(event: &Event) -> Option<Trouble> {
    // SAFETY: the event is alive; null if it is another answer.
    let result = unsafe { c::rd_kafka_event_DeleteRecords_result(event.ptr()) };
    if result.is_null() {
        return None;
    }
    // SAFETY: the answer lives as long as its event.
    let list = unsafe { c::rd_kafka_DeleteRecords_result_offsets(result) };
    // SAFETY: it is null or lives as long.
    let list = unsafe { list.as_ref() }?;
    let count = usize::try_from(list.cnt).unwrap_or(0);
    if count == 0 {
        return None;
    }
    // SAFETY: the list has as many elements.
    let places = unsafe { slice::from_raw_parts(list.elems, count) };
    let failed =
        places.iter().find(|place| place.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)?;
    Some(trouble(failed.err, String::new()))
}
