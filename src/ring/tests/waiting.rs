//! Threads that wait are woken, under each policy.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use clap::ValueEnum;

use crate::ring::{Parker, PopError, PushError, WaitPolicy, Waiter, Waker, ring};

/// A hang is a lost wake-up; this only bounds how long a failing test takes.
const HANG: Duration = Duration::from_secs(60);

/// Long enough for the other thread to be asleep, most likely. Nothing fails where it is not.
const SETTLE: Duration = Duration::from_millis(if cfg!(miri) { 1 } else { 20 });

fn waiter(policy: WaitPolicy) -> Waiter {
    Waiter::new(policy, Parker::new().expect("a descriptor is left"))
}

/// Runs `task` on a thread of its own; what it returns arrives within [`HANG`], or the test fails.
fn finishes<R: Send + 'static>(task: impl FnOnce() -> R + Send + 'static) -> mpsc::Receiver<R> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(task()));
    result
}

#[test]
fn a_waiting_consumer_is_woken_by_a_value_and_by_the_end() {
    for policy in WaitPolicy::value_variants() {
        let mut waiter = waiter(*policy);
        let (mut producer, mut consumer) = ring(4, Waker::none(), waiter.waker());
        let result = finishes(move || {
            let mut sum = 0;
            loop {
                match consumer.pop() {
                    Ok(value) => {
                        sum += value;
                        waiter.worked();
                    }
                    Err(PopError::Empty) => waiter.idle(None, None),
                    Err(PopError::Ended) => return sum,
                }
            }
        });
        for value in [1, 10, 100] {
            thread::sleep(SETTLE);
            producer.push(value).unwrap();
        }
        thread::sleep(SETTLE);
        drop(producer);
        assert_eq!(result.recv_timeout(HANG), Ok(111), "{policy}");
    }
}

#[test]
fn a_waiting_producer_is_woken_by_room_and_by_a_hang_up() {
    for policy in WaitPolicy::value_variants() {
        let mut waiter = waiter(*policy);
        let (mut producer, mut consumer) = ring(1, waiter.waker(), Waker::none());
        let result = finishes(move || {
            let mut pushed = 0;
            loop {
                match producer.push(pushed) {
                    Ok(()) => {
                        pushed += 1;
                        waiter.worked();
                    }
                    Err(PushError::Full(_)) => waiter.idle(None, None),
                    Err(PushError::HungUp(_)) => return pushed,
                }
            }
        });
        for expected in 0..3 {
            thread::sleep(SETTLE);
            while consumer.readable() == 0 {
                thread::yield_now();
            }
            assert_eq!(consumer.pop(), Ok(expected));
        }
        thread::sleep(SETTLE);
        drop(consumer);
        assert!(result.recv_timeout(HANG).is_ok_and(|pushed| pushed >= 3), "{policy}");
    }
}

#[test]
fn a_wake_between_announcing_and_sleeping_is_kept() {
    let parker = Parker::new().unwrap();
    let waker = parker.waker();
    for _ in 0..3 {
        parker.announce();
        waker.wake();
        waker.clone().wake();
        parker.sleep(None, None);
    }
}

#[test]
fn a_wake_that_nobody_announced_is_no_wake() {
    let parker = Parker::new().unwrap();
    parker.waker().wake();
    parker.announce();
    parker.retract();
    parker.waker().wake();
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    parker.announce();
    parker.sleep(None, Some(timeout));
    assert!(start.elapsed() >= timeout);
}

#[test]
fn wakers_outlive_their_thread() {
    let waiter = waiter(WaitPolicy::Park);
    let waker = waiter.waker();
    drop(waiter);
    waker.wake();
    Waker::none().wake();
}

#[test]
#[cfg(not(miri))]
fn an_input_wakes_a_sleeper_by_data_and_by_closing() {
    use std::os::fd::AsFd;
    for policy in [WaitPolicy::Balanced, WaitPolicy::Park] {
        for says_something in [true, false] {
            let (reader, writer) = rustix::pipe::pipe().unwrap();
            let mut waiter = waiter(policy);
            let result = finishes(move || {
                // Enough rounds for either policy to have slept once.
                let start = Instant::now();
                for _ in 0..100 {
                    waiter.idle(Some(reader.as_fd()), None);
                }
                (reader, start)
            });
            thread::sleep(SETTLE);
            if says_something {
                rustix::io::write(&writer, b"x").unwrap();
                assert!(result.recv_timeout(HANG).is_ok(), "{policy}");
            } else {
                drop(writer);
                assert!(result.recv_timeout(HANG).is_ok(), "{policy}");
            }
        }
    }
}

#[test]
fn policies_have_their_names() {
    for policy in WaitPolicy::value_variants() {
        assert_eq!(WaitPolicy::from_str(policy.as_str(), false), Ok(*policy));
        assert_eq!(policy.to_string(), policy.as_str());
    }
    assert_eq!(WaitPolicy::default(), WaitPolicy::Balanced);
}
