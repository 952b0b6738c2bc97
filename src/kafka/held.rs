//! The messages one reader has drawn: they lie where librdkafka put them, or where we fetched them to ([`Records`]),
//! are lent from there, and are given back when the reader draws again. The array of pointers is made once.

use std::ptr;
use std::slice;
use std::sync::Arc;

use rdkafka::bindings as c;

use super::client::{Client, Queue, text_of};
use super::fetch::records::Records;
use crate::input::messages::Message;
use crate::limits::{CHUNK_BYTES, KAFKA_DRAW_MESSAGES_MAX};
use crate::prefetch::frame::{FRAMES_AHEAD, prefetch_frame};

/// Messages drawn when nothing is known of their size.
const FIRST_DRAW: usize = 64;

/// What is known of a message before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// 0, or which error it tells of in place of a message.
    pub error: i32,
    /// Its offset.
    pub offset: i64,
}

/// Drawn messages. See the module's header.
pub struct Held {
    messages: Box<[*mut c::rd_kafka_message_t]>,
    len: usize,
    at: usize,
    /// How many to draw next: about as many as make a chunk of input.
    want: usize,
    /// Those that were not fetched by librdkafka.
    pub(super) records: Records,
    /// The messages are gone before their client is.
    _client: Arc<Client>,
}

// SAFETY: librdkafka's messages belong to whoever drew them and may be used from any thread.
unsafe impl Send for Held {}

impl Held {
    /// Nothing drawn.
    pub fn new(client: Arc<Client>) -> Held {
        let messages = vec![ptr::null_mut(); KAFKA_DRAW_MESSAGES_MAX].into();
        Held {
            messages,
            len: 0,
            at: 0,
            want: FIRST_DRAW,
            records: Records::default(),
            _client: client,
        }
    }

    /// Draws what the queue has, as far as there is room. Nothing may be held.
    pub fn draw(&mut self, queue: &Queue) {
        self.draw_within(queue, 0);
    }

    /// The same, and waits for something up to this time.
    pub fn draw_within(&mut self, queue: &Queue, wait_ms: i32) {
        debug_assert_eq!(self.len, 0, "what was drawn before is given back first");
        let (array, want) = (self.messages.as_mut_ptr(), self.want);
        // SAFETY: the queue is alive, and the array has room for as many.
        let drawn = unsafe { c::rd_kafka_consume_batch_queue(queue.ptr(), wait_ms, array, want) };
        self.len = usize::try_from(drawn).unwrap_or(0);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.len
    }

    /// Whether there are any, of either kind.
    pub fn holds_any(&self) -> bool {
        self.len > 0 || self.records.count() > 0
    }

    /// Looks at one of them.
    pub fn head(&self, index: usize) -> Head {
        let message = self.messages[..self.len][index];
        // SAFETY: the message is alive.
        let error = unsafe { &raw const (*message).err }.cast::<i32>();
        // SAFETY: the same. Read as a number: brokers may know errors that we do not.
        let error = unsafe { error.read() };
        // SAFETY: the message is alive.
        let offset = unsafe { (*message).offset };
        Head { error, offset }
    }

    /// A message's record time, milliseconds; none if it has none.
    pub fn time_ms(&self, index: usize) -> Option<i64> {
        let message = self.messages[..self.len][index];
        // SAFETY: the message is alive; the kind of the time is not asked for.
        let ms = unsafe { c::rd_kafka_message_timestamp(message, ptr::null_mut()) };
        (ms >= 0).then_some(ms)
    }

    /// What an error says.
    pub fn text(&self, index: usize) -> String {
        let message = self.messages[..self.len][index];
        // SAFETY: the message is alive.
        let text = unsafe { c::rd_kafka_message_errstr(message) };
        // SAFETY: the text lives as long as the message.
        unsafe { text_of(text) }
    }

    /// Keeps only those of which `keep` says so, in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&Held, usize) -> bool) {
        let mut kept = 0;
        for index in 0..self.len {
            if keep(self, index) {
                self.messages.swap(kept, index);
                kept += 1;
            }
        }
        for index in kept..self.len {
            destroy(self.messages[index]);
        }
        self.len = kept;
    }

    /// The next of them.
    #[inline]
    pub fn take(&mut self) -> Option<Message<'_>> {
        let at = self.at;
        let Some(&message) = self.messages[..self.len].get(at) else { return self.records.take() };
        self.at += 1;
        if let Some(&ahead) = self.messages[..self.len].get(at + FRAMES_AHEAD) {
            // SAFETY: it is alive, too.
            prefetch_frame(unsafe { (*ahead).payload }.cast());
        }
        // SAFETY: the message is alive until it is given back, for which its loan must have ended.
        let message = unsafe { &*message };
        let payload = message.payload.cast::<u8>().cast_const();
        let payload = (!payload.is_null()).then(|| {
            // SAFETY: it has as many bytes and lives as long as its message.
            unsafe { slice::from_raw_parts(payload, message.len) }
        });
        Some(Message { payload, offset: message.offset.cast_unsigned() })
    }

    /// Gives them back.
    pub fn give_back(&mut self) {
        let mut bytes = 0;
        for &message in &self.messages[..self.len] {
            // SAFETY: the message is alive.
            bytes += unsafe { (*message).len };
            destroy(message);
        }
        if let Some(mean) = bytes.checked_div(self.len) {
            self.want = (CHUNK_BYTES / mean.max(1)).clamp(1, self.messages.len());
        }
        (self.len, self.at) = (0, 0);
        self.records.give_back();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn destroy(message: *mut c::rd_kafka_message_t) {
    // SAFETY: it was drawn by us, and is not used again.
    unsafe { c::rd_kafka_message_destroy(message) };
}
