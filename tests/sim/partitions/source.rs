//! A source made for the simulation: it hands out what is in memory, a few messages at a time, now and
//! then has nothing, is held by another scanner, or says of a partition that it is silent though more
//! comes. What it gives is noted, and can be given again in the same order.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headcount::error::Error;
use headcount::input::messages::{
    ChunkNumbers, Drawn, Entry, Message, MessageReader, MessageSource, News, Partition,
};
use headcount::ring::{Stop, StopReason, Waker};

use crate::pipeline::Random;
use crate::pipeline::time::BEGIN_S;

/// Payloads of a partition; none for a tombstone.
pub(crate) type Payloads = Vec<Option<Vec<u8>>>;

/// What the source gave.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    News(News),
    /// The partition, and which of its messages.
    Messages(usize, Range<usize>),
}

struct Memory {
    random: Random,
    /// How many in a hundred times a partition is said to be silent.
    silences: usize,
    silent: BTreeSet<usize>,
    now_s: i64,
    given: Arc<Mutex<Vec<Given>>>,
    /// What is to be given, where another run has given it before.
    again: Option<VecDeque<Given>>,
    partitions: Vec<Payloads>,
    /// Messages drawn of each.
    drawn: Vec<usize>,
    news: VecDeque<News>,
    ended: usize,
    chunks: ChunkNumbers,
}

/// The source, before it is read; `given` is where it notes what it gave.
pub(crate) struct MemorySource {
    pub(crate) partitions: Vec<Payloads>,
    pub(crate) silences: usize,
    pub(crate) given: Arc<Mutex<Vec<Given>>>,
    pub(crate) again: Option<VecDeque<Given>>,
    pub(crate) seed: u64,
}

impl Memory {
    /// What to give next, if a partition drawn at random has something.
    fn next(&mut self) -> Option<Given> {
        if let Some(news) = self.news.pop_front() {
            return Some(Given::News(news));
        }
        let index = self.random.below(self.partitions.len());
        let partition = Partition::try_from(index).unwrap();
        let is_over = |index: usize| self.drawn[index] > self.partitions[index].len();
        let (drawn, all) = (self.drawn[index], self.partitions[index].len());
        if drawn == all {
            self.drawn[index] += 1;
            self.ended += 1;
            return Some(Given::News(News::Ended { partition }));
        }
        if self.random.below(100) < self.silences {
            if (0..self.drawn.len()).all(|index| is_over(index) || self.silent.contains(&index)) {
                self.now_s += i64::try_from(self.random.below(1500)).unwrap();
                return Some(Given::News(News::AllSilent { now_s: self.now_s }));
            }
            if drawn < all && self.silent.insert(index) {
                return Some(Given::News(News::Silent { partition }));
            }
        }
        if drawn > all {
            return None;
        }
        self.drawn[index] = (drawn + 1 + self.random.below(9)).min(all);
        self.silent.remove(&index);
        Some(Given::Messages(index, drawn..self.drawn[index]))
    }
}

struct MemoryReader {
    memory: Arc<Mutex<Memory>>,
    /// What was drawn: the messages' offsets and payloads, the next one last.
    messages: Vec<(u64, Option<Vec<u8>>)>,
    /// The one lent.
    lent: Option<(u64, Option<Vec<u8>>)>,
    stop: Stop,
}

impl MessageSource for MemorySource {
    fn name(&self) -> String {
        "memory".into()
    }

    fn start(
        self: Box<Self>,
        wakers: Vec<Waker>,
        chunks: ChunkNumbers,
        stop: Stop,
    ) -> Result<Vec<Box<dyn MessageReader>>, Error> {
        let joined = |(partition, _)| News::Joined { partition, entry: Entry::Beginning };
        let memory = Arc::new(Mutex::new(Memory {
            random: Random(self.seed),
            silences: self.silences,
            silent: BTreeSet::new(),
            now_s: BEGIN_S,
            given: self.given,
            again: self.again,
            news: (0..).zip(&self.partitions).map(joined).collect(),
            drawn: vec![0; self.partitions.len()],
            partitions: self.partitions,
            ended: 0,
            chunks,
        }));
        let reader = |_| MemoryReader {
            memory: Arc::clone(&memory),
            messages: Vec::new(),
            lent: None,
            stop: stop.clone(),
        };
        Ok(wakers.into_iter().map(reader).map(|reader| Box::new(reader) as _).collect())
    }
}

impl MessageReader for MemoryReader {
    fn draw(&mut self, _: &[i64]) -> Drawn {
        assert!(self.messages.is_empty(), "all that was drawn is taken first");
        let mut memory = self.memory.lock().unwrap();
        let memory = &mut *memory;
        if self.stop.reason() != StopReason::Running {
            memory.chunks.all_claimed();
            return Drawn::Finished;
        }
        match memory.random.below(10) {
            0 => return Drawn::Waiting,
            1 => return Drawn::Busy,
            _ => {}
        }
        let next = match &mut memory.again {
            Some(again) => again.pop_front(),
            None if memory.ended == memory.partitions.len() => None,
            None => match memory.next() {
                Some(next) => Some(next),
                None => return Drawn::Waiting,
            },
        };
        let Some(given) = next else {
            memory.chunks.all_claimed();
            return Drawn::Finished;
        };
        memory.given.lock().unwrap().push(given.clone());
        let chunk = memory.chunks.number();
        match given {
            Given::News(news) => Drawn::News { chunk, news },
            Given::Messages(index, offsets) => {
                let all = &mut memory.partitions[index];
                let taken = offsets.map(|offset| (offset as u64, all[offset].take()));
                self.messages = taken.rev().collect();
                Drawn::Messages { chunk, partition: Partition::try_from(index).unwrap() }
            }
        }
    }

    fn next(&mut self) -> Option<Message<'_>> {
        self.lent = self.messages.pop();
        self.lent
            .as_ref()
            .map(|(offset, payload)| Message { payload: payload.as_deref(), offset: *offset })
    }

    fn wake_in(&self) -> Option<Duration> {
        None
    }
}
