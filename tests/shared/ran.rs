//! The binary, and what a run of it left behind: for all tests that look at the program from outside.

use std::process::Output;
use std::time::Duration;

pub(crate) const HEADCOUNT: &str = env!("CARGO_BIN_EXE_headcount");
/// Nothing takes a tenth of it: what is not over by then hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or_else(|| panic!("{output:?}")),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code, and that no fault of the program itself was met.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert!(!self.stderr.contains("internal error"), "{}", self.stderr);
        self
    }

    /// Asserts that stderr says this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Ran {
        assert!(self.stderr.contains(text), "{text:?} is missing in: {}", self.stderr);
        self
    }
}
