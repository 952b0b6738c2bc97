//! A topic that is written bit by bit, the runs that count it, and what they left behind.

use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::exactly_once::log;
use crate::following::Following;
use crate::frames::Random;
use crate::growing::Growing;
use crate::harness::{Ran, run, wait_until};
use crate::records::Read;

/// Windows of all six lengths.
const WINDOWS: &str = "--windows=minute,hour,day,week,month,year";
/// The whole clock, and nothing that depends on the wall's.
pub(super) const EXACT: &str = "--late=drop --idle=off";
/// How long a record is waited for, where there need be none.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a run says that found a checkpoint.
pub(super) const GOES_ON: &str = "going on from the checkpoint in ";

/// See the module's header.
pub(super) struct Case<'a> {
    pub(super) broker: &'a Broker,
    pub(super) input: Growing<'a>,
    pub(super) output: String,
    pub(super) rejects: String,
    pub(super) state: String,
    /// How time goes.
    clock: &'static str,
}

/// What kills have met.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub(super) kills: usize,
    /// Runs that found a checkpoint,
    pub(super) gone_on: usize,
    /// and that left a transaction open.
    pub(super) open: usize,
    /// Records of state that were deleted as they were of no use.
    pub(super) deleted: i64,
}

/// What a run has put out: results as lines, rejects in order of what they say.
pub(super) struct Peace {
    pub(super) results: String,
    rejects: Vec<String>,
}

impl<'a> Case<'a> {
    /// A log of so many frames, of which nothing is written yet.
    pub(super) fn new(
        broker: &'a Broker,
        random: &mut Random,
        partitions: i32,
        frames: usize,
        clock: &'static str,
    ) -> Case<'a> {
        let records = log::records(random, partitions, frames);
        Case::of(Growing::new(broker, partitions, records), clock)
    }

    /// One of a topic, whose outputs are empty.
    pub(super) fn of(input: Growing<'a>, clock: &'static str) -> Case<'a> {
        let broker = input.broker;
        let (output, rejects) = (broker.results_topic(), broker.topic(1, &[]));
        let kept =
            [("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1")];
        let state = broker.topic(1, &kept);
        Case { broker, input, output, rejects, state, clock }
    }

    /// What is counted, and how.
    pub(super) fn counting(&self) -> String {
        let (b, input, clock) = (self.broker.bootstrap(), &self.input.topic, self.clock);
        format!("count -b {b} -t {input} {WINDOWS} {clock}")
    }

    /// The command of a run with checkpoints.
    pub(super) fn words(&self) -> String {
        let Case { output, rejects, state, .. } = self;
        format!(
            "{} -o {output} --rejects-topic {rejects} --state-topic {state} --checkpoint-every 200ms",
            self.counting()
        )
    }

    pub(super) fn start(&self) -> Following {
        Following::start(&self.words())
    }

    /// Has a run listen; where a broker lost the end of a transaction, it is started again.
    pub(super) fn have_it_listen(&self, run: &mut Following) {
        while let Some(ran) = run.ends_before_it_listens() {
            self.mend(&ran);
            *run = self.start();
        }
    }

    /// A run has ended as a broker that was killed lost the end of a transaction, which only an administrator can
    /// mend (docs/kafka.md): does what he does.
    fn mend(&self, ran: &Ran) {
        assert!(self.broker.has_lost_ends(), "its broker lost nothing: {}", ran.stderr);
        if ran.stderr.contains(" differ: ") {
            // It had been committed, and only some topics missed its end: rolled back there, it is in parts.
            std::panic::panic_any(Torn);
        }
        let says =
            ["a transaction may be open in it", "a transaction that commits for it may be open"];
        assert!(says.iter().any(|text| ran.stderr.contains(text)), "{}", ran.stderr);
        // Of brokers started by scripts/kafka that of offsets has one partition.
        let topics = [&self.state, &self.output, &self.rejects, "__consumer_offsets"];
        let ended: usize =
            topics.map(|topic| self.broker.end_open_transactions(topic)).iter().sum();
        assert!(ended > 0, "there was none: {}", ran.stderr);
        eprintln!("Kafka lost the ends of transactions: {ended}");
    }

    /// Writes all that is left, and counts to its end.
    pub(super) fn finish(&mut self) {
        self.input.write_rest();
        let finish = || run(&format!("{} --until end --quiet", self.words()), &[]);
        let mut ran = finish();
        while ran.code == 1 {
            self.mend(&ran);
            ran = finish();
        }
        ran.exits(0);
    }

    /// Waits until so many records more are in the state topic, committed or not; but not for ever: it may be
    /// that there is nothing new.
    pub(super) fn wait_for_records(&self, more: u64, run: &mut Following) {
        let wanted = self.broker.written(&self.state) + i64::try_from(more).unwrap();
        let began = Instant::now();
        while self.broker.written(&self.state) < wanted && began.elapsed() < PATIENCE {
            assert!(!run.is_over(), "{}", run.ended().stderr);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Writes on until a run has committed something.
    pub(super) fn see_it_commit(
        &mut self,
        random: &mut Random,
        parts_left: usize,
        run: &mut Following,
    ) {
        let before = self.broker.end(&self.state);
        wait_until("a commit", || {
            self.input.write(random, parts_left);
            self.wait_for_records(1, run);
            self.broker.end(&self.state) > before
        });
    }

    /// Waits until a run has committed all that is written, and does nothing more.
    pub(super) fn see_it_rest(&self, run: &mut Following) {
        let ends = || (self.broker.end(&self.state), self.broker.written(&self.state));
        wait_until("a rest", || {
            let before = ends();
            self.wait_for_records(1, run);
            let [committed, read] = self.offsets();
            committed == read && before.0 == before.1 && ends() == before
        });
    }

    /// Starts a run and kills it: soon after that, or in the middle of whatever comes after some records,
    /// while more is written.
    pub(super) fn kill_once(&mut self, random: &mut Random, kills_left: usize, met: &mut Met) {
        let mut run = self.start();
        let bits = random.below(4);
        if bits == 0 {
            std::thread::sleep(Duration::from_millis(random.below(600)));
        } else {
            run.wait_until_it_listens();
        }
        for _ in 0..bits {
            self.input.write(random, 2 * kills_left);
            self.wait_for_records(1 + random.below(6), &mut run);
        }
        // What was seen last may be a record of a transaction that is open still.
        let most_us = if random.below(2) == 0 { 2000 } else { 60_000 };
        std::thread::sleep(Duration::from_micros(random.below(most_us)));
        let killed = run.kill();
        met.kills += 1;
        met.gone_on += usize::from(killed.stderr.contains(GOES_ON));
        met.open += usize::from(self.broker.end(&self.state) < self.broker.written(&self.state));
    }

    /// The rejects that are committed, in order of what they say.
    fn rejected(&self, topic: &str) -> Vec<String> {
        let shown = |one: Read| {
            let value = one.value.map(|value| String::from_utf8(value).unwrap());
            format!("{:?} {value:?}", one.headers)
        };
        let mut rejected: Vec<String> = self.broker.read(topic).into_iter().map(shown).collect();
        rejected.sort_unstable();
        rejected
    }

    /// What a run puts out that is left in peace.
    pub(super) fn in_peace(&self) -> Peace {
        let rejects = self.broker.topic(1, &[]);
        let words = format!("{} --until end --quiet --rejects-topic {rejects}", self.counting());
        let results = run(&words, &["--no-checkpoint"]).exits(0).stdout;
        Peace { results, rejects: self.rejected(&rejects) }
    }

    /// Asserts that all runs together, the last of which has come to the end, have left what one does.
    #[track_caller]
    pub(super) fn is_as_in_peace(&self, how: &str) {
        self.is_as(&self.in_peace(), how);
    }

    /// The same, where that is known.
    #[track_caller]
    pub(super) fn is_as(&self, peace: &Peace, how: &str) {
        assert_lines(&self.broker.read_lines(&self.output), &peace.results, how);
        assert_same(&self.rejected(&self.rejects), &peace.rejects, how);
        self.offsets_are_the_ends(how);
    }

    /// Asserts that the group's offsets are at the topic's ends, and say where the state is.
    #[track_caller]
    fn offsets_are_the_ends(&self, how: &str) {
        let [committed, ends] = self.offsets();
        assert_eq!(committed, ends, "{how}");
    }

    /// The group's offsets with what stands beside them, and what they are once all is read.
    fn offsets(&self) -> [Vec<(Option<i64>, String)>; 2] {
        let topic = &self.input.topic;
        let committed = self.broker.committed(topic, &format!("headcount.{topic}.{}", self.output));
        let note = format!("{{\"checkpoint\":\"{}\"}}", self.state);
        let ends = self.broker.ends(topic);
        [committed, ends.into_iter().map(|end| (Some(end), note.clone())).collect()]
    }
}

/// Kafka has taken a transaction of ours apart: nothing can be said of what comes after.
pub(super) struct Torn;

/// Asserts that lines are the same; shows the first that is not.
#[track_caller]
pub(super) fn assert_lines(own: &str, right: &str, how: &str) {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_same(&lines(own), &lines(right), how);
    assert!(own == right, "the same lines, but not the same bytes: {how}");
}

/// Asserts that all are the same; shows the first that is not.
#[track_caller]
pub(super) fn assert_same(own: &[String], right: &[String], how: &str) {
    assert!(!right.is_empty(), "{how}");
    let at = own.iter().zip(right).position(|(own, right)| own != right);
    let at = at.unwrap_or(own.len().min(right.len()));
    let lengths = (own.len(), right.len());
    assert_eq!(own.get(at), right.get(at), "line {at} of {lengths:?}: {how}");
}
