//! Runs that are killed and gone on with.

use crate::pipeline::Random;
use crate::{draw, seeds};

#[test]
fn killed_again_and_again_it_says_what_a_run_in_peace_says() {
    let (mut runs, mut gone_on) = (0, 0);
    // Each is many runs, and each of those reads files and writes them.
    for seed in seeds(600).step_by(6) {
        let mut random = Random(seed);
        let (case, replay) = draw(seed, &mut random);
        let kills = random.below(8);
        gone_on += case.check_killed(kills, &mut random, &replay);
        runs += 1;
    }
    assert!(runs < 50 || gone_on * 2 > runs, "{gone_on} of {runs}");
}
