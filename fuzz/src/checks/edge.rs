//! Memory that begins and ends where it is told to, so that AddressSanitizer sees a byte read
//! before it or behind it.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Bytes by which a kernel's loads may be aligned.
const ALIGN_BYTES: usize = 64;

/// A copy of some bytes, `offset` behind a multiple of 64; its last is the allocation's last.
pub struct Edge {
    base: NonNull<u8>,
    layout: Layout,
    offset: usize,
}

impl Edge {
    pub fn new(bytes: &[u8], offset: usize) -> Edge {
        // At least one byte: no allocation is of none.
        let offset = if bytes.is_empty() { offset.max(1) } else { offset };
        let layout = Layout::from_size_align(offset + bytes.len(), ALIGN_BYTES);
        let layout = layout.expect("a fuzzer's input is small");
        // SAFETY: the layout has at least one byte.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base).unwrap_or_else(|| handle_alloc_error(layout));
        // SAFETY: zeroed bytes of that length, nobody else's until `drop`.
        let all = unsafe { std::slice::from_raw_parts_mut(base.as_ptr(), layout.size()) };
        all[offset..].copy_from_slice(bytes);
        Edge { base, layout, offset }
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: initialised in `new`, and not written since.
        let all = unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.layout.size()) };
        &all[self.offset..]
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and no borrow of it is left.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}
