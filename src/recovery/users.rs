//! Putting the users of a checkpoint into new counters.
//!
//! Shard after shard of the checkpoint, as its segments are merged on the way: first its users, which
//! are only noted, then the windows one by one. A user comes into the counter he belongs to now when the first
//! window names him, so whom no kept window holds is left out.
//!
//! Where there are as many counters as then, each has the users it had, under the numbers they had: what the
//! checkpoint says stays true, and the next segment goes on from it. Else they get new numbers: as many
//! counters as one likes may go on with what others have left, but their first segment has to say it all.

use std::collections::HashMap;

use crate::checkpoint::{Dir, SegmentReader, Sink, merge};
use crate::clock::state::{Serial, SlotSerial};
use crate::clock::verdict::Slot;
use crate::count::Counter;
use crate::count::hash::UidHasher;
use crate::count::users::Id;
use crate::error::Error;
use crate::recovery::job::KeptUsers;

/// A user of the shard that is being put back.
#[derive(Clone, Copy)]
enum Known {
    Nobody,
    /// His uid lies here.
    Noted {
        at: u64,
        len: u16,
    },
    /// He has this number now, in this counter.
    Put {
        counter: u8,
        id: Id,
    },
}

/// One shard after the other, into counters.
struct Putting<'a> {
    counters: &'a mut [Counter],
    hasher: &'a UidHasher,
    slots: HashMap<Serial, Slot>,
    shard: Option<u8>,
    /// By number.
    known: Vec<Known>,
    uids: Vec<u8>,
    folder: &'a str,
    keeps_numbers: bool,
}

impl Putting<'_> {
    fn damaged(&self, what: String) -> Error {
        Error::Damaged { file: self.folder.into(), what }
    }
}

impl Sink for Putting<'_> {
    fn users(&mut self, shard: u8, users: &[(u32, &[u8])]) -> Result<(), Error> {
        if self.shard != Some(shard) {
            self.shard = Some(shard);
            self.known.clear();
            self.uids.clear();
        }
        for &(id, uid) in users {
            let index = id as usize;
            if self.known.len() <= index {
                self.known.resize(index + 1, Known::Nobody);
            }
            let len = u16::try_from(uid.len())
                .map_err(|_| self.damaged(format!("user {id} has a uid too long")))?;
            self.known[index] = Known::Noted { at: self.uids.len() as u64, len };
            self.uids.extend_from_slice(uid);
        }
        Ok(())
    }

    fn members(&mut self, shard: u8, serial: u64, ids: &[u32]) -> Result<(), Error> {
        let Some(&slot) = self.slots.get(&serial) else {
            return Err(
                self.damaged(format!("window {serial} is kept, and the clock has none such"))
            );
        };
        for &old in ids {
            let known = self.known.get(old as usize).copied().unwrap_or(Known::Nobody);
            let (counter, id) = match known {
                Known::Put { counter, id } => (counter, id),
                Known::Noted { at, len } if self.shard == Some(shard) => {
                    let at = usize::try_from(at).unwrap_or(usize::MAX);
                    let uid = &self.uids[at..at + usize::from(len)];
                    let counter = self.hasher.shard(uid);
                    let hash = self.hasher.table(uid);
                    let own = &mut self.counters[usize::from(counter)];
                    let id = if !self.keeps_numbers {
                        own.adopt(hash, uid)?
                    } else if counter == shard && own.adopt_as(old, hash, uid)? {
                        old
                    } else {
                        return Err(self.damaged(format!("user {old} is not of shard {shard}")));
                    };
                    self.known[old as usize] = Known::Put { counter, id };
                    (counter, id)
                }
                Known::Nobody | Known::Noted { .. } => {
                    return Err(self.damaged(format!(
                        "window {serial} has user {old}, and there is none such"
                    )));
                }
            };
            self.counters[usize::from(counter)].put_in(id, slot)?;
        }
        Ok(())
    }
}

/// The users of the checkpoint in a directory.
pub struct InDir {
    name: String,
    segments: Vec<SegmentReader>,
}

impl InDir {
    /// Those in this one, as it is now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(dir: &Dir) -> Result<InDir, Error> {
        Ok(InDir { name: dir.name().to_owned(), segments: dir.segments()? })
    }
}

impl KeptUsers for InDir {
    fn put_into(
        &mut self,
        counters: &mut [Counter],
        slots: &[SlotSerial],
        hasher: &UidHasher,
        keeps_numbers: bool,
    ) -> Result<(), Error> {
        let kept: Vec<Serial> = slots.iter().map(|of| of.serial).collect();
        let mut putting = Putting {
            counters,
            hasher,
            slots: slots.iter().map(|of| (of.serial, of.slot)).collect(),
            shard: None,
            known: Vec::new(),
            uids: Vec::new(),
            folder: &self.name,
            keeps_numbers,
        };
        merge(std::mem::take(&mut self.segments), &kept, &mut putting)?;
        if keeps_numbers {
            counters.iter_mut().for_each(Counter::all_adopted);
        }
        Ok(())
    }
}
