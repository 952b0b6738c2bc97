//! The broker killed in the middle: started again, in some cases with the run killed as well; or away for good.

use std::time::Duration;

use crate::broker::Broker;
use crate::exactly_once::case::{Case, EXACT, Torn};
use crate::exactly_once::kills;
use crate::following::Following;
use crate::frames::Random;

/// Frames for each time.
const FRAMES: usize = 500;

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_broker_that_is_killed_changes_nothing() {
    // Where Kafka takes a transaction apart, what comes after shows nothing; that is rare, and not ours.
    for _ in 0..3 {
        match std::panic::catch_unwind(a_broker_is_killed) {
            Ok(()) => return,
            Err(torn) if torn.is::<Torn>() => eprintln!("Kafka took a transaction apart"),
            Err(other) => std::panic::resume_unwind(other),
        }
    }
    panic!("Kafka took a transaction apart each time");
}

fn a_broker_is_killed() {
    let (broker, mut random) = (Broker::own(""), Random::new());
    let times = kills() / 6;
    let mut case = Case::new(&broker, &mut random, 2, times * FRAMES, EXACT);
    let mut run = case.start();
    for left in (1..=times).rev() {
        case.have_it_listen(&mut run);
        case.input.write(&mut random, 3 * left);
        case.wait_for_records(1 + random.below(3), &mut run);
        case.input.write(&mut random, 3 * left);
        std::thread::sleep(Duration::from_micros(random.below(30_000)));
        broker.script("stop --kill");
        // The run goes on; or is killed, and started when there is a broker again, or before that.
        match random.below(3) {
            0 => {
                std::thread::sleep(Duration::from_millis(random.below(2000)));
                broker.script("start");
            }
            1 => {
                run.kill();
                broker.script("start");
                run = case.start();
            }
            _ => {
                run.kill();
                run = case.start();
                broker.script("start");
            }
        }
        case.input.write(&mut random, 3 * left);
    }
    case.have_it_listen(&mut run);
    run.stop().exits(130);
    case.finish();
    case.is_as_in_peace("a broker killed");
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_broker_that_stays_away_ends_the_run_and_the_next_one_goes_on() {
    let (broker, mut random) = (Broker::own(""), Random::new());
    let mut case = Case::new(&broker, &mut random, 2, 2 * FRAMES, EXACT);
    let mut run = Following::start(&format!("{} --give-up 2s", case.words()));
    run.wait_until_it_listens();
    case.see_it_commit(&mut random, 16, &mut run);
    // With no transaction open: Kafka 4.3 ends one that times out while its broker starts again without a word
    // to the partitions, which have no leader then, and whoever reads what is committed there waits for ever
    // (docs/kafka.md).
    case.see_it_rest(&mut run);
    broker.script("stop --kill");
    let ran = run.end().exits(1);
    let told = ran.stderr.lines().find(|line| line.contains("--give-up says how long to try"));
    // It names the topic that is read, or the transactional id, in which that is.
    assert!(told.is_some_and(|line| line.contains(&case.input.topic)), "{}", ran.stderr);
    broker.script("start");
    case.finish();
    case.is_as_in_peace("a broker that stayed away");
}
