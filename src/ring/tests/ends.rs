//! What each end answers, on one thread.

use super::quiet;
use crate::ring::{PopError, PushError, ReserveError};

#[test]
fn values_come_out_in_order_round_the_end() {
    for capacity in 1..=5 {
        let (mut producer, mut consumer) = quiet(capacity);
        let (mut next_in, mut next_out) = (0, 0);
        for round in 0..20 {
            for _ in 0..=round % capacity {
                assert_eq!(producer.push(next_in), Ok(()));
                next_in += 1;
            }
            while next_out < next_in {
                assert_eq!(consumer.pop(), Ok(next_out));
                next_out += 1;
            }
            assert_eq!(consumer.pop(), Err(PopError::Empty));
        }
    }
}

#[test]
fn one_slot_is_full_after_one_push() {
    let (mut producer, mut consumer) = quiet(1);
    assert_eq!(producer.capacity(), 1);
    assert_eq!(producer.push('a'), Ok(()));
    assert_eq!(producer.push('b'), Err(PushError::Full('b')));
    assert_eq!(PushError::Full('b').into_inner(), 'b');
    assert_eq!(consumer.peek(), Ok(&'a'));
    assert_eq!(consumer.pop(), Ok('a'));
    assert_eq!(producer.push('b'), Ok(()));
    assert_eq!(consumer.pop(), Ok('b'));
}

#[test]
fn slots_are_counted_on_both_ends() {
    let (mut producer, mut consumer) = quiet(3);
    assert_eq!((producer.free_slots(), consumer.readable()), (3, 0));
    producer.push(1).unwrap();
    producer.push(2).unwrap();
    assert_eq!((producer.free_slots(), consumer.readable()), (1, 2));
    consumer.release(1);
    assert_eq!((producer.free_slots(), consumer.readable()), (2, 1));
}

#[test]
fn a_reservation_is_seen_when_committed() {
    let (mut producer, mut consumer) = quiet(4);
    let mut reservation = producer.reserve(3).unwrap();
    assert_eq!(reservation.free_slots(), 3);
    for value in 0..3 {
        assert_eq!(reservation.push(value), Ok(()));
        assert_eq!(consumer.pop(), Err(PopError::Empty));
    }
    assert_eq!(reservation.push(3), Err(3));
    reservation.commit();
    assert_eq!(consumer.peek_many(), Ok((&[0, 1, 2][..], &[][..])));
}

#[test]
fn a_reservation_takes_what_is_free() {
    let (mut producer, mut consumer) = quiet(2);
    producer.push(0).unwrap();
    assert_eq!(producer.reserve(9).unwrap().free_slots(), 1);
    producer.push(1).unwrap();
    assert_eq!(producer.reserve(1).err(), Some(ReserveError::Full));
    assert_eq!(consumer.pop(), Ok(0));
    assert_eq!(producer.reserve(0).unwrap().free_slots(), 1, "at least one");
    producer.reserve(1).unwrap().commit();
    assert_eq!(consumer.readable(), 1, "an empty commit publishes nothing");
}

#[test]
fn two_slices_where_the_values_go_round_the_end() {
    let (mut producer, mut consumer) = quiet(3);
    for value in 0..3 {
        producer.push(value).unwrap();
    }
    consumer.release(2);
    let mut reservation = producer.reserve(2).unwrap();
    reservation.push(3).unwrap();
    reservation.push(4).unwrap();
    reservation.commit();
    // Three slots lie in a memory of four.
    assert_eq!(consumer.peek_many(), Ok((&[2, 3][..], &[4][..])));
    consumer.release(3);
    assert_eq!(consumer.peek_many(), Err(PopError::Empty));
    consumer.release(0);
}

#[test]
#[should_panic(expected = "release of 2 values where 1 are readable")]
fn releasing_more_than_is_readable_panics() {
    let (mut producer, mut consumer) = quiet(3);
    producer.push(0).unwrap();
    consumer.release(2);
}

#[test]
#[should_panic(expected = "at least one slot")]
fn a_ring_without_slots_panics() {
    let _ = quiet::<u8>(0);
}

#[test]
fn the_stream_ends_after_the_last_value() {
    let (mut producer, mut consumer) = quiet(2);
    producer.push(7).unwrap();
    assert_eq!(consumer.readable(), 1);
    drop(producer);
    assert_eq!(consumer.peek(), Ok(&7));
    assert_eq!(consumer.pop(), Ok(7));
    assert_eq!(consumer.pop(), Err(PopError::Ended));
    assert_eq!(consumer.peek(), Err(PopError::Ended));
    assert_eq!(consumer.peek_many(), Err(PopError::Ended));
    assert_eq!(consumer.readable(), 0);
}

#[test]
fn a_hang_up_is_noticed_once_the_room_last_seen_is_used_up() {
    let (mut producer, consumer) = quiet(1);
    assert!(!producer.is_hung_up());
    drop(consumer);
    assert!(producer.is_hung_up());
    assert_eq!(producer.push(1), Ok(()), "into room seen before");
    assert_eq!(producer.push(2), Err(PushError::HungUp(2)));
    assert_eq!(producer.reserve(1).err(), Some(ReserveError::HungUp));
}

#[test]
fn values_without_a_size_are_counted_too() {
    let (mut producer, mut consumer) = quiet(2);
    producer.push(()).unwrap();
    producer.push(()).unwrap();
    assert_eq!(producer.push(()), Err(PushError::Full(())));
    assert_eq!(consumer.peek_many().unwrap().0.len(), 2);
    assert_eq!(consumer.pop(), Ok(()));
    consumer.release(1);
    assert_eq!(consumer.pop(), Err(PopError::Empty));
}
