//! A line to the brokers on which one question at a time is asked while the topic is read; the answer is
//! looked for again and again, never waited for.

use std::ffi::CStr;
use std::sync::Arc;

use super::ask::{self, Answer, Isolation, Point};
use super::client::{Client, Queue};
use super::event::Trouble;
use crate::input::messages::Partition;

/// One line.
pub struct Line {
    answers: Queue,
    busy: bool,
    /// How long an answer may take, milliseconds. There is one then, if only that there was none.
    timeout_ms: i32,
}

impl Line {
    /// A line of this client.
    pub fn new(client: &Arc<Client>, timeout_ms: i32) -> Line {
        Line { answers: Queue::new(client), busy: false, timeout_ms }
    }

    /// Whether nothing is being asked.
    pub fn is_free(&self) -> bool {
        !self.busy
    }

    /// Asks what the topic is. The line must be free.
    pub fn describe(&mut self, topic: &CStr) {
        self.busy = true;
        ask::describe(&self.answers, topic, self.timeout_ms);
    }

    /// Asks for offsets. The line must be free.
    pub fn offsets(&mut self, topic: &str, points: &[(Partition, Point)], isolation: Isolation) {
        if points.is_empty() {
            return;
        }
        self.busy = true;
        ask::offsets(&self.answers, topic, points, isolation, self.timeout_ms);
    }

    /// The answer, if there is one; waits for it up to this time.
    pub fn answer(&mut self, wait_ms: i32) -> Option<Result<Answer, Trouble>> {
        if !self.busy {
            return None;
        }
        let answer = ask::answer(&self.answers.poll(wait_ms)?)?;
        self.busy = false;
        Some(answer)
    }
}
