//! Runs that are broken off: by a signal, by an output, by a stage that is gone. Nothing locks up,
//! whatever was put out is the beginning of what a whole run puts out, and the accounts add up.

use headcount::accounts::{Accounts, Ended};
use headcount::error::Error;

use crate::pipeline::Random;
use crate::pipeline::machine::{Fault, Ran};
use crate::{draw, seeds};

fn broken(seed: u64, fault: impl FnOnce(usize) -> Fault) {
    let mut random = Random(seed);
    let after = 1 << random.below(14);
    let fault = fault(random.below(after) + 1);
    let (case, replay) = draw(seed, &mut random);
    let what = format!("{}, {fault:?}", case.what(&replay));
    let Ran { results, rejects, mut outcome, stopped } = case
        .machine(Some(fault))
        .run(&mut random)
        .unwrap_or_else(|locked| panic!("{what}: {locked}"));
    let expected = case.log.expected(&case.settings, case.max_lag_s);
    if expected.wrong_unit.is_some() {
        // Nothing is put out of such a log, broken off or not.
        assert_eq!(results, "", "{what}");
        return;
    }
    let differs = expected.results.lines().zip(results.lines()).find(|(right, line)| right != line);
    assert!(expected.results.starts_with(&results), "{what}: {differs:?}");
    if matches!(fault, Fault::Gone(_)) {
        // What it counted is gone with it; the engine sees that it panicked.
        return;
    }
    let (accounts, failed) = Accounts::of(&mut outcome, stopped);
    let whole =
        results.lines().count() as u64 - u64::from(!results.is_empty() && !results.ends_with('\n'));
    assert!(accounts.windows <= whole, "{what}: {accounts:?}");
    match fault {
        Fault::Signal(_) | Fault::Closed(_) => assert!(failed.is_none(), "{what}: {failed:?}"),
        Fault::Full(_) | Fault::RejectsFull(_) => {
            assert!(matches!(failed, None | Some(Error::Output { .. })), "{what}: {failed:?}");
        }
        Fault::Gone(_) => {}
    }
    if accounts.ended == Ended::Done {
        assert_eq!(results, expected.results, "{what}");
        assert_eq!(accounts.frames.frames_read, expected.frames, "{what}");
    }
    // A batch is written to its end before another output is seen to have failed.
    assert!(expected.rejects.starts_with(&rejects), "{what}");
}

#[test]
fn by_a_signal() {
    seeds(100).for_each(|seed| broken(seed, Fault::Signal));
}

#[test]
fn by_a_reader_that_goes() {
    seeds(100).for_each(|seed| broken(seed, Fault::Closed));
}

#[test]
fn by_an_output_that_is_full() {
    seeds(100).for_each(|seed| broken(seed, Fault::Full));
    seeds(100).for_each(|seed| broken(seed, Fault::RejectsFull));
}

#[test]
fn by_a_stage_that_is_gone() {
    seeds(300).for_each(|seed| broken(seed, Fault::Gone));
}
