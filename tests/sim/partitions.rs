//! Logs of several partitions through the whole pipeline: whatever the partitions' interleaving, the
//! order of steps and the sizes, what is counted is what a recount of each partition for itself says.
//!
//! The source is made for this test: it hands out what is in memory, a few messages at a time, and
//! now and then has nothing, or is held by another scanner.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headcount::accounts::{Accounts, Ended};
use headcount::clock::ClockSettings;
use headcount::engine::{Job, Source};
use headcount::error::Error;
use headcount::generate::Workload;
use headcount::input::messages::{
    ChunkNumbers, Drawn, Entry, Message, MessageReader, MessageSource, News, Partition,
};
use headcount::output::lines::Format;
use headcount::output::sink::LineSink;
use headcount::ring::{Stop, StopReason, WaitPolicy, Waker};
use headcount::scan::ScanSettings;
use headcount::scan::stage::Depth;
use headcount::stats::Live;
use headcount::topology::{Topology, Wish};
use headcount::verify::recount::Recount;

use crate::pipeline::Random;
use crate::pipeline::machine::{Machine, Ran, Shared};
use crate::{seeds, sizes};

/// Payloads of a partition; none for a tombstone.
type Payloads = Vec<Option<Vec<u8>>>;

struct Memory {
    random: Random,
    partitions: Vec<Payloads>,
    /// Messages drawn of each.
    drawn: Vec<usize>,
    news: VecDeque<News>,
    ended: usize,
    chunks: ChunkNumbers,
}

struct MemorySource {
    partitions: Vec<Payloads>,
    seed: u64,
}

struct MemoryReader {
    memory: Arc<Mutex<Memory>>,
    /// What was drawn: the messages' offsets and payloads, the next one last.
    messages: Vec<(u64, Option<Vec<u8>>)>,
    /// The one lent.
    lent: Option<(u64, Option<Vec<u8>>)>,
    stop: Stop,
}

impl MessageSource for MemorySource {
    fn name(&self) -> String {
        "memory".into()
    }

    fn start(
        self: Box<Self>,
        wakers: Vec<Waker>,
        chunks: ChunkNumbers,
        stop: Stop,
    ) -> Result<Vec<Box<dyn MessageReader>>, Error> {
        let joined = |(partition, _)| News::Joined { partition, entry: Entry::Beginning };
        let memory = Arc::new(Mutex::new(Memory {
            random: Random(self.seed),
            news: (0..).zip(&self.partitions).map(joined).collect(),
            drawn: vec![0; self.partitions.len()],
            partitions: self.partitions,
            ended: 0,
            chunks,
        }));
        let reader = |_| MemoryReader {
            memory: Arc::clone(&memory),
            messages: Vec::new(),
            lent: None,
            stop: stop.clone(),
        };
        Ok(wakers.into_iter().map(reader).map(|reader| Box::new(reader) as _).collect())
    }
}

impl MessageReader for MemoryReader {
    fn draw(&mut self, _: &[i64]) -> Drawn {
        assert!(self.messages.is_empty(), "all that was drawn is taken first");
        let mut memory = self.memory.lock().unwrap();
        let Memory { random, partitions, drawn, news, ended, chunks } = &mut *memory;
        if let Some(news) = news.pop_front() {
            return Drawn::News { chunk: chunks.number(), news };
        }
        if *ended == partitions.len() || self.stop.reason() != StopReason::Running {
            chunks.all_claimed();
            return Drawn::Finished;
        }
        match random.below(10) {
            0 => return Drawn::Waiting,
            1 => return Drawn::Busy,
            _ => {}
        }
        let index = random.below(partitions.len());
        let partition = Partition::try_from(index).unwrap();
        let all = &mut partitions[index];
        if drawn[index] > all.len() {
            return Drawn::Waiting;
        }
        if drawn[index] == all.len() {
            drawn[index] += 1;
            *ended += 1;
            return Drawn::News { chunk: chunks.number(), news: News::Ended { partition } };
        }
        let to = (drawn[index] + 1 + random.below(9)).min(all.len());
        let offsets = drawn[index]..to;
        self.messages = offsets.map(|offset| (offset as u64, all[offset].take())).rev().collect();
        drawn[index] = to;
        Drawn::Messages { chunk: chunks.number(), partition }
    }

    fn next(&mut self) -> Option<Message<'_>> {
        self.lent = self.messages.pop();
        self.lent
            .as_ref()
            .map(|(offset, payload)| Message { payload: payload.as_deref(), offset: *offset })
    }

    fn wake_in(&self) -> Option<Duration> {
        None
    }
}

/// Deals the frames of a hostile stream out to partitions, with a tombstone now and then.
fn partitions(random: &mut Random) -> Vec<Payloads> {
    let workload = Workload {
        frames: random.next() % 1500,
        users: 1 + random.next() % 200,
        frame_bytes: 100 + random.below(300),
        rate_per_s: random.pick(&[1.0, 20.0]),
        seed: random.next(),
        ..if random.below(2) == 0 { Workload::default() } else { Workload::hostile() }
    };
    let mut partitions = vec![Payloads::new(); 1 + random.below(5)];
    let mut frames = Vec::new();
    workload.write_to(&mut frames, 1).unwrap();
    for line in frames.split(|&byte| byte == b'\n') {
        let to = random.below(partitions.len());
        // A line is perhaps blank; a message is a frame, and then it is malformed.
        if line.iter().any(|byte| !b" \t\r".contains(byte)) {
            partitions[to].push(Some(line.to_vec()));
        }
        if random.below(50) == 0 {
            partitions[to].push(None);
        }
    }
    partitions
}

/// Users and frames by minute.
type Minutes = BTreeMap<i64, (usize, u64)>;

fn one(seed: u64) {
    let mut random = Random(seed);
    let partitions = partitions(&mut random);
    let settings = ScanSettings { validate: random.below(4) == 0, ..ScanSettings::default() };
    let max_lag_s = random.pick(&[0, 5, 70]);
    let (mut late, mut malformed, mut frames, mut empty) = (0, 0, 0, 0);
    let mut users: BTreeMap<i64, (BTreeSet<Vec<u8>>, u64)> = BTreeMap::new();
    for payloads in &partitions {
        let mut recount = Recount::default();
        for payload in payloads {
            match payload {
                Some(payload) => recount.line(payload, &settings, max_lag_s),
                None => empty += 1,
            }
        }
        late += recount.late;
        malformed += recount.malformed.iter().sum::<u64>();
        frames += recount.frames;
        for (start_s, minute) in recount.minutes {
            let (all, frames) = users.entry(start_s).or_default();
            all.extend(minute.users);
            *frames += minute.frames;
        }
    }
    let expected: Minutes = users
        .into_iter()
        .map(|(start_s, (users, frames))| (start_s, (users.len(), frames)))
        .collect();
    let threads = Wish {
        scanners: Some(1 + random.below(4)),
        counters: Some(1 + random.below(3)),
        pin: false,
    };
    let topology = Topology::new(1 + random.below(6), &threads).unwrap();
    let results = Shared::default();
    let job = Job {
        source: Source::Messages(Box::new(MemorySource { partitions, seed: random.next() })),
        scan: settings,
        clock: ClockSettings { max_lag_s, partitioned: true, ..ClockSettings::plain() },
        depth: Depth::Count,
        live: Live::new(topology.scanners),
        topology,
        wait: WaitPolicy::Park,
        sizes: sizes(&mut random),
        sink: Box::new(LineSink::new("results", Format::Json, results.clone())),
        keeper: None,
        rejects: None,
        stop: Stop::new(),
    };
    let what = format!("HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1");
    let Ran { results, mut outcome, stopped, .. } = Machine::of_job(job, results)
        .run(&mut random)
        .unwrap_or_else(|locked| panic!("{what}: {locked}"));
    let (accounts, failed) = Accounts::of(&mut outcome, stopped);
    if failed.as_ref().is_some_and(|error| error.to_string().contains("--ts-unit")) {
        // A handful of frames that all lie in a far century by chance.
        return;
    }
    assert!(failed.is_none(), "{what}: {failed:?}");
    assert_eq!(accounts.ended, Ended::Done, "{what}");
    let counted: Minutes = results
        .lines()
        .map(|line| {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            let number = |name: &str| json[name].as_u64().unwrap();
            let users = usize::try_from(number("cnt")).unwrap();
            (json["ts"].as_i64().unwrap(), (users, number("frames")))
        })
        .collect();
    assert_eq!(counted, expected, "{what}");
    assert_eq!(results.lines().count(), expected.len(), "{what}: each window once");
    assert_eq!(accounts.frames.refused_late, late, "{what}");
    assert_eq!(accounts.frames.refused_gone, 0, "{what}");
    assert_eq!(accounts.frames.malformed, malformed, "{what}");
    assert_eq!(accounts.frames.empty, empty, "{what}");
    assert_eq!(accounts.frames.frames_read, frames + empty, "{what}");
}

#[test]
fn any_interleaving_same_counts() {
    seeds(150).for_each(one);
}
