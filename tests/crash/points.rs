//! Killed, or a step failing, at each point of a checkpoint's way to the disk.

use headcount::checkpoint::fail::{self, POINTS, Steps};

use crate::harness::{Left, Place, Task};
use crate::logs;

/// A log of so many chunks that there are segments to merge, and checkpoints as often as can be.
struct Case {
    _folder: tempfile::TempDir,
    task: Task,
    peace: Left,
}

impl Case {
    fn new() -> Case {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(&log, logs::bytes(&logs::workload(17, 400_000, 30.0))).unwrap();
        let task = Task::new(&[log.to_str().unwrap()], "--windows minute,hour,day --keep 10m");
        let task = Task { every: "0s".into(), ..task };
        let (peace, _) = task.in_peace();
        Case { _folder: folder, task, peace }
    }

    /// Started again without a plan, it ends as in peace.
    #[track_caller]
    fn ends_well(&self, place: &Place, how: &str) {
        assert_eq!(place.start(&self.task).end().ended(0).code, Some(0), "{how}");
        place.left().is_that_of(&self.peace, how);
    }
}

#[test]
fn killed_at_each_point_it_ends_as_one_left_in_peace() {
    let case = Case::new();
    for point in POINTS {
        for times in [1, 2] {
            let place = Place::in_memory();
            let plan = format!("{point}*{times}=kill");
            let mut kills = 0;
            // The second one is of a run that has gone on.
            for _ in 0..2 {
                let broken = place.start_failing(&case.task, &plan).end().ended(0);
                kills += u32::from(broken.code.is_none());
            }
            // Few files are merged or removed, and the log may be over before two of them are.
            assert!(kills > 0 || times > 1, "{plan}: never there");
            case.ends_well(&place, &plan);
        }
    }
}

/// The points at which nothing of a change counts yet.
fn before_it_counts(steps: &Steps) -> [&'static str; 4] {
    [steps.before_write, steps.in_write, steps.after_write, steps.after_fsync]
}

#[test]
fn a_step_that_fails_stops_the_run_and_spoils_nothing() {
    let case = Case::new();
    for point in POINTS {
        let place = Place::in_memory();
        let plan = format!("{point}=error");
        let broken = place.start_failing(&case.task, &plan).end();
        // What cannot be removed is not missed.
        let right = if point.contains("::remove::") { 0 } else { 1 };
        assert_eq!(broken.code, Some(right), "{plan}: {}", broken.stderr);
        assert!(right == 0 || broken.stderr.contains(point), "{}", broken.stderr);
        broken.ended(right);
        case.ends_well(&place, &plan);
    }
}

#[test]
fn a_step_that_fails_is_tried_again_where_that_is_wanted() {
    let case = Case::new();
    let retry = "--checkpoint-failure=retry".to_owned();
    let task = Task { flags: [&case.task.flags[..], &[retry]].concat(), ..case.task.clone() };
    for point in [&fail::SEGMENT, &fail::MERGED, &fail::MANIFEST].map(before_it_counts).concat() {
        let place = Place::in_memory();
        // A run that finds a checkpoint writes its first on the thread that tries again.
        place.start_failing(&task, &format!("{}*2=kill", fail::SEGMENT.before_write)).end();
        let broken = place.start_failing(&task, &format!("{point}=error")).end();
        assert_eq!(broken.code, Some(0), "{point}: {}", broken.stderr);
        assert!(broken.stderr.contains("is tried again"), "{point}: {}", broken.stderr);
        place.left().is_that_of(&case.peace, point);
    }
}
