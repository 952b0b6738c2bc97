//! Each value is dropped once, whatever becomes of it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use super::quiet;
use crate::ring::{PopError, PushError};

/// How many values made by cloning `seed` are still alive.
fn alive(seed: &Arc<u32>) -> usize {
    Arc::strong_count(seed) - 1
}

#[test]
fn popped_released_and_left_behind() {
    let seed = Arc::new(0);
    let (mut producer, mut consumer) = quiet(3);
    for _ in 0..3 {
        producer.push(Arc::clone(&seed)).unwrap();
    }
    assert_eq!(alive(&seed), 3);
    drop(consumer.pop());
    assert_eq!(alive(&seed), 2);
    consumer.release(1);
    assert_eq!(alive(&seed), 1);
    // Two more, so that what is left behind goes round the end.
    producer.push(Arc::clone(&seed)).unwrap();
    producer.push(Arc::clone(&seed)).unwrap();
    drop(consumer);
    assert_eq!(alive(&seed), 3);
    drop(producer);
    assert_eq!(alive(&seed), 0);
}

#[test]
fn the_order_in_which_the_ends_go_does_not_matter() {
    let seed = Arc::new(0);
    let (mut producer, mut consumer) = quiet(2);
    producer.push(Arc::clone(&seed)).unwrap();
    producer.push(Arc::clone(&seed)).unwrap();
    drop(producer);
    drop(consumer.pop());
    drop(consumer);
    assert_eq!(alive(&seed), 0);
}

#[test]
fn a_value_that_is_not_taken_comes_back() {
    let seed = Arc::new(0);
    let (mut producer, consumer) = quiet(1);
    producer.push(Arc::clone(&seed)).unwrap();
    let refused = producer.push(Arc::clone(&seed));
    assert!(matches!(refused, Err(PushError::Full(_))));
    assert_eq!(alive(&seed), 2);
    drop(refused);
    drop((producer, consumer));
    assert_eq!(alive(&seed), 0);
}

#[test]
fn a_reservation_dropped_drops_its_values() {
    let seed = Arc::new(0);
    let (mut producer, mut consumer) = quiet(3);
    producer.push(Arc::clone(&seed)).unwrap();
    producer.push(Arc::clone(&seed)).unwrap();
    consumer.release(2);
    let mut reservation = producer.reserve(2).unwrap();
    reservation.push(Arc::clone(&seed)).unwrap();
    reservation.push(Arc::clone(&seed)).unwrap();
    assert_eq!(alive(&seed), 2);
    drop(reservation);
    assert_eq!(alive(&seed), 0);
    assert_eq!(consumer.pop().err(), Some(PopError::Empty));
    assert_eq!(producer.free_slots(), 3);
}

#[test]
fn a_drop_that_panics_loses_no_other() {
    struct Bomb {
        is_armed: bool,
        _alive: Arc<u32>,
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.is_armed, "as planned");
        }
    }
    let seed = Arc::new(0);
    let (mut producer, mut consumer) = quiet(4);
    for is_armed in [true, false, false] {
        producer.push(Bomb { is_armed, _alive: Arc::clone(&seed) }).unwrap();
    }
    let released = catch_unwind(AssertUnwindSafe(|| consumer.release(2)));
    assert!(released.is_err());
    assert_eq!(alive(&seed), 1);
    assert_eq!(consumer.readable(), 1);
    drop((producer, consumer));
    assert_eq!(alive(&seed), 0);
}

#[test]
fn two_threads_lose_nothing_and_keep_the_order() {
    let count = if cfg!(miri) { 200 } else { 20_000 };
    for capacity in [1, 2, 7] {
        let (mut producer, mut consumer) = quiet(capacity);
        let sender = thread::spawn(move || {
            let mut next = 0;
            while next < count {
                let Ok(mut reservation) = producer.reserve(3) else {
                    thread::yield_now();
                    continue;
                };
                // Boxed: a value read twice or never would be a double free or a leak.
                while next < count && reservation.push(Box::new(next)).is_ok() {
                    next += 1;
                }
                reservation.commit();
            }
        });
        let mut expected = 0;
        loop {
            match consumer.pop() {
                Ok(value) => {
                    assert_eq!(*value, expected);
                    expected += 1;
                }
                Err(PopError::Empty) => thread::yield_now(),
                Err(PopError::Ended) => break,
            }
        }
        assert_eq!(expected, count);
        sender.join().unwrap();
    }
}
