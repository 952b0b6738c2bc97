//! What a run needs of memory before it runs, and what `--memory` leaves for its users.
//!
//! Mapped files are not counted: they are the page cache's own, and the kernel takes them back.

use crate::batch::{Batch, BatchShape};
use crate::clock::stage::OWN_BATCHES;
use crate::count;
use crate::engine::Sizes;
use crate::error::Error;
use crate::input::read_buf::TOUCHED_BYTES;
use crate::topology::Topology;
use indicatif::BinaryBytes;

/// Bytes the program takes at most besides what is listed here: itself, its libraries, its threads.
const PROGRAM_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes of all that does not grow with the users.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// Read buffers, as long as no frame is near the limit.
    pub buffers_bytes: u64,
    /// Batches, all full.
    pub batches_bytes: u64,
}

impl Fixed {
    /// Of a run of this shape.
    pub fn new(topology: &Topology, sizes: &Sizes, shape: &BatchShape) -> Fixed {
        let batches = topology.scanners * sizes.batches + OWN_BATCHES;
        Fixed {
            buffers_bytes: ((topology.scanners + 1) * TOUCHED_BYTES) as u64,
            batches_bytes: (batches * Batch::bytes_max(shape)) as u64,
        }
    }

    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.buffers_bytes + self.batches_bytes + PROGRAM_BYTES
    }

    /// Bytes that each counter's users may take in a run that may take so many in all.
    pub fn counter_bytes(&self, memory_bytes: u64, counters: usize) -> Result<u64, Error> {
        if memory_bytes == u64::MAX {
            return Ok(u64::MAX);
        }
        let left = memory_bytes.saturating_sub(self.bytes()) / counters as u64;
        if left < count::BYTES_MIN {
            let least = self.bytes() + count::BYTES_MIN * counters as u64;
            return Err(Error::usage(format!(
                "--memory {}: this run takes {} before its first user; give more, or fewer --scanners",
                BinaryBytes(memory_bytes),
                BinaryBytes(least)
            )));
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_shared_by_the_counters() {
        let fixed = Fixed { buffers_bytes: 1000, batches_bytes: 24 };
        let all = fixed.bytes() + 10 * count::BYTES_MIN;
        assert_eq!(fixed.counter_bytes(all, 2).unwrap(), 5 * count::BYTES_MIN);
        assert!(fixed.counter_bytes(all, 10).is_ok());
        assert!(matches!(fixed.counter_bytes(all - 1, 10), Err(Error::Usage(_))));
        assert_eq!(fixed.counter_bytes(u64::MAX, 3).unwrap(), u64::MAX);
    }
}
