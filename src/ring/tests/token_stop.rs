//! The token and the stop flag.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use crate::ring::{Parker, Stop, StopReason, Token};

/// Asserts that `act` wakes `parker`, which has announced. The time only bounds a failing test.
fn wakes(parker: &Parker, act: impl FnOnce()) {
    let hang = Duration::from_secs(60);
    assert!(slept(parker, act, hang) < hang, "not woken");
}

/// Asserts that `act` leaves it asleep.
fn leaves_asleep(parker: &Parker, act: impl FnOnce()) {
    let while_watched = Duration::from_millis(10);
    assert!(slept(parker, act, while_watched) >= while_watched, "woken");
}

fn slept(parker: &Parker, act: impl FnOnce(), timeout: Duration) -> Duration {
    parker.announce();
    act();
    let start = Instant::now();
    parker.sleep(None, Some(timeout));
    start.elapsed()
}

#[test]
fn a_token_is_held_once() {
    let token = Token::new(1);
    let same = token.clone();
    let mut guard = token.try_take().unwrap();
    assert!(same.try_take().is_none());
    *guard += 1;
    drop(guard);
    assert_eq!(*same.try_take().unwrap(), 2);
}

#[test]
fn a_holder_chooses_whether_to_wake() {
    let parkers = [Parker::new().unwrap(), Parker::new().unwrap()];
    let token = Token::new(());
    for parker in &parkers {
        token.add_waker(parker.waker());
    }
    for parker in &parkers {
        leaves_asleep(parker, || drop(token.try_take().unwrap()));
        wakes(parker, || token.try_take().unwrap().release_and_wake());
    }
    assert!(token.try_take().is_some());
}

#[test]
fn a_holder_that_panics_wakes_the_others_to_the_same_fate() {
    let parker = Parker::new().unwrap();
    let token = Token::new(());
    token.add_waker(parker.waker());
    let holder = token.clone();
    let panics = || {
        let held = catch_unwind(AssertUnwindSafe(|| {
            let _guard = holder.try_take();
            panic!("as planned");
        }));
        assert!(held.is_err());
    };
    wakes(&parker, panics);
    assert!(catch_unwind(AssertUnwindSafe(|| token.try_take().is_some())).is_err());
}

#[test]
fn the_first_reason_wins_and_wakes() {
    let parker = Parker::new().unwrap();
    let stop = Stop::new();
    stop.add_waker(parker.waker());
    leaves_asleep(&parker, || assert!(!stop.request(StopReason::Running)));
    assert_eq!(stop.reason(), StopReason::Running);
    wakes(&parker, || assert!(stop.request(StopReason::OutputClosed)));
    assert!(!stop.clone().request(StopReason::Failed));
    assert_eq!(stop.reason(), StopReason::OutputClosed);
}

#[test]
fn each_reason_comes_back() {
    for reason in [StopReason::Interrupted, StopReason::OutputClosed, StopReason::Failed] {
        let stop = Stop::default();
        assert!(stop.request(reason));
        assert_eq!(stop.reason(), reason);
    }
}

#[test]
fn a_thread_registered_too_late_is_woken_at_once() {
    let parker = Parker::new().unwrap();
    let stop = Stop::new();
    stop.request(StopReason::Interrupted);
    wakes(&parker, || stop.add_waker(parker.waker()));
}
