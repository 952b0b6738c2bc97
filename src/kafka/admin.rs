//! Two questions to the brokers that go over a client's own connections: make a topic, and tell a
//! topic's setting. rdkafka's `AdminClient` would be a second client with a thread that is told to end
//! only every 100 ms, and would need an executor.
//!
//! Unsafe code: each call is of librdkafka's C interface, on objects that [`Owned`] ends once.

use std::ffi::{CStr, CString, c_char};
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::bindings as c;
use rdkafka::client::Client;
use rdkafka::types::RDKafkaErrorCode;

/// Why the brokers did not do it.
#[derive(Debug)]
pub(super) struct Refused {
    /// The code.
    pub(super) code: RDKafkaErrorCode,
    /// In words.
    pub(super) text: String,
}

/// A topic to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewTopic<'a> {
    pub(super) name: &'a str,
    pub(super) partitions: i32,
    pub(super) replicas: i32,
    pub(super) settings: &'a [(&'a str, &'a str)],
}

/// Bytes of an error's text.
const TEXT_BYTES: usize = 512;

/// An object of librdkafka's that is ours to end, and the function for that.
struct Owned<T> {
    object: NonNull<T>,
    end: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// None for null.
    ///
    /// # Safety
    /// `object` is null, or nobody else ends it and `end` is how it is ended.
    unsafe fn new(object: *mut T, end: unsafe extern "C" fn(*mut T)) -> Option<Owned<T>> {
        NonNull::new(object).map(|object| Owned { object, end })
    }

    fn ptr(&self) -> *mut T {
        self.object.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: by `new` the object is there, is ours, and this is how it is ended.
        unsafe { (self.end)(self.ptr()) }
    }
}

const OK: c::rd_kafka_resp_err_t = c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// A copy of a text; none for null.
///
/// # Safety
/// `text` is null, or there and ends in a zero byte, as all texts of librdkafka's do.
unsafe fn copy(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: it is there, and ends in a zero byte.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

fn refused(code: c::rd_kafka_resp_err_t, text: Option<String>) -> Refused {
    let code = RDKafkaErrorCode::from(code);
    Refused { code, text: text.unwrap_or_else(|| code.to_string()) }
}

fn invalid(text: &str) -> Refused {
    Refused { code: RDKafkaErrorCode::InvalidArgument, text: text.to_owned() }
}

fn c_string(text: &str) -> Result<CString, Refused> {
    CString::new(text).map_err(|_| invalid("it holds a zero byte"))
}

/// A question under way: what it may take, and where its answer comes.
struct Question {
    options: Owned<c::rd_kafka_AdminOptions_t>,
    answers: Owned<c::rd_kafka_queue_t>,
    timeout_ms: i32,
}

impl Question {
    fn new<C: ClientContext>(
        client: &Client<C>,
        kind: c::rd_kafka_admin_op_t,
        timeout: Duration,
    ) -> Result<Question, Refused> {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX).max(1);
        // SAFETY: the client is there while it is borrowed, and both objects are ended before it.
        let options = unsafe { c::rd_kafka_AdminOptions_new(client.native_ptr(), kind) };
        // SAFETY: as above.
        let answers = unsafe { c::rd_kafka_queue_new(client.native_ptr()) };
        // SAFETY: made here, so ours to end.
        let options = unsafe { Owned::new(options, c::rd_kafka_AdminOptions_destroy) };
        // SAFETY: as above.
        let answers = unsafe { Owned::new(answers, c::rd_kafka_queue_destroy) };
        let (Some(options), Some(answers)) = (options, answers) else {
            return Err(invalid("the client cannot ask"));
        };
        let mut text = [0; TEXT_BYTES];
        // SAFETY: the options are there, and the buffer is as long as is said.
        let code = unsafe {
            c::rd_kafka_AdminOptions_set_request_timeout(
                options.ptr(),
                timeout_ms,
                text.as_mut_ptr(),
                text.len(),
            )
        };
        if code != OK {
            // SAFETY: the call left a text in the buffer, or the zeros that it held.
            return Err(refused(code, unsafe { copy(text.as_ptr()) }));
        }
        Ok(Question { options, answers, timeout_ms })
    }

    /// The answer, once it is there.
    fn answer(&self) -> Result<Owned<c::rd_kafka_event_t>, Refused> {
        // The request has the same timeout, so an answer comes; a little later than it, if it timed out.
        let wait_ms = self.timeout_ms.saturating_add(1000);
        // SAFETY: the queue is there; the event it gives is ours.
        let event = unsafe { c::rd_kafka_queue_poll(self.answers.ptr(), wait_ms) };
        // SAFETY: as above.
        let event = unsafe { Owned::new(event, c::rd_kafka_event_destroy) }.ok_or(Refused {
            code: RDKafkaErrorCode::OperationTimedOut,
            text: "no answer".to_owned(),
        })?;
        // SAFETY: the event is there.
        let code = unsafe { c::rd_kafka_event_error(event.ptr()) };
        if code == OK {
            return Ok(event);
        }
        // SAFETY: the event is there.
        let text = unsafe { c::rd_kafka_event_error_string(event.ptr()) };
        // SAFETY: it lives as long as the event.
        Err(refused(code, unsafe { copy(text) }))
    }
}

/// Makes a topic. It may take a moment more until all brokers know it.
pub(super) fn create_topic<C: ClientContext>(
    client: &Client<C>,
    topic: NewTopic<'_>,
    timeout: Duration,
) -> Result<(), Refused> {
    let kind = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATETOPICS;
    let question = Question::new(client, kind, timeout)?;
    let name = c_string(topic.name)?;
    let mut text = [0; TEXT_BYTES];
    // SAFETY: the name ends in a zero byte, the buffer is as long as is said.
    let new = unsafe {
        c::rd_kafka_NewTopic_new(
            name.as_ptr(),
            topic.partitions,
            topic.replicas,
            text.as_mut_ptr(),
            text.len(),
        )
    };
    // SAFETY: made here, so ours to end.
    let new = unsafe { Owned::new(new, c::rd_kafka_NewTopic_destroy) };
    let Some(new) = new else {
        // SAFETY: the call left a text in the buffer, or the zeros that it held.
        return Err(invalid(&unsafe { copy(text.as_ptr()) }.unwrap_or_default()));
    };
    for (key, value) in topic.settings {
        let (key, value) = (c_string(key)?, c_string(value)?);
        // SAFETY: the topic is there, both texts end in a zero byte, and they are copied.
        let code =
            unsafe { c::rd_kafka_NewTopic_set_config(new.ptr(), key.as_ptr(), value.as_ptr()) };
        if code != OK {
            return Err(refused(code, None));
        }
    }
    let mut topics = [new.ptr()];
    // SAFETY: one topic, copied by the call; client, options and queue are there.
    unsafe {
        c::rd_kafka_CreateTopics(
            client.native_ptr(),
            topics.as_mut_ptr(),
            topics.len(),
            question.options.ptr(),
            question.answers.ptr(),
        );
    }
    let answer = question.answer()?;
    // SAFETY: the event is there; null where it is no answer to this question.
    let result = unsafe { c::rd_kafka_event_CreateTopics_result(answer.ptr()) };
    if result.is_null() {
        return Err(invalid("an answer to another question"));
    }
    let mut count = 0;
    // SAFETY: the result is there, and lives as long as the event.
    let made = unsafe { c::rd_kafka_CreateTopics_result_topics(result, &mut count) };
    if count == 0 {
        return Err(invalid("an empty answer"));
    }
    // SAFETY: there is at least one.
    let made = unsafe { *made };
    // SAFETY: it lives as long as the event.
    let code = unsafe { c::rd_kafka_topic_result_error(made) };
    if code == OK {
        return Ok(());
    }
    // SAFETY: as above.
    let text = unsafe { c::rd_kafka_topic_result_error_string(made) };
    // SAFETY: as above.
    Err(refused(code, unsafe { copy(text) }))
}

/// A topic's setting, as it is in force; none if there is no such setting.
pub(super) fn topic_setting<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    key: &str,
    timeout: Duration,
) -> Result<Option<String>, Refused> {
    let kind = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS;
    let question = Question::new(client, kind, timeout)?;
    let name = c_string(topic)?;
    let of_topic = c::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the name ends in a zero byte.
    let resource = unsafe { c::rd_kafka_ConfigResource_new(of_topic, name.as_ptr()) };
    // SAFETY: made here, so ours to end.
    let resource = unsafe { Owned::new(resource, c::rd_kafka_ConfigResource_destroy) }
        .ok_or_else(|| invalid("no topic's name"))?;
    let mut resources = [resource.ptr()];
    // SAFETY: one resource, copied by the call; client, options and queue are there.
    unsafe {
        c::rd_kafka_DescribeConfigs(
            client.native_ptr(),
            resources.as_mut_ptr(),
            resources.len(),
            question.options.ptr(),
            question.answers.ptr(),
        );
    }
    let answer = question.answer()?;
    // SAFETY: the event is there; null where it is no answer to this question.
    let result = unsafe { c::rd_kafka_event_DescribeConfigs_result(answer.ptr()) };
    if result.is_null() {
        return Err(invalid("an answer to another question"));
    }
    let mut count = 0;
    // SAFETY: the result is there, and lives as long as the event.
    let described = unsafe { c::rd_kafka_DescribeConfigs_result_resources(result, &mut count) };
    if count == 0 {
        return Err(invalid("an empty answer"));
    }
    // SAFETY: there is at least one.
    let described = unsafe { *described };
    // SAFETY: it lives as long as the event.
    let code = unsafe { c::rd_kafka_ConfigResource_error(described) };
    if code != OK {
        // SAFETY: as above.
        let text = unsafe { c::rd_kafka_ConfigResource_error_string(described) };
        // SAFETY: as above.
        return Err(refused(code, unsafe { copy(text) }));
    }
    // SAFETY: as above.
    let settings = unsafe { c::rd_kafka_ConfigResource_configs(described, &mut count) };
    for at in 0..count {
        // SAFETY: there are `count` of them.
        let setting = unsafe { *settings.add(at) };
        // SAFETY: it lives as long as the event.
        let name = unsafe { c::rd_kafka_ConfigEntry_name(setting) };
        // SAFETY: as above.
        let value = unsafe { c::rd_kafka_ConfigEntry_value(setting) };
        // SAFETY: texts live as long as the event.
        if unsafe { copy(name) }.as_deref() == Some(key) {
            // SAFETY: as above.
            return Ok(unsafe { copy(value) });
        }
    }
    Ok(None)
}
