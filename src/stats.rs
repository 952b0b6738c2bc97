//! Counters a watcher reads while a run goes on: one padded set a scanner, written by that scanner
//! alone once a batch, and one of bytes read, written by whoever holds the token of the claims. So
//! watching costs the hot path next to nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_utils::CachePadded;

use crate::ring::sync::AtomicU64;

/// What a watcher sees of one scanner.
#[derive(Debug, Default)]
pub struct ScanCounters {
    inner: CachePadded<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    frames: AtomicU64,
    bytes: AtomicU64,
}

impl ScanCounters {
    /// Adds a batch's worth. Called by the owning thread only.
    pub fn add(&self, frames: u64, bytes: u64) {
        // Relaxed: a watcher needs no order between the two, and nothing is decided by them.
        self.inner.frames.fetch_add(frames, Ordering::Relaxed);
        self.inner.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What a watcher sees of a run.
#[derive(Clone, Debug)]
pub struct Live {
    /// One for each scanner.
    pub scanners: Vec<Arc<ScanCounters>>,
    /// Bytes read of the inputs, as they lie there (compressed or not).
    pub input_bytes: Arc<AtomicU64>,
}

/// A moment's reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Frames read.
    pub frames: u64,
    /// Bytes of frames, uncompressed.
    pub bytes: u64,
    /// Bytes read of the inputs, as they lie there.
    pub input_bytes: u64,
}

impl Live {
    /// Counters for this many scanners.
    pub fn new(scanners: usize) -> Live {
        Live {
            scanners: (0..scanners).map(|_| Arc::default()).collect(),
            input_bytes: Arc::default(),
        }
    }

    /// Reads them all.
    pub fn read(&self) -> Reading {
        let mut reading =
            Reading { input_bytes: self.input_bytes.load(Ordering::Relaxed), ..Reading::default() };
        for scanner in &self.scanners {
            reading.frames += scanner.inner.frames.load(Ordering::Relaxed);
            reading.bytes += scanner.inner.bytes.load(Ordering::Relaxed);
        }
        reading
    }
}
