//! What is of no use in a state topic is deleted, and what is of use is not.

use crate::broker::Broker;
use crate::exactly_once::case::GOES_ON;
use crate::exactly_once::small::Small;
use crate::harness::wait_until;

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn state_of_no_use_is_deleted_and_the_rest_gone_on_with() {
    let broker = Broker::shared();
    let small = Small::new(&broker, false);
    let mut run = small.start("--idle off");
    run.wait_until_it_listens();
    let mut written = 5;
    wait_until("a deletion", || {
        // A minute that closes is a commit, and so many of those are merged into one.
        small.write(0, written..written + 1);
        written += 1;
        broker.beginning(&small.state) > 0
    });
    run.kill();
    small.run("--idle off").exits(0).says(GOES_ON);
    small.has(0..written);
}
