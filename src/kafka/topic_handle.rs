//! A topic as a producer knows it: what is sent goes to it, and what the brokers say of it is asked by it.

use std::ffi::{CStr, CString, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use rdkafka::bindings as c;
use rdkafka::bindings::rd_kafka_vtype_t as VTYPE;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::client::{Client, c_name};
use crate::error::Error;

/// A topic of a producer.
pub struct TopicHandle {
    topic: NonNull<c::rd_kafka_topic_t>,
    name: CString,
    client: Arc<Client>,
}

// SAFETY: librdkafka's handles may be used from any thread.
unsafe impl Send for TopicHandle {}

/// What the brokers say of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// Brokers of the cluster.
    pub brokers: usize,
    /// Partitions.
    pub partitions: usize,
    /// Whether each of them has a leader.
    pub is_ready: bool,
    /// What is wrong with it.
    pub error: Code,
}

impl TopicHandle {
    /// The topic of this name, there or not.
    ///
    /// # Errors
    /// No topic has such a name.
    pub fn new(client: &Arc<Client>, name: &str) -> Result<TopicHandle, Error> {
        let c_name = c_name(name)?;
        // SAFETY: client and name are alive; without settings of its own it has the client's.
        let topic =
            unsafe { c::rd_kafka_topic_new(client.ptr(), c_name.as_ptr(), ptr::null_mut()) };
        let topic = NonNull::new(topic)
            .ok_or_else(|| Error::usage(format!("{name}: that cannot be a topic's name")))?;
        Ok(TopicHandle { topic, name: c_name, client: Arc::clone(client) })
    }

    /// To be compared with that of a delivery.
    pub(super) fn ptr(&self) -> *const c::rd_kafka_topic_t {
        self.topic.as_ptr()
    }

    /// Its name.
    pub fn name(&self) -> &CStr {
        &self.name
    }

    /// Copies a message into the client's queue: for this partition, or without one for that of the key.
    /// `number` comes back with the word on its delivery.
    ///
    /// # Errors
    /// It was not taken.
    pub fn send(
        &self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: &[u8],
        number: usize,
    ) -> Result<(), Code> {
        let (key, key_bytes) = key.map_or((ptr::null(), 0), |key| (key.as_ptr(), key.len()));
        // SAFETY: topic, key and value are alive, and copied; the number is never looked behind.
        let refused = unsafe {
            c::rd_kafka_produce(
                self.topic.as_ptr(),
                partition.unwrap_or(-1),
                c::RD_KAFKA_MSG_F_COPY,
                value.as_ptr().cast_mut().cast(),
                value.len(),
                key.cast(),
                key_bytes,
                ptr::without_provenance_mut::<c_void>(number),
            )
        };
        if refused == 0 {
            return Ok(());
        }
        // SAFETY: it is the word on this thread's last call.
        Err(unsafe { c::rd_kafka_last_error() }.into())
    }

    /// The same for any partition, without a key, and with headers: names and values.
    ///
    /// # Errors
    /// It was not taken.
    pub fn send_with_headers(
        &self,
        headers: &[(&CStr, &[u8])],
        value: &[u8],
        number: usize,
    ) -> Result<(), Code> {
        // SAFETY: it has no arguments to be wrong.
        let list = unsafe { c::rd_kafka_headers_new(headers.len()) };
        for (name, of) in headers {
            // SAFETY: list, name and value are alive, and copied; -1: the name ends by its zero byte.
            let refused = unsafe {
                c::rd_kafka_header_add(
                    list,
                    name.as_ptr(),
                    -1,
                    of.as_ptr().cast(),
                    isize::try_from(of.len()).unwrap_or(isize::MAX),
                )
            };
            debug_assert_eq!(refused, RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR);
        }
        // SAFETY: topic and value are alive, and copied; the number is never looked behind. Each tag is
        // followed by arguments of its types, and the last is the end.
        let code = unsafe {
            c::rd_kafka_producev(
                self.client.ptr(),
                VTYPE::RD_KAFKA_VTYPE_RKT,
                self.topic.as_ptr(),
                VTYPE::RD_KAFKA_VTYPE_MSGFLAGS,
                c::RD_KAFKA_MSG_F_COPY,
                VTYPE::RD_KAFKA_VTYPE_VALUE,
                value.as_ptr().cast::<c_void>(),
                value.len(),
                VTYPE::RD_KAFKA_VTYPE_HEADERS,
                list,
                VTYPE::RD_KAFKA_VTYPE_OPAQUE,
                ptr::without_provenance_mut::<c_void>(number),
                VTYPE::RD_KAFKA_VTYPE_END,
            )
        };
        if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        // SAFETY: a list of a message that was not taken is ours still.
        unsafe { c::rd_kafka_headers_destroy(list) };
        Err(code.into())
    }

    /// Asks the brokers, and waits for the answer.
    ///
    /// # Errors
    /// There was none in time.
    pub fn state(&self, timeout_ms: i32) -> Result<TopicState, Code> {
        let mut found = ptr::null();
        // SAFETY: client and topic are alive; the answer is ours.
        let code = unsafe {
            c::rd_kafka_metadata(
                self.client.ptr(),
                0,
                self.topic.as_ptr(),
                &raw mut found,
                timeout_ms,
            )
        };
        // SAFETY: it is null, or there until it is destroyed below.
        let Some(metadata) = (unsafe { found.as_ref() }) else { return Err(code.into()) };
        let brokers = usize::try_from(metadata.broker_cnt).unwrap_or(0);
        let topics = usize::try_from(metadata.topic_cnt).unwrap_or(0);
        // SAFETY: there are as many, and they live as long.
        let topics = unsafe { part(metadata.topics, topics) };
        let absent = Code::UnknownTopicOrPartition;
        let state = match topics.first() {
            None => TopicState { brokers, partitions: 0, is_ready: false, error: absent },
            Some(topic) => {
                let partitions = usize::try_from(topic.partition_cnt).unwrap_or(0);
                // SAFETY: as above.
                let leaders = unsafe { part(topic.partitions, partitions) };
                let is_ready = partitions > 0 && leaders.iter().all(|one| one.leader >= 0);
                TopicState { brokers, partitions, is_ready, error: topic.err.into() }
            }
        };
        // SAFETY: it is ours and not used again.
        unsafe { c::rd_kafka_metadata_destroy(found) };
        Ok(state)
    }

    /// Forgets all messages that are not delivered.
    pub fn purge(&self) {
        let all = c::RD_KAFKA_PURGE_F_QUEUE | c::RD_KAFKA_PURGE_F_INFLIGHT;
        // SAFETY: the client is alive, and a producer.
        unsafe { c::rd_kafka_purge(self.client.ptr(), all) };
    }

    /// The error after which the client does nothing any more, if there was one.
    pub fn fatal(&self) -> Option<String> {
        let mut text = [0_u8; 512];
        // SAFETY: client and text are alive, the text's size is its size.
        let code = unsafe {
            c::rd_kafka_fatal_error(self.client.ptr(), text.as_mut_ptr().cast(), text.len())
        };
        if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        let text = CStr::from_bytes_until_nul(&text).unwrap_or_default();
        Some(text.to_string_lossy().into_owned())
    }
}

/// A list of librdkafka's, which is null where it is empty.
///
/// # Safety
/// There are as many elements, and they live as long as is said.
unsafe fn part<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: there are as many.
    unsafe { slice::from_raw_parts(first, count) }
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: it is ours and not used again; its client is there still.
        unsafe { c::rd_kafka_topic_destroy(self.topic.as_ptr()) };
    }
}
