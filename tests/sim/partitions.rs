//! Logs of several partitions through the whole pipeline: whatever the partitions' interleaving, the
//! order of steps and the sizes, the last word on each window is the reference's; with `--late drop` and
//! no silence every byte is. With the same interleaving every byte is the same in any case.
//!
//! The source is made for this test: it hands out what is in memory, a few messages at a time, now and
//! then has nothing, is held by another scanner, or says of a partition that it is silent though more
//! comes. What it gave in which order is what the reference is told.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
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
use headcount::verify::lines::{self, Line};
use headcount::verify::replay::Refused;

use crate::logs;
use crate::pipeline::log::Log;
use crate::pipeline::machine::{Machine, Ran, Shared};
use crate::pipeline::time::{BEGIN_S, Time};
use crate::pipeline::{Random, said};
use crate::{seeds, sizes};

/// Payloads of a partition; none for a tombstone.
type Payloads = Vec<Option<Vec<u8>>>;

/// What the source gave.
#[derive(Clone, Debug)]
enum Given {
    News(News),
    /// The partition, and which of its messages.
    Messages(usize, Range<usize>),
}

struct Memory {
    random: Random,
    /// How many in a hundred times a partition is said to be silent.
    silences: usize,
    silent: BTreeSet<usize>,
    given: Arc<Mutex<Vec<Given>>>,
    /// What is to be given, where another run has given it before.
    again: Option<VecDeque<Given>>,
    partitions: Vec<Payloads>,
    /// Messages drawn of each.
    drawn: Vec<usize>,
    news: VecDeque<News>,
    ended: usize,
    chunks: ChunkNumbers,
}

struct MemorySource {
    partitions: Vec<Payloads>,
    silences: usize,
    given: Arc<Mutex<Vec<Given>>>,
    again: Option<VecDeque<Given>>,
    seed: u64,
}

impl Memory {
    /// What to give next, if a partition drawn at random has something.
    fn next(&mut self) -> Option<Given> {
        if let Some(news) = self.news.pop_front() {
            return Some(Given::News(news));
        }
        let index = self.random.below(self.partitions.len());
        let partition = Partition::try_from(index).unwrap();
        let is_over = |index: usize| self.drawn[index] > self.partitions[index].len();
        let (drawn, all) = (self.drawn[index], self.partitions[index].len());
        if drawn == all {
            self.drawn[index] += 1;
            self.ended += 1;
            return Some(Given::News(News::Ended { partition }));
        }
        if self.random.below(100) < self.silences {
            if (0..self.drawn.len()).all(|index| is_over(index) || self.silent.contains(&index)) {
                let now_s = BEGIN_S + i64::try_from(self.random.below(4000)).unwrap();
                return Some(Given::News(News::AllSilent { now_s }));
            }
            if drawn < all && self.silent.insert(index) {
                return Some(Given::News(News::Silent { partition }));
            }
        }
        if drawn > all {
            return None;
        }
        self.drawn[index] = (drawn + 1 + self.random.below(9)).min(all);
        self.silent.remove(&index);
        Some(Given::Messages(index, drawn..self.drawn[index]))
    }
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
            silences: self.silences,
            silent: BTreeSet::new(),
            given: self.given,
            again: self.again,
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
    fn draw(&mut self, _: Option<i64>) -> Drawn {
        assert!(self.messages.is_empty(), "all that was drawn is taken first");
        let mut memory = self.memory.lock().unwrap();
        let memory = &mut *memory;
        if self.stop.reason() != StopReason::Running {
            memory.chunks.all_claimed();
            return Drawn::Finished;
        }
        match memory.random.below(10) {
            0 => return Drawn::Waiting,
            1 => return Drawn::Busy,
            _ => {}
        }
        let next = match &mut memory.again {
            Some(again) => again.pop_front(),
            None if memory.ended == memory.partitions.len() => None,
            None => match memory.next() {
                Some(next) => Some(next),
                None => return Drawn::Waiting,
            },
        };
        let Some(given) = next else {
            memory.chunks.all_claimed();
            return Drawn::Finished;
        };
        memory.given.lock().unwrap().push(given.clone());
        let chunk = memory.chunks.number();
        match given {
            Given::News(news) => Drawn::News { chunk, news },
            Given::Messages(index, offsets) => {
                let all = &mut memory.partitions[index];
                let taken = offsets.map(|offset| (offset as u64, all[offset].take()));
                self.messages = taken.rev().collect();
                Drawn::Messages { chunk, partition: Partition::try_from(index).unwrap() }
            }
        }
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

/// Deals the frames of a stream, perhaps with producers hours apart, out to partitions, with a tombstone
/// now and then.
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
    if random.below(2) == 0 {
        frames = logs::with_producers_apart(&Log { parts: vec![frames] }, random).parts.concat();
    }
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

/// A log and what is to be made of it.
struct Case {
    partitions: Vec<Payloads>,
    scan: ScanSettings,
    time: Time,
    silences: usize,
}

/// What came of it.
struct Came {
    results: String,
    rejects: Vec<(String, String, u64)>,
    given: Vec<Given>,
    accounts: Accounts,
    failed: Option<Error>,
}

impl Case {
    fn drawn(random: &mut Random) -> Case {
        let partitions = partitions(random);
        let scan = ScanSettings { validate: random.below(4) == 0, ..ScanSettings::default() };
        let mut time = Time::drawn(random);
        if random.below(4) == 0 {
            time = Time::plain(random.pick(&[0, 5, 70]));
        }
        Case { partitions, scan, time, silences: random.pick(&[0, 0, 3, 20]) }
    }

    /// One run, in an order of its own; or with the same given in the same order again.
    fn run(&self, again: Option<&[Given]>, random: &mut Random, what: &str) -> Came {
        let threads = Wish {
            scanners: Some(1 + random.below(4)),
            counters: Some(1 + random.below(3)),
            pin: false,
        };
        let topology = Topology::new(1 + random.below(6), &threads).unwrap();
        let (results, rejects) = (Shared::default(), Shared::default());
        let given = Arc::default();
        let source = MemorySource {
            partitions: self.partitions.clone(),
            silences: self.silences,
            given: Arc::clone(&given),
            again: again.map(|given| given.iter().cloned().collect()),
            seed: random.next(),
        };
        let job = Job {
            source: Source::Messages(Box::new(source)),
            scan: self.scan.clone(),
            clock: ClockSettings { partitioned: true, ..self.time.settings() },
            depth: Depth::Count,
            live: Live::new(topology.scanners),
            topology,
            wait: WaitPolicy::Park,
            sizes: sizes(random),
            sink: Box::new(LineSink::new("results", Format::Json, results.clone())),
            keeper: None,
            rejects: Some(("rejects".into(), Box::new(rejects.clone()) as _)),
            stop: Stop::new(),
        };
        let Ran { results, mut outcome, stopped, .. } = Machine::of_job(job, results)
            .run(random)
            .unwrap_or_else(|locked| panic!("{what}: {locked}"));
        let (accounts, failed) = Accounts::of(&mut outcome, stopped);
        let mut rejects: Vec<_> = rejects.text().lines().map(reject).collect();
        rejects.sort_unstable();
        let given = std::mem::take(&mut *given.lock().unwrap());
        Came { results, rejects, given, accounts, failed }
    }

    fn check(&self, random: &mut Random, what: &str) -> Option<Came> {
        let came = self.run(None, random, what);
        let Came { accounts, failed, .. } = &came;
        if failed.as_ref().is_some_and(|error| error.to_string().contains("--ts-unit")) {
            // A handful of frames that all lie in a far century by chance.
            return None;
        }
        assert!(failed.is_none(), "{what}: {failed:?}");
        assert_eq!(accounts.ended, Ended::Done, "{what}");
        let in_silence = self.silences > 0;
        let (mut replayer, mut places) =
            (self.time.replayer(&self.scan, self.partitions.len()), Vec::new());
        let (mut rejects, mut empty) = (Vec::new(), 0);
        let mut refused = |places: &[(usize, usize)], all: Refused| {
            for (number, why) in all {
                let (partition, offset) = places[usize::try_from(number).unwrap()];
                rejects.push((why.to_owned(), format!("memory[{partition}]"), offset as u64));
            }
        };
        for given in &came.given {
            match given {
                Given::News(News::Ended { partition }) => {
                    refused(&places, replayer.end(*partition as usize));
                }
                Given::News(News::Silent { partition }) => replayer.silent(*partition as usize),
                Given::News(_) => {}
                Given::Messages(partition, offsets) => {
                    for offset in offsets.clone() {
                        let Some(payload) = &self.partitions[*partition][offset] else {
                            empty += 1;
                            continue;
                        };
                        places.push((*partition, offset));
                        if let Line::Malformed(reason) = lines::read(payload, &self.scan) {
                            let number = places.len() as u64 - 1;
                            refused(&places, vec![(number, reason.as_str())]);
                        }
                        refused(&places, replayer.line(*partition, payload));
                    }
                }
            }
        }
        let right = replayer.finish();
        if self.time.says_each_once() && !in_silence {
            assert_eq!(came.results, said::bytes(&right.words), "{what}");
        } else {
            let differences = said::differences(&came.results, &right.words, in_silence, what);
            assert!(differences.is_empty(), "{what}: {differences:#?}");
        }
        rejects.sort_unstable();
        let other = |in_one: &Vec<_>, of: &(_, _, _)| in_one.binary_search(of).is_err();
        let wrong: Vec<_> = came.rejects.iter().filter(|of| other(&rejects, of)).collect();
        let missing: Vec<_> = rejects.iter().filter(|of| other(&came.rejects, of)).collect();
        assert!(wrong.is_empty() && missing.is_empty(), "{what}: {wrong:?} for {missing:?}");
        assert_eq!(came.rejects.len(), rejects.len(), "{what}");
        let of = |why| right.refused.get(why).copied().unwrap_or(0);
        let frames = &came.accounts.frames;
        let told = [frames.refused_late, frames.refused_future, frames.refused_gone];
        assert_eq!(told, ["late", "future", "gone"].map(of), "{what}");
        assert!(in_silence || frames.refused_gone == 0, "{what}");
        assert_eq!(frames.malformed_by_reason.0, right.malformed, "{what}");
        assert_eq!((frames.empty, frames.parked), (empty, 0), "{what}");
        assert_eq!(frames.frames_read, right.frames + empty, "{what}");
        let again = self.run(Some(&came.given), random, what);
        assert_eq!(came.results, again.results, "{what}");
        Some(came)
    }
}

/// Its reason, input and offset.
fn reject(line: &str) -> (String, String, u64) {
    let json: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (text("reason"), text("input"), json["offset"].as_u64().unwrap())
}

fn what(seed: u64, time: &Time) -> String {
    format!("HEADCOUNT_SEED={seed} HEADCOUNT_RUNS=1 {time:?}")
}

#[test]
fn any_interleaving_same_counts() {
    for seed in seeds(300) {
        let mut random = Random(seed);
        let case = Case::drawn(&mut random);
        case.check(&mut random, &what(seed, &case.time));
    }
}

/// What random runs are about does happen in them.
#[test]
fn silence_and_all_verdicts_are_met() {
    let mut met = [0; 5];
    for seed in 0..150 {
        let mut random = Random(seed);
        let case = Case::drawn(&mut random);
        let Some(came) = case.check(&mut random, &what(seed, &case.time)) else { continue };
        let frames = &came.accounts.frames;
        let happened = [
            came.results.contains(r#""closed_by":"silence""#),
            came.results.contains(r#""status":"revised""#),
            came.results.contains(r#""cnt":0,"#),
            frames.refused_future > 0,
            frames.refused_gone > 0,
        ];
        met.iter_mut().zip(happened).for_each(|(met, happened)| *met += u32::from(happened));
    }
    assert!(
        met.iter().all(|&runs| runs >= 2),
        "silence, revised, taken back, future, gone: {met:?}"
    );
}
