//! A run of segments as one stream: by shard its users, then its windows' ids, each id once.
//!
//! The lists of a place are merged step by step: of each segment one section is held, and what lies at
//! or below the least of their last ids can go out, sorted. So memory follows the number of
//! segments and not the state; and a list that only one of them has is passed on as it is.
//!
//! Members of windows no longer kept are left out. A user's mapping is, where a later one has the
//! same id; it is not where nobody's window holds him, as the counter may still know him. An id
//! twice in a window cannot be: counts are sums over segments. It is an error.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::sync::Arc;

use super::reader::{Place, Section, SegmentReader};
use super::section::Kind;
use super::sorting::Sorting;
use super::tail::Tail;
use super::writer::{SegmentWriter, failed};
use crate::error::Error;

/// Where merged segments go.
pub trait Sink {
    /// Users of a shard, ascending; further ones may follow.
    ///
    /// # Errors
    /// What its own are.
    fn users(&mut self, shard: u8, users: &[(u32, &[u8])]) -> Result<(), Error>;

    /// Ids in a window, ascending; further ones may follow. Of a shard the users come before.
    ///
    /// # Errors
    /// What its own are.
    fn members(&mut self, shard: u8, serial: u64, ids: &[u32]) -> Result<(), Error>;
}

/// A segment being written, as a sink.
pub(super) struct Named<'a, W> {
    pub(super) writer: &'a mut SegmentWriter<W>,
    /// What it is called in errors.
    pub(super) name: &'a str,
}

impl<W: Write> Sink for Named<'_, W> {
    fn users(&mut self, shard: u8, users: &[(u32, &[u8])]) -> Result<(), Error> {
        let done = self.writer.users(shard, users.iter().copied());
        done.map_err(|e| failed(self.name, e))
    }

    fn members(&mut self, shard: u8, serial: u64, ids: &[u32]) -> Result<(), Error> {
        self.writer.members(shard, serial, ids).map_err(|e| failed(self.name, e))
    }
}

/// A segment, and how much of its section went out.
struct Cursor<R> {
    reader: SegmentReader<R>,
    taken: usize,
}

impl<R: Read> Cursor<R> {
    /// The ids of its section that did not go out, if it is of this list.
    fn ids(&self, place: Place) -> &[u32] {
        match self.reader.section() {
            _ if self.reader.place() != Some(place) => &[],
            Some(Section::Users { users, .. }) => &users.ids()[self.taken..],
            Some(Section::Members { ids, .. }) => &ids[self.taken..],
            _ => &[],
        }
    }

    /// The uid that belongs to the id at `index` of [`Cursor::ids`].
    fn uid(&self, index: usize) -> &[u8] {
        match self.reader.section() {
            Some(Section::Users { users, .. }) => users.uid(self.taken + index),
            _ => &[],
        }
    }

    /// `count` more went out.
    fn take(&mut self, place: Place, count: usize) -> Result<(), Error> {
        self.taken += count;
        if self.reader.place() == Some(place) && self.ids(place).is_empty() {
            self.taken = 0;
            self.reader.advance()?;
        }
        Ok(())
    }
}

/// Merges segments that follow one another in a chain, in that order, leaving out the members of
/// windows that are not in `kept`. All of each is read and checked. The tail of the last is given
/// back, its index being its own; none if there is no segment.
///
/// # Errors
/// A segment cannot be read or is damaged, or the sink fails.
pub fn merge<R: Read>(
    segments: Vec<SegmentReader<R>>,
    kept: &[u64],
    sink: &mut impl Sink,
) -> Result<Option<Tail>, Error> {
    let kept: Arc<BTreeSet<u64>> = Arc::new(kept.iter().copied().collect());
    let mut cursors: Vec<Cursor<R>> = Vec::new();
    for mut reader in segments {
        reader.only(Arc::clone(&kept));
        reader.advance()?;
        cursors.push(Cursor { reader, taken: 0 });
    }
    let mut sorting = Sorting::default();
    while let Some(place) = cursors.iter().filter_map(|cursor| cursor.reader.place()).min() {
        let (shard, kind, serial) = place;
        if kind == Kind::Members && !kept.contains(&serial) {
            // There are no ids to take.
            for cursor in &mut cursors {
                cursor.take(place, 0)?;
            }
            continue;
        }
        let lasts = cursors.iter().filter_map(|cursor| cursor.ids(place).last());
        let Some(&up_to) = lasts.min() else { break };
        let counts: Vec<usize> = cursors
            .iter()
            .map(|cursor| cursor.ids(place).partition_point(|&id| id <= up_to))
            .collect();
        if kind == Kind::Users {
            let mut users = Vec::new();
            for (cursor, &count) in cursors.iter().zip(&counts) {
                let ids = &cursor.ids(place)[..count];
                users.extend(ids.iter().enumerate().map(|(at, &id)| (id, cursor.uid(at))));
            }
            if counts.iter().filter(|&&count| count > 0).count() > 1 {
                users.sort_by_key(|&(id, _)| id);
                // Of equal ids the last one's uid: `dedup` keeps the first, which takes it over.
                users.dedup_by(|later, kept| {
                    let same = later.0 == kept.0;
                    if same {
                        kept.1 = later.1;
                    }
                    same
                });
            }
            sink.users(shard, &users)?;
        } else {
            let lists = cursors.iter().zip(&counts).map(|(cursor, &n)| &cursor.ids(place)[..n]);
            let lists: Vec<&[u32]> = lists.filter(|list| !list.is_empty()).collect();
            if let [list] = lists[..] {
                sink.members(shard, serial, list)?;
            } else {
                let Some(ids) = sorting.sorted(lists.iter().copied()) else {
                    return Err(twice(&cursors, shard, serial));
                };
                sink.members(shard, serial, ids)?;
            }
        }
        for (cursor, count) in cursors.iter_mut().zip(counts) {
            cursor.take(place, count)?;
        }
    }
    // The rest of each was read and checked with its first section after the lists.
    Ok(cursors.pop().and_then(|cursor| cursor.reader.into_tail()))
}

/// An id stands twice in a window.
fn twice<R: Read>(cursors: &[Cursor<R>], shard: u8, serial: u64) -> Error {
    let place = Some((shard, Kind::Members, serial));
    let those = cursors.iter().filter(|cursor| cursor.reader.place() == place);
    let names: Vec<&str> = those.map(|cursor| cursor.reader.name()).collect();
    let what = format!("a user of shard {shard} is twice in the window of serial {serial}");
    Error::Damaged { file: names.join(", "), what }
}
