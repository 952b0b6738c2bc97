//! Events: what librdkafka puts on a queue that is no message: errors, answers to what was asked, and what
//! became of messages sent.

use std::ptr::NonNull;

use rdkafka::bindings as c;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

use super::client::text_of;

/// One event.
pub struct Event(NonNull<c::rd_kafka_event_t>);

/// What goes wrong somewhere in the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which.
    pub code: RDKafkaErrorCode,
    /// librdkafka's words.
    pub text: String,
}

impl Event {
    /// Takes an event over; none if there is none.
    ///
    /// # Safety
    /// It is null or an event that the caller was given for good.
    pub(super) unsafe fn own(event: *mut c::rd_kafka_event_t) -> Option<Event> {
        NonNull::new(event).map(Event)
    }

    /// For calls of the C interface.
    pub(super) fn ptr(&self) -> *mut c::rd_kafka_event_t {
        self.0.as_ptr()
    }

    /// Which kind it is: one of the `RD_KAFKA_EVENT_…`.
    pub fn kind(&self) -> i32 {
        // SAFETY: the event is alive.
        unsafe { c::rd_kafka_event_type(self.ptr()) }
    }

    /// What it says went wrong, if anything.
    pub fn trouble(&self) -> Option<Trouble> {
        // SAFETY: the event is alive.
        let code = unsafe { c::rd_kafka_event_error(self.ptr()) };
        if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        // SAFETY: the event is alive.
        let text = unsafe { c::rd_kafka_event_error_string(self.ptr()) };
        // SAFETY: the text lives as long as the event.
        let text = unsafe { text_of(text) };
        Some(Trouble { code: code.into(), text })
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// The number it was sent with.
    pub number: usize,
    /// The topic's handle, to be compared.
    pub topic: *const c::rd_kafka_topic_t,
    /// Its offset, where it was delivered.
    pub offset: i64,
    /// Why it was not.
    pub failed: Option<RDKafkaErrorCode>,
}

impl Event {
    /// What became of messages, where it is about that.
    pub fn deliveries(&self) -> impl Iterator<Item = Delivery> + '_ {
        std::iter::from_fn(|| {
            // SAFETY: the event is alive; one of another kind has no messages.
            let message = unsafe { c::rd_kafka_event_message_next(self.ptr()) };
            // SAFETY: it is null or lives as long as the event.
            let message = unsafe { message.as_ref() }?;
            let failed = message.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
            Some(Delivery {
                number: message._private.addr(),
                topic: message.rkt,
                offset: message.offset,
                failed: failed.then(|| message.err.into()),
            })
        })
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: it is ours and not used again.
        unsafe { c::rd_kafka_event_destroy(self.ptr()) };
    }
}
