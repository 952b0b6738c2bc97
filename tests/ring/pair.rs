//! A ring beside its model, a `VecDeque`: the same answers, and each value dropped once.
//!
//! Operations come from proptest (`model.rs`) or from the fuzz target `ring` (`fuzz/`).

use std::{collections::VecDeque, rc::Rc};

use headcount::ring::{Consumer, PopError, Producer, PushError, ReserveError, Waker, ring};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Push,
    Reserve { wanted: usize, filled: usize, is_committed: bool },
    Pop,
    Peek,
    PeekMany,
    Release(usize),
    FreeSlots,
    Readable,
    DropProducer,
    DropConsumer,
}

/// A value that is counted while it lives.
#[derive(Debug)]
struct Value {
    number: u32,
    _alive: Rc<()>,
}

/// The ring beside its model.
pub(crate) struct Pair {
    producer: Option<Producer<Value>>,
    consumer: Option<Consumer<Value>>,
    model: VecDeque<u32>,
    capacity: usize,
    next: u32,
    alive: Rc<()>,
}

impl Pair {
    pub(crate) fn new(capacity: usize) -> Pair {
        let (producer, consumer) = ring(capacity, Waker::none(), Waker::none());
        let (producer, consumer) = (Some(producer), Some(consumer));
        Pair { producer, consumer, model: VecDeque::new(), capacity, next: 0, alive: Rc::new(()) }
    }

    /// Drops both ends; no value may be left.
    pub(crate) fn end(mut self) {
        self.apply(&Op::DropConsumer);
        self.apply(&Op::DropProducer);
        assert_eq!(Rc::strong_count(&self.alive), 1);
    }

    fn value(&mut self) -> Value {
        self.next += 1;
        Value { number: self.next, _alive: Rc::clone(&self.alive) }
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Push => self.push(),
            Op::Reserve { wanted, filled, is_committed } => {
                self.reserve(*wanted, *filled, *is_committed);
            }
            Op::FreeSlots => {
                let Some(producer) = &mut self.producer else { return };
                assert_eq!(producer.free_slots(), self.capacity - self.model.len());
            }
            Op::DropProducer => self.producer = None,
            Op::DropConsumer => self.consumer = None,
            Op::Pop | Op::Peek | Op::PeekMany | Op::Release(_) | Op::Readable => self.consume(op),
        }
        let in_ring =
            if self.producer.is_some() || self.consumer.is_some() { self.model.len() } else { 0 };
        assert_eq!(Rc::strong_count(&self.alive) - 1, in_ring);
    }

    fn push(&mut self) {
        let value = self.value();
        let number = value.number;
        let Some(producer) = &mut self.producer else { return };
        assert_eq!(producer.is_hung_up(), self.consumer.is_none());
        let is_full = self.model.len() == self.capacity;
        match producer.push(value) {
            // After a hang-up, as long as room seen before lasts.
            Ok(()) => {
                assert!(!is_full);
                self.model.push_back(number);
            }
            Err(PushError::Full(value)) => {
                assert!(is_full && self.consumer.is_some());
                assert_eq!(value.number, number);
            }
            Err(PushError::HungUp(value)) => {
                assert!(self.consumer.is_none());
                assert_eq!(value.number, number);
            }
        }
    }

    fn reserve(&mut self, wanted: usize, filled: usize, is_committed: bool) {
        let values: Vec<_> = (0..filled).map(|_| self.value()).collect();
        let free = self.capacity - self.model.len();
        let Some(producer) = &mut self.producer else { return };
        match producer.reserve(wanted) {
            Ok(mut reservation) => {
                let slots = reservation.free_slots();
                assert!(slots >= 1 && slots <= free);
                if self.consumer.is_some() {
                    assert_eq!(slots, wanted.clamp(1, free));
                }
                for (index, value) in values.into_iter().enumerate() {
                    let number = value.number;
                    let pushed = reservation.push(value);
                    assert_eq!(pushed.is_ok(), index < slots);
                    if is_committed && pushed.is_ok() {
                        self.model.push_back(number);
                    }
                }
                if is_committed {
                    reservation.commit();
                }
            }
            Err(ReserveError::Full) => assert!(free == 0 && self.consumer.is_some()),
            Err(ReserveError::HungUp) => assert!(self.consumer.is_none()),
        }
    }

    fn consume(&mut self, op: &Op) {
        let Some(consumer) = &mut self.consumer else { return };
        let nothing = if self.producer.is_some() { PopError::Empty } else { PopError::Ended };
        match op {
            Op::Pop => {
                let popped = consumer.pop().map(|value| value.number);
                assert_eq!(popped, self.model.pop_front().ok_or(nothing));
            }
            Op::Peek => {
                let peeked = consumer.peek().map(|value| value.number);
                assert_eq!(peeked, self.model.front().copied().ok_or(nothing));
            }
            Op::PeekMany => match consumer.peek_many() {
                Ok((first, second)) => {
                    assert!(!first.is_empty());
                    let all = first.iter().chain(second).map(|value| value.number);
                    assert!(all.eq(self.model.iter().copied()));
                }
                Err(error) => {
                    assert_eq!(error, nothing);
                    assert!(self.model.is_empty());
                }
            },
            Op::Release(count) => {
                let count = (*count).min(self.model.len());
                consumer.release(count);
                self.model.drain(..count);
            }
            _ => assert_eq!(consumer.readable(), self.model.len()),
        }
    }
}
