//! Asking for a cache line before it is needed: tables of users, frames in a mapped file, messages.

/// Asks for the line at `at`. A hint: it changes nothing but time, and on a processor we have no
/// instruction for it does nothing.
#[inline(always)]
pub(crate) fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is part of every x86-64 (SSE), reads no value into the program and
    // never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// How messages of topics are asked for. Lines of files lie behind one another: `input::frames` asks for as much as
/// it has passed.
#[cfg(feature = "kafka")]
pub(crate) mod frame {
    use super::prefetch;

    /// How many frames ahead of the one that is scanned one is asked for: it lies cold.
    pub(crate) const FRAMES_AHEAD: usize = 3;
    /// How many of its lines: a frame's fields lie in the first few hundred bytes.
    const LINES: usize = 8;
    const LINE_BYTES: usize = 64;

    /// Asks for the first lines of a frame that is scanned soon.
    #[inline(always)]
    pub(crate) fn prefetch_frame(frame: *const u8) {
        for line in 0..LINES {
            prefetch(frame.wrapping_add(line * LINE_BYTES));
        }
    }
}
