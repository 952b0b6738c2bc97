//! The records one scanner has drawn, of one partition: unpacked and taken apart by the scanner itself, then lent
//! from where they lie. Its room is kept from one draw to the next.

use std::ops::Range;
use std::sync::Arc;

use super::batch::{Batch, Unreadable, Varints};
use super::codec::{Room, expand};
use super::connection::Answer;
use super::lanes::Pool;
use crate::cli::kafka::Codec;
use crate::input::messages::Message;
use crate::prefetch::frame::{FRAMES_AHEAD, prefetch_frame};
use crate::prefetch::prefetch;

/// How many records ahead a head is asked for.
const HEADS_AHEAD: usize = 4;

/// Where a record's payload lies.
#[derive(Clone, Copy, Debug)]
struct Found {
    offset: u64,
    start: usize,
    /// None: a tombstone.
    len: Option<u32>,
}

/// An answer that several draws take from; its room goes back to the pool with the last of them.
#[derive(Debug)]
pub struct Shared {
    answer: Answer,
    pool: Pool,
}

impl Shared {
    /// Of this answer, from this pool.
    pub fn new(answer: Answer, pool: &Pool) -> Arc<Shared> {
        Arc::new(Shared { answer, pool: pool.clone() })
    }

    /// What came.
    pub fn bytes(&self) -> &[u8] {
        self.answer.bytes()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.answer));
    }
}

/// What a scanner has drawn. See the module's header.
#[derive(Debug, Default)]
pub struct Records {
    drawn: Option<Arc<Shared>>,
    batches: Vec<Batch>,
    /// Offsets that are wanted of them.
    wanted: Range<u64>,
    /// What was packed.
    expanded: Room,
    is_expanded: bool,
    found: Vec<Found>,
    at: usize,
}

impl Records {
    /// Takes batches over, which are either all packed or none is; of their records those at these offsets are wanted.
    /// They are to be opened before records are taken. Nothing may be held.
    pub fn hold(
        &mut self,
        answer: Arc<Shared>,
        batches: impl Iterator<Item = Batch>,
        wanted: Range<u64>,
    ) {
        self.drawn = Some(answer);
        self.batches.extend(batches);
        self.wanted = wanted;
    }

    /// How many records there are at most.
    pub fn count(&self) -> usize {
        self.batches.iter().map(|batch| batch.count as usize).sum()
    }

    /// Unpacks what is packed, and finds each record.
    ///
    /// # Errors
    /// A batch is not what it should be; the offset it begins with.
    pub fn open(&mut self) -> Result<(), (u64, Unreadable)> {
        let Some(shared) = &self.drawn else { return Ok(()) };
        let answer = shared.bytes();
        for batch in &self.batches {
            let packed = &answer[batch.records.clone()];
            let failed = |why: String| (batch.base, Unreadable(why));
            if batch.codec == Codec::None {
                find(answer, batch.records.clone(), batch, &self.wanted, &mut self.found)
            } else {
                self.is_expanded = true;
                let start = self.expanded.filled();
                expand(batch.codec, packed, &mut self.expanded)
                    .map_err(|e| failed(format!("cannot unpack it ({:?}): {e}", batch.codec)))?;
                let records = start..self.expanded.filled();
                find(self.expanded.bytes(), records, batch, &self.wanted, &mut self.found)
            }
            .ok_or_else(|| failed("its records are not what its head says".into()))?;
        }
        Ok(())
    }

    /// The next record.
    #[inline]
    pub fn take(&mut self) -> Option<Message<'_>> {
        let &Found { offset, start, len } = self.found.get(self.at)?;
        self.at += 1;
        let bytes = match &self.drawn {
            Some(shared) if !self.is_expanded => shared.bytes(),
            _ => self.expanded.bytes(),
        };
        if let Some(ahead) = self.found.get(self.at + FRAMES_AHEAD) {
            prefetch_frame(bytes.as_ptr().wrapping_add(ahead.start));
        }
        let payload = len.map(|len| &bytes[start..start + len as usize]);
        Some(Message { payload, offset })
    }

    /// Lets go of them.
    pub fn give_back(&mut self) {
        self.drawn = None;
        self.batches.clear();
        self.expanded.clear();
        self.is_expanded = false;
        self.found.clear();
        self.at = 0;
    }
}

/// Finds the records of a batch, which lie in `range` of `bytes`; none where that cannot be.
fn find(
    bytes: &[u8],
    range: Range<usize>,
    batch: &Batch,
    wanted: &Range<u64>,
    found: &mut Vec<Found>,
) -> Option<()> {
    let mut from = Varints { bytes: &bytes[..range.end], at: range.start };
    let mut least = batch.base;
    for _ in 0..batch.count {
        let length = usize::try_from(from.number()?).ok()?;
        let end = from.at.checked_add(length).filter(|&end| end <= range.end)?;
        // Records are about as long as one another, and each head would be waited for.
        prefetch(bytes.as_ptr().wrapping_add(end + HEADS_AHEAD * length));
        let attributes = 1;
        from.skip(attributes)?;
        let _time = from.number()?;
        let offset = batch.base.checked_add_signed(from.number()?)?;
        if !(least..=batch.last).contains(&offset) {
            return None;
        }
        least = offset + 1;
        let key = from.length()?.unwrap_or(0);
        from.skip(key)?;
        let len = from.length()?;
        let start = from.at;
        if start.checked_add(len.unwrap_or(0))? > end {
            return None;
        }
        let len = len.map(u32::try_from).transpose().ok()?;
        if wanted.contains(&offset) {
            found.push(Found { offset, start, len });
        }
        from.at = end;
    }
    (from.at == range.end).then_some(())
}
