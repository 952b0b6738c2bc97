//! Merging: the scanners' batches in the order of the log, and their way home.
//!
//! Chunks come in their numbers' order whichever scanner read them; none is waited for by a scanner,
//! only here. A chunk that was claimed and never came is noticed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::batch::BatchHandle;
use crate::error::Error;
use crate::input::messages::ALL_CLAIMED;
use crate::ring::sync::AtomicU64;
use crate::ring::{Consumer, PopError, Producer, PushError};

/// The rings to and from one scanner.
pub struct ScanLink {
    /// Its batches.
    pub from: Consumer<BatchHandle>,
    /// Their way home.
    pub home: Producer<BatchHandle>,
}

/// What comes next in the log.
pub(super) enum Merged {
    /// A batch, of this scanner.
    Batch(usize, BatchHandle),
    /// It has not come yet.
    NotYet,
    /// Nothing: all scanners have ended.
    Ended,
    /// A chunk that nobody can bring any more.
    Missing,
}

/// The scanners' end of the clock's stage. See the module's header.
pub(super) struct Merge {
    scanners: Vec<ScanLink>,
    /// Chunks claimed so far, with [`ALL_CLAIMED`] when there are no more.
    claimed: Arc<AtomicU64>,
    next_chunk: u64,
    /// The scanner whose chunk is being taken.
    taking_from: usize,
}

impl Merge {
    pub(super) fn new(scanners: Vec<ScanLink>, claimed: Arc<AtomicU64>) -> Merge {
        Merge { scanners, claimed, next_chunk: 0, taking_from: 0 }
    }

    /// The number of the chunk that is taken or comes next.
    pub(super) fn next_chunk(&self) -> u64 {
        self.next_chunk
    }

    /// The chunk is through.
    pub(super) fn chunk_done(&mut self) {
        self.next_chunk += 1;
    }

    /// The next batch of the log, if it is there.
    pub(super) fn next(&mut self) -> Merged {
        let links = self.scanners.len();
        let (mut ended, mut beyond) = (0, 0);
        for step in 0..links {
            let index = (self.taking_from + step) % links;
            match self.scanners[index].from.peek() {
                Ok(batch) if batch.chunk == self.next_chunk => {
                    let batch = self.scanners[index].from.pop().expect("it was just seen");
                    self.taking_from = index;
                    return Merged::Batch(index, batch);
                }
                Ok(_) => beyond += 1,
                Err(PopError::Empty) => {}
                Err(PopError::Ended) => ended += 1,
            }
        }
        match ended + beyond == links {
            true if beyond == 0 => Merged::Ended,
            // Nobody can still bring the next chunk: each brings its own in rising order.
            true => Merged::Missing,
            false => Merged::NotYet,
        }
    }

    /// Sends a batch, which nobody else holds, home to its scanner; gives it back if there is no room.
    pub(super) fn send_home(
        &mut self,
        scanner: usize,
        mut batch: BatchHandle,
    ) -> Result<(), BatchHandle> {
        // A scanner that has ended dropped its rings, and so may the batch be.
        let Some(link) = self.scanners.get_mut(scanner) else { return Ok(()) };
        Arc::get_mut(&mut batch).expect("every reader gave its handle back").clear();
        match link.home.push(batch) {
            Ok(()) | Err(PushError::HungUp(_)) => Ok(()),
            Err(PushError::Full(batch)) => Err(batch),
        }
    }

    /// After the end: whether all chunks that were claimed have come.
    pub(super) fn check_whole(&self) -> Result<(), Error> {
        // Acquire: pairs with the claims' release; all chunks claimed by scanners that have ended
        // are seen, so a missing one is noticed.
        let claimed = self.claimed.load(Ordering::Acquire);
        if self.next_chunk | ALL_CLAIMED == claimed {
            return Ok(());
        }
        Err(Error::Internal(format!(
            "{} of at least {} chunks were judged, then the scanners were gone",
            self.next_chunk,
            claimed & !ALL_CLAIMED
        )))
    }

    /// Hangs up on the scanners, who notice that nobody listens any more.
    pub(super) fn hang_up(&mut self) {
        self.scanners.clear();
    }
}
