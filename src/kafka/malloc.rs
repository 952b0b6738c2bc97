//! What librdkafka allocates, kept for what it allocates next.
//!
//! It takes memory for every fetch and, of compressed topics, for every batch taken apart, a mebibyte and
//! more at a time. The C library gives such memory back to the kernel as soon as it is free, and the kernel
//! has to clear it each time it is asked for again: of a topic compressed by lz4 that was a quarter of the
//! wall time (docs/architecture.md). So it is told to keep what is freed. How much that can be is
//! bounded by what was in use at once, which is `--queue-memory` and what is being fetched.
//!
//! Rust's own memory is mimalloc's, which this does not touch. Other C libraries than glibc are left as
//! they are.

/// Blocks larger than this are still given back at once: the most glibc takes on every platform of 64 bits.
#[cfg(target_env = "gnu")]
const KEPT_BLOCK_BYTES: libc::c_int = 32 * 1024 * 1024;
/// Free memory at the end of a heap beyond which some is given back.
#[cfg(target_env = "gnu")]
const KEPT_BYTES: libc::c_int = 256 * 1024 * 1024;

/// Tells the C library so. Any thread may, any number of times.
pub(super) fn keep_freed() {
    #[cfg(target_env = "gnu")]
    for (what, bytes) in
        [(libc::M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES), (libc::M_TRIM_THRESHOLD, KEPT_BYTES)]
    {
        // SAFETY: it takes the allocator's own lock; refused, it changes nothing.
        unsafe { libc::mallopt(what, bytes) };
    }
}
