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
