//! The users: each one's uid and the windows he is in, by a dense number.
//!
//! A user takes one record of 32 bytes, in half a cache line. Records lie in pages that never
//! move; a number given back is the next one given out. A uid of up to 14 bytes lies in the record, a
//! longer one in the slab, which can be asked for ahead. Whether two uids are the same is decided
//! here, by all their bytes.

use super::budget::{Budget, NoRoom};
use super::era::Seen;
use super::slab::{Cell, Slab};
use super::stack::Stack;
use crate::prefetch::prefetch;

/// A user's number.
pub type Id = u32;

/// Users of a page. Small in unit tests, so that they meet many pages.
pub const PAGE_USERS: usize = if cfg!(test) { 8 } else { 4096 };
/// Bytes of a uid that lies in its record.
const INLINE_BYTES: usize = 14;
/// In place of a uid's length: the record is free.
const FREE: u16 = u16::MAX;
/// Free records ahead of the one given out that are asked for.
const LOOK_AHEAD: usize = 8;

#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct User {
    /// Of the first group of slots.
    seen: Seen,
    len: u16,
    /// The uid, or the number of its cell.
    bytes: [u8; INLINE_BYTES],
}

const _: () = assert!(size_of::<User>() == 32);

impl User {
    const NEW: User = User { seen: Seen::NONE, len: FREE, bytes: [0; INLINE_BYTES] };

    #[inline]
    fn number(&self) -> u32 {
        let [a, b, c, d, ..] = self.bytes;
        u32::from_le_bytes([a, b, c, d])
    }

    fn set_number(&mut self, number: u32) {
        self.bytes[..4].copy_from_slice(&number.to_le_bytes());
    }

    fn cell(&self) -> Cell {
        Cell { number: self.number(), len: self.len }
    }
}

/// Why a user gets no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMore {
    /// There are as many users as may be.
    Numbers,
    /// There is no room.
    Room,
}

impl From<NoRoom> for NoMore {
    fn from(NoRoom: NoRoom) -> NoMore {
        NoMore::Room
    }
}

/// All records. See the module's header.
#[derive(Debug)]
pub struct Users {
    pages: Vec<Box<[User]>>,
    /// Numbers below this one have been given out.
    numbers: u32,
    /// Numbers given back.
    free: Stack,
    uids: Slab,
    users_max: u32,
}

impl Users {
    /// Nobody yet; at most so many at once ([`crate::limits::USERS_MAX`] leaves one number for "nobody").
    pub fn new(users_max: u32) -> Users {
        Users {
            pages: Vec::new(),
            numbers: 0,
            free: Stack::default(),
            uids: Slab::new(),
            users_max,
        }
    }

    /// Bytes that a user with a uid of this length takes.
    pub fn bytes_for(uid_bytes: u64) -> u64 {
        let inline = uid_bytes <= INLINE_BYTES as u64;
        (size_of::<User>() + size_of::<Id>()) as u64
            + if inline { 0 } else { Slab::bytes_for(uid_bytes) }
    }

    #[inline]
    fn user(&self, id: Id) -> &User {
        &self.pages[id as usize / PAGE_USERS][id as usize % PAGE_USERS]
    }

    #[inline]
    fn user_mut(&mut self, id: Id) -> &mut User {
        &mut self.pages[id as usize / PAGE_USERS][id as usize % PAGE_USERS]
    }

    /// Asks for a user's record.
    #[inline]
    pub fn prefetch(&self, id: Id) {
        prefetch(self.user(id));
    }

    /// Asks for a user's uid where it does not lie in his record.
    #[inline]
    pub fn prefetch_uid(&self, id: Id) {
        let user = self.user(id);
        if usize::from(user.len) > INLINE_BYTES && user.len != FREE {
            self.uids.prefetch(user.cell());
        }
    }

    /// Whether uids were ever met that do not fit a record.
    #[inline]
    pub fn have_long_uids(&self) -> bool {
        !self.uids.is_empty()
    }

    /// Whether this is the user with this uid. A free number is nobody.
    #[inline]
    pub fn is(&self, id: Id, uid: &[u8]) -> bool {
        let user = self.user(id);
        if usize::from(user.len) != uid.len() {
            return false;
        }
        match user.bytes.get(..uid.len()) {
            Some(bytes) => bytes == uid,
            None => self.uids.get(user.cell()) == uid,
        }
    }

    /// A record of a user who is in no window yet.
    fn record(&mut self, uid: &[u8], budget: &mut Budget) -> Result<User, NoMore> {
        let len = u16::try_from(uid.len()).map_err(|_| NoMore::Numbers)?;
        let mut user = User { len, ..User::NEW };
        match user.bytes.get_mut(..uid.len()) {
            Some(bytes) => bytes.copy_from_slice(uid),
            None => user.set_number(self.uids.keep(uid, budget)?.number),
        }
        Ok(user)
    }

    /// Another page. Its places in the list of free numbers come with it, which comes to need them.
    fn grow(&mut self, budget: &mut Budget) -> Result<(), NoMore> {
        budget.take(PAGE_USERS * (size_of::<User>() + size_of::<Id>()))?;
        self.pages.push(vec![User::NEW; PAGE_USERS].into_boxed_slice());
        Ok(())
    }

    /// A number for a new user, who is in no window yet, if there is room.
    pub fn add(&mut self, uid: &[u8], budget: &mut Budget) -> Result<Id, NoMore> {
        // First of all what may find no room.
        let user = self.record(uid, budget)?;
        let id = match self.free.pop() {
            None if self.numbers == self.users_max => return Err(NoMore::Numbers),
            None => {
                if self.numbers as usize == self.pages.len() * PAGE_USERS {
                    self.grow(budget)?;
                }
                self.numbers += 1;
                self.numbers - 1
            }
            Some(id) => {
                if let Some(soon) = self.free.peek(LOOK_AHEAD) {
                    self.prefetch(soon);
                }
                id
            }
        };
        *self.user_mut(id) = user;
        Ok(id)
    }

    /// A user has this number, which nobody has. When all that are to be have theirs, [`Users::all_placed`].
    pub fn place(&mut self, id: Id, uid: &[u8], budget: &mut Budget) -> Result<(), NoMore> {
        if id >= self.users_max {
            return Err(NoMore::Numbers);
        }
        while id as usize >= self.pages.len() * PAGE_USERS {
            self.grow(budget)?;
        }
        *self.user_mut(id) = self.record(uid, budget)?;
        self.numbers = self.numbers.max(id + 1);
        Ok(())
    }

    /// The numbers between those that were placed are free.
    pub fn all_placed(&mut self) {
        self.free = Stack::default();
        for id in
            (0..self.numbers).rev().filter(|&id| self.user(id).len == FREE).collect::<Vec<_>>()
        {
            self.free.push(id);
        }
    }

    /// Whether nobody has this number.
    pub fn is_free(&self, id: Id) -> bool {
        let page = self.pages.get(id as usize / PAGE_USERS);
        page.is_none_or(|page| page[id as usize % PAGE_USERS].len == FREE)
    }

    /// Gives a user's number back.
    pub fn free(&mut self, id: Id) {
        let user = &mut self.pages[id as usize / PAGE_USERS][id as usize % PAGE_USERS];
        if usize::from(user.len) > INLINE_BYTES {
            self.uids.free(user.cell());
        }
        user.len = FREE;
        self.free.push(id);
    }

    /// Which windows of the first group a user is in.
    #[inline]
    pub fn seen(&self, id: Id) -> Seen {
        self.user(id).seen
    }

    /// The same, to be changed.
    #[inline]
    pub fn seen_mut(&mut self, id: Id) -> &mut Seen {
        &mut self.user_mut(id).seen
    }

    /// Numbers ever given out: all users' numbers lie below.
    pub fn numbers(&self) -> u32 {
        self.numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::era::{Era, Slots};
    use crate::limits::UID_BYTES_MAX;

    #[test]
    fn uids_of_every_length_are_told_apart_by_all_their_bytes() {
        let mut room = Budget::new(u64::MAX);
        let mut users = Users::new(10_000);
        let uid = |len: usize| vec![b'x'; len];
        let ids: Vec<Id> =
            (1..=UID_BYTES_MAX).map(|len| users.add(&uid(len), &mut room).unwrap()).collect();
        for (len, &id) in (1..).zip(&ids) {
            let mut other = uid(len);
            assert!(users.is(id, &other), "{len}");
            for at in [0, len / 2, len - 1] {
                other[at] ^= 1;
                assert!(!users.is(id, &other), "{len}, byte {at}");
                other[at] ^= 1;
            }
            assert!(!users.is(id, &uid(len - 1)) && !users.is(id, &uid(len + 1)), "{len}");
        }
        // Given back, a number is nobody's; then another's, who is in no window.
        let mut era = Era::starting_at(0);
        era.open(0);
        for (len, &id) in (1..).zip(&ids) {
            era.add(users.seen_mut(id), Slots::one(0));
            users.free(id);
            assert!(!users.is(id, &uid(len)));
            let new = users.add(&vec![b'y'; UID_BYTES_MAX + 1 - len], &mut room).unwrap();
            assert_eq!(new, id);
            assert_eq!(users.seen(new), Seen::NONE);
        }
        assert_eq!(users.numbers() as usize, UID_BYTES_MAX);
    }

    #[test]
    fn cells_of_long_uids_are_used_again() {
        let mut room = Budget::new(u64::MAX);
        let mut users = Users::new(10);
        // The shortest that does not fit its record, and another.
        for len in [INLINE_BYTES + 1, 100] {
            for n in 0..100 {
                let uid = vec![n; len];
                let id = users.add(&uid, &mut room).unwrap();
                assert!(users.is(id, &uid));
                users.free(id);
            }
        }
        assert_eq!(users.uids.cells(), 2);
    }

    #[test]
    fn placed_users_leave_the_numbers_between_them_to_others() {
        let mut room = Budget::new(u64::MAX);
        let mut users = Users::new(100);
        let long = [b'x'; INLINE_BYTES + 1];
        for (id, uid) in [(20, &b"c"[..]), (3, &long), (9, b"b")] {
            assert!(users.is_free(id));
            users.place(id, uid, &mut room).unwrap();
            assert!(users.is(id, uid) && !users.is_free(id));
        }
        assert_eq!(users.place(100, b"d", &mut room), Err(NoMore::Numbers));
        users.all_placed();
        let mut new: Vec<Id> = (0..19).map(|n| users.add(&[n; 2], &mut room).unwrap()).collect();
        new.sort_unstable();
        let expected: Vec<Id> = (0..22).filter(|id| ![3, 9, 20].contains(id)).collect();
        assert_eq!(new, expected);
        assert!(users.is(3, &long) && users.is(9, b"b") && users.is(20, b"c"));
    }

    #[test]
    fn there_are_only_so_many_numbers() {
        let mut room = Budget::new(u64::MAX);
        let mut users = Users::new(2);
        let (a, b) = (users.add(b"a", &mut room), users.add(b"b", &mut room));
        assert_eq!((a, b, users.add(b"c", &mut room)), (Ok(0), Ok(1), Err(NoMore::Numbers)));
        users.free(0);
        assert_eq!(users.add(b"c", &mut room), Ok(0));
    }
}
