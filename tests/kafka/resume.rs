//! Runs that are broken off and gone on with: each window comes out once, or, if the run was killed, at
//! least once and never with two values.

use std::collections::HashMap;
use std::time::Duration;

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{Random, START_S, at, counts, last_words, of_minute};
use crate::growing::Growing;
use crate::harness::{Folder, run};
use crate::records::Record;

/// Frames in the order in which they are written, some of them late.
struct Log {
    partitions: i32,
    frames: Vec<(i32, i64)>,
}

impl Log {
    /// It, and its records.
    fn new(random: &mut Random, partitions: i32, count: i64) -> (Log, Vec<Record>) {
        let (mut log, mut records) = (Log { partitions, frames: Vec::new() }, Vec::new());
        for n in 0..count {
            let late_s = match random.below(10) {
                0 => random.below(300),
                1..5 => random.below(20),
                _ => 0,
            };
            let ts_s = START_S + 2 * n - i64::try_from(late_s).unwrap();
            let partition = i32::try_from(random.below(partitions.unsigned_abs().into())).unwrap();
            log.frames.push((partition, ts_s));
            records.push(Record::new(partition, at(ts_s, random.below(300))));
        }
        (log, records)
    }

    /// How many of a run's results must come of the first so many frames while more may follow.
    fn finals(&self, results: &str, written: usize) -> usize {
        let clock = |partition| {
            let own = self.frames[..written].iter().filter(|one| one.0 == partition);
            own.map(|one| one.1).max()
        };
        let Some(lowest_s) = (0..self.partitions).map(clock).min().flatten() else { return 0 };
        let counts = crate::frames::counts(results);
        counts.iter().take_while(|(start_s, ..)| start_s + 65 <= lowest_s).count()
    }
}

/// A topic that is written bit by bit, and the runs that count it.
struct Case<'a> {
    broker: &'a Broker,
    log: Log,
    input: Growing<'a>,
    output: String,
    /// What the clock goes by.
    clock: &'static str,
    /// What a run left in peace puts out.
    expected: String,
}

impl Case<'_> {
    fn new<'a>(
        broker: &'a Broker,
        folder: &Folder,
        random: &mut Random,
        partitions: i32,
    ) -> Case<'a> {
        Case::by_clock(broker, folder, random, partitions, "")
    }

    fn by_clock<'a>(
        broker: &'a Broker,
        folder: &Folder,
        random: &mut Random,
        partitions: i32,
        clock: &'static str,
    ) -> Case<'a> {
        let (log, records) = Log::new(random, partitions, 2000);
        let whole = broker.topic(partitions, &[]);
        broker.write(&whole, &records);
        let (expected, _) = folder.count_topic(broker, &whole, clock);
        let (input, output) = (Growing::new(broker, partitions, records), broker.results_topic());
        Case { broker, log, input, output, clock, expected }
    }

    fn words(&self) -> String {
        let (b, input) = (self.broker.bootstrap(), &self.input.topic);
        format!("count -b {b} -t {input} -o {} --idle off {}", self.output, self.clock)
    }

    fn put_out(&self) -> usize {
        usize::try_from(self.broker.end(&self.output)).unwrap()
    }

    /// Waits until a run has put out some of what it can, at random how much.
    fn wait_for_some(&self, random: &mut Random, run: &mut Following) {
        let (before, can) = (self.put_out(), self.log.finals(&self.expected, self.input.written));
        let more = u64::try_from(can.saturating_sub(before)).unwrap();
        let wanted = before + usize::try_from(random.below(more + 1)).unwrap();
        crate::harness::wait_until("results", || {
            assert!(!run.is_over());
            self.put_out() >= wanted
        });
    }

    fn finish(&mut self) {
        self.input.write_rest();
        run(&format!("{} --until end", self.words()), &["--quiet"]).exits(0);
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn terminated_runs_put_out_each_window_once() {
    let (broker, folder, mut random) = (Broker::shared(), Folder::new(), Random::new());
    for partitions in [1, 4] {
        let mut case = Case::new(&broker, &folder, &mut random, partitions);
        for parts_left in (2..7).rev() {
            case.input.write(&mut random, parts_left);
            let mut run = Following::start(&case.words());
            case.wait_for_some(&mut random, &mut run);
            let ran = run.stop().exits(130);
            assert_eq!(ran.stdout, "");
        }
        case.finish();
        assert_eq!(broker.read_lines(&case.output), case.expected, "{partitions} partitions");
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn killed_runs_put_out_no_window_with_two_values() {
    let (broker, folder, mut random) = (Broker::shared(), Folder::new(), Random::new());
    for partitions in [1, 4] {
        let mut case = Case::new(&broker, &folder, &mut random, partitions);
        for parts_left in (2..10).rev() {
            case.input.write(&mut random, parts_left);
            let mut run = Following::start(&case.words());
            // At its start, or when it has put out something: in the middle of whatever comes next.
            if random.below(4) > 0 {
                case.wait_for_some(&mut random, &mut run);
                case.input.write(&mut random, 2 * parts_left);
            }
            std::thread::sleep(Duration::from_micros(random.below(200_000)));
            assert_eq!(run.kill().stdout, "");
        }
        case.finish();
        let read = broker.read(&case.output);
        let mut values = HashMap::new();
        let mut once = String::new();
        for one in &read {
            let value = std::str::from_utf8(one.value()).unwrap();
            let first = values.entry(one.key()).or_insert_with(|| {
                once += value;
                once += "\n";
                value
            });
            assert_eq!(&value, first, "{partitions} partitions");
        }
        assert_eq!(once, case.expected, "{partitions} partitions");
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn what_a_stop_costs_windows_that_could_be_revised_is_accounted() {
    let (broker, folder, mut random) = (Broker::shared(), Folder::new(), Random::new());
    let mut all_missing = 0;
    for partitions in [1, 4] {
        let clock = "--agree=8,33/64 --late=revise --keep=2m --every=7s";
        let mut case = Case::by_clock(&broker, &folder, &mut random, partitions, clock);
        let peace_late = folder.summary()["refused_late"].as_u64().unwrap();
        let summary = ["--summary", &folder.at("summary.json")].join(" ");
        let late = || folder.summary()["refused_late"].as_u64().unwrap();
        let mut refused = 0;
        for parts_left in (2..7).rev() {
            case.input.write(&mut random, parts_left);
            let run = Following::start(&format!("{} {summary}", case.words()));
            std::thread::sleep(Duration::from_millis(200 + random.below(400)));
            run.stop().exits(130);
            refused += late();
        }
        case.input.write_rest();
        run(&format!("{} {summary} --until end", case.words()), &[]).exits(0);
        refused += late();
        // Frames late for windows that were final at a stop are refused, and nothing else is amiss.
        let words = last_words(&broker.read_lines(&case.output));
        let mut missing = 0;
        for (ts_s, [cnt, frames, _]) in last_words(&case.expected) {
            let now = words.get(&ts_s).copied().unwrap_or_default();
            missing += frames - now[1];
            assert!(cnt - now[0] <= frames - now[1], "{ts_s}: {now:?} in place of {cnt}, {frames}");
        }
        // Of several partitions some may lag at a stop: what was refused for an open window is read again.
        let again = refused - (peace_late + missing);
        assert!(again == 0 || partitions > 1, "{again} more than those");
        all_missing += missing;
    }
    assert!(all_missing > 0);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_group_serves_results_to_stdout_too() {
    let (broker, folder, mut random) = (Broker::shared(), Folder::new(), Random::new());
    let mut case = Case::new(&broker, &folder, &mut random, 1);
    let group = broker.free_name();
    let words = format!("count -b {} -t {} --group {group}", broker.bootstrap(), case.input.topic);
    let mut results = String::new();
    for parts_left in [3, 2] {
        case.input.write(&mut random, parts_left);
        let mut following = Following::start(&words);
        let can = case.log.finals(&case.expected, case.input.written);
        following.lines(can - results.lines().count());
        results += &following.stop().exits(130).stdout;
    }
    case.input.write_rest();
    results += &run(&format!("{words} --until end"), &[]).exits(0).stdout;
    assert_eq!(results, case.expected);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn runs_stopped_at_their_start_leave_the_restart_point_as_it_is() {
    let (broker, folder, mut random) = (Broker::shared(), Folder::new(), Random::new());
    let mut case = Case::new(&broker, &folder, &mut random, 4);
    case.input.write_to(1000);
    let run = Following::start(&case.words());
    let can = case.log.finals(&case.expected, case.input.written);
    crate::harness::wait_until("results", || case.put_out() == can);
    run.stop().exits(130);
    // Some of them before they have begun, by chance.
    for _ in 0..16 {
        Following::start(&case.words()).stop().exits(130);
    }
    case.finish();
    assert_eq!(broker.read_lines(&case.output), case.expected);
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn checkpoints_go_on_where_restart_points_were_left() {
    let broker = Broker::shared();
    // Each time stopped at another moment of the first run with checkpoints, by chance.
    for _ in 0..5 {
        let (input, output) = (broker.topic(2, &[]), broker.results_topic());
        let state = broker.topic(1, &[("cleanup.policy", "delete"), ("retention.ms", "-1")]);
        let write = |minutes: std::ops::Range<i64>| {
            let frames: Vec<Record> = minutes
                .flat_map(|minute| [0, 1].map(|at| Record::new(at, of_minute(minute, "user"))))
                .collect();
            broker.write(&input, &frames);
        };
        let b = broker.bootstrap();
        let words = format!("count -b {b} -t {input} -o {output} --windows minute,hour --idle off");
        write(0..5);
        let run_without = Following::start(&words);
        crate::harness::wait_until("four minutes", || broker.end(&output) >= 4);
        run_without.stop().exits(130);
        // The hour is open, so all of it is read again, and the minutes are not to come out again.
        let words = format!("{words} --state-topic {state} --checkpoint-every 0s");
        Following::start(&words).stop_at_once().exits(130);
        Following::start(&words).stop_at_once().exits(130);
        write(5..7);
        run(&format!("{words} --until end"), &["--quiet"]).exits(0);
        let results = counts(&broker.read_lines(&output));
        let minute = |minute: i64| (START_S + 60 * minute, 1, 2);
        let hour = (START_S - START_S % 3600, 1, 14);
        let expected: Vec<_> = (0..7).map(minute).chain([hour]).collect();
        assert_eq!(results, expected);
    }
}

#[test]
#[ignore = "needs a broker: scripts/test starts one"]
fn a_run_that_has_put_out_nothing_yet_is_gone_on_with() {
    let (broker, folder) = (Broker::shared(), Folder::new());
    let (input, output) = (broker.topic(2, &[]), broker.results_topic());
    let frames: Vec<String> = (0..20).map(|n| at(START_S + 30 + 10 * n, n)).collect();
    let words = format!("count -b {} -t {input} -o {output} --idle off", broker.bootstrap());
    // Terminated with nothing there, then with nothing final.
    Following::start(&words).stop().exits(130);
    broker.write_frames(&input, &frames[..2]);
    Following::start(&words).stop().exits(130);
    broker.write_frames(&input, &frames[2..]);
    run(&words, &["--until=end"]).exits(0);
    assert_eq!(broker.read_lines(&output), folder.counted_of(&frames));
}
