//! A way to get at a frame's two fields, and how it is timed: the same walk over frames for all.

use std::borrow::Cow;
use std::cell::Cell;
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use serde::Deserialize;

/// Where in a frame the two fields stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before all others.
    First,
    /// Where `headcount generate` has them: within the first fifth on average. Only where a frame has an
    /// order of its own.
    Mixed,
    /// Behind all others.
    Last,
}

impl Place {
    pub fn name(self) -> &'static str {
        match self {
            Place::First => "first",
            Place::Mixed => "mixed",
            Place::Last => "last",
        }
    }
}

/// The two fields, for libraries that fill structs.
#[derive(Deserialize)]
pub struct Two<'a> {
    ts: i64,
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

impl Two<'_> {
    pub fn facts(&self) -> u64 {
        facts(self.ts, self.uid.as_bytes())
    }
}

/// Both fields mixed into one number, all bytes of a user of 8 to 16 bytes: so none is left unread, and
/// one that is wrong gives another number.
#[inline]
pub fn facts(ts: i64, uid: &[u8]) -> u64 {
    let eight = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let ends = eight(uid.first_chunk()).rotate_left(32) ^ eight(uid.last_chunk());
    ends.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (ts as u64).rotate_left(20) ^ uid.len() as u64
}

/// The next bytes, if there are so many.
#[inline]
pub fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(bytes)?;
    *rest = left;
    Some(taken)
}

/// Reads frames one after another and adds up what they say; `None` if one says nothing. The number is how
/// many bytes of the frame some ahead are asked for before each.
pub type Walk = Box<dyn FnMut(&[u8], &[Range<usize>], usize) -> Option<u64>>;

/// Far enough for a way of 30 ns: what is asked for takes several times as long to come.
const FRAMES_AHEAD: usize = 8;

/// A walk in which the reading of a frame is inlined.
pub fn walk(mut read: impl FnMut(&[u8]) -> Option<u64> + 'static) -> Walk {
    Box::new(move |bytes, frames, ahead| {
        let mut sum = 0u64;
        for (index, frame) in frames.iter().enumerate() {
            if ahead > 0
                && let Some(next) = frames.get(index + FRAMES_AHEAD)
            {
                prefetch(&bytes[next.start..next.end.min(next.start.saturating_add(ahead))]);
            }
            sum = sum.wrapping_add(read(&bytes[frame.clone()])?);
        }
        Some(sum)
    })
}

/// Asks for every cache line the slice lies in, the last one's too where it begins within one.
#[inline]
fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..bytes.len()).step_by(64).chain(bytes.len().checked_sub(1)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that can be seen, and the address is one of a slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().add(line).cast()) };
    }
}

/// All frames in one format, one after the other, and from where on the next cold run goes on.
pub struct Set {
    pub format: &'static str,
    pub place: Place,
    pub bytes: Vec<u8>,
    pub frames: Vec<Range<usize>>,
    next: Cell<usize>,
}

impl Set {
    pub fn new(format: &'static str, place: Place) -> Set {
        Set { format, place, bytes: Vec::new(), frames: Vec::new(), next: Cell::new(0) }
    }

    /// Appends a frame: what `write` appends.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.bytes.len();
        write(&mut self.bytes);
        self.frames.push(begin..self.bytes.len());
    }

    pub fn frame(&self, index: usize) -> &[u8] {
        &self.bytes[self.frames[index].clone()]
    }

    /// The next so many frames. Each run goes on where the set's last one stopped, so that none finds in
    /// a cache what it left there itself.
    fn next(&self, count: usize) -> &[Range<usize>] {
        let from = if self.next.get() + count > self.frames.len() { 0 } else { self.next.get() };
        self.next.set(from + count);
        &self.frames[from..from + count]
    }

    /// Frames just produced or read: 256 KiB of them are copied into one buffer, and then timed.
    pub fn warm(&self, count: usize, walk: &mut Walk) -> Duration {
        const BUFFER_BYTES: usize = 256 * 1024;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut took = Duration::ZERO;
        let mut left = self.next(count);
        while let Some(Range { start, .. }) = left.first().cloned() {
            let these = left.partition_point(|frame| frame.end <= start + BUFFER_BYTES);
            let (these, rest) = left.split_at(these);
            let end = these.last().expect("a frame is shorter than the buffer").end;
            buffer[..end - start].copy_from_slice(&self.bytes[start..end]);
            let these: Vec<_> = these.iter().map(|f| f.start - start..f.end - start).collect();
            let began = Instant::now();
            black_box(walk(&buffer, &these, 0)).expect("it was checked");
            took += began.elapsed();
            left = rest;
        }
        took
    }

    /// Frames where they lie in memory, the next ones asked for ahead.
    pub fn cold(&self, count: usize, walk: &mut Walk, ahead: usize) -> Duration {
        let frames = self.next(count);
        let began = Instant::now();
        black_box(walk(&self.bytes, frames, ahead)).expect("it was checked");
        began.elapsed()
    }
}
