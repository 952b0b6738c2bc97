//! Frames that end where the memory ends: one byte read too far ends the test.

use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

use headcount::scan::TsUnit;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::frames::{Frame, SETTINGS};
use crate::judges::Judges;
use crate::random::{self, Random};

/// A power of two that is a multiple of every page size there is.
const PAGE_BYTES: usize = 64 * 1024;

/// A page that may be used, before one that may not.
struct Cliff {
    base: NonNull<c_void>,
}

impl Cliff {
    fn new() -> Cliff {
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a null address lets the kernel choose one where nothing is mapped.
        let base = unsafe { mmap_anonymous(null_mut(), 2 * PAGE_BYTES, rights, MapFlags::PRIVATE) };
        let base = NonNull::new(base.unwrap()).unwrap();
        // SAFETY: the second page lies inside of the mapping just made.
        let beyond = unsafe { base.byte_add(PAGE_BYTES) };
        // SAFETY: nothing refers to the second page, now or later.
        unsafe { mprotect(beyond.as_ptr(), PAGE_BYTES, MprotectFlags::empty()) }.unwrap();
        Cliff { base }
    }

    /// The bytes, copied so that the last is the last of the page.
    fn at_the_edge(&mut self, bytes: &[u8]) -> &[u8] {
        // SAFETY: the first page is mapped for reading and writing, zeroed by the kernel, and
        // borrowed through `self` alone.
        let page = unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().cast(), PAGE_BYTES) };
        let edge = &mut page[PAGE_BYTES - bytes.len()..];
        edge.copy_from_slice(bytes);
        edge
    }
}

impl Drop for Cliff {
    fn drop(&mut self) {
        // SAFETY: the mapping was made in `new` with this length, and no borrow of it is left.
        unsafe { munmap(self.base.as_ptr(), 2 * PAGE_BYTES) }.unwrap();
    }
}

#[test]
fn frames_end_at_an_unmapped_page_wherever_they_are_cut() {
    let mut cliff = Cliff::new();
    let seed = random::seed();
    for (ts, uid, unit) in SETTINGS {
        let mut judges = Judges::fields(ts, uid, unit);
        for number in 0..random::frames(60) {
            let mut random = Random::new(seed.wrapping_add(number));
            let frame = Frame::generate(&mut random, (ts, uid, unit));
            for end in 0..=frame.len().min(PAGE_BYTES) {
                let answer = judges.kernels(&frame[..end]);
                assert_eq!(judges.kernels(cliff.at_the_edge(&frame[..end])), answer);
            }
        }
    }
}

#[test]
fn every_byte_may_be_the_last() {
    let mut cliff = Cliff::new();
    let mut judges = Judges::fields("ts", "uid", TsUnit::S);
    for head in ["{", "{\"ts\":1,\"uid\":\"u", "{\"ts\":", "{\"t", "{\"ts\" ", "{\"uid\":\"\\"] {
        for spaces in 0..130 {
            for last in 0..=255 {
                let mut frame =
                    head.replacen('{', &format!("{{{}", " ".repeat(spaces)), 1).into_bytes();
                frame.push(last);
                let answer = judges.kernels(&frame);
                assert_eq!(judges.kernels(cliff.at_the_edge(&frame)), answer);
            }
        }
    }
}
