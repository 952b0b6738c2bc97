//! A replica: where a directory's changes are copied to, and count. The directory is then only what the
//! program works with: it need not outlive it.

use std::fmt::Debug;
use std::path::Path;

use super::manifest::{Manifest, SegmentEntry};
use crate::error::Error;

/// Takes a directory's changes, one after the other, each whole or not at all.
pub trait Replica: Send + Debug {
    /// A segment lies in this file. It counts once a manifest names it.
    ///
    /// # Errors
    /// It cannot be copied.
    fn segment(&mut self, entry: &SegmentEntry, file: &Path) -> Result<(), Error>;

    /// This manifest counts from now on.
    ///
    /// # Errors
    /// It is not known whether it does: nothing more may be copied.
    fn publish(&mut self, manifest: &Manifest) -> Result<(), Error>;

    /// Whether so much lies there beyond these bytes that all should be written anew.
    fn is_bloated(&self, bytes: u64) -> bool;
}
