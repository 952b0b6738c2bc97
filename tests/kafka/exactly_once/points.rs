//! Killed, or a step failing, at each point of a transaction and of the segment that goes with it.

use std::sync::Mutex;

use headcount::checkpoint::fail::{BEFORE_REMOVE, IN_REMOVE, MERGED, SEGMENT, Steps, TRANSACTION};

use crate::broker::Broker;
use crate::exactly_once::case::{Case, EXACT, Peace};
use crate::exactly_once::log;
use crate::following::{Following, KILLED};
use crate::frames::Random;
use crate::growing::Growing;

/// Frames in one batch of the topic, and batches.
const BATCH: usize = 20;
const BATCHES: usize = 120;
/// So many at once: most of the time they wait for the broker.
const AT_ONCE: usize = 4;

/// A run is to read a batch at a time, so that it makes a checkpoint after almost each.
const SLOWLY: &str = "--checkpoint-every 0s -X fetch.message.max.bytes=1 -X queued.min.messages=1";

/// How a run with a plan has to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    /// With an error that names the point.
    Failed,
    /// With an error: it cannot be known whether all was done.
    Unsure,
    /// As if nothing had been.
    Well,
}

/// Runs a case by its command with this plan, and again without; asserts that all is well then.
fn breaks_and_goes_on(case: &mut Case<'_>, peace: &Peace, plan: &str, end: End) {
    let words = format!("{} {SLOWLY} --until end --quiet", case.words());
    let broken = Following::start_planned(&words, plan).ended();
    let code = match end {
        End::Killed => KILLED,
        End::Failed | End::Unsure => 1,
        End::Well => 0,
    };
    assert_eq!(broken.code, code, "{plan}: {}", broken.stderr);
    let point = plan.split(['*', '=']).next().unwrap();
    assert!(end != End::Failed || broken.stderr.contains(point), "{plan}: {}", broken.stderr);
    case.finish();
    case.is_as(peace, plan);
}

/// Goes through plans, some at once, each with outputs of its own over one topic.
fn go_through(plans: Vec<(String, End)>) {
    let (broker, mut random) = (Broker::shared(), Random::new());
    let records = log::records(&mut random, 2, BATCH * BATCHES);
    let mut input = Growing::new(&broker, 2, records);
    for batch in 1..=BATCHES {
        input.write_to(batch * BATCH);
    }
    let case = || {
        let Growing { broker, topic, records, written } = &input;
        let topic = topic.clone();
        Case::of(Growing { broker, topic, records: records.clone(), written: *written }, EXACT)
    };
    let peace = case().in_peace();
    let plans = Mutex::new(plans);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((plan, end)) = plans.lock().unwrap().pop() else { break };
                    breaks_and_goes_on(&mut case(), &peace, &plan, end);
                }
            });
        }
    });
}

/// All of a file's.
fn of(steps: &Steps) -> [&'static str; 6] {
    let Steps { before_write, in_write, after_write, after_fsync, after_rename, .. } = *steps;
    [before_write, in_write, after_write, after_fsync, after_rename, steps.after_dir_fsync]
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn killed_at_each_point_each_result_is_there_once() {
    let merged = of(&MERGED).into_iter().chain([BEFORE_REMOVE, IN_REMOVE]);
    let twice = TRANSACTION.into_iter().flat_map(|point| [(point, 1), (point, 3)]);
    let plans = twice
        .chain(of(&SEGMENT).map(|point| (point, 2)))
        .chain(merged.map(|point| (point, 1)))
        .map(|(point, times)| (format!("{point}*{times}=kill"), End::Killed));
    go_through(plans.collect());
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_step_that_fails_is_made_again_or_ends_the_run_and_spoils_nothing() {
    let [before_commit @ .., after_commit] = TRANSACTION;
    let of_transactions = before_commit.map(|point| (point, End::Well));
    let of_transactions = of_transactions.into_iter().chain([(after_commit, End::Unsure)]);
    let of_files = of(&SEGMENT).into_iter().chain(of(&MERGED)).map(|point| (point, End::Failed));
    let plans =
        of_transactions.chain(of_files).map(|(point, end)| (format!("{point}*2=error"), end));
    go_through(plans.collect());
}
