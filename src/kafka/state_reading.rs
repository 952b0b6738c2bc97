//! Reading a state topic back into a directory: its records become the files they were made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as c;
use rdkafka::{Offset, TopicPartitionList};

use super::ask::{Isolation, Point, TopicSeen};
use super::client::{Queue, Wakers, c_name, take_error};
use super::errors::kafka;
use super::held::Held;
use super::looker::Looker;
use super::part::{Drew, Part};
use super::positions::{Bound, Position};
use super::scratch::Scratch;
use super::settings::Settings;
use super::state_record::{self, Holds, Wrong};
use super::state_topic::PARTITION;
use super::vigil::{Patience, Vigil};
use crate::checkpoint::Tail;
use crate::checkpoint::manifest::{self, Manifest};
use crate::cli::kafka::TopicArgs;
use crate::clock::agreement::{Agree, Agreement};
use crate::error::Error;
use crate::input::messages::Entry;

/// How long messages are waited for at a time.
const STEP_MS: i32 = 100;

/// What a state topic held, in a directory of its own that is gone with this.
#[derive(Debug)]
pub struct Found {
    folder: Scratch,
    /// A number above all that were met.
    pub(super) next: u64,
    /// By segment the offset of its first piece.
    pub(super) first_offsets: BTreeMap<u64, u64>,
    /// Bytes of all pieces that were read.
    pub(super) bytes: u64,
    /// Whether there was a manifest.
    pub is_some: bool,
}

impl Found {
    /// The directory.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("checkpoint")
    }
}

/// Reads what is committed in a state topic, without taking it over.
///
/// # Errors
/// It cannot be read to its end, or holds what it should not.
pub fn read(args: &TopicArgs, settings: &Settings, topic: &str) -> Result<Found, Error> {
    let mut reading = Reading::begin(args, settings, topic)?;
    let end = reading.end(Isolation::Committed)?;
    reading.read_to(end)?;
    reading.spool.finish()
}

/// A state topic being read.
pub(super) struct Reading<'a> {
    topic: &'a str,
    looker: Looker<'a>,
    seen: TopicSeen,
    give_up: Duration,
    part: Part,
    queue: Queue,
    held: Held,
    pub(super) spool: Spool,
}

impl<'a> Reading<'a> {
    pub(super) fn begin(
        args: &TopicArgs,
        settings: &'a Settings,
        topic: &'a str,
    ) -> Result<Reading<'a>, Error> {
        let patience = Patience::new(None, args.brokers.give_up);
        let mut looker = Looker::of_committed(args, settings, topic, patience)?;
        let seen = looker.topic()?;
        if seen.partitions != 1 {
            return Err(kafka(format!(
                "state topic {topic}: it has {} partitions, and is to have one: give another --state-topic",
                seen.partitions
            )));
        }
        let low = looker.offsets(&seen, Point::Earliest, Isolation::Uncommitted)?[0].unwrap_or(0);
        let position = Position {
            partition: PARTITION,
            start: low,
            entry: Entry::Beginning,
            from_first: false,
            lost_from: None,
            bound: Bound::Never,
        };
        let part = Part::new(&position, Vigil::new(Instant::now()), Agreement::new(Agree::ONE, 0));
        let (name, wakers) = (c_name(topic)?, Wakers::new(Vec::new()));
        let client = &looker.client;
        let queue = Queue::of_partition(client, &name, PARTITION.cast_signed(), &wakers);
        let mut list = TopicPartitionList::new();
        // It fails only for numbers below 0.
        let offset = Offset::Offset(low.cast_signed());
        let _ = list.add_partition_offset(topic, PARTITION.cast_signed(), offset);
        // SAFETY: client and list are alive, the list is copied.
        let error = unsafe { c::rd_kafka_incremental_assign(client.ptr(), list.ptr()) };
        // SAFETY: it is null or was given to us for good.
        if let Some((_, text)) = unsafe { take_error(error) } {
            return Err(kafka(format!("state topic {topic}: cannot be read: {text}")));
        }
        let held = Held::new(Arc::clone(client));
        let (give_up, spool) = (patience.give_up, Spool::new(topic)?);
        Ok(Reading { topic, looker, seen, give_up, part, queue, held, spool })
    }

    /// The end, as who reads so sees it.
    pub(super) fn end(&mut self, isolation: Isolation) -> Result<u64, Error> {
        // Reading a large state may have taken longer than one answer may.
        self.looker.wait_anew(self.give_up);
        let ends = self.looker.offsets(&self.seen, Point::Latest, isolation)?;
        Ok(ends[0].unwrap_or(0))
    }

    /// Reads on, up to there at least: what comes with it is taken too, as it would not come again.
    pub(super) fn read_to(&mut self, end: u64) -> Result<(), Error> {
        let topic = self.topic;
        let mut heard_at = Instant::now();
        while self.part.next < end {
            self.held.draw_within(&self.queue, STEP_MS);
            let drew = self.part.review(&mut self.held);
            while let Some(message) = self.held.take() {
                heard_at = Instant::now();
                if let Some(record) = message.payload {
                    self.spool.take(record, message.offset)?;
                }
            }
            self.held.give_back();
            let next = self.part.next;
            match drew {
                Drew::Fine | Drew::Trouble(..) | Drew::Unknown => {}
                Drew::Denied => {
                    return Err(kafka(format!(
                        "state topic {topic}: access denied: the user needs the rights DESCRIBE, READ and WRITE on it"
                    )));
                }
                drew => {
                    return Err(kafka(format!(
                        "state topic {topic}: it cannot be read on at offset {next}: {drew:?}"
                    )));
                }
            }
            if heard_at.elapsed() > self.give_up {
                return Err(kafka(format!(
                    "state topic {topic}: read up to offset {next} of {end}, and nothing more comes: a transaction may be open in it, or its brokers are away; --give-up says how long to wait"
                )));
            }
        }
        Ok(())
    }
}

/// Where records become files again.
pub(super) struct Spool {
    topic: String,
    found: Found,
    /// The segment whose pieces come now, its file, and its bytes so far.
    current: Option<(u64, File, u64)>,
    manifest: Option<Manifest>,
}

impl Spool {
    pub(super) fn new(topic: &str) -> Result<Spool, Error> {
        let found = Found {
            folder: Scratch::new()?,
            next: 1,
            first_offsets: BTreeMap::new(),
            bytes: 0,
            is_some: false,
        };
        let path = found.path();
        fs::create_dir(&path).map_err(|e| Error::output(&path.display().to_string(), e))?;
        Ok(Spool { topic: topic.to_owned(), found, current: None, manifest: None })
    }

    fn file(&self, number: u64) -> PathBuf {
        self.found.path().join(manifest::file(number))
    }

    fn take(&mut self, record: &[u8], offset: u64) -> Result<(), Error> {
        let holds = state_record::read(record).map_err(|wrong| {
            let file = format!("state topic {}, offset {offset}", self.topic);
            match wrong {
                Wrong::Foreign => kafka(format!(
                    "{file}: a record that is none of this program's: give a --state-topic of its own"
                )),
                Wrong::Newer(found) => Error::Newer {
                    file,
                    found: found.into(),
                    program: "a newer one".into(),
                    known: state_record::FORMAT.into(),
                },
                Wrong::Damaged => Error::Damaged { file, what: "its checksum is another".into() },
            }
        })?;
        match holds {
            Holds::Piece { number, at, bytes } => {
                self.found.next = self.found.next.max(number.saturating_add(1));
                self.found.bytes += bytes.len() as u64;
                if at == 0 {
                    self.found.first_offsets.insert(number, offset);
                }
                self.piece(number, at, bytes)
            }
            Holds::Manifest { next, text } => {
                self.found.next = self.found.next.max(next);
                self.found.is_some = true;
                let name = format!("state topic {}, offset {offset}", self.topic);
                let manifest = Manifest::of(text, &name)?;
                self.remove_all_but(&manifest);
                self.manifest = Some(manifest);
                Ok(())
            }
        }
    }

    /// A piece whose segment's beginning is not there any more is of no use.
    fn piece(&mut self, number: u64, at: u64, bytes: &[u8]) -> Result<(), Error> {
        let path = self.file(number);
        let failed = |source| Error::output(&path.display().to_string(), source);
        if at == 0 {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
            self.current = Some((number, file.map_err(failed)?, 0));
        }
        match &mut self.current {
            Some((current, file, length)) if (*current, *length) == (number, at) => {
                *length += bytes.len() as u64;
                file.write_all(bytes).map_err(failed)
            }
            _ => Ok(()),
        }
    }

    /// Segments that came before a manifest which does not name them will not be named by a later one.
    fn remove_all_but(&mut self, manifest: &Manifest) {
        let named: BTreeSet<u64> = manifest.segments.iter().map(|entry| entry.number).collect();
        let before = self.manifest.iter().flat_map(|before| &before.segments);
        for entry in before.filter(|entry| !named.contains(&entry.number)) {
            // What stays takes room, and is removed with the folder.
            let _ = fs::remove_file(self.file(entry.number));
        }
    }

    /// Nothing, and no number up to this.
    pub(super) fn finish_above(mut self, number: u64) -> Result<Found, Error> {
        self.found.next = number;
        self.finish()
    }

    /// What the last run noted, if there was one.
    pub(super) fn last(&self) -> Result<Option<Tail>, Error> {
        let last = self.manifest.as_ref().and_then(|manifest| manifest.segments.last());
        last.map(|entry| Tail::read(&self.found.path(), entry)).transpose()
    }

    pub(super) fn finish(self) -> Result<Found, Error> {
        let Spool { found, manifest, current, .. } = self;
        drop(current);
        let folder = found.path();
        let failed = |e| Error::output(&folder.display().to_string(), e);
        match manifest {
            Some(manifest) => {
                let written = manifest.text();
                written.and_then(|text| fs::write(folder.join(manifest::NAME), text))
            }
            // Pieces went ahead of a manifest that never came.
            None => fs::remove_dir_all(&folder).and_then(|()| fs::create_dir(&folder)),
        }
        .map_err(failed)?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Dir, Open};

    fn put(spool: &mut Spool, offset: u64, holds: Holds<'_>) {
        spool.take(&state_record::write(holds), offset).unwrap();
    }

    #[test]
    fn pieces_without_a_manifest_are_nothing() {
        let mut spool = Spool::new("state").unwrap();
        put(&mut spool, 5, Holds::Piece { number: 7, at: 0, bytes: b"a piece" });
        let found = spool.finish().unwrap();
        assert!(!found.is_some);
        assert_eq!(found.next, 8);
        let dir = Dir::open(&found.path(), Open::Make).unwrap();
        assert!(dir.last().unwrap().is_none());
    }

    #[test]
    fn segments_are_those_of_the_last_manifest() {
        let text = |numbers: &[u64]| {
            let entry =
                |&number: &u64| manifest::SegmentEntry { number, level: 0, bytes: 4, crc: 0 };
            let segments = numbers.iter().map(entry).collect();
            Manifest { next: 20, segments, ..Manifest::new() }.text().unwrap()
        };
        let mut spool = Spool::new("state").unwrap();
        // The rest of a segment whose beginning was deleted.
        put(&mut spool, 3, Holds::Piece { number: 1, at: 2, bytes: b"zz" });
        put(&mut spool, 4, Holds::Piece { number: 2, at: 0, bytes: b"aa" });
        put(&mut spool, 5, Holds::Piece { number: 2, at: 2, bytes: b"bb" });
        put(&mut spool, 6, Holds::Manifest { next: 20, text: text(&[2]).as_bytes() });
        put(&mut spool, 7, Holds::Piece { number: 3, at: 0, bytes: b"cccc" });
        put(&mut spool, 8, Holds::Manifest { next: 20, text: text(&[3]).as_bytes() });
        put(&mut spool, 9, Holds::Piece { number: 30, at: 0, bytes: b"never named" });
        let found = spool.finish().unwrap();
        assert_eq!((found.next, found.first_offsets[&3]), (31, 7));
        let read = |number: u64| fs::read(found.path().join(manifest::file(number))).ok();
        assert_eq!((read(1), read(2), read(3)), (None, None, Some(b"cccc".to_vec())));
        assert_eq!(Manifest::read(&found.path()).unwrap().unwrap().segments[0].number, 3);
    }
}
