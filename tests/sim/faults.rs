//! Runs that are broken off: by a signal, by an output, by a stage that is gone, by a file that
//! is cut short.

use crate::pipeline::Random;
use crate::pipeline::log::Source;
use crate::pipeline::machine::Fault;
use crate::{draw, seeds};

fn broken(seed: u64, fault: impl FnOnce(usize) -> Fault) {
    let mut random = Random(seed);
    let after = 1 << random.below(14);
    let fault = fault(random.below(after) + 1);
    let (case, replay) = draw(seed, &mut random);
    case.check_broken_off(fault, &mut random, &replay);
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

/// Whole files: a compressed one may be cut between two of its pieces, which nobody can tell.
#[test]
fn by_a_file_that_shrinks() {
    for seed in seeds(300) {
        let mut random = Random(seed);
        let after = 1 << random.below(12);
        let fault = Fault::Shrinks(random.below(after) + 1);
        let (mut case, replay) = draw(seed, &mut random);
        case.source = Source::Files;
        case.check_broken_off(fault, &mut random, &replay);
    }
}
