//! Every kernel beside sonic-rs and serde_json, for the two fields of the standard stream's frames.
//!
//! Frames in two states, the same for all:
//! - `just read`: 256 KiB are copied into one buffer, as a read does, and then scanned; the copy is
//!   not timed.
//! - `cold`: one walk through 2 GB of memory, each run going on where the one before it (of whichever
//!   contender) stopped; each frame's first lines are prefetched while the third before it is read.
//!
//! sonic-rs chooses its instructions when it is compiled, so this is to be run built for the CPU:
//! `RUSTFLAGS="-C target-cpu=native" cargo bench --target-dir target/native --bench scan`. The first
//! line says whether it was. One thread.

mod shared;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use headcount::generate::{Generator, Reading, Workload};
use headcount::limits::READ_BYTES;
use headcount::scan::{Kernel, ScanSettings, Scanner};
use serde::Deserialize;
use shared::{Contender, Group};
use sonic_rs::{JsonValueTrait, PointerNode, PointerTree};

/// How many frames ahead is prefetched, and how much of one: where nine in ten have both fields.
const FRAMES_AHEAD: usize = 3;
const BYTES_AHEAD: usize = 768;

/// The two fields of a frame, mixed into one number, so that none of them can be left unread.
fn mixed(ts_s: i64, uid: &[u8]) -> u64 {
    let last = uid.last().map_or(0, |&byte| u64::from(byte));
    ts_s.cast_unsigned().rotate_left(20) ^ (last << 8) ^ uid.len() as u64
}

fn main() {
    eprintln!(
        "sonic-rs is built {}; kernels here: {}",
        match cfg!(target_feature = "avx2") {
            true => "with AVX2",
            false => "WITHOUT AVX2: no comparison, see the head of benches/scan.rs",
        },
        Kernel::all().iter().map(|kernel| kernel.name()).collect::<Vec<_>>().join(", "),
    );
    let (frames, items) = if shared::is_tiny() { (600, 200) } else { (1_000_000, 100_000) };
    let workload = Workload { frames, ..Workload::default() };
    let generator = workload.generator().expect("these settings can be met");
    let stream = Rc::new(Stream::new(&generator));

    let mut readers: Vec<Reader> = Vec::new();
    for kernel in Kernel::all().into_iter().rev() {
        let mut scanner = Scanner::new(&ScanSettings { kernel, ..ScanSettings::default() });
        readers.push(Reader::new(kernel.name(), move |frame| {
            scanner.scan(frame).map_or(0, |fact| mixed(fact.ts_s, fact.uid))
        }));
    }
    readers.push(Reader::new("sonic-rs get_unchecked", sonic_get));
    let mut tree = PointerTree::new();
    tree.add_path([PointerNode::Key("ts".into())]);
    tree.add_path([PointerNode::Key("uid".into())]);
    readers.push(Reader::new("sonic-rs get_many_unchecked", move |frame| sonic_many(frame, &tree)));
    readers.push(Reader::new("serde_json, typed", serde_typed));
    readers.iter().for_each(|reader| reader.check(&stream, &generator));

    let mut groups = Vec::new();
    for (name, how) in [("scan, just read", just_read as HowFn), ("scan, cold", cold)] {
        let next = Rc::new(Cell::new(0));
        let contender = |reader: &Reader| {
            let (stream, next, walk) = (Rc::clone(&stream), Rc::clone(&next), reader.walk.clone());
            Contender::new(reader.name, move || {
                let from = if next.get() + items > stream.frames.len() { 0 } else { next.get() };
                next.set(from + items);
                how(&stream, from..from + items, &mut *walk.borrow_mut())
            })
        };
        let contenders = readers.iter().map(contender).collect();
        groups.push(Group { name: name.into(), items: items as u64, contenders });
    }
    shared::run(groups);
}

/// The stream in memory, and where its frames lie.
struct Stream {
    bytes: Vec<u8>,
    frames: Vec<Range<usize>>,
}

impl Stream {
    fn new(generator: &Generator) -> Stream {
        let mut bytes = Vec::new();
        generator.write_to(&mut bytes, 2).expect("a vector takes all");
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', &bytes);
        let frames = ends.map(|end| std::mem::replace(&mut start, end + 1)..end).collect();
        Stream { bytes, frames }
    }
}

/// Reads frames one after another, prefetching if asked to, and adds up what they say.
type Walk<'a> = dyn FnMut(&[u8], &[Range<usize>], bool) -> u64 + 'a;
type HowFn = fn(&Stream, Range<usize>, &mut Walk<'_>) -> Duration;

/// A contender: how it reads one frame, made into a walk in which that is inlined.
struct Reader {
    name: &'static str,
    walk: Rc<RefCell<Walk<'static>>>,
}

impl Reader {
    fn new(name: &'static str, mut read: impl FnMut(&[u8]) -> u64 + 'static) -> Reader {
        let walk = move |bytes: &[u8], frames: &[Range<usize>], ahead: bool| {
            let mut sum = 0u64;
            for (index, frame) in frames.iter().enumerate() {
                if ahead && let Some(next) = frames.get(index + FRAMES_AHEAD) {
                    prefetch(&bytes[next.start..next.end.min(next.start + BYTES_AHEAD)]);
                }
                sum = sum.wrapping_add(read(&bytes[frame.clone()]));
            }
            sum
        };
        Reader { name, walk: Rc::new(RefCell::new(walk)) }
    }

    /// Holds the answer on each of the first frames against what the generator knows.
    fn check(&self, stream: &Stream, generator: &Generator) {
        for (index, frame) in (0..10_000).zip(&stream.frames) {
            let Reading::Good { ts_s, uid } = generator.truth(index).reading else {
                unreachable!("none is malformed");
            };
            let said = (self.walk.borrow_mut())(&stream.bytes, std::slice::from_ref(frame), false);
            assert_eq!(said, mixed(ts_s, &uid), "{} on frame {index}", self.name);
        }
    }
}

/// The frames in the second-level cache, as after a read.
fn just_read(stream: &Stream, frames: Range<usize>, walk: &mut Walk<'_>) -> Duration {
    let mut buffer = vec![0; READ_BYTES];
    let mut took = Duration::ZERO;
    let mut left = &stream.frames[frames];
    while let Some(Range { start, .. }) = left.first().cloned() {
        let count = left.partition_point(|frame| frame.end <= start + READ_BYTES);
        let (these, rest) = left.split_at(count);
        let end = these.last().map_or(start, |frame| frame.end);
        buffer[..end - start].copy_from_slice(&stream.bytes[start..end]);
        let these: Vec<_> = these.iter().map(|f| f.start - start..f.end - start).collect();
        let began = Instant::now();
        std::hint::black_box(walk(&buffer, &these, false));
        took += began.elapsed();
        left = rest;
    }
    took
}

/// The frames where they lie.
fn cold(stream: &Stream, frames: Range<usize>, walk: &mut Walk<'_>) -> Duration {
    let began = Instant::now();
    std::hint::black_box(walk(&stream.bytes, &stream.frames[frames], true));
    began.elapsed()
}

/// Asks for every cache line of the slice.
#[inline]
fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that can be seen, and the address is one of a slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}

fn sonic_get(frame: &[u8]) -> u64 {
    // SAFETY: the generator's frames are UTF-8 and JSON.
    let ts = unsafe { sonic_rs::get_unchecked(frame, ["ts"]) };
    // SAFETY: as above.
    let uid = unsafe { sonic_rs::get_unchecked(frame, ["uid"]) };
    let (Ok(ts), Ok(uid)) = (ts, uid) else { return 0 };
    mixed(ts.as_i64().unwrap_or(0), uid.as_str().unwrap_or("").as_bytes())
}

fn sonic_many(frame: &[u8], tree: &PointerTree) -> u64 {
    // SAFETY: the generator's frames are UTF-8 and JSON.
    let Ok(found) = (unsafe { sonic_rs::get_many_unchecked(frame, tree) }) else { return 0 };
    let [Some(ts), Some(uid)] = &found[..] else { return 0 };
    mixed(ts.as_i64().unwrap_or(0), uid.as_str().unwrap_or("").as_bytes())
}

#[derive(Deserialize)]
struct Frame<'a> {
    ts: i64,
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

fn serde_typed(frame: &[u8]) -> u64 {
    serde_json::from_slice::<Frame<'_>>(frame)
        .map_or(0, |frame| mixed(frame.ts, frame.uid.as_bytes()))
}
