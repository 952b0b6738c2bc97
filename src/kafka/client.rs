//! Clients of librdkafka, and their queues: the thin layer over the C interface that we need and rdkafka
//! does not offer (queues of single partitions, read in batches where they lie; waiting for a delivery
//! that ends when there is one).
//!
//! librdkafka's handles may be used from any thread. What is made from a client must be gone before it:
//! everything holds its client by an `Arc`.

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka::bindings as c;
use rdkafka::config::ClientConfig;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

use super::event::{Event, Trouble};
use super::malloc;
use crate::error::Error;
use crate::log::LIBRDKAFKA;
use crate::ring::Waker;

/// Bytes librdkafka may use to say what is wrong.
const ERROR_TEXT_BYTES: usize = 512;

/// A consumer that reads nothing yet, or a producer.
#[derive(Debug)]
pub struct Client {
    handle: NonNull<c::rd_kafka_t>,
}

// SAFETY: librdkafka's handle may be used from any thread (its introduction says so).
unsafe impl Send for Client {}
// SAFETY: and from several at once.
unsafe impl Sync for Client {}

impl Client {
    /// A consumer with these settings. With `log`, librdkafka's own log is said, too.
    ///
    /// # Errors
    /// The settings do not go together.
    pub fn consumer(config: &ClientConfig, log: bool) -> Result<Arc<Client>, Error> {
        let events = c::RD_KAFKA_EVENT_ERROR | c::RD_KAFKA_EVENT_OFFSET_COMMIT;
        let client = Client::new(c::rd_kafka_type_t::RD_KAFKA_CONSUMER, events, config, log)?;
        // SAFETY: the client is alive. It fails only for a client that is no consumer.
        unsafe { c::rd_kafka_poll_set_consumer(client.ptr()) };
        Ok(Arc::new(client))
    }

    /// A producer with these settings; the same of its log.
    ///
    /// # Errors
    /// The settings do not go together.
    pub fn producer(config: &ClientConfig, log: bool) -> Result<Arc<Client>, Error> {
        let events = c::RD_KAFKA_EVENT_ERROR | c::RD_KAFKA_EVENT_DR;
        Client::new(c::rd_kafka_type_t::RD_KAFKA_PRODUCER, events, config, log).map(Arc::new)
    }

    fn new(
        kind: c::rd_kafka_type_t,
        events: i32,
        config: &ClientConfig,
        log: bool,
    ) -> Result<Client, Error> {
        malloc::keep_freed();
        let native = config.create_native_config().map_err(|_| {
            Error::Internal("settings of Kafka that were checked are no longer right".into())
        })?;
        let mut native = ManuallyDrop::new(native);
        // SAFETY: the settings are alive.
        unsafe { c::rd_kafka_conf_set_events(native.ptr(), events) };
        let say: Option<unsafe extern "C" fn(_, _, _, _)> = if log { Some(say) } else { None };
        // SAFETY: the settings are alive; without a function nothing is logged.
        unsafe { c::rd_kafka_conf_set_log_cb(native.ptr(), say) };
        let mut text = [0_u8; ERROR_TEXT_BYTES];
        // SAFETY: settings and text are alive, the text's size is its size. The settings are the
        // client's from here on, unless it fails.
        let handle =
            unsafe { c::rd_kafka_new(kind, native.ptr(), text.as_mut_ptr().cast(), text.len()) };
        let Some(handle) = NonNull::new(handle) else {
            // SAFETY: no client was made, so they are still ours; they are not used again.
            unsafe { ManuallyDrop::drop(&mut native) };
            let why = CStr::from_bytes_until_nul(&text).unwrap_or_default().to_string_lossy();
            return Err(Error::usage(format!("settings of Kafka: {why}")));
        };
        Ok(Client { handle })
    }

    /// For calls of the C interface.
    pub(super) fn ptr(&self) -> *mut c::rd_kafka_t {
        self.handle.as_ptr()
    }

    /// The offset after a partition's last message, as the answer to the last fetch said; none if there was
    /// none yet. Asks nobody.
    pub fn end_seen(&self, topic: &CStr, partition: i32) -> Option<u64> {
        let (mut low, mut high) = (-1, -1);
        // SAFETY: the client, the name and both numbers are alive.
        let error = unsafe {
            c::rd_kafka_get_watermark_offsets(
                self.ptr(),
                topic.as_ptr(),
                partition,
                &raw mut low,
                &raw mut high,
            )
        };
        let is_known = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        // Below zero: not known.
        u64::try_from(high).ok().filter(|_| is_known)
    }

    /// The cluster's id, if it is known by now.
    pub fn cluster_id(&self) -> Option<String> {
        // SAFETY: the client is alive; without time to wait it says what it knows.
        let id = NonNull::new(unsafe { c::rd_kafka_clusterid(self.ptr(), 0) })?;
        // SAFETY: it ends in a NUL and is ours until freed.
        let text = unsafe { CStr::from_ptr(id.as_ptr()) }.to_string_lossy().into_owned();
        // SAFETY: it was allocated by this client and is not used again.
        unsafe { c::rd_kafka_mem_free(self.ptr(), id.as_ptr().cast()) };
        Some(text)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Without closing a consumer first: it is no member of a group that had to be left, and what
        // was to be committed has been.
        // SAFETY: everything made from it held it alive, so nothing is left.
        unsafe {
            c::rd_kafka_destroy_flags(self.ptr(), c::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        }
    }
}

/// Called on any thread of librdkafka with a line of its log.
unsafe extern "C" fn say(
    client: *const c::rd_kafka_t,
    level: i32,
    about: *const c_char,
    text: *const c_char,
) {
    // SAFETY: the client is alive while it calls.
    let client = unsafe { c::rd_kafka_name(client) };
    // SAFETY: all three end in a NUL and live as long as this call.
    let [client, about, text] = [client, about, text].map(|text| unsafe { text_of(text) });
    // The levels of syslog.
    match level {
        ..=3 => tracing::error!(target: LIBRDKAFKA, client, about, "{client}: {about}: {text}"),
        4 => tracing::warn!(target: LIBRDKAFKA, client, about, "{client}: {about}: {text}"),
        5 | 6 => tracing::info!(target: LIBRDKAFKA, client, about, "{client}: {about}: {text}"),
        _ => tracing::debug!(target: LIBRDKAFKA, client, about, "{client}: {about}: {text}"),
    }
}

/// Wakes the scanners' threads from a thread of librdkafka.
pub struct Wakers(Box<[Waker]>);

impl Wakers {
    /// Wakes all of these.
    pub fn new(wakers: Vec<Waker>) -> Arc<Wakers> {
        Arc::new(Wakers(wakers.into()))
    }

    /// Wakes them.
    pub fn wake(&self) {
        for waker in &self.0 {
            waker.wake();
        }
    }
}

/// Called with the queue's lock held, when it is no longer empty: it may only wake.
unsafe extern "C" fn wake(_: *mut c::rd_kafka_t, wakers: *mut c_void) {
    // SAFETY: the queue keeps its wakers until it has taken this callback back.
    let wakers = unsafe { &*wakers.cast::<Wakers>() };
    wakers.wake();
}

/// A queue of librdkafka.
pub struct Queue {
    queue: NonNull<c::rd_kafka_queue_t>,
    wakers: Option<Arc<Wakers>>,
    client: Arc<Client>,
}

// SAFETY: as for the client.
unsafe impl Send for Queue {}

impl Queue {
    /// A queue of its own, for answers.
    pub fn new(client: &Arc<Client>) -> Queue {
        // SAFETY: the client is alive.
        let queue = unsafe { c::rd_kafka_queue_new(client.ptr()) };
        Queue::of(queue, client)
    }

    /// Where a consumer says what goes wrong.
    pub fn of_consumer(client: &Arc<Client>) -> Queue {
        // SAFETY: the client is alive.
        let queue = unsafe { c::rd_kafka_queue_get_consumer(client.ptr()) };
        Queue::of(queue, client)
    }

    /// Where a producer says what became of messages, and what goes wrong.
    pub fn of_producer(client: &Arc<Client>) -> Queue {
        // SAFETY: the client is alive.
        let queue = unsafe { c::rd_kafka_queue_get_main(client.ptr()) };
        Queue::of(queue, client)
    }

    /// The queue of one partition, which from here on goes nowhere else. `wakers` are woken when it is
    /// no longer empty.
    pub fn of_partition(
        client: &Arc<Client>,
        topic: &CStr,
        partition: i32,
        wakers: &Arc<Wakers>,
    ) -> Queue {
        // SAFETY: client and name are alive.
        let queue =
            unsafe { c::rd_kafka_queue_get_partition(client.ptr(), topic.as_ptr(), partition) };
        let mut queue = Queue::of(queue, client);
        // SAFETY: the queue is alive; it is forwarded to none.
        unsafe { c::rd_kafka_queue_forward(queue.ptr(), ptr::null_mut()) };
        let opaque = Arc::as_ptr(queue.wakers.insert(Arc::clone(wakers))).cast_mut();
        // SAFETY: the queue keeps the wakers until it has taken the callback back.
        unsafe { c::rd_kafka_queue_cb_event_enable(queue.ptr(), Some(wake), opaque.cast()) };
        queue
    }

    fn of(queue: *mut c::rd_kafka_queue_t, client: &Arc<Client>) -> Queue {
        let queue = NonNull::new(queue).expect("a client has these queues");
        Queue { queue, wakers: None, client: Arc::clone(client) }
    }

    /// For calls of the C interface.
    pub(super) fn ptr(&self) -> *mut c::rd_kafka_queue_t {
        self.queue.as_ptr()
    }

    /// Its client.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The next event; waits for it up to this time.
    pub fn poll(&self, timeout_ms: i32) -> Option<Event> {
        // SAFETY: the queue is alive.
        let event = unsafe { c::rd_kafka_queue_poll(self.ptr(), timeout_ms) };
        // SAFETY: it is null or ours for good.
        unsafe { Event::own(event) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.wakers.is_some() {
            // SAFETY: the queue is alive. The callback runs with the queue's lock held, so after this
            // it neither runs nor will.
            unsafe { c::rd_kafka_queue_cb_event_enable(self.ptr(), None, ptr::null_mut()) };
        }
        // SAFETY: this handle of it is not used again.
        unsafe { c::rd_kafka_queue_destroy(self.ptr()) };
    }
}

/// An error of a transaction, taken over.
#[derive(Clone, Debug)]
pub(super) struct TxnError {
    /// Which, and librdkafka's words.
    pub(super) trouble: Trouble,
    /// The same call may be made again.
    pub(super) is_retriable: bool,
    /// The transaction has to be aborted; then it may be tried anew.
    pub(super) wants_abort: bool,
}

impl TxnError {
    /// Takes the error over.
    ///
    /// # Safety
    /// `error` is null or an error that the caller was given for good.
    pub(super) unsafe fn take(error: *mut c::rd_kafka_error_t) -> Result<(), TxnError> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: it is alive.
        let is_retriable = unsafe { c::rd_kafka_error_is_retriable(error) } != 0;
        // SAFETY: it is alive.
        let wants_abort = unsafe { c::rd_kafka_error_txn_requires_abort(error) } != 0;
        // SAFETY: it is the caller's, and not used again.
        match unsafe { take_error(error) } {
            None => Ok(()),
            Some((code, text)) => {
                Err(TxnError { trouble: Trouble { code, text }, is_retriable, wants_abort })
            }
        }
    }
}

/// An error object of librdkafka, taken over: its code and its text. None where there is none.
///
/// # Safety
/// `error` is null or an error that the caller was given for good.
pub(super) unsafe fn take_error(
    error: *mut c::rd_kafka_error_t,
) -> Option<(RDKafkaErrorCode, String)> {
    // SAFETY: as above.
    let found = unsafe { look_at_error(error) }?;
    // SAFETY: it is the caller's to destroy, and not used again.
    unsafe { c::rd_kafka_error_destroy(error) };
    Some(found)
}

/// The same of an error that stays where it is.
///
/// # Safety
/// `error` is null or alive.
pub(super) unsafe fn look_at_error(
    error: *const c::rd_kafka_error_t,
) -> Option<(RDKafkaErrorCode, String)> {
    if error.is_null() {
        return None;
    }
    // SAFETY: it is alive.
    let code = unsafe { c::rd_kafka_error_code(error) };
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return None;
    }
    // SAFETY: it is alive.
    let text = unsafe { c::rd_kafka_error_string(error) };
    // SAFETY: the text lives as long as the error.
    let text = unsafe { text_of(text) };
    Some((code.into(), text))
}

/// A text of librdkafka's.
///
/// # Safety
/// It is null or ends in a NUL.
pub(super) unsafe fn text_of(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: it is not null, so it ends in a NUL.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// A topic's name for the C interface.
///
/// # Errors
/// It holds a NUL, which no topic's name does.
pub fn c_name(topic: &str) -> Result<CString, Error> {
    CString::new(topic).map_err(|_| Error::usage("no topic's name holds a NUL"))
}
