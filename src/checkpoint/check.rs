//! A checkpoint looked at from outside: without its lock, beside a run that goes on.
//!
//! A change replaces the manifest and then removes files; who reads the old manifest may find one
//! gone. So an error counts only if the manifest is still the one it came from.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::folder::no_checkpoint;
use super::manifest::Manifest;
use super::merge::{Sink, merge};
use super::reader::SegmentReader;
use super::tail::Tail;
use crate::error::Error;

/// What is in a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Segments.
    pub segments: usize,
    /// Users.
    pub users: u64,
    /// Windows kept that have members.
    pub windows: usize,
    /// Members of all of them.
    pub memberships: u64,
}

/// Does something with what the directory's manifest names, again if it was changed meanwhile.
///
/// # Errors
/// There is none, or it is damaged; else those of `look`.
pub fn look<T>(
    folder: &Path,
    mut look: impl FnMut(&Manifest) -> Result<T, Error>,
) -> Result<T, Error> {
    let read = || Manifest::read(folder)?.ok_or_else(|| no_checkpoint(folder));
    let mut manifest = read()?;
    loop {
        let error = match look(&manifest) {
            Err(error) => error,
            done => return done,
        };
        let now = read()?;
        if now == manifest {
            return Err(error);
        }
        manifest = now;
    }
}

/// The tails of the segments.
///
/// # Errors
/// One cannot be read or is damaged.
pub fn tails(folder: &Path, manifest: &Manifest) -> Result<Vec<Tail>, Error> {
    manifest.segments.iter().map(|entry| Tail::read(folder, entry)).collect()
}

/// Reads all there is: every checksum, every list, and that each id of a window is a user.
///
/// # Errors
/// Something cannot be read, is damaged, or does not fit together.
pub fn check(folder: &Path, manifest: &Manifest) -> Result<Found, Error> {
    let Some(last) = manifest.segments.last() else { return Ok(Found::default()) };
    let kept = Tail::read(folder, last)?.kept;
    let open = |entry| SegmentReader::open(folder, entry);
    let segments: Vec<SegmentReader> =
        manifest.segments.iter().map(open).collect::<Result<_, Error>>()?;
    let found = Found { segments: segments.len(), ..Found::default() };
    let mut known = Known {
        name: folder.display().to_string(),
        found,
        shard: None,
        windows: BTreeSet::new(),
        users: HashMap::new(),
    };
    merge(segments, &kept, &mut known)?;
    Ok(Found { windows: known.windows.len(), ..known.found })
}

/// Ids of a page.
const PAGE: u32 = 1 << 16;

/// The users of the shard that is being read, a bit each, in pages: memory follows how many there are
/// and not their numbers.
struct Known {
    name: String,
    found: Found,
    shard: Option<u8>,
    windows: BTreeSet<u64>,
    users: HashMap<u32, Box<[u64]>>,
}

impl Known {
    fn enter(&mut self, shard: u8) {
        if self.shard != Some(shard) {
            self.users.clear();
            self.shard = Some(shard);
        }
    }
}

/// Page, word and bit of an id.
fn split(id: u32) -> (u32, usize, u64) {
    (id / PAGE, (id % PAGE / u64::BITS) as usize, 1 << (id % u64::BITS))
}

impl Sink for Known {
    fn users(&mut self, shard: u8, users: &[(u32, &[u8])]) -> Result<(), Error> {
        self.enter(shard);
        for &(id, _) in users {
            let (page, word, bit) = split(id);
            let empty = || vec![0; (PAGE / u64::BITS) as usize].into();
            self.users.entry(page).or_insert_with(empty)[word] |= bit;
        }
        self.found.users += users.len() as u64;
        Ok(())
    }

    fn members(&mut self, shard: u8, serial: u64, ids: &[u32]) -> Result<(), Error> {
        self.enter(shard);
        for &id in ids {
            let (page, word, bit) = split(id);
            if self.users.get(&page).is_none_or(|page| page[word] & bit == 0) {
                let what = format!(
                    "number {id} of shard {shard} is in the window of serial {serial} and is no user"
                );
                return Err(Error::Damaged { file: self.name.clone(), what });
            }
        }
        self.windows.insert(serial);
        self.found.memberships += ids.len() as u64;
        Ok(())
    }
}
