//! The outbox: results and rejects on their way to topics, kept until the checkpoint they belong to takes
//! them along in its transaction.
//!
//! Filled by the output's thread. The keeper's closes it for a checkpoint: so much of what was put departs
//! with it. Then it is emptied of that, and once that is delivered for good it is told so. A lock is held
//! for as long as it takes to move a few pointers. What is in it is in memory only; a crash loses it, and
//! the log has it still.

use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::input::messages::Partition;
use crate::limits::{OUTBOX_BYTES, OUTBOX_BYTES_MAX};
use crate::recovery::note::TopicsWritten;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(&'static CStr, Vec<u8>)>,
    /// Its value.
    pub value: Vec<u8>,
}

impl Letter {
    fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(_, of)| of.len()).sum();
        self.key.as_ref().map_or(0, Vec::len) + headers + self.value.len() + size_of::<Letter>()
    }
}

/// Where a letter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The topic of results.
    Results,
    /// The topic of rejects.
    Rejects,
}

/// The letters to one topic, in their order.
#[derive(Debug, Default)]
struct Pile {
    letters: Vec<Letter>,
    /// How many were put so far.
    put: u64,
    /// How many of them are delivered for good.
    sent: u64,
}

impl Pile {
    /// Takes out the first so many of all that were ever put.
    fn take_up_to(&mut self, put: u64) -> Vec<Letter> {
        let count = usize::try_from(put.saturating_sub(self.sent)).unwrap_or(usize::MAX);
        let rest = self.letters.split_off(count.min(self.letters.len()));
        std::mem::replace(&mut self.letters, rest)
    }
}

/// How much departs with a checkpoint, and what it was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// So many of the results that were put,
    pub results: u64,
    /// so many of the rejects,
    pub rejects: u64,
    /// and of each partition read the offset of the next message.
    pub next_offsets: Vec<(Partition, u64)>,
}

/// What departs.
#[derive(Clone, Debug, Default)]
pub struct Departing {
    /// Results.
    pub results: Vec<Letter>,
    /// Rejects.
    pub rejects: Vec<Letter>,
    /// How much that is in all.
    pub closed: Closed,
}

#[derive(Debug, Default)]
struct Piles {
    results: Pile,
    rejects: Pile,
    bytes: usize,
    closed: Option<Closed>,
}

impl Piles {
    fn of(&mut self, to: To) -> &mut Pile {
        match to {
            To::Results => &mut self.results,
            To::Rejects => &mut self.rejects,
        }
    }
}

/// The outbox. See the module's header.
#[derive(Clone, Debug)]
pub struct Outbox {
    piles: Arc<Mutex<Piles>>,
    topics: Arc<TopicsWritten>,
}

impl Outbox {
    /// An empty one for these topics.
    pub fn new(topics: TopicsWritten) -> Outbox {
        Outbox { piles: Arc::default(), topics: Arc::new(topics) }
    }

    /// Where letters go.
    pub fn topics(&self) -> &TopicsWritten {
        &self.topics
    }

    fn piles(&self) -> MutexGuard<'_, Piles> {
        // Nothing panics while it is held.
        self.piles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a letter in.
    pub fn put(&self, to: To, letter: Letter) {
        let mut piles = self.piles();
        piles.bytes += letter.bytes();
        let pile = piles.of(to);
        pile.put += 1;
        pile.letters.push(letter);
    }

    /// So much departs with the next checkpoint.
    pub fn close(&self, closed: Closed) {
        self.piles().closed = Some(closed);
    }

    /// Takes out what departs, if it is closed.
    pub fn take(&self) -> Option<Departing> {
        let mut piles = self.piles();
        let closed = piles.closed.take()?;
        let results = piles.results.take_up_to(closed.results);
        let rejects = piles.rejects.take_up_to(closed.rejects);
        piles.bytes -= results.iter().chain(&rejects).map(Letter::bytes).sum::<usize>();
        Some(Departing { results, rejects, closed })
    }

    /// So much of what was put is delivered for good.
    pub fn delivered(&self, closed: &Closed) {
        let mut piles = self.piles();
        (piles.results.sent, piles.rejects.sent) = (closed.results, closed.rejects);
    }

    /// How many are delivered for good.
    pub fn settled(&self, to: To) -> u64 {
        self.piles().of(to).sent
    }

    /// Whether so much is in it that a checkpoint should come soon.
    pub fn is_crowded(&self) -> bool {
        self.piles().bytes >= OUTBOX_BYTES
    }

    /// Whether so much is in it that no more should come while a checkpoint is under way.
    pub fn is_full(&self) -> bool {
        self.piles().bytes >= OUTBOX_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        let (results, group) = ("results".into(), "group".into());
        Outbox::new(TopicsWritten { results, rejects: None, group })
    }

    fn letter(value: &str) -> Letter {
        Letter { key: None, headers: Vec::new(), value: value.into() }
    }

    #[test]
    fn a_checkpoint_takes_what_belongs_to_it() {
        let outbox = outbox();
        for value in ["a", "b", "c"] {
            outbox.put(To::Results, letter(value));
        }
        outbox.put(To::Rejects, letter("r"));
        let of = |taken: &[Letter]| -> Vec<u8> {
            taken.iter().flat_map(|letter| letter.value.clone()).collect()
        };
        let close = |results, rejects| {
            outbox.close(Closed { results, rejects, next_offsets: vec![(0, 7)] });
        };
        assert!(outbox.take().is_none());
        close(2, 0);
        let departing = outbox.take().unwrap();
        assert_eq!((of(&departing.results), of(&departing.rejects)), (b"ab".to_vec(), vec![]));
        assert!(outbox.take().is_none());
        assert_eq!(outbox.settled(To::Results), 0);
        outbox.delivered(&departing.closed);
        assert_eq!(outbox.settled(To::Results), 2);
        outbox.put(To::Results, letter("d"));
        close(4, 1);
        let departing = outbox.take().unwrap();
        assert_eq!((of(&departing.results), of(&departing.rejects)), (b"cd".into(), b"r".into()));
        assert_eq!(outbox.piles().bytes, 0);
    }

    #[test]
    fn it_says_when_it_is_full() {
        let outbox = outbox();
        outbox.put(To::Rejects, letter(&"x".repeat(OUTBOX_BYTES - 1000)));
        assert!(!outbox.is_crowded());
        outbox.put(To::Rejects, letter(&"x".repeat(1000)));
        assert!(outbox.is_crowded());
        while !outbox.is_full() {
            outbox.put(To::Results, letter(&"x".repeat(OUTBOX_BYTES)));
        }
        assert!(outbox.piles().bytes < OUTBOX_BYTES_MAX + 2 * OUTBOX_BYTES);
        outbox.close(Closed { rejects: 2, ..Closed::default() });
        outbox.take();
        assert!(!outbox.is_full());
        outbox.close(Closed { rejects: 2, results: 9, ..Closed::default() });
        outbox.take();
        assert!(!outbox.is_crowded());
    }
}
