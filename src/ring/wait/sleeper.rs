//! The sleep itself: an eventfd, so that one `poll` waits for wakers and for an input at once.
//!
//! loom and Miri know no eventfd; there a lock and a condition variable take its place, with the same
//! promises: a wake is kept until a sleep takes it, several wakes are taken as one.

pub(super) use imp::Sleeper;

#[cfg(not(any(feature = "loom", miri)))]
mod imp {
    use std::{
        io,
        os::fd::{AsFd, BorrowedFd, OwnedFd},
        time::Duration,
    };

    use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

    use crate::ring::sync::yield_now;

    /// Wakes not yet slept through are the eventfd's count.
    pub(in super::super) struct Sleeper(OwnedFd);

    impl Sleeper {
        pub(in super::super) fn new() -> io::Result<Sleeper> {
            Ok(Sleeper(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
        }

        pub(in super::super) fn wake(&self) {
            // It fails only where the count is at its maximum, and then the sleeper wakes anyway.
            let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
        }

        pub(in super::super) fn sleep(
            &self,
            fd: Option<BorrowedFd<'_>>,
            timeout: Option<Duration>,
        ) {
            // A time too long for the kernel is as good as none.
            let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
            let own = PollFd::new(&self.0, PollFlags::IN);
            let polled = match fd {
                None => poll(&mut [own], timeout.as_ref()),
                Some(fd) => {
                    let input = PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN);
                    poll(&mut [own, input], timeout.as_ref())
                }
            };
            match polled {
                // Takes all wakes so far; what they are about is seen by the round that follows.
                // Where there was none it says "again", and there is nothing to take.
                Ok(_) => _ = rustix::io::read(&self.0, &mut [0_u8; 8]),
                // A signal, or the kernel short of memory: the caller looks again, and comes back.
                Err(_) => yield_now(),
            }
        }
    }
}

#[cfg(any(feature = "loom", miri))]
mod imp {
    use std::{io, os::fd::BorrowedFd, time::Duration};

    use crate::ring::sync::{Condvar, Mutex};

    /// Whether there is a wake not yet slept through.
    pub(in super::super) struct Sleeper {
        is_woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Sleeper {
        pub(in super::super) fn new() -> io::Result<Sleeper> {
            Ok(Sleeper { is_woken: Mutex::new(false), changed: Condvar::new() })
        }

        pub(in super::super) fn wake(&self) {
            *self.is_woken.lock().expect("nobody panics with this lock") = true;
            self.changed.notify_one();
        }

        /// `fd` is ignored; under loom the timeout too, so that a lost wake-up is a deadlock, which
        /// loom reports.
        pub(in super::super) fn sleep(
            &self,
            _fd: Option<BorrowedFd<'_>>,
            timeout: Option<Duration>,
        ) {
            let mut is_woken = self.is_woken.lock().expect("nobody panics with this lock");
            while !*is_woken {
                is_woken = match timeout {
                    Some(timeout) if cfg!(not(feature = "loom")) => {
                        let waited = self.changed.wait_timeout(is_woken, timeout);
                        let (mut is_woken, outcome) = waited.expect("nobody panics with this lock");
                        *is_woken |= outcome.timed_out();
                        is_woken
                    }
                    _ => self.changed.wait(is_woken).expect("nobody panics with this lock"),
                };
            }
            *is_woken = false;
        }
    }
}
