//! Logs of several partitions through the whole pipeline: whatever the partitions' interleaving, the
//! order of steps and the sizes, the last word on each window is the reference's; with `--late drop` and
//! no silence every byte is. With the same interleaving every byte is the same in any case.
//! What the source gave in which order, silences too, is what the reference is told.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use headcount::accounts::{Accounts, Ended};
use headcount::clock::ClockSettings;
use headcount::engine::{Job, Source};
use headcount::error::Error;
use headcount::generate::Workload;
use headcount::input::messages::News;
use headcount::output::lines::Format;
use headcount::output::reject_lines::RejectLines;
use headcount::output::sink::LineSink;
use headcount::ring::{Stop, WaitPolicy};
use headcount::scan::ScanSettings;
use headcount::scan::stage::Depth;
use headcount::stats::Live;
use headcount::topology::{Topology, Wish};
use headcount::verify::lines::{self, Line};
use headcount::verify::replay::{Key, Refused};

use crate::logs;
use crate::pipeline::log::Log;
use crate::pipeline::machine::{Machine, Ran, Shared};
use crate::pipeline::time::Time;
use crate::pipeline::{Random, said};
use crate::{seeds, sizes};
use source::{Given, MemorySource, Payloads};

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
            live: Live::watched(topology.scanners),
            topology,
            wait: WaitPolicy::Park,
            sizes: sizes(random),
            sink: Box::new(LineSink::new("results", Format::Json, results.clone())),
            keeper: None,
            checkpoints: None,
            rejects: Some(Box::new(RejectLines::new("rejects", rejects.clone()))),
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
        // Of each window all that silence might have shown.
        let mut shown = BTreeMap::<Key, BTreeSet<(usize, u64)>>::new();
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
                Given::News(News::AllSilent { now_s }) => {
                    for (key, told) in replayer.shown(*now_s) {
                        shown.entry(key).or_default().insert(told);
                    }
                }
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
        for said in came.results.lines().map(said::Said::of) {
            // The first word on a window that silence has closed.
            if (&*said.status, said.rev, &*said.closed_by) == ("final", 0, "silence") {
                let told = (usize::try_from(said.cnt).unwrap(), said.frames);
                let key = said.key();
                assert!(
                    shown[&key].contains(&told),
                    "{what}: {said:?} in place of {:?}",
                    shown[&key]
                );
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
