//! Whether a part of a file is in memory.
//!
//! Scanners read ranges of one file side by side. Where these come from the page cache that is
//! fastest; where they come from a disk, the kernel takes reads in turns at several places for
//! random ones and stops reading ahead. So a range that is not in memory is read by its claimer
//! before the next one may be claimed: in order, as the kernel expects it.

use std::fs::File;
use std::io::IoSliceMut;

use rustix::io::{Errno, ReadWriteFlags, preadv2};

/// Whether a read of the byte at this offset would not wait; also if the file system cannot say.
pub(super) fn is_in_memory(file: &File, offset: u64) -> bool {
    let mut byte = [0];
    let read = preadv2(file, &mut [IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT);
    read != Err(Errno::AGAIN)
}
