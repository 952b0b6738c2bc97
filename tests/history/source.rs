//! A source of generated partitions that holds back by the rule of `--max-skew`, as the one of Kafka does:
//! a few messages of one partition at a time, drawn at random from those that need not wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use headcount::clock::agreement::{Agree, Agreement};
use headcount::error::Error;
use headcount::generate::Generator;
use headcount::input::messages::{
    ChunkNumbers, Drawn, Entry, Message, MessageReader, MessageSource, News, Partition,
};
use headcount::kafka::skew::Skew;
use headcount::ring::{Stop, StopReason, Waker};

/// Messages drawn at once.
const MESSAGES: u64 = 16;

pub(crate) struct Generated {
    pub(crate) partitions: Arc<Vec<Generator>>,
    pub(crate) max_skew_s: u32,
    /// Later times agree with nobody.
    pub(crate) agrees_to_s: i64,
    pub(crate) seed: u64,
}

struct State {
    skew: Skew,
    /// Of each partition what its clock goes by.
    agreements: Vec<Agreement>,
    random: u64,
    joined: usize,
    /// Frames drawn of each; none of one that has ended.
    drawn: Vec<Option<u64>>,
    chunks: ChunkNumbers,
}

struct Reader {
    partitions: Arc<Vec<Generator>>,
    state: Arc<Mutex<State>>,
    /// What was drawn: the partition, the next frame and the one after the last.
    drawn: (usize, u64, u64),
    frame: Vec<u8>,
    agrees_to_s: i64,
    stop: Stop,
}

impl MessageSource for Generated {
    fn name(&self) -> String {
        "history".into()
    }

    fn start(
        self: Box<Self>,
        wakers: Vec<Waker>,
        chunks: ChunkNumbers,
        stop: Stop,
    ) -> Result<Vec<Box<dyn MessageReader>>, Error> {
        let state = Arc::new(Mutex::new(State {
            skew: Skew::new(self.max_skew_s),
            agreements: self
                .partitions
                .iter()
                .map(|_| Agreement::new(Agree::default(), 3600))
                .collect(),
            random: self.seed,
            joined: 0,
            drawn: vec![Some(0); self.partitions.len()],
            chunks,
        }));
        let reader = |_| Reader {
            partitions: Arc::clone(&self.partitions),
            state: Arc::clone(&state),
            drawn: (0, 0, 0),
            frame: Vec::new(),
            agrees_to_s: self.agrees_to_s,
            stop: stop.clone(),
        };
        Ok(wakers.into_iter().map(reader).map(|reader| Box::new(reader) as _).collect())
    }
}

impl MessageReader for Reader {
    fn draw(&mut self, last_s: &[i64]) -> Drawn {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let agreement = &mut state.agreements[self.drawn.0];
        for &ts_s in last_s.iter().filter(|&&ts_s| ts_s <= self.agrees_to_s) {
            agreement.see(ts_s);
        }
        if let (Some(reached_s), false) = (agreement.clock_s(), last_s.is_empty()) {
            state.skew.reach(self.drawn.0, reached_s);
        }
        let give = |news| Drawn::News { chunk: state.chunks.number(), news };
        if state.joined < self.partitions.len() {
            let partition = Partition::try_from(state.joined).unwrap();
            state.skew.count(state.joined, true);
            state.joined += 1;
            return give(News::Joined { partition, entry: Entry::Beginning });
        }
        let free: Vec<usize> = (0..self.partitions.len())
            .filter(|&index| state.drawn[index].is_some() && !state.skew.holds(index))
            .collect();
        if free.is_empty() || self.stop.reason() != StopReason::Running {
            state.chunks.all_claimed();
            return Drawn::Finished;
        }
        state.random = state.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let index = free[usize::try_from(state.random >> 33).unwrap() % free.len()];
        let partition = Partition::try_from(index).unwrap();
        let (from, all) = (state.drawn[index].unwrap(), self.partitions[index].workload().frames);
        if from == all {
            state.drawn[index] = None;
            state.skew.count(index, false);
            return give(News::Ended { partition });
        }
        let to = (from + MESSAGES).min(all);
        state.drawn[index] = Some(to);
        self.drawn = (index, from, to);
        Drawn::Messages { chunk: state.chunks.number(), partition }
    }

    fn next(&mut self) -> Option<Message<'_>> {
        let (index, at, to) = self.drawn;
        if at == to {
            return None;
        }
        self.frame.clear();
        self.partitions[index].frame(at, &mut self.frame);
        self.drawn.1 += 1;
        let line = self.frame.strip_suffix(b"\n").unwrap_or(&self.frame);
        Some(Message { payload: Some(line), offset: at })
    }

    fn wake_in(&self) -> Option<Duration> {
        None
    }
}
