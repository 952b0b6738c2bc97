//! The state topic: a checkpoint's directory as records, written in the transactions that hold the results,
//! and read back into a directory before a run.
//!
//! One partition, nothing deleted but by us: below what the last manifest needs. A segment goes with the
//! manifest that names it; a large one ahead of that, in transactions of its own, and is nothing until a
//! manifest names it. What of a topic counts is what its last committed manifest names.
//!
//! Reading goes in this order, so that nothing committed is missed: the transactional producer begins,
//! which ends what an earlier instance left open and fences it; then the topic's end is asked for, as who
//! reads what is not committed sees it; then all up to there is read, of what is committed. (Who reads only
//! what is committed would be told the end of that, and before an open transaction's.) Most of it is read
//! before that already, so that a run that may not go on from it fences nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use super::admin;
use super::ask::Isolation;
use super::client::Queue;
use super::errors::words;
use super::house::wall_ms;
use super::notices::About;
use super::restart::Checkpointed;
use super::settings::Settings;
use super::state_reading::{Found, Reading, Spool};
use super::state_record::{self, Holds};
use super::transactions::{Load, Offsets, TopicIndex, Transactions};
use crate::checkpoint::manifest::{Manifest, SegmentEntry};
use crate::checkpoint::{Dir, Open, Replica, Tail};
use crate::cli::kafka::TopicArgs;
use crate::error::Error;
use crate::limits::{STATE_CHUNK_BYTES, STATE_TRANSACTION_BYTES};
use crate::output::outbox::{Letter, Outbox};
use crate::recovery::note::TopicsWritten;

/// The one partition.
pub(super) const PARTITION: u32 = 0;
/// How often records that are of no use are deleted; at once where checks are on, so that tests meet it.
const TRIM_EVERY: Duration = Duration::from_millis(if cfg!(debug_assertions) { 0 } else { 5000 });
/// How long the brokers may take for it.
const TRIM_MS: i32 = 30_000;
/// Bytes that may lie in the topic beyond four times those that count; few where checks are on.
const BLOAT_BYTES: u64 = if cfg!(debug_assertions) { 16 * 1024 } else { 64 * 1024 * 1024 };

/// Whose state it is, and what is written with it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The topic that is read.
    pub input: String,
    /// The state topic.
    pub state: String,
    /// What is written, and under whose name offsets are committed.
    pub written: TopicsWritten,
}

impl Exchange {
    /// The id of its transactions: the same from run to run.
    pub fn transactional_id(&self) -> String {
        let Exchange { input, written: TopicsWritten { results, group, .. }, .. } = self;
        format!("{group}/{input}/{results}/0")
    }

    /// What is committed beside an offset: where the state is that belongs to it.
    pub fn note(&self) -> String {
        Checkpointed { checkpoint: self.state.clone() }.text()
    }

    /// Takes over what an earlier run left, if it passes the check: fences it, and reads its state into a
    /// directory whose changes go to the topic from here on, with what is in the outbox. With `fresh` what
    /// was left is forgotten.
    ///
    /// # Errors
    /// The brokers do not answer, something is not allowed, or the state is damaged; else those of the check.
    pub fn take_over(
        self,
        args: &TopicArgs,
        settings: &Settings,
        fresh: bool,
        check: impl Fn(&Tail) -> Result<(), Error>,
    ) -> Result<(Dir, Outbox), Error> {
        let begin = || Reading::begin(args, settings, &self.state);
        let mut reading = begin()?;
        let committed = reading.end(Isolation::Committed)?;
        let was_read = reading.read_to(committed);
        if let (Ok(()), false, Some(last)) = (&was_read, fresh, reading.spool.last()?) {
            check(&last)?;
        }
        let was_read = match was_read {
            Err(error @ (Error::Damaged { .. } | Error::Newer { .. })) if !fresh => {
                return Err(error);
            }
            was_read => was_read,
        };
        let give_up_s = args.brokers.give_up;
        let mut transactions =
            Transactions::begin_with(settings, &self.transactional_id(), give_up_s)?;
        let results = transactions.topic(&self.written.results)?;
        let rejects = self.written.rejects.as_ref();
        let rejects = rejects.map(|name| transactions.topic(name)).transpose()?;
        let state = transactions.topic(&self.state)?;
        transactions.watch(state);
        if was_read.is_err() {
            // It may have been written to, and cut at its beginning, meanwhile.
            reading = begin()?;
        }
        let end = reading.end(Isolation::Uncommitted)?;
        let mut found = match reading.read_to(end) {
            Ok(()) => reading.spool.finish()?,
            // What is to be forgotten need not be whole; but its numbers are not used again.
            Err(Error::Damaged { .. } | Error::Newer { .. }) if fresh => {
                Spool::new(&self.state)?.finish_above(wall_ms().unsigned_abs())?
            }
            Err(error) => return Err(error),
        };
        let open = if found.is_some { Open::Existing } else { Open::Make };
        let path = found.path();
        let dir = Dir::open(&path, if fresh { Open::Fresh } else { open })?;
        let (outbox, next) = (Outbox::new(self.written.clone()), found.next);
        let replica = StateTopic {
            answers: transactions.answers(),
            transactions,
            results,
            rejects,
            state,
            exchange: self,
            outbox: outbox.clone(),
            pieces: None,
            first_offsets: std::mem::take(&mut found.first_offsets),
            bytes: found.bytes,
            trimmed: 0,
            trimmed_at: Instant::now(),
            is_trimming: false,
            _folder: found,
        };
        let mut dir = dir.with_replica(Box::new(replica), next);
        if fresh {
            dir.remove()?;
        }
        Ok((dir, outbox))
    }
}

/// The topic as the replica of the directory it was read into. See the module's header.
struct StateTopic {
    answers: Queue,
    transactions: Transactions,
    results: TopicIndex,
    rejects: Option<TopicIndex>,
    state: TopicIndex,
    exchange: Exchange,
    outbox: Outbox,
    /// The segment that goes with the next manifest, its number and its pieces.
    pieces: Option<(u64, Vec<Letter>)>,
    /// By segment its first record's offset.
    first_offsets: BTreeMap<u64, u64>,
    /// Bytes written since all was written anew.
    bytes: u64,
    /// Records before this offset are deleted.
    trimmed: u64,
    trimmed_at: Instant,
    is_trimming: bool,
    _folder: Found,
}

impl StateTopic {
    /// The next pieces of a segment, as many as go into one transaction; none after the last.
    fn pieces(number: u64, at: &mut u64, file: &mut File) -> io::Result<Vec<Letter>> {
        let (mut letters, mut bytes) = (Vec::new(), Vec::new());
        let most = STATE_TRANSACTION_BYTES / STATE_CHUNK_BYTES;
        while letters.len() < most {
            bytes.clear();
            file.take(STATE_CHUNK_BYTES as u64).read_to_end(&mut bytes)?;
            if bytes.is_empty() {
                break;
            }
            letters.push(letter(Holds::Piece { number, at: *at, bytes: &bytes }));
            *at += bytes.len() as u64;
        }
        Ok(letters)
    }

    /// Deletes records before the first that counts, now and then; what comes of it is heard the next time.
    fn trim(&mut self, manifest: &Manifest) {
        while let Some(event) = self.answers.poll(0) {
            self.is_trimming = false;
            if let Some(trouble) = event.trouble().or_else(|| admin::records_deleted(&event)) {
                let state = &self.exchange.state;
                let text = format!(
                    "state topic {state}: what is of no use in it cannot be deleted: {}",
                    words(&trouble)
                );
                self.transactions.say(About::topic(state), &text);
            }
        }
        let firsts = manifest.segments.iter().map(|entry| self.first_offsets.get(&entry.number));
        let Some(Some(low)) = firsts.map(|first| first.copied()).min() else { return };
        if low > self.trimmed && !self.is_trimming && self.trimmed_at.elapsed() >= TRIM_EVERY {
            let partition = PARTITION.cast_signed();
            admin::delete_records(&self.answers, &self.exchange.state, partition, low, TRIM_MS);
            (self.trimmed, self.trimmed_at, self.is_trimming) = (low, Instant::now(), true);
        }
    }
}

fn letter(holds: Holds<'_>) -> Letter {
    Letter { key: None, headers: Vec::new(), value: state_record::write(holds) }
}

impl fmt::Debug for StateTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateTopic").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

impl Replica for StateTopic {
    fn segment(&mut self, entry: &SegmentEntry, path: &Path) -> Result<(), Error> {
        let number = entry.number;
        let failed = |e| Error::input(&path.display().to_string(), e);
        let mut file = File::open(path).map_err(failed)?;
        let mut at = 0;
        self.pieces = None;
        self.bytes += entry.bytes;
        if entry.bytes <= STATE_TRANSACTION_BYTES as u64 {
            let pieces = StateTopic::pieces(number, &mut at, &mut file).map_err(failed)?;
            self.pieces = Some((number, pieces));
            return Ok(());
        }
        loop {
            let pieces = StateTopic::pieces(number, &mut at, &mut file).map_err(failed)?;
            if pieces.is_empty() {
                return Ok(());
            }
            let messages = [(self.state, &pieces[..])];
            self.transactions.commit(&Load { messages: &messages, offsets: None })?;
            if let Some(first) = self.transactions.first_offset() {
                self.first_offsets.entry(number).or_insert(first);
            }
        }
    }

    fn publish(&mut self, manifest: &Manifest) -> Result<(), Error> {
        let text = manifest.text().map_err(|e| Error::output(&self.exchange.state, e))?;
        let named = [letter(Holds::Manifest { next: manifest.next, text: text.as_bytes() })];
        let departing = self.outbox.take();
        let (number, pieces) = self.pieces.take().unwrap_or_default();
        let mut messages: Vec<(TopicIndex, &[Letter])> = Vec::new();
        let mut offsets = None;
        if let Some(departing) = &departing {
            messages.push((self.results, &departing.results));
            if let Some(rejects) = self.rejects {
                messages.push((rejects, &departing.rejects));
            }
            offsets = Some(Offsets {
                topic: self.exchange.input.clone(),
                group: self.exchange.written.group.clone(),
                next: departing.closed.next_offsets.clone(),
                note: self.exchange.note(),
            });
        }
        messages.push((self.state, &pieces));
        messages.push((self.state, &named));
        self.transactions.commit(&Load { messages: &messages, offsets: offsets.as_ref() })?;
        if let (false, Some(first)) = (pieces.is_empty(), self.transactions.first_offset()) {
            self.first_offsets.insert(number, first);
        }
        if let Some(departing) = &departing {
            self.outbox.delivered(&departing.closed);
        }
        self.bytes += text.len() as u64;
        if let [all] = manifest.segments[..] {
            self.bytes = self.bytes.min(all.bytes);
        }
        let named: BTreeSet<u64> = manifest.segments.iter().map(|entry| entry.number).collect();
        self.first_offsets.retain(|number, _| named.contains(number));
        self.trim(manifest);
        Ok(())
    }

    fn is_bloated(&self, bytes: u64) -> bool {
        self.bytes > 4 * bytes + BLOAT_BYTES
    }
}
