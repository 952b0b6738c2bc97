//! One scanner's reader of a topic: the messages it holds, and a handle to what all readers share.

use std::sync::Arc;
use std::time::Duration;

use super::client::Client;
use super::errors;
use super::fetch::batch::Unreadable;
use super::held::Held;
use super::house::HOUSE_EVERY;
use super::reading::Reading;
use crate::input::messages::{Drawn, Message, MessageReader, Partition};
use crate::ring::Token;

/// A reader.
pub struct Reader {
    held: Held,
    token: Token<Reading>,
    topic: Arc<str>,
    /// The partition of the messages drawn last, until that they are done with is told.
    drew: Option<Partition>,
}

impl Reader {
    /// A reader of what this token guards.
    pub fn new(client: Arc<Client>, token: Token<Reading>, topic: Arc<str>) -> Reader {
        Reader { held: Held::new(client), token, topic, drew: None }
    }
}

impl MessageReader for Reader {
    fn draw(&mut self, last_s: &[i64]) -> Drawn {
        // Before the token is asked for: giving back takes as long as drawing.
        self.held.give_back();
        let Some(mut reading) = self.token.try_take() else { return Drawn::Busy };
        if let Some(partition) = self.drew.take() {
            reading.done(partition, last_s);
        }
        let drawn = reading.draw(&mut self.held);
        match drawn {
            Drawn::Waiting => drop(reading),
            _ => reading.release_and_wake(),
        }
        if let Drawn::Messages { chunk, partition } = drawn {
            // Behind the token: unpacking takes as long as scanning.
            if let Err((offset, Unreadable(text))) = self.held.records.open() {
                let error = errors::unreadable(&self.topic, partition, offset, &text);
                return Drawn::Failed { chunk, error };
            }
            self.drew = Some(partition);
        }
        drawn
    }

    fn next(&mut self) -> Option<Message<'_>> {
        self.held.take()
    }

    fn wall_s(&self) -> Option<i64> {
        Some(crate::input::wall_s())
    }

    fn wake_in(&self) -> Option<Duration> {
        Some(HOUSE_EVERY)
    }
}
