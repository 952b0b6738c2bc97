//! A piece of a file where the page cache has it, looked at in place: no copy, no call a read.
//!
//! A window is owned by one reader. Its bytes are the file's own, so three things can happen to it
//! that cannot to bytes that were read:
//! - *The file is cut short, or its disk fails.* The kernel then sends SIGBUS to the thread that
//!   looks at a page that cannot be had. Our handler puts zeros in the place of that page and of
//!   all behind it, and marks the window as torn. Behind a file's new end there are zeros up to the
//!   page's end also without a signal. So whatever was made of a window is to be thrown away unless
//!   [`Window::is_whole`] says afterwards that neither came about; the file is then read.
//! - *Somebody writes to it.* Then old and new bytes come mixed, as they do in reads, and a byte
//!   looked at twice may differ. The language has no word for that but race; those who look at
//!   these bytes are safe code that checks each index, and keep nothing but copies.
//! - *It is not in memory.* Looking at it then waits for the disk, as a read does.
//!
//! The handler can be called on any thread and knows nothing but an address. So windows stand in a
//! table of fixed size, [`WINDOWS`], which it searches. For an address that is not ours it does
//! what would have been done without us. It calls nothing but `mmap`, `sigaction` and `raise`.
//!
//! Left out: files that cannot be mapped, a full table and a host that refuses are no errors: there
//! is no window then, and the file is read.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence};

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use crate::limits::STAGE_THREADS_MAX;

/// Windows begin at multiples of this many bytes of the file: of every size a page can have.
const ALIGN_BYTES: u64 = 64 * 1024;

/// Where the handler finds a window.
struct Slot {
    taken: AtomicBool,
    /// The first address, and the first behind it; both 0 while there is no mapping.
    from: AtomicUsize,
    to: AtomicUsize,
    torn: AtomicBool,
}

static WINDOWS: [Slot; STAGE_THREADS_MAX] = [const {
    Slot {
        taken: AtomicBool::new(false),
        from: AtomicUsize::new(0),
        to: AtomicUsize::new(0),
        torn: AtomicBool::new(false),
    }
}; STAGE_THREADS_MAX];

/// What was to be done on SIGBUS before us; set once the handler is installed.
static BEFORE_US: OnceLock<Option<libc::sigaction>> = OnceLock::new();

/// A mapped piece of a file.
pub(super) struct Window {
    slot: &'static Slot,
    at: *const u8,
    bytes: usize,
    input: u32,
    /// Where in the file it begins.
    from: u64,
}

// SAFETY: the address is that of a mapping which belongs to this value alone, and a mapping belongs
// to the process, not to a thread.
unsafe impl Send for Window {}

impl Window {
    /// Maps at least `from..to` of a file of `file_end` bytes, and about `bytes` if there are as
    /// many; nothing if that cannot be done.
    pub(super) fn map(
        file: &File,
        input: u32,
        (from, to): (u64, u64),
        file_end: u64,
        bytes: usize,
    ) -> Option<Window> {
        let from = from - from % ALIGN_BYTES;
        let to = to.max(from.saturating_add(bytes as u64)).min(file_end);
        let bytes = usize::try_from(to.checked_sub(from)?).ok().filter(|&bytes| bytes > 0)?;
        if !handler_is_there() {
            return None;
        }
        let slot = WINDOWS.iter().find(|slot| !slot.taken.swap(true, Ordering::Acquire))?;
        // SAFETY: the kernel chooses the place, so nothing that is there is replaced.
        let at =
            unsafe { mmap(ptr::null_mut(), bytes, ProtFlags::READ, MapFlags::SHARED, file, from) };
        let Ok(at) = at else {
            slot.taken.store(false, Ordering::Release);
            return None;
        };
        slot.torn.store(false, Ordering::SeqCst);
        slot.from.store(at.addr(), Ordering::SeqCst);
        // Last: only with its end is it a window to the handler.
        slot.to.store(at.addr() + bytes, Ordering::SeqCst);
        Some(Window { slot, at: at.cast(), bytes, input, from })
    }

    /// Where in its file it ends, if it is of this input and holds `from..to`.
    pub(super) fn end_if_holds(&self, input: u32, from: u64, to: u64) -> Option<u64> {
        let end = self.from + self.bytes as u64;
        (self.input == input && self.from <= from && to <= end).then_some(end)
    }

    /// These bytes of the file, which must lie in the window.
    #[inline]
    pub(super) fn bytes(&self, from: u64, to: u64) -> &[u8] {
        // SAFETY: the mapping is of so many bytes and is there until the drop. A page that cannot
        // be had is one of zeros (see the handler). That others may write to it is in the header.
        let all = unsafe { std::slice::from_raw_parts(self.at, self.bytes) };
        // Within the window, so below its length, which is a usize.
        #[allow(clippy::cast_possible_truncation)]
        &all[(from - self.from) as usize..(to - self.from) as usize]
    }

    /// Whether all that was looked at before `to` so far were the file's bytes.
    pub(super) fn is_whole(&self, file: &File, to: u64) -> bool {
        // What was looked at was looked at before this: the handler runs on the same thread.
        compiler_fence(Ordering::SeqCst);
        !self.slot.torn.load(Ordering::SeqCst)
            && rustix::fs::fstat(file)
                .is_ok_and(|stat| u64::try_from(stat.st_size).is_ok_and(|size| size >= to))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // Before the addresses can be another's.
        self.slot.to.store(0, Ordering::SeqCst);
        self.slot.from.store(0, Ordering::SeqCst);
        // SAFETY: it is our mapping, whole, and every borrow of it ended with the value's.
        let _ = unsafe { munmap(self.at.cast_mut().cast(), self.bytes) };
        self.slot.taken.store(false, Ordering::Release);
    }
}

/// Installs the handler, once; whether it is there.
fn handler_is_there() -> bool {
    // Miri has no signals.
    !cfg!(miri) && BEFORE_US.get_or_init(install).is_some()
}

fn install() -> Option<libc::sigaction> {
    // SAFETY: all zeros is a sigaction: no flags, an empty mask, the default.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut ours = before;
    ours.sa_sigaction = on_bus_error as *const () as usize;
    // On the alternative stack, if the thread has one, as the standard library's own handler is.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: both are sigactions of ours, and the handler keeps to what a handler may do.
    let done = unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, &raw mut before) };
    (done == 0).then_some(before)
}

/// Puts zeros where a window's bytes cannot be had; else does as if we were not there.
extern "C" fn on_bus_error(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the kernel gives us its account of the signal.
    let info_ref = unsafe { &*info };
    // SAFETY: an account of SIGBUS has an address; one that was sent has other things in its place,
    // which as an address are nobody's.
    let at = unsafe { info_ref.si_addr() }.addr();
    let window = WINDOWS.iter().find(|slot| {
        (slot.from.load(Ordering::SeqCst)..slot.to.load(Ordering::SeqCst)).contains(&at)
    });
    match window {
        Some(slot) if put_zeros(at, slot.to.load(Ordering::SeqCst)) => {
            slot.torn.store(true, Ordering::SeqCst);
        }
        _ => as_before(signal, info, context),
    }
}

/// Zeros from the page of `at` to `to`; whether that worked.
fn put_zeros(at: usize, to: usize) -> bool {
    let from = at - at % rustix::param::page_size();
    let place = ptr::with_exposed_provenance_mut(from);
    let flags = MapFlags::PRIVATE | MapFlags::FIXED;
    // SAFETY: the place is a part of a window's mapping, whose owner is the thread that looked at
    // it and now waits for us: it is there, and its bytes may be anything.
    unsafe { mmap_anonymous(place, to - from, ProtFlags::READ, flags) }.is_ok()
}

/// What would have been done with the signal without us.
fn as_before(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    if let Some(Some(before)) = BEFORE_US.get()
        && before.sa_sigaction != libc::SIG_DFL
        && before.sa_sigaction != libc::SIG_IGN
    {
        let handler = before.sa_sigaction as *const ();
        if before.sa_flags & libc::SA_SIGINFO == 0 {
            // SAFETY: without the flag, it was given as a function of this form.
            let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            return handler(signal);
        }
        type WithInfo = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
        // SAFETY: with the flag, it was given as a function of this form.
        let handler: WithInfo = unsafe { std::mem::transmute(handler) };
        return handler(signal, info, context);
    }
    // SAFETY: the default action is no function of ours, and may be set in a handler.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    // SAFETY: as above; the signal comes when this handler returns, and ends the process.
    unsafe { libc::raise(signal) };
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const FILE_BYTES: usize = 1_000_003;

    fn file() -> File {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..FILE_BYTES).map(byte).collect();
        file.write_all(&bytes).unwrap();
        file
    }

    /// The byte at an offset; never 0.
    fn byte(at: usize) -> u8 {
        u8::try_from(1 + at % 251).unwrap()
    }

    fn window(file: &File, from: usize, bytes: usize) -> Window {
        let range = (from as u64, from as u64 + 1);
        Window::map(file, 7, range, FILE_BYTES as u64, bytes).unwrap()
    }

    #[test]
    fn holds_what_the_file_holds() {
        let file = file();
        for (from, bytes) in [(0, 1), (0, FILE_BYTES), (70_000, 200_000), (FILE_BYTES - 1, 5)] {
            let window = window(&file, from, bytes);
            let from = from as u64;
            let end = window.end_if_holds(7, from, from + 1).unwrap();
            assert!(end > from && end <= FILE_BYTES as u64);
            for (at, &found) in (from..).zip(window.bytes(from, end)) {
                assert_eq!(found, byte(usize::try_from(at).unwrap()));
            }
            assert!(window.is_whole(&file, end));
            assert_eq!(window.end_if_holds(8, from, from + 1), None, "another file");
            assert_eq!(window.end_if_holds(7, from, end + 1), None, "behind it");
        }
        assert_eq!(window(&file, 70_000, 1).end_if_holds(7, 0, 70_001), None, "before it");
    }

    /// Behind the new end there are zeros, whether a signal came or not, and it is noticed.
    #[test]
    fn a_file_cut_short_is_zeros_and_torn() {
        for keep in [0, 1, 4096, 700_001, FILE_BYTES - 4096, FILE_BYTES - 1] {
            let file = file();
            let window = window(&file, 0, FILE_BYTES);
            let bytes = window.bytes(0, FILE_BYTES as u64);
            assert_eq!(bytes.last(), Some(&byte(FILE_BYTES - 1)));
            file.set_len(keep as u64).unwrap();
            for (at, &found) in bytes.iter().enumerate().rev() {
                let right = if at < keep { byte(at) } else { 0 };
                assert_eq!(found, right, "{at} of {keep}");
            }
            assert!(!window.is_whole(&file, FILE_BYTES as u64), "{keep}");
            // Without a signal where the new end is in the last page: then only the size tells.
            let last_page = FILE_BYTES - FILE_BYTES % rustix::param::page_size();
            assert_eq!(window.is_whole(&file, keep as u64), keep > last_page, "{keep}");
        }
    }

    #[test]
    fn a_torn_window_stays_torn_when_the_file_has_its_size_again() {
        let file = file();
        let window = window(&file, 0, FILE_BYTES);
        file.set_len(1).unwrap();
        assert_eq!(window.bytes(500_000, 500_001), [0]);
        file.set_len(FILE_BYTES as u64).unwrap();
        assert!(!window.is_whole(&file, FILE_BYTES as u64));
    }

    #[test]
    fn what_cannot_be_mapped_is_no_window() {
        let map = |path: &str| {
            Window::map(&File::open(path).unwrap(), 0, (0, 1), FILE_BYTES as u64, 1).is_some()
        };
        for _ in 0..2 * STAGE_THREADS_MAX {
            assert!(!map("/proc/self/status"));
            assert!(!map("/"));
        }
        let file = file();
        assert!(Window::map(&file, 0, (0, 0), 0, 5).is_none(), "nothing to map");
        window(&file, 0, 1);
    }
}
