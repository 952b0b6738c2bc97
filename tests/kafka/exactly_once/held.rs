//! Runs held where they are (SIGSTOP) for longer than brokers keep a transaction open, which is `--give-up`.

use std::time::Duration;

use rustix::process::Signal;

use crate::broker::Broker;
use crate::exactly_once::case::{Case, EXACT};
use crate::following::Following;
use crate::frames::Random;
use crate::harness::wait_until;

/// Longer than `--give-up` and until the brokers look for transactions that are open for too long.
const HELD: Duration = Duration::from_secs(4);
/// Frames written at a time.
const FEW: usize = 8;

/// A run that has committed something.
fn started(case: &mut Case<'_>, random: &mut Random) -> Following {
    let mut run = Following::start(&format!("{} --give-up 2s", case.words()));
    run.wait_until_it_listens();
    case.see_it_commit(random, 16, &mut run);
    run
}

/// Writes on and holds the run, until it was held in a transaction, by chance, and the brokers have ended that.
fn hold_in_a_transaction(case: &mut Case<'_>, run: &mut Following) {
    let (broker, state) = (case.broker, case.state.clone());
    wait_until("a transaction in which it is held", || {
        let to = case.input.written + FEW;
        case.input.write_to(to.min(case.input.records.len()));
        case.wait_for_records(1, run);
        run.hold();
        let open_from = broker.end(&state);
        if open_from < broker.written(&state) {
            // Its end by the brokers; or it was committed, and the markers are still to come.
            wait_until("its end", || broker.end(&state) == broker.written(&state));
            if broker.read(&state).iter().all(|one| one.offset < open_from) {
                return true;
            }
        }
        run.signal(Signal::CONT);
        false
    });
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn one_held_between_two_transactions_goes_on() {
    let (broker, mut random) = (Broker::shared(), Random::new());
    let mut case = Case::new(&broker, &mut random, 2, 1000, EXACT);
    let mut run = started(&mut case, &mut random);
    case.see_it_rest(&mut run);
    run.hold();
    std::thread::sleep(HELD);
    run.signal(Signal::CONT);
    case.see_it_commit(&mut random, 16, &mut run);
    run.stop().exits(130);
    case.finish();
    case.is_as_in_peace("held between two transactions");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_was_held_for_too_long_in_a_transaction_is_put_out_once() {
    let (broker, mut random) = (Broker::shared(), Random::new());
    let mut case = Case::new(&broker, &mut random, 2, 2000, EXACT);
    let mut run = started(&mut case, &mut random);
    hold_in_a_transaction(&mut case, &mut run);
    let end = broker.written(&case.state);
    run.signal(Signal::CONT);
    wait_until("what it makes of that", || {
        case.input.write(&mut random, 16);
        run.is_over() || broker.read(&case.state).iter().any(|one| one.offset >= end)
    });
    let (input, output) = (&case.input.topic, &case.output);
    let id = format!("transactional.id headcount.{input}.{output}/{input}/{output}/0: ");
    let ran = if run.is_over() { run.end() } else { run.stop() };
    // It may try again, where nothing has taken over.
    if ran.code != 130 {
        let (code, says) = match ran.code {
            1 => (1, "--give-up says how long to try"),
            _ => (4, "the brokers ended a transaction that this one left open"),
        };
        ran.exits(code).says(&id).says(says);
    }
    case.finish();
    case.is_as_in_peace("held in a transaction");
}
