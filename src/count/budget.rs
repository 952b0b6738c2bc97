//! The memory a counter may take, asked before each growth.
//!
//! Every growth of a table, a page or a list takes its bytes here first; one that finds no room is not
//! done, and the run stops with an error: never a lower count. Counted is what is asked of the
//! allocator, whose own losses come on top (a few in a hundred).

use crate::error::Error;

/// A growth found no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// What is taken, and how much may be. See the module's header.
#[derive(Debug)]
pub struct Budget {
    taken: u64,
    bytes_max: u64,
}

impl Budget {
    /// Nothing is taken yet.
    pub fn new(bytes_max: u64) -> Budget {
        Budget { taken: 0, bytes_max }
    }

    /// Takes this many bytes for a growth that is about to be done.
    pub fn take(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let taken = self.taken.saturating_add(bytes as u64);
        if taken > self.bytes_max {
            return Err(NoRoom);
        }
        self.taken = taken;
        Ok(())
    }

    /// Gives back what is no longer held.
    pub fn give(&mut self, bytes: usize) {
        self.taken -= bytes as u64;
    }

    /// What a run says that found no room.
    #[cold]
    pub fn used_up(&self) -> Error {
        Error::MemoryUsedUp { bytes_max: self.bytes_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_not_taken() {
        let mut budget = Budget::new(100);
        assert_eq!(budget.take(60), Ok(()));
        assert_eq!(budget.take(41), Err(NoRoom));
        assert_eq!(budget.take(40), Ok(()));
        budget.give(60);
        assert_eq!((budget.take(61), budget.take(60)), (Err(NoRoom), Ok(())));
    }
}
