//! The live page in a real headless Chromium, served by the real program: `scripts/checks/page` installs the
//! browser and runs these, `scripts/test` among its steps.
//!
//! ```text
//!   test ──lines──▶ headcount count - --http ──/live, /windows, /why──▶ Chromium
//!     ◀──results on stdout──┘                 ◀──DevTools protocol, two pipes──┘
//! ```
//!
//! At the end of each test the page must have asked its own origin for everything, and the browser must have
//! found nothing to complain of: no exception, no error on the console, no breach of the policy it is served with.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests an unwrap is the assertion")]

mod browser;
mod busy;
mod dashboard;
mod look;
mod moving;
#[cfg(feature = "kafka")]
mod pictures;
mod results;
mod run;
#[cfg(feature = "kafka")]
mod topic;
