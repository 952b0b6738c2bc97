//! SIGKILL and SIGTERM at random moments, again and again.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Left, Place, Task};
use crate::{Random, logs, seeds};

/// Signals of each log, or kills that find a checkpoint.
const BREAKS: u32 = 5;

/// A log with what comes of it in peace.
struct Case {
    _folder: tempfile::TempDir,
    task: Task,
    peace: Left,
    takes: Duration,
    /// How to see it again.
    how: String,
}

impl Case {
    fn drawn(seed: u64, random: &mut Random) -> Case {
        let folder = tempfile::tempdir().unwrap();
        let task = logs::drawn(random, folder.path());
        let (peace, takes) = task.in_peace();
        let how = format!("HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1 {task:?}");
        Case { _folder: folder, task, peace, takes, how }
    }

    /// A moment within so much of a whole run's length.
    fn moment(&self, random: &mut Random, share: f64) -> Duration {
        self.takes.mul_f64(random.share() * share)
    }
}

#[test]
fn killed_at_any_moment_it_ends_as_one_left_in_peace() {
    let (mut kills, mut in_the_middle, mut read, mut in_peace) = (0, 0, 0, 0);
    for seed in seeds(5) {
        let mut random = Random(seed);
        let mut case = Case::drawn(seed, &mut random);
        let (mut of_this, mut gone_on) = (0, 0);
        while gone_on < BREAKS {
            // From a first start to an end: a run that ends before its time to be killed comes early.
            let place = Place::new();
            let mut was_killed = false;
            loop {
                let began = Instant::now();
                let broken = if gone_on < BREAKS {
                    place.kill_after(&case.task, case.moment(&mut random, 0.8))
                } else {
                    place.start(&case.task).end()
                };
                let broken = broken.ended(0);
                gone_on += u32::from(was_killed && broken.went_on());
                was_killed = broken.code.is_none();
                if !was_killed {
                    if !broken.went_on() {
                        // A whole run, when the machine was less busy.
                        case.takes = case.takes.min(began.elapsed());
                    }
                    break;
                }
                of_this += 1;
                let few = format!("of {of_this} kills only {gone_on} found a checkpoint");
                // However slow the machine: some come after a checkpoint, and before the end.
                assert!(of_this <= 60 * BREAKS, "{few}: {}", case.how);
            }
            let left = place.left();
            left.is_that_of(&case.peace, &case.how);
            read += left.frames_read();
            in_peace += case.peace.frames_read();
        }
        kills += of_this;
        in_the_middle += gone_on;
    }
    eprintln!(
        "{kills} kills, {in_the_middle} of them gone on from; of {in_peace} frames last runs read {read}"
    );
    assert!(read < in_peace, "all was read again");
}

#[test]
fn stopped_by_a_signal_it_goes_on_where_it_was() {
    let mut gone_on = 0;
    for seed in seeds(2) {
        let mut random = Random(!seed);
        let case = Case::drawn(seed, &mut random);
        let place = Place::new();
        let (mut signals, mut frames, mut was_stopped) = (0, 0, false);
        loop {
            let mut running = place.start(&case.task);
            if signals < BREAKS {
                running.wait_until("it to heed signals", |running| running.heeds_sigterm());
                std::thread::sleep(case.moment(&mut random, 0.4));
                if !running.is_over() {
                    running.signal(Signal::TERM);
                    signals += 1;
                }
            }
            let broken = running.end();
            gone_on += u64::from(was_stopped && broken.went_on());
            let code = broken.code.unwrap_or_else(|| panic!("{broken:?}: {}", case.how));
            was_stopped = code == 130;
            broken.ended(if was_stopped { 130 } else { 0 });
            frames += place.left().frames_read();
            if !was_stopped {
                break;
            }
        }
        place.left().is_that_of(&case.peace, &case.how);
        assert_eq!(frames, case.peace.frames_read(), "each frame is read once: {}", case.how);
    }
    assert!(gone_on > 0);
}
