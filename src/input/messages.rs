//! Messages: what a source of partitions (a Kafka topic) is to the engine.
//!
//! A source is looked at and positioned before anything runs ([`MessageSource`]); then each scanner
//! gets a reader of it ([`MessageReader`]). Readers claim as file readers do: a claim draws some
//! messages of one partition and numbers them, so that the clock can put all claims in one order. In
//! that order come the partition's messages as they lie in it, and what there is to say about the
//! partitions ([`News`]): both are facts of the log to everything behind.
//!
//! Payloads are lent where they lie; a reader lets go of them when it claims again. Nothing here
//! waits: a reader says that there is nothing, and wakes its thread when there is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::restart::Restart;
use crate::error::Error;
use crate::ring::sync::AtomicU64;
use crate::ring::{Stop, Waker};

/// Number of a partition.
pub type Partition = u32;

/// How a partition is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// At its very beginning: there was never anything before.
    Beginning,
    /// Further on: what lay before is not known.
    Midway,
    /// Where an earlier run left it, with the partition's clock before the first frame to come, unix
    /// seconds; none if no frame of it was judged yet.
    Resumed {
        /// The clock.
        clock_s: Option<i64>,
    },
    /// Where a checkpoint left it: the clock knows it.
    Restored,
}

/// What a source says besides messages, in its place among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// First of all, if at all: an earlier run is gone on with.
    Resumed(Arc<Restart>),
    /// A partition is there. All that are there at the start are named before the first message.
    Joined {
        /// Which.
        partition: Partition,
        /// How it is entered.
        entry: Entry,
    },
    /// Messages of a partition were lost before they could be read.
    Gap {
        /// Which.
        partition: Partition,
        /// Offset of the first message lost.
        from: u64,
        /// Offset of the first one to come.
        to: u64,
    },
    /// The partition's last message of a bounded run has come.
    Ended {
        /// Which.
        partition: Partition,
    },
    /// The partition is silent until its next messages come: it is read to its end, within reach,
    /// and its clock has not moved for a while.
    Silent {
        /// Which.
        partition: Partition,
    },
    /// A silent partition may not be any more: nobody can tell whether it has unread messages.
    Doubtful {
        /// Which.
        partition: Partition,
    },
    /// The wall clock, unix seconds; said again and again while every partition is silent.
    AllSilent {
        /// The time.
        now_s: i64,
    },
}

/// What came of asking for messages.
#[derive(Debug)]
pub enum Drawn {
    /// Messages of one partition; take them with [`MessageReader::next`].
    Messages {
        /// The chunk's number.
        chunk: u64,
        /// Which partition.
        partition: Partition,
    },
    /// Something about the partitions.
    News {
        /// The chunk's number.
        chunk: u64,
        /// What.
        news: News,
    },
    /// The source cannot be read on; this chunk is the last.
    Failed {
        /// The chunk's number.
        chunk: u64,
        /// Why.
        error: Error,
    },
    /// Another scanner holds the source; it will wake this one's thread.
    Busy,
    /// There is nothing at the moment; the thread will be woken.
    Waiting,
    /// There is no more.
    Finished,
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// Its frame; none for a tombstone.
    pub payload: Option<&'m [u8]>,
    /// Its offset in the partition.
    pub offset: u64,
}

/// One scanner's reader of a source.
pub trait MessageReader: Send {
    /// Lets go of the messages drawn before, which must have been taken, and draws the next. `last_s` are
    /// the last times of those messages, as far as they were scanned, at most
    /// [`AGREE_LAST_MAX`](crate::limits::AGREE_LAST_MAX): by them the source holds back a partition that
    /// is far ahead of others. They count once, however often there is nothing to draw.
    fn draw(&mut self, last_s: &[i64]) -> Drawn;

    /// The next of the messages drawn; none after the last.
    fn next(&mut self) -> Option<Message<'_>>;

    /// The wall clock when the messages at hand were drawn, unix seconds, if somebody looked.
    fn wall_s(&self) -> Option<i64> {
        None
    }

    /// After how long it wants to be asked again though nobody wakes its thread; none: never.
    fn wake_in(&self) -> Option<Duration>;
}

/// A source, looked at and positioned, before it is read.
pub trait MessageSource: Send {
    /// The topic's name.
    fn name(&self) -> String;

    /// Starts reading: one reader for each scanner, whose thread is woken by `wakers` in order.
    ///
    /// # Errors
    /// The source cannot be read.
    fn start(
        self: Box<Self>,
        wakers: Vec<Waker>,
        chunks: ChunkNumbers,
        stop: Stop,
    ) -> Result<Vec<Box<dyn MessageReader>>, Error>;
}

/// Set in the number of chunks claimed once there will be no more: without it, scanners that are
/// gone have not come to the log's end.
pub const ALL_CLAIMED: u64 = 1 << 63;

/// Numbers the chunks of a run from 0 without a gap, and says when there are no more. Used under the
/// token of the claims; read by the clock at the end.
#[derive(Clone, Debug)]
pub struct ChunkNumbers {
    claimed: Arc<AtomicU64>,
}

impl ChunkNumbers {
    /// Counts in this word.
    pub fn new(claimed: Arc<AtomicU64>) -> ChunkNumbers {
        ChunkNumbers { claimed }
    }

    /// The number of the next chunk.
    pub fn number(&self) -> u64 {
        // Release: pairs with the clock's acquire load at the end; weaker, the clock might miss a
        // chunk that a worker died in.
        self.claimed.fetch_add(1, Ordering::Release)
    }

    /// There will be no more.
    pub fn all_claimed(&self) {
        // Release: as above.
        self.claimed.fetch_or(ALL_CLAIMED, Ordering::Release);
    }
}
