//! Slots change hands in order: values arrive whole, once, in order; ends of ends are seen.

use loom::thread::{self, yield_now};

use super::{Value, check, value};
use crate::ring::{Consumer, PopError, Producer, PushError, Waker, ring};

fn quiet(capacity: usize) -> (Producer<Value>, Consumer<Value>) {
    ring(capacity, Waker::none(), Waker::none())
}

fn push_all(producer: &mut Producer<Value>, count: usize) {
    for n in 0..count {
        let mut next = value(n);
        while let Err(error) = producer.push(next) {
            assert!(matches!(error, PushError::Full(_)));
            next = error.into_inner();
            yield_now();
        }
    }
}

/// Takes until the end, and returns how many came.
fn pop_all(consumer: &mut Consumer<Value>) -> usize {
    let mut count = 0;
    loop {
        match consumer.pop() {
            Ok(value) => {
                assert_eq!(*value, count);
                count += 1;
            }
            Err(PopError::Empty) => yield_now(),
            Err(PopError::Ended) => return count,
        }
    }
}

fn push_and_pop(capacity: usize, count: usize) {
    check(4, move || {
        let (mut producer, mut consumer) = quiet(capacity);
        let sender = thread::spawn(move || push_all(&mut producer, count));
        assert_eq!(pop_all(&mut consumer), count);
        sender.join().expect("the sender found no fault");
    });
}

#[test]
fn one_slot() {
    push_and_pop(1, 3);
}

#[test]
fn two_slots() {
    push_and_pop(2, 4);
}

#[test]
fn batches() {
    check(4, || {
        let (mut producer, mut consumer) = quiet(2);
        let sender = thread::spawn(move || {
            let mut next = 0;
            while next < 3 {
                let Ok(mut reservation) = producer.reserve(2) else {
                    yield_now();
                    continue;
                };
                while next < 3 && reservation.push(value(next)).is_ok() {
                    next += 1;
                }
                reservation.commit();
            }
            // One that is given up must not be seen.
            if let Ok(mut reservation) = producer.reserve(1) {
                reservation.push(value(99)).unwrap();
            }
        });
        let mut count = 0;
        loop {
            match consumer.peek_many() {
                Ok((first, second)) => {
                    for value in first.iter().chain(second) {
                        assert_eq!(**value, count);
                        count += 1;
                    }
                    let readable = first.len() + second.len();
                    consumer.release(readable);
                }
                Err(PopError::Empty) => yield_now(),
                Err(PopError::Ended) => break,
            }
        }
        assert_eq!(count, 3);
        sender.join().expect("the sender found no fault");
    });
}

#[test]
fn the_end_comes_after_the_last_value() {
    check(5, || {
        let (mut producer, mut consumer) = quiet(2);
        let sender = thread::spawn(move || assert!(producer.push(value(0)).is_ok()));
        assert_eq!(pop_all(&mut consumer), 1);
        sender.join().expect("the sender found no fault");
    });
}

#[test]
fn a_hang_up_loses_no_value_twice() {
    check(5, || {
        let (mut producer, mut consumer) = quiet(2);
        let taker = thread::spawn(move || drop(consumer.pop()));
        for n in 0..3 {
            if producer.push(value(n)).is_err() {
                break;
            }
        }
        taker.join().unwrap();
        assert!(producer.is_hung_up());
    });
}
