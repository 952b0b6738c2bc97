//! The journal: what a counter has newly counted since the last cut. A checkpoint's segment is made
//! of it.
//!
//! Belongs to its counter, and is written on its thread; a cut takes it whole, in a step that does
//! not depend on how much there is. It takes 4 bytes for each user newly in a window, and his uid
//! when he becomes known. It grows by blocks that never move. What stands of a window goes with the
//! window, so that of windows that come and go between two cuts nothing is written.
//!
//! Users stand in the order in which they came: of two with one number the later counts. A number is
//! given to another user only when no kept window holds the one before, so in what is cut every
//! number in a window's list means the user who has it then.

use super::budget::{Budget, NoRoom};
use super::users::Id;
use crate::clock::verdict::Slot;
use crate::prefetch::prefetch;

/// Values of a block. Few in unit tests, so that they meet many blocks.
const BLOCK_IDS: usize = if cfg!(test) { 4 } else { 4096 };
/// Values of a line of cache: the next one but one is asked for where one begins, as between two values of a
/// window lies much that is read from anywhere.
const LINE_IDS: usize = 64 / size_of::<Id>();
/// Bytes of a block of uids; no uid is longer.
const BLOCK_BYTES: usize = 64 * 1024;

/// Values in blocks.
#[derive(Debug)]
struct Blocks<T>(Vec<Vec<T>>);

impl<T> Default for Blocks<T> {
    fn default() -> Blocks<T> {
        Blocks(Vec::new())
    }
}

impl<T> Blocks<T> {
    /// The last block, if it has room for so many values more.
    #[inline]
    fn with_room(&mut self, values: usize) -> Option<&mut Vec<T>> {
        self.0.last_mut().filter(|block| block.capacity() - block.len() >= values)
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|block| block.capacity() * size_of::<T>()).sum()
    }
}

/// Those newly in a window. The block being filled is at hand, and has no capacity before the first.
#[derive(Debug, Default)]
struct Members {
    open: Vec<Id>,
    full: Vec<Vec<Id>>,
}

impl Members {
    fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Goes on in this block.
    fn go_on_in(&mut self, block: Vec<Id>) {
        let before = std::mem::replace(&mut self.open, block);
        if !before.is_empty() {
            self.full.push(before);
        }
    }

    fn blocks(&self) -> impl Iterator<Item = &Vec<Id>> + Clone {
        self.full.iter().chain(std::iter::once(&self.open))
    }

    fn bytes(&self) -> usize {
        self.blocks().map(|block| block.capacity() * size_of::<Id>()).sum()
    }
}

/// One shard's part of a cut.
#[derive(Debug, Default)]
pub struct ShardCut {
    users: Blocks<(Id, u16)>,
    uids: Blocks<u8>,
    /// By slot in use then, the users newly in its window.
    members: Vec<(Slot, Members)>,
}

impl ShardCut {
    /// New users, in the order in which they came.
    pub fn users(&self) -> impl Iterator<Item = (Id, &[u8])> {
        let mut blocks = self.uids.0.iter();
        let mut rest: &[u8] = &[];
        self.users.0.iter().flatten().map(move |&(id, len)| {
            // A uid that found no room in its block begins the next.
            if rest.is_empty() {
                rest = blocks.next().map_or(&[], Vec::as_slice);
            }
            let (uid, others) = rest.split_at(usize::from(len));
            rest = others;
            (id, uid)
        })
    }

    /// By slot, the users newly in its window, each once, in no order, and in pieces. Only slots that have
    /// any.
    pub fn members(&self) -> impl Iterator<Item = (Slot, impl Iterator<Item = &[Id]> + Clone)> {
        self.members.iter().map(|(slot, ids)| (*slot, ids.blocks().map(Vec::as_slice)))
    }
}

/// A counter's journal. See the module's header.
#[derive(Debug)]
pub struct Journal {
    users: Blocks<(Id, u16)>,
    uids: Blocks<u8>,
    /// By slot.
    members: Vec<Members>,
    /// Blocks of windows that are gone.
    spare: Vec<Vec<Id>>,
    /// Bytes of the cut taken last, which may still be on its way.
    cut_bytes: usize,
}

impl Journal {
    /// Empty, for so many slots.
    pub fn new(slots: usize) -> Journal {
        Journal {
            users: Blocks::default(),
            uids: Blocks::default(),
            members: (0..slots).map(|_| Members::default()).collect(),
            spare: Vec::new(),
            cut_bytes: 0,
        }
    }

    /// There is a new user.
    pub fn user(&mut self, id: Id, uid: &[u8], budget: &mut Budget) -> Result<(), NoRoom> {
        let len = u16::try_from(uid.len()).expect("UID_BYTES_MAX fits 16 bits");
        block(&mut self.users, 1, BLOCK_IDS, budget)?.push((id, len));
        block(&mut self.uids, uid.len(), BLOCK_BYTES, budget)?.extend_from_slice(uid);
        Ok(())
    }

    /// A user is newly in the slot's window.
    #[inline]
    pub fn member(&mut self, slot: usize, id: Id, budget: &mut Budget) -> Result<(), NoRoom> {
        let block = &mut self.members[slot].open;
        if block.len() == block.capacity() {
            return self.member_of_next(slot, id, budget);
        }
        block.push(id);
        if block.len().is_multiple_of(LINE_IDS)
            && let Some(ahead) = block.spare_capacity_mut().get(LINE_IDS)
        {
            prefetch(ahead);
        }
        Ok(())
    }

    /// The same, where the slot's block is full or there is none.
    #[cold]
    fn member_of_next(&mut self, slot: usize, id: Id, budget: &mut Budget) -> Result<(), NoRoom> {
        let mut block = match self.spare.pop() {
            Some(block) => block,
            None => {
                budget.take(BLOCK_IDS * size_of::<Id>())?;
                Vec::with_capacity(BLOCK_IDS)
            }
        };
        block.push(id);
        self.members[slot].go_on_in(block);
        Ok(())
    }

    /// The slot's window is no longer kept.
    pub fn free(&mut self, slot: usize) {
        let Members { open, full } = &mut self.members[slot];
        let open = std::mem::take(open);
        for mut block in full.drain(..).chain((open.capacity() > 0).then_some(open)) {
            block.clear();
            self.spare.push(block);
        }
    }

    /// Takes all of it. The one taken before is on its way no longer.
    pub fn cut(&mut self, budget: &mut Budget) -> ShardCut {
        let members = (0..).zip(&mut self.members).filter(|(_, ids)| !ids.is_empty());
        let cut = ShardCut {
            users: std::mem::take(&mut self.users),
            uids: std::mem::take(&mut self.uids),
            members: members.map(|(slot, ids)| (slot, std::mem::take(ids))).collect(),
        };
        budget.give(self.cut_bytes);
        let of_members: usize = cut.members.iter().map(|(_, ids)| ids.bytes()).sum();
        self.cut_bytes = cut.users.bytes() + cut.uids.bytes() + of_members;
        cut
    }
}

/// The last block, or a new one, with room for so many values.
fn block<'a, T>(
    blocks: &'a mut Blocks<T>,
    values: usize,
    block_values: usize,
    budget: &mut Budget,
) -> Result<&'a mut Vec<T>, NoRoom> {
    if blocks.with_room(values).is_none() {
        budget.take(block_values * size_of::<T>())?;
        blocks.0.push(Vec::with_capacity(block_values));
    }
    Ok(blocks.0.last_mut().expect("there is one with room"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::UID_BYTES_MAX;

    #[test]
    fn a_cut_has_what_came_since_the_one_before() {
        let (mut journal, mut room) = (Journal::new(3), Budget::new(u64::MAX));
        let uids: Vec<Vec<u8>> =
            (0..200).map(|n: usize| vec![b'u'; 1 + n * 5 % UID_BYTES_MAX]).collect();
        for round in 0..3 {
            for (id, uid) in (0..).zip(&uids) {
                journal.user(id, uid, &mut room).unwrap();
                journal.member(1, id, &mut room).unwrap();
                journal.member(2, id, &mut room).unwrap();
            }
            journal.free(2);
            journal.member(2, 7 + round, &mut room).unwrap();
            let cut = journal.cut(&mut room);
            let users: Vec<(Id, Vec<u8>)> = cut.users().map(|(id, uid)| (id, uid.into())).collect();
            assert_eq!(users, (0..).zip(uids.clone()).collect::<Vec<_>>());
            let members: Vec<(Slot, Vec<Id>)> =
                cut.members().map(|(slot, ids)| (slot, ids.flatten().copied().collect())).collect();
            assert_eq!(members, [(1, (0..200).collect()), (2, vec![7 + round])]);
        }
        let nothing = journal.cut(&mut room);
        assert!(nothing.users().next().is_none() && nothing.members().next().is_none());
    }

    #[test]
    fn what_is_cut_is_given_back_with_the_next_cut() {
        let mut room = Budget::new(3 * (BLOCK_IDS * size_of::<Id>()) as u64);
        let mut journal = Journal::new(1);
        for id in 0..1000 {
            journal.member(0, id, &mut room).unwrap();
            journal.cut(&mut room);
        }
        let ids = 2 * u32::try_from(BLOCK_IDS).unwrap();
        assert!((0..ids).all(|id| journal.member(0, id, &mut room).is_ok()));
        assert_eq!(journal.member(0, ids, &mut room), Err(NoRoom));
        journal.free(0);
        assert!((0..ids).all(|id| journal.member(0, id, &mut room).is_ok()));
    }
}
