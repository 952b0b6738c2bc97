//! The only place that waits.
//!
//! A thread steps all its stages; if none of them worked it calls [`Waiter::idle`], else
//! [`Waiter::worked`]. Stages and rings never wait, so this policy is the whole of how the program
//! spends time it does not need, and one `--wait` decides it.
//!
//! Owned by the thread that waits: a [`Waiter`] and its [`Parker`]. Owned by everyone else: [`Waker`]s,
//! which may outlive both.
//!
//! Invariant: between "I am parked" and the sleep there is always one whole round of steps. That
//! round sees whatever was handed over before the announcement could be seen (`parker.rs` has the
//! argument), so no wake-up is lost.

mod parker;
mod sleeper;

use std::{fmt, os::fd::BorrowedFd, time::Duration};

pub use parker::{Parker, Waker};

use super::sync::{spin_loop, yield_now};

/// Idle rounds that spin before `balanced` yields. Round `n` spins `2^n` hints: 127 in all, about
/// 1 µs where a hint takes few cycles and 5 µs where it takes 140 (Intel since Skylake). As long as
/// a wake-up by the kernel costs, so a wait that would have been short never pays for one.
const SPIN_ROUNDS: u32 = if cfg!(feature = "loom") { 1 } else { 7 };

/// Idle rounds that then yield before `balanced` parks: lets another runnable thread have the core
/// at once, some 10 µs where there is none.
const YIELD_ROUNDS: u32 = if cfg!(feature = "loom") { 1 } else { 16 };

/// Hints an idle round of `spin` spins: enough to spare the sibling hyper-thread, too few to notice.
const SPIN_HINTS: u32 = 16;

/// What a thread does that finds nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum WaitPolicy {
    /// Never gives the core away: the shortest delay, one whole core for each thread.
    Spin,
    /// Spins some microseconds, yields a few times, then sleeps until woken.
    #[default]
    Balanced,
    /// Sleeps as soon as there is nothing to do.
    Park,
}

impl WaitPolicy {
    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            WaitPolicy::Spin => "spin",
            WaitPolicy::Balanced => "balanced",
            WaitPolicy::Park => "park",
        }
    }
}

impl fmt::Display for WaitPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How one thread waits. Belongs to that thread.
pub struct Waiter {
    policy: WaitPolicy,
    parker: Parker,
    /// Idle rounds since the last one that worked, as far as they matter.
    idle_rounds: u32,
    /// Whether peers have been told that we are about to sleep.
    is_announced: bool,
}

impl Waiter {
    /// A waiter that follows `policy` and sleeps on `parker`.
    #[must_use]
    pub fn new(policy: WaitPolicy, parker: Parker) -> Waiter {
        Waiter { policy, parker, idle_rounds: 0, is_announced: false }
    }

    /// What peers use to wake this thread. One that never sleeps needs no waking: under
    /// [`WaitPolicy::Spin`] this is [`Waker::none`], which spares the peers their fence.
    #[must_use]
    pub fn waker(&self) -> Waker {
        match self.policy {
            WaitPolicy::Spin => Waker::none(),
            WaitPolicy::Balanced | WaitPolicy::Park => self.parker.waker(),
        }
    }

    /// To be called after a round of steps in which some stage worked.
    #[inline]
    pub fn worked(&mut self) {
        self.idle_rounds = 0;
        if self.is_announced {
            self.is_announced = false;
            self.parker.retract();
        }
    }

    /// To be called after a round of steps in which no stage worked; afterwards make another round.
    ///
    /// Waits a little or, if the round before it was announced, sleeps: until a waker is used, `fd`
    /// is readable (or closed), or `timeout` is over. It may also return for no reason. `spin`
    /// ignores both: its stages look at their input and the time themselves.
    pub fn idle(&mut self, fd: Option<BorrowedFd<'_>>, timeout: Option<Duration>) {
        match self.policy {
            WaitPolicy::Spin => spin(SPIN_HINTS),
            WaitPolicy::Balanced if self.idle_rounds < SPIN_ROUNDS => {
                spin(1 << self.idle_rounds);
                self.idle_rounds += 1;
            }
            WaitPolicy::Balanced if self.idle_rounds < SPIN_ROUNDS + YIELD_ROUNDS => {
                yield_now();
                self.idle_rounds += 1;
            }
            WaitPolicy::Balanced | WaitPolicy::Park => self.park(fd, timeout),
        }
    }

    /// Announces, and sleeps the next time. A sleep that brought no work is followed by another
    /// announcement, not by more spinning: a thread woken by its timeout only stays cheap.
    fn park(&mut self, fd: Option<BorrowedFd<'_>>, timeout: Option<Duration>) {
        if self.is_announced {
            self.is_announced = false;
            self.parker.sleep(fd, timeout);
        } else {
            self.is_announced = true;
            self.parker.announce();
        }
    }
}

fn spin(hints: u32) {
    for _ in 0..hints {
        spin_loop();
    }
}
