//! Awkward logs that only the scanner can make harmless: times that are none. (Those that are times are in
//! `src/clock/tests/awkward.rs`.) 20 frames a second for ten minutes.

use std::fmt::Write as _;

use super::harness::{Folder, MINUTE, assert_adds_up};

const FRAMES: i64 = 20 * 600;

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn times_replaced_by_random_64_bit_numbers_are_malformed_and_touch_no_other_frame() {
    for per_mille in [10, 100] {
        let folder = Folder::new();
        let (mut log, mut state) = (String::new(), per_mille);
        let (mut replaced, mut own) = (0, vec![1200_u64; 10]);
        for n in 0..FRAMES {
            let ts_s = MINUTE + n / 20;
            if random(&mut state) % 1000 < per_mille {
                let number = random(&mut state);
                // As a number without a sign, with one, and as a string.
                match random(&mut state) % 3 {
                    0 => writeln!(log, r#"{{"ts":{number},"uid":"{n}"}}"#).unwrap(),
                    1 => writeln!(log, r#"{{"ts":{},"uid":"{n}"}}"#, number.cast_signed()).unwrap(),
                    _ => writeln!(log, r#"{{"uid":"{n}","ts":"{number}"}}"#).unwrap(),
                }
                replaced += 1;
                own[usize::try_from(n).unwrap() / 1200] -= 1;
            } else {
                writeln!(log, r#"{{"ts":{ts_s},"uid":"{n}"}}"#).unwrap();
            }
        }
        assert!(replaced > per_mille * 10);
        let log = folder.file("log", &log);
        for late in ["--late=revise", "--late=drop"] {
            let (ran, summary) = folder.count(&[late, &log]);
            let ran = ran.exits(0);
            let right: Vec<_> = (0..).map(|n| MINUTE + 60 * n).zip(own.iter().copied()).collect();
            assert_eq!(ran.counts(), right, "{per_mille} in 1,000, {late}");
            assert_adds_up(&summary);
            let is = |name: &str| summary[name].as_u64().unwrap();
            assert_eq!(summary["malformed_by_reason"]["bad_ts"], replaced);
            assert_eq!((is("malformed"), is("counted")), (replaced, FRAMES as u64 - replaced));
            assert_eq!(is("refused_late") + is("refused_future") + is("refused_gone"), 0);
            assert!(!ran.stdout.contains("revised"), "each window has one word");
        }
    }
}
