//! The whole stream, in order: workers make blocks of frames, the caller's thread writes them.
//!
//! ```text
//! worker w: blocks w, w + n, w + 2n … ──full──▶ caller: block 0, 1, 2 … ──▶ out
//!           ◀───────────── empty ──────────────┘
//! ```
//!
//! Invariants: a worker has [`BUFFERS_PER_WORKER`] buffers and never makes another, so memory is
//! bounded whatever the speed of `out`; when either side stops, the channel it drops stops the
//! other; the caller's thread is the only one that touches `out`. With one thread nothing is
//! spawned: blocks are made and written in turn.
//!
//! The workers are spawned here and not in [`crate::thread`]: they borrow the generator and end with
//! the call (a scope), they step no stages, and channels may make them wait.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::frame::{Generator, Scratch};
use crate::limits::STAGE_THREADS_MAX;

/// Bytes of a block, about: small enough to be written out of the second-level cache.
const BLOCK_BYTES: usize = 256 * 1024;
/// One being made, one being written, one between.
const BUFFERS_PER_WORKER: usize = 3;

/// What has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Frames, malformed ones and repeats included.
    pub frames: u64,
    /// Bytes, line ends included.
    pub bytes: u64,
}

/// A worker as the writer sees it.
struct Worker {
    full: Receiver<Vec<u8>>,
    empty: SyncSender<Vec<u8>>,
}

impl Generator {
    /// Writes the whole stream to `out`, made by `threads` workers (at least 1, at most
    /// [`STAGE_THREADS_MAX`]). The bytes are the same for any number of them, and so are the writes: each
    /// is a block of whole frames, in the order of the stream.
    ///
    /// # Errors
    /// That of `out`, a closed pipe included.
    pub fn write_to(&self, out: &mut dyn Write, threads: usize) -> io::Result<Written> {
        let threads = threads.min(STAGE_THREADS_MAX);
        let bytes =
            if threads <= 1 { self.write_alone(out) } else { self.write_with(out, threads) }?;
        out.flush()?;
        Ok(Written { frames: self.workload().frames, bytes })
    }

    fn write_alone(&self, out: &mut dyn Write) -> io::Result<u64> {
        let mut block = Vec::new();
        let mut scratch = Scratch::default();
        let mut bytes = 0;
        for number in 0..self.blocks() {
            self.make_block(number, &mut scratch, &mut block);
            out.write_all(&block)?;
            bytes += block.len() as u64;
        }
        Ok(bytes)
    }

    fn write_with(&self, out: &mut dyn Write, threads: usize) -> io::Result<u64> {
        thread::scope(|scope| {
            let mut workers = Vec::with_capacity(threads);
            for w in 0..threads {
                let (full_in, full) = sync_channel(BUFFERS_PER_WORKER);
                let (empty, empty_out) = sync_channel(BUFFERS_PER_WORKER);
                for _ in 0..BUFFERS_PER_WORKER {
                    empty.send(Vec::new()).expect("its receiver is here");
                }
                thread::Builder::new().name(format!("generate-{w}")).spawn_scoped(
                    scope,
                    move || {
                        self.work(w as u64, threads, &full_in, &empty_out);
                    },
                )?;
                workers.push(Worker { full, empty });
            }
            // returning drops the workers' channels, and so ends them before the scope does
            self.collect(&workers, out)
        })
    }

    /// On a worker's thread: makes its blocks until all are made or nobody takes them.
    fn work(
        &self,
        worker: u64,
        workers: usize,
        full: &SyncSender<Vec<u8>>,
        empty: &Receiver<Vec<u8>>,
    ) {
        let mut scratch = Scratch::default();
        for number in (worker..self.blocks()).step_by(workers) {
            let Ok(mut block) = empty.recv() else { return };
            self.make_block(number, &mut scratch, &mut block);
            if full.send(block).is_err() {
                return;
            }
        }
    }

    /// On the caller's thread: writes the blocks in order.
    fn collect(&self, workers: &[Worker], out: &mut dyn Write) -> io::Result<u64> {
        let mut bytes = 0;
        for (_, worker) in (0..self.blocks()).zip(workers.iter().cycle()) {
            let block =
                worker.full.recv().map_err(|_| io::Error::other("a worker of generate died"))?;
            out.write_all(&block)?;
            bytes += block.len() as u64;
            // a worker that has made its last block has gone; the buffer then goes here
            drop(worker.empty.send(block));
        }
        Ok(bytes)
    }

    fn blocks(&self) -> u64 {
        self.workload().frames.div_ceil(self.block_frames())
    }

    fn block_frames(&self) -> u64 {
        (BLOCK_BYTES / self.workload().frame_bytes.max(64)).max(1) as u64
    }

    fn block_range(&self, number: u64) -> Range<u64> {
        let begin = number * self.block_frames();
        begin..(begin + self.block_frames()).min(self.workload().frames)
    }

    fn make_block(&self, number: u64, scratch: &mut Scratch, block: &mut Vec<u8>) {
        block.clear();
        for i in self.block_range(number) {
            self.write_frame(i, scratch, block);
        }
    }
}
