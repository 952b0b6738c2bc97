//! The keeper: writes cuts into a directory, on a thread of its own, so that counting goes on beside it.
//!
//! First what the cut says was put out goes to the disk, then the segment, then the manifest that names it:
//! a checkpoint never speaks of results that are not there. Numbers are sorted here and not where they
//! are counted. After each cut segments are merged if it is time.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::inputs::Reads;
use super::note::{Note, OutputState};
use super::written::{FileState, OutputFile, Written};
use crate::checkpoint::{Dir, SegmentWriter, Sorting};
use crate::clock::state::Serial;
use crate::clock::verdict::Slot;
use crate::count::journal::ShardCut;
use crate::count::users::Id;
use crate::error::Error;
use crate::log;
use crate::output::outbox::{Closed, Outbox};
use crate::output::sink::{Cut, CutKeeper};
use crate::ring::{Stop, StopReason};
use crate::thread;

/// How long a run that ends waits for the keeper's thread to be done with its client and its files.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
/// How long after a failure it is tried again, where that is wanted.
const TRY_AGAIN_IN: Duration = Duration::from_secs(1);

/// What to do when a checkpoint cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnFailure {
    /// The run stops; the checkpoint before stays.
    #[default]
    Stop,
    /// It goes on counting, and the same checkpoint is tried again every second.
    Retry,
}

/// What is written into a directory, and what has to be on the disk before.
pub struct Writing {
    /// The directory, which the run holds.
    pub dir: Dir,
    /// Whether the next segment stands in place of all there are, as users have other numbers now.
    pub is_base: bool,
    /// The settings of the run, as in its summary.
    pub settings: Value,
    /// What is read.
    pub inputs: Box<dyn Reads>,
    /// How results are written.
    pub format: String,
    /// Files of results and rejects.
    pub outputs: Vec<OutputFile>,
    /// What goes with checkpoints into topics, where that is so.
    pub outbox: Option<Outbox>,
    /// What to do when it fails.
    pub on_failure: OnFailure,
}

impl Writing {
    /// Writes one cut.
    ///
    /// # Errors
    /// It cannot be written; the checkpoint before stays as it was.
    pub fn write(&mut self, cut: &Cut) -> Result<(), Error> {
        for output in &self.outputs {
            output.sync()?;
        }
        let input = self.inputs.state(&cut.clock)?;
        if let Some(outbox) = &self.outbox {
            let Cut { results, rejects, .. } = *cut;
            outbox.close(Closed { results, rejects, next_offsets: input.next_offsets() });
        }
        let note = Note {
            settings: self.settings.clone(),
            input,
            output: OutputState {
                format: self.format.clone(),
                results: self.written(Written::Results, cut.results_bytes)?,
                rejects: self.written(Written::Rejects, cut.rejects_bytes)?,
                topics: self.outbox.as_ref().map(|outbox| outbox.topics().clone()),
            },
            counters: cut.shards.len(),
            tally: cut.clock.tally,
            clock: cut.clock.clock.clone(),
        };
        let note = note.to_bytes()?;
        let serials: HashMap<Slot, Serial> =
            cut.clock.slots.iter().map(|of| (of.slot, of.serial)).collect();
        let mut kept: Vec<Serial> = serials.values().copied().collect();
        kept.sort_unstable();
        self.dir.append(self.is_base, |segment| {
            for (shard, of_shard) in (0..=u8::MAX).zip(&cut.shards) {
                write_shard(segment, shard, of_shard, &serials)?;
            }
            segment.kept(&kept)?;
            segment.note(&note)
        })?;
        self.is_base = false;
        Ok(())
    }
}

impl Writing {
    /// What is noted of an output that has so many bytes.
    fn written(&self, what: Written, bytes: Option<u64>) -> Result<Option<FileState>, Error> {
        let file = self.outputs.iter().find(|output| output.what == what);
        match (file, bytes) {
            (Some(file), Some(bytes)) => file.state(bytes).map(Some),
            (None, bytes) => Ok(bytes.map(FileState::unseen)),
            (Some(_), None) => Ok(None),
        }
    }
}

/// One shard's part of a cut, in order.
fn write_shard<W: Write>(
    segment: &mut SegmentWriter<W>,
    shard: u8,
    of_shard: &ShardCut,
    serials: &HashMap<Slot, Serial>,
) -> io::Result<()> {
    let mut users: Vec<(Id, &[u8])> = of_shard.users().collect();
    // Of two with one number the later counts.
    users.reverse();
    users.sort_by_key(|&(id, _)| id);
    users.dedup_by_key(|&mut (id, _)| id);
    segment.users(shard, users)?;
    let serial = |slot: Slot| serials.get(&slot).copied();
    let mut members: Vec<_> =
        of_shard.members().filter_map(|(slot, ids)| Some((serial(slot)?, ids))).collect();
    members.sort_unstable_by_key(|&(serial, _)| serial);
    // One window after the other in the same memory: what is new to the process, it has to clear.
    let mut sorting = Sorting::default();
    for (serial, pieces) in members {
        let Some(ids) = sorting.sorted(pieces) else {
            let what = "a user is twice among those new in a window";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        };
        segment.members(shard, serial, ids)?;
    }
    Ok(())
}

/// The keeper's end on the output's thread. See the module's header.
pub struct Keeper {
    name: String,
    /// None: it is to end.
    cuts: Option<Sender<Cut>>,
    kept: Receiver<Result<(), Error>>,
    on_its_way: usize,
    outbox: Option<Outbox>,
}

impl Keeper {
    /// Starts the thread; `name` is what checkpoints are called in messages.
    ///
    /// # Errors
    /// There is none.
    pub fn start(name: &str, mut writing: Writing, stop: Stop) -> Result<Keeper, Error> {
        let (name, of) = (name.to_owned(), name.to_owned());
        let outbox = writing.outbox.clone();
        let (cuts, taken) = channel::<Cut>();
        let (done, kept) = channel();
        thread::spawn_keeper(move || {
            for cut in taken {
                if done.send(keep(&mut writing, &cut, &of, &stop)).is_err() {
                    break;
                }
            }
            // In this order: who waits for the end of `done` waits for what is written to be given back.
            drop(writing);
            drop(done);
        })?;
        Ok(Keeper { name, cuts: Some(cuts), kept, on_its_way: 0, outbox })
    }

    fn gone(&self) -> Error {
        Error::Internal(format!("{}: the checkpoints' thread is gone", self.name))
    }
}

/// Keeps a cut, and merges if it is time. Where that is wanted, what failed for want of room or the like is
/// tried again, as long as the run goes on; the merging, which can wait, with the next cut.
fn keep(writing: &mut Writing, cut: &Cut, name: &str, stop: &Stop) -> Result<(), Error> {
    let began = Instant::now();
    let retries = writing.on_failure == OnFailure::Retry;
    let put_off = |error: Error| match error {
        // What is damaged, or not known to be there, does not get better.
        Error::Output { .. } if retries && stop.reason() == StopReason::Running => {
            tracing::warn!(
                target: log::CHECKPOINT,
                checkpoint = name,
                "{error}; it is tried again, and the checkpoint before stays"
            );
            Ok(())
        }
        error => Err(error),
    };
    while let Err(error) = writing.write(cut) {
        put_off(error)?;
        std::thread::sleep(TRY_AGAIN_IN);
    }
    tracing::debug!(
        target: log::CHECKPOINT,
        checkpoint = name,
        frames_read = cut.clock.tally.frames,
        results = cut.results,
        seconds = began.elapsed().as_secs_f64(),
        "{name}: a checkpoint is kept, after {} frames",
        cut.clock.tally.frames
    );
    writing.dir.merge_if_due().map(drop).or_else(put_off)
}

impl CutKeeper for Keeper {
    fn name(&self) -> &str {
        &self.name
    }

    fn keep(&mut self, cut: Cut) -> Result<(), Error> {
        self.on_its_way += 1;
        self.cuts.as_ref().and_then(|cuts| cuts.send(cut).ok()).ok_or_else(|| self.gone())
    }

    fn is_kept(&mut self) -> Result<bool, Error> {
        while self.on_its_way > 0 {
            match self.kept.try_recv() {
                Ok(done) => {
                    self.on_its_way -= 1;
                    done?;
                }
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => return Err(self.gone()),
            }
        }
        Ok(true)
    }

    fn is_crowded(&self) -> bool {
        self.outbox.as_ref().is_some_and(Outbox::is_crowded)
    }

    fn is_full(&self) -> bool {
        self.outbox.as_ref().is_some_and(Outbox::is_full)
    }
}

impl Drop for Keeper {
    /// The thread has uids in files of its own, which it removes at its end: the program's must not come
    /// before, unless that takes too long.
    fn drop(&mut self) {
        self.cuts = None;
        let until = Instant::now() + LEAVE_WITHIN;
        while self.kept.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
    }
}

/// The same without a thread of its own, for a caller who steps the stages himself.
pub struct AtOnce(pub Writing);

impl CutKeeper for AtOnce {
    fn name(&self) -> &str {
        self.0.dir.name()
    }

    fn keep(&mut self, cut: Cut) -> Result<(), Error> {
        self.0.write(&cut)?;
        self.0.dir.merge_if_due().map(drop)
    }

    fn is_kept(&mut self) -> Result<bool, Error> {
        Ok(true)
    }
}
