//! Two instances of one command: the later one goes on, and the earlier one ends without harm.

use rustix::process::Signal;

use crate::broker::Broker;
use crate::exactly_once::case::{Case, EXACT};
use crate::frames::Random;
use crate::harness::{Ran, wait_until};

/// Asserts that a run was told that another one has taken over.
#[track_caller]
pub(super) fn was_fenced(case: &Case<'_>, ran: Ran) {
    let (input, output) = (&case.input.topic, &case.output);
    ran.exits(4)
        .says(&format!("transactional.id headcount.{input}.{output}/{input}/{output}/0"))
        .says("another instance of this run has taken over");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_second_instance_ends_the_first_and_each_result_is_there_once() {
    let (broker, mut random) = (Broker::shared(), Random::new());
    let mut case = Case::new(&broker, &mut random, 2, 2000, EXACT);
    let mut first = case.start();
    case.see_it_commit(&mut random, 8, &mut first);
    let mut second = case.start();
    case.see_it_commit(&mut random, 8, &mut second);
    // It wants to commit what is written from here on.
    wait_until("the end of the first", || {
        case.input.write(&mut random, 16);
        first.is_over()
    });
    was_fenced(&case, first.end());
    assert!(!second.is_over(), "{}", second.ended().stderr);
    second.stop().exits(130);
    case.finish();
    case.is_as_in_peace("two instances");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn one_that_wakes_up_after_the_other_has_come_to_the_end_does_no_harm() {
    let (broker, mut random) = (Broker::shared(), Random::new());
    let mut case = Case::new(&broker, &mut random, 2, 2000, EXACT);
    for _ in 0..3 {
        let mut first = case.start();
        case.see_it_commit(&mut random, 8, &mut first);
        case.input.write(&mut random, 8);
        first.hold();
        let mut second = case.start();
        case.see_it_commit(&mut random, 8, &mut second);
        second.stop().exits(130);
        first.signal(Signal::CONT);
        was_fenced(&case, first.end());
    }
    case.finish();
    case.is_as_in_peace("one that wakes up");
}
