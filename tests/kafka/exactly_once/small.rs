//! A topic with a frame a minute, so that each result can be told by its minute.

use crate::broker::Broker;
use crate::following::Following;
use crate::frames::{START_S, counts, of_minute};
use crate::harness::{Ran, run};
use crate::records::Record;

/// What a state topic has to be like.
pub(super) const KEPT: [(&str, &str); 3] =
    [("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1")];

/// The topic, and where it is counted to.
pub(super) struct Small<'a> {
    broker: &'a Broker,
    pub(super) input: String,
    pub(super) output: String,
    pub(super) state: String,
}

impl<'a> Small<'a> {
    /// One with five minutes; counted to its end if `counted`.
    pub(super) fn new(broker: &'a Broker, counted: bool) -> Small<'a> {
        let (input, output) = (broker.topic(1, &[]), broker.results_topic());
        let small = Small { broker, input, output, state: broker.topic(1, &KEPT) };
        small.write(0, 0..5);
        if counted {
            small.run("").exits(0);
            small.has(0..5);
        }
        small
    }

    /// Writes a frame in each of these minutes.
    pub(super) fn write(&self, partition: i32, minutes: std::ops::Range<i64>) {
        let record = |minute| Record::new(partition, of_minute(minute, "user"));
        self.broker.write(&self.input, &minutes.map(record).collect::<Vec<_>>());
    }

    /// The command of a run with these flags.
    pub(super) fn words(&self, more: &str) -> String {
        let Small { broker, input, output, .. } = self;
        format!("count -b {} -t {input} -o {output} {more}", broker.bootstrap())
    }

    /// Where its state is kept.
    pub(super) fn state_flag(&self) -> String {
        format!("--state-topic {}", self.state)
    }

    pub(super) fn run_with(&self, state: &str, more: &str) -> Ran {
        run(&self.words(&format!("--until end {state} {more}")), &[])
    }

    pub(super) fn run(&self, more: &str) -> Ran {
        self.run_with(&self.state_flag(), more)
    }

    /// A run that follows the topic.
    pub(super) fn start(&self, more: &str) -> Following {
        Following::start(&self.words(&format!("{} {more}", self.state_flag())))
    }

    /// The group by whose name offsets are committed.
    pub(super) fn group(&self) -> String {
        format!("headcount.{}.{}", self.input, self.output)
    }

    /// Asserts that the results of these minutes are there, each once, and no more.
    #[track_caller]
    pub(super) fn has(&self, minutes: impl IntoIterator<Item = i64>) {
        let result = |minute| (START_S + 60 * minute, 1, 1);
        let expected: Vec<_> = minutes.into_iter().map(result).collect();
        assert_eq!(counts(&self.broker.read_lines(&self.output)), expected);
    }
}
