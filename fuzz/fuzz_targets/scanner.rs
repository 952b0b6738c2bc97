//! See `checks/scanner.rs`.

#![no_main]

use headcount_fuzz::checks::scanner::check;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus { if check(bytes) { Corpus::Keep } else { Corpus::Reject } });
