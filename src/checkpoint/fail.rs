//! Points at which a test has a step fail, or the program killed: before and after each write, fsync,
//! rename and fsync of the directory, and each step of a transaction.
//!
//! Only in builds with debug assertions, which are those of `cargo test`; in a release build a point
//! is nothing. `HEADCOUNT_FAIL=<point>=kill` kills the program there as SIGKILL does, `=error` has the
//! step fail, `<point>*3=kill` at the third time. Not the `fail` crate: it can panic there, which
//! unwinds and cleans up, but not end at once; and needs a feature that must never reach a release.

/// The points of a file that becomes durable, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// Nothing of it is there.
    pub before_write: &'static str,
    /// Half of a write is done.
    pub in_write: &'static str,
    /// All is written under a temporary name.
    pub after_write: &'static str,
    /// That is on the disk.
    pub after_fsync: &'static str,
    /// It has its name.
    pub after_rename: &'static str,
    /// So has it on the disk.
    pub after_dir_fsync: &'static str,
}

macro_rules! steps {
    ($of:literal) => {
        Steps {
            before_write: concat!("checkpoint::", $of, "::before_write"),
            in_write: concat!("checkpoint::", $of, "::in_write"),
            after_write: concat!("checkpoint::", $of, "::after_write"),
            after_fsync: concat!("checkpoint::", $of, "::after_fsync"),
            after_rename: concat!("checkpoint::", $of, "::after_rename"),
            after_dir_fsync: concat!("checkpoint::", $of, "::after_dir_fsync"),
        }
    };
}

/// Of a segment that is appended.
pub const SEGMENT: Steps = steps!("segment");
/// Of a segment that replaces others.
pub const MERGED: Steps = steps!("merged");
/// Of the manifest.
pub const MANIFEST: Steps = steps!("manifest");
/// Before files are removed that no longer count, and when one is.
pub const BEFORE_REMOVE: &str = "checkpoint::remove::before";
/// See [`BEFORE_REMOVE`].
pub const IN_REMOVE: &str = "checkpoint::remove::in";

/// All points, for tests to walk.
pub const POINTS: [&str; 20] = {
    const fn of(steps: &Steps) -> [&'static str; 6] {
        let Steps { before_write, in_write, after_write, after_fsync, after_rename, .. } = *steps;
        [before_write, in_write, after_write, after_fsync, after_rename, steps.after_dir_fsync]
    }
    let [a, b, c, d, e, f] = of(&SEGMENT);
    let [g, h, i, j, k, l] = of(&MERGED);
    let [m, n, o, p, q, r] = of(&MANIFEST);
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, BEFORE_REMOVE, IN_REMOVE]
};

/// The points of a transaction, in their order.
pub const TRANSACTION: [&str; 5] = [
    "transaction::after_produce",
    "transaction::before_offsets",
    "transaction::after_offsets",
    "transaction::before_commit",
    "transaction::after_commit",
];

#[cfg(not(debug_assertions))]
mod points {
    /// Nothing happens here.
    ///
    /// # Errors
    /// None.
    #[inline(always)]
    pub(crate) fn point(_name: &'static str) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(debug_assertions)]
mod points {
    use std::cell::RefCell;
    use std::io;

    /// What is to happen where, after how many times.
    #[derive(Clone, Debug)]
    struct Plan {
        name: String,
        times: u32,
        kills: bool,
    }

    thread_local! {
        static PLAN: RefCell<Option<Plan>> = RefCell::new(planned());
    }

    fn planned() -> Option<Plan> {
        parse(&std::env::var("HEADCOUNT_FAIL").ok()?)
    }

    fn parse(text: &str) -> Option<Plan> {
        let (place, act) = text.split_once('=')?;
        let (name, times) = place.split_once('*').unwrap_or((place, "1"));
        Some(Plan { name: name.into(), times: times.parse().ok()?, kills: act == "kill" })
    }

    /// Has the next step of this thread at a point fail, as `HEADCOUNT_FAIL` would say it.
    #[cfg(test)]
    pub(in super::super) fn plan(text: &str) {
        PLAN.set(parse(text));
    }

    /// Ends the program or gives an error if that is what a test wants here.
    pub(crate) fn point(name: &'static str) -> io::Result<()> {
        PLAN.with_borrow_mut(|plan| match plan {
            Some(Plan { name: wanted, times, .. }) if wanted == name && *times > 1 => {
                *times -= 1;
                Ok(())
            }
            Some(Plan { name: wanted, kills, .. }) if wanted == name => {
                if *kills {
                    let own = rustix::process::getpid();
                    let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
                    std::process::abort();
                }
                *plan = None;
                Err(io::Error::other(format!("fail point {name}")))
            }
            _ => Ok(()),
        })
    }
}

#[cfg(all(test, debug_assertions))]
pub(super) use points::plan;
pub(crate) use points::point;
