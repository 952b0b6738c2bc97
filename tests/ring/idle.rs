//! A thread with nothing to do costs next to nothing. The bound is on CPU time, which another
//! program on the machine does not spend for us.

use std::{sync::mpsc, thread, time::Duration};

use headcount::ring::{Parker, PopError, WaitPolicy, Waiter, Waker, ring};
use rustix::time::{ClockId, clock_gettime};

/// CPU time the calling thread has used.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time since the start")
}

/// CPU time a consumer uses that waits on an empty ring for `idle`, then is ended.
fn cpu_time_idle(policy: WaitPolicy, timeout: Option<Duration>, idle: Duration) -> Duration {
    let mut waiter = Waiter::new(policy, Parker::new().expect("a descriptor is left"));
    let (producer, mut consumer) = ring::<u8>(4, Waker::none(), waiter.waker());
    let (report, reported) = mpsc::channel();
    thread::spawn(move || {
        let before = cpu_time();
        while consumer.pop() == Err(PopError::Empty) {
            waiter.idle(None, timeout);
        }
        report.send(cpu_time() - before)
    });
    thread::sleep(idle);
    drop(producer);
    // A hang would be a lost wake-up.
    reported.recv_timeout(Duration::from_secs(60)).expect("woken by the end")
}

#[test]
fn parked_threads_use_next_to_no_cpu() {
    let idle = Duration::from_millis(400);
    for policy in [WaitPolicy::Balanced, WaitPolicy::Park] {
        for timeout in [None, Some(Duration::from_millis(10))] {
            let used = cpu_time_idle(policy, timeout, idle);
            assert!(used < idle / 10, "{policy}, timeout {timeout:?}: {used:?} of {idle:?}");
        }
    }
}
