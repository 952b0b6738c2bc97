//! See `checks/records.rs`.

#![no_main]

use headcount_fuzz::checks::records::check;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus { if check(bytes) { Corpus::Keep } else { Corpus::Reject } });
