//! No wake-up is lost: a thread that sleeps for good is a deadlock, which loom reports.

use loom::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{check, value};
use crate::ring::{
    Parker, PopError, PushError, Stop, StopReason, Token, WaitPolicy, Waiter, Waker, ring,
};

fn waiter(policy: WaitPolicy) -> Waiter {
    Waiter::new(policy, Parker::new().expect("a descriptor is left"))
}

/// The consumer waits by `policy` for `count` values and the end.
fn consumer_is_woken(policy: WaitPolicy, count: usize) {
    check(4, move || {
        let mut waiter = waiter(policy);
        let (mut producer, mut consumer) = ring(2, Waker::none(), waiter.waker());
        let sender = thread::spawn(move || {
            for n in 0..count {
                assert!(producer.push(value(n)).is_ok());
            }
        });
        let mut taken = 0;
        loop {
            match consumer.pop() {
                Ok(value) => {
                    assert_eq!(*value, taken);
                    taken += 1;
                    waiter.worked();
                }
                Err(PopError::Empty) => waiter.idle(None, None),
                Err(PopError::Ended) => break,
            }
        }
        assert_eq!(taken, count);
        sender.join().expect("the sender found no fault");
    });
}

#[test]
fn a_parked_consumer_by_the_end() {
    consumer_is_woken(WaitPolicy::Park, 0);
}

#[test]
fn a_parked_consumer_by_values() {
    consumer_is_woken(WaitPolicy::Park, 2);
}

#[test]
fn a_balanced_consumer() {
    consumer_is_woken(WaitPolicy::Balanced, 1);
}

#[test]
fn a_consumer_by_a_value_whose_producer_stays() {
    check(4, || {
        let parker = Parker::new().unwrap();
        let (mut producer, mut consumer) = ring(1, Waker::none(), parker.waker());
        let sender = thread::spawn(move || {
            producer.push(value(0)).unwrap();
            producer
        });
        while consumer.peek().is_err() {
            parker.announce();
            if consumer.peek().is_ok() {
                parker.retract();
                break;
            }
            parker.sleep(None, None);
        }
        drop(sender.join().unwrap());
    });
}

#[test]
fn a_parked_producer_by_room_and_by_a_hang_up() {
    check(4, || {
        let mut waiter = waiter(WaitPolicy::Park);
        let (mut producer, mut consumer) = ring(1, waiter.waker(), Waker::none());
        producer.push(value(0)).unwrap();
        let taker = thread::spawn(move || {
            assert_eq!(consumer.pop().map(|value| *value), Ok(0));
        });
        let mut next = value(1);
        loop {
            match producer.push(next) {
                Ok(()) => {
                    next = value(2);
                    waiter.worked();
                }
                Err(PushError::Full(back)) => {
                    next = back;
                    waiter.idle(None, None);
                }
                Err(PushError::HungUp(_)) => break,
            }
        }
        taker.join().unwrap();
    });
}

#[test]
fn both_ends_parked_by_turns() {
    check(4, || {
        let mut waits_for_room = waiter(WaitPolicy::Park);
        let mut waits_for_values = waiter(WaitPolicy::Park);
        let (mut producer, mut consumer) =
            ring(1, waits_for_room.waker(), waits_for_values.waker());
        let sender = thread::spawn(move || {
            for n in 0..2 {
                while producer.reserve(1).is_err() {
                    waits_for_room.idle(None, None);
                }
                waits_for_room.worked();
                let mut reservation = producer.reserve(1).unwrap();
                reservation.push(value(n)).unwrap();
                reservation.commit();
            }
        });
        let mut taken = 0;
        loop {
            match consumer.readable() {
                0 if consumer.peek().err() == Some(PopError::Ended) => break,
                0 => waits_for_values.idle(None, None),
                readable => {
                    taken += readable;
                    consumer.release(readable);
                    waits_for_values.worked();
                }
            }
        }
        assert_eq!(taken, 2);
        sender.join().expect("the sender found no fault");
    });
}

/// Each thread has one unit of work to do under the token; one that finds it held parks.
#[test]
fn a_released_token_wakes_who_wants_it() {
    check(4, || {
        let token = Token::new(0);
        let work = move |token: Token<usize>, mut waiter: Waiter| {
            loop {
                if let Some(mut guard) = token.try_take() {
                    *guard += 1;
                    guard.release_and_wake();
                    return;
                }
                waiter.idle(None, None);
            }
        };
        let (mine, theirs) = (waiter(WaitPolicy::Park), waiter(WaitPolicy::Park));
        token.add_waker(mine.waker());
        token.add_waker(theirs.waker());
        let same = token.clone();
        let peer = thread::spawn(move || work(same, theirs));
        work(token.clone(), mine);
        peer.join().unwrap();
        assert_eq!(*token.try_take().unwrap(), 2);
    });
}

#[test]
fn a_stop_wakes_and_shows_what_led_to_it() {
    check(4, || {
        let stop = Stop::new();
        let cause = Arc::new(AtomicUsize::new(0));
        let mut waiter = waiter(WaitPolicy::Park);
        let (theirs, led_to) = (stop.clone(), Arc::clone(&cause));
        let peer = thread::spawn(move || {
            led_to.store(1, Ordering::Relaxed);
            assert!(theirs.request(StopReason::Failed));
        });
        // Registered while the request may be under way.
        stop.add_waker(waiter.waker());
        while stop.reason() == StopReason::Running {
            waiter.idle(None, None);
        }
        assert_eq!(cause.load(Ordering::Relaxed), 1);
        peer.join().unwrap();
    });
}
