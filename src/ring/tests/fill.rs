//! What a watcher sees of a ring, and that it keeps nothing alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::ring::{Waker, ring};

#[test]
fn it_is_the_values_in_the_ring() {
    let (mut producer, mut consumer) = ring(3, Waker::none(), Waker::none());
    let fill = producer.fill();
    assert_eq!((fill.slots(), fill.values()), (3, 0));
    for (push, pop, values) in [(2, 0, 2), (1, 0, 3), (0, 2, 1), (2, 3, 0), (3, 1, 2)] {
        (0..push).for_each(|_| producer.push(()).unwrap());
        (0..pop).for_each(|_| consumer.pop().unwrap());
        assert_eq!(fill.values(), values);
    }
}

#[test]
fn it_keeps_nothing_alive() {
    let value = Arc::new(());
    let (mut producer, consumer) = ring(2, Waker::none(), Waker::none());
    let fill = producer.fill();
    producer.push(Arc::clone(&value)).unwrap();
    drop(producer);
    assert_eq!(fill.values(), 1, "the consumer may still take it");
    drop(consumer);
    assert_eq!(Arc::strong_count(&value), 1);
    assert_eq!(fill.values(), 0);
}

#[test]
fn it_can_be_read_while_the_ends_move() {
    let (mut producer, mut consumer) = ring(4, Waker::none(), Waker::none());
    let fill = producer.fill();
    let values = if cfg!(miri) { 200 } else { 200_000 };
    let sender = thread::spawn(move || {
        for n in 0..values {
            while producer.push(n).is_err() {
                thread::yield_now();
            }
        }
    });
    let over = Arc::new(AtomicBool::new(false));
    let seen_over = Arc::clone(&over);
    let watcher = thread::spawn(move || {
        while !seen_over.load(Ordering::Relaxed) {
            assert!(fill.values() <= fill.slots());
            thread::yield_now();
        }
    });
    for n in 0..values {
        loop {
            if let Ok(value) = consumer.pop() {
                assert_eq!(value, n);
                break;
            }
            thread::yield_now();
        }
    }
    drop(consumer);
    sender.join().unwrap();
    over.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
}
