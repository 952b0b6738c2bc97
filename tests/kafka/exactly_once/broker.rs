//! The broker killed and started again in the middle, in some cases the run killed as well.

use std::time::Duration;

use crate::broker::Broker;
use crate::exactly_once::case::{Case, EXACT};
use crate::exactly_once::kills;
use crate::frames::Random;

/// Frames for each time.
const FRAMES: usize = 500;

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_broker_that_is_killed_changes_nothing() {
    let (broker, mut random) = (Broker::own(""), Random::new());
    let times = kills() / 6;
    let mut case = Case::new(&broker, &mut random, 2, times * FRAMES, EXACT);
    let mut run = case.start();
    for left in (1..=times).rev() {
        run.wait_until_it_listens();
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
    run.stop().exits(130);
    case.finish();
    case.is_as_in_peace("a broker killed");
}
