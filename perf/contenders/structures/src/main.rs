//! What the ways to hold "who was in which window" take: of memory, byte by byte, from the allocator, and of
//! time, a frame.
//!
//! The stream of `benches/count`: users drawn uniformly, 0.6 frames a user and minute, uids of 14 bytes.
//! Minutes are kept for an hour after their end + 5 s, as with `--keep 1h`, so about 62 at once; with `all
//! six` there are two hours, a day, a week, a month and a year besides. After 130 minutes, when everything
//! has taken its full size and been freed and used again, the bytes held are told, a user, less the uid's own.
//! Every structure's count of every minute is compared with the first one's.
//!
//! Bytes are the same on every machine with the same libraries. Times are those of the minutes from the 70th
//! on, when as many windows are kept as ever will be: hashing the uid, looking it up and adding it, and what
//! opening and freeing windows takes, but not making the frames. All structures in turns, three times.
//! headcount's own figures come from its own benches (records 2026-11-23-count and 2026-11-23-cascade), as it is
//! more than a structure.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hashbrown::{HashMap, HashSet};
use roaring::RoaringBitmap;

/// Counts what is held, as asked for: what an allocator rounds up is not in it.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is the system's; the counter beside it changes nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const UID_BYTES: usize = 14;
const MINUTES: usize = 130;
/// Minutes before those that are timed.
const WARM_UP: usize = 70;
const ROUNDS: usize = 3;
/// Of the hour kept, the lag, and the minute that is open.
const MINUTES_KEPT: usize = 62;

/// Users of the windows that are open or kept. Windows are numbered as they open; `minute` opens one and
/// forgets the oldest, and the larger ones of `all six` never close here.
trait Members {
    fn minute(&mut self);
    fn see(&mut self, uid: &[u8; UID_BYTES]);
    /// Users of the newest minute.
    fn count(&self) -> u64;
}

/// What lies beside the minutes with `all six`: hours kept, day, week, month, year.
const LARGER: usize = 6;

/// Numbers for uids, in the order in which they come.
#[derive(Default)]
struct Ids(HashMap<Box<[u8]>, u32>);

impl Ids {
    fn of(&mut self, uid: &[u8]) -> u32 {
        let next = self.0.len() as u32;
        match self.0.get(uid) {
            Some(id) => *id,
            None => *self.0.entry(uid.into()).or_insert(next),
        }
    }
}

/// A set of uids a window: what one writes first.
struct UidSets {
    larger: Vec<HashSet<Box<[u8]>>>,
    minutes: VecDeque<HashSet<Box<[u8]>>>,
}

impl Members for UidSets {
    fn minute(&mut self) {
        self.minutes.truncate(MINUTES_KEPT - 1);
        self.minutes.push_front(HashSet::new());
    }
    fn see(&mut self, uid: &[u8; UID_BYTES]) {
        for set in self.larger.iter_mut().chain(self.minutes.front_mut()) {
            set.get_or_insert_with(&uid[..], |uid| uid.into());
        }
    }
    fn count(&self) -> u64 {
        self.minutes[0].len() as u64
    }
}

/// A window's users as numbers.
trait Set: Default {
    fn add(&mut self, id: u32);
    fn count(&self) -> u64;
}

impl Set for HashSet<u32> {
    fn add(&mut self, id: u32) {
        self.insert(id);
    }
    fn count(&self) -> u64 {
        self.len() as u64
    }
}

impl Set for RoaringBitmap {
    fn add(&mut self, id: u32) {
        self.insert(id);
    }
    fn count(&self) -> u64 {
        self.len()
    }
}

/// A bit for every number so far.
#[derive(Default)]
struct Bits {
    words: Vec<u64>,
    count: u64,
}

impl Set for Bits {
    fn add(&mut self, id: u32) {
        let (word, bit) = (id as usize / 64, 1 << (id % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.count += u64::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }
    fn count(&self) -> u64 {
        self.count
    }
}

/// Numbers for uids, and a set of numbers a window.
struct Sets<S> {
    ids: Ids,
    larger: Vec<S>,
    minutes: VecDeque<S>,
}

impl<S: Set> Sets<S> {
    fn new(larger: usize) -> Sets<S> {
        Sets {
            ids: Ids::default(),
            larger: (0..larger).map(|_| S::default()).collect(),
            minutes: VecDeque::new(),
        }
    }
}

impl<S: Set> Members for Sets<S> {
    fn minute(&mut self) {
        self.minutes.truncate(MINUTES_KEPT - 1);
        self.minutes.push_front(S::default());
    }
    fn see(&mut self, uid: &[u8; UID_BYTES]) {
        let id = self.ids.of(uid);
        self.larger.iter_mut().chain(self.minutes.front_mut()).for_each(|set| set.add(id));
    }
    fn count(&self) -> u64 {
        self.minutes[0].count()
    }
}

/// Of each user and length of window the number of the newest one he was in, and which of the 64 before it.
struct Stamps {
    ids: Ids,
    /// A user's stand together, the minute's first.
    stamps: Vec<(u32, u64)>,
    /// The open window of each length and its users.
    open: Vec<(u32, u64)>,
}

impl Members for Stamps {
    fn minute(&mut self) {
        let (number, users) = &mut self.open[0];
        (*number, *users) = (*number + 1, 0);
    }
    fn see(&mut self, uid: &[u8; UID_BYTES]) {
        let lengths = self.open.len();
        let first = self.ids.of(uid) as usize * lengths;
        if self.stamps.len() <= first {
            self.stamps.resize(first + lengths, (0, 0));
        }
        let stamps = &mut self.stamps[first..first + lengths];
        for ((newest, before), (number, users)) in stamps.iter_mut().zip(&mut self.open) {
            if *newest != *number {
                *before = (*before << 1 | 1).checked_shl(*number - *newest - 1).unwrap_or(0);
                *newest = *number;
                *users += 1;
            }
        }
    }
    fn count(&self) -> u64 {
        self.open[0].1
    }
}

/// SplitMix64, by Steele, Lea and Flood.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * u128::from(bound)) >> 64) as u64
    }
}

/// What a structure says and takes.
struct Taken {
    /// Users of each minute.
    counts: Vec<u64>,
    bytes: usize,
    ns_a_frame: f64,
}

/// The stream into a structure.
fn run(users: u64, members: &mut dyn Members, before: usize) -> Taken {
    let mut random = Random(1);
    let mut counts = Vec::with_capacity(MINUTES);
    let mut uids = Vec::with_capacity(users as usize * 6 / 10);
    let mut taken = Duration::ZERO;
    for minute in 0..MINUTES {
        uids.clear();
        for _ in 0..uids.capacity() {
            let mut uid = *b"user-000000000";
            let mut user = random.below(users);
            for digit in uid[5..].iter_mut().rev() {
                *digit = b'0' + (user % 10) as u8;
                user /= 10;
            }
            uids.push(uid);
        }
        let started = Instant::now();
        members.minute();
        uids.iter().for_each(|uid| members.see(uid));
        if minute >= WARM_UP {
            taken += started.elapsed();
        }
        counts.push(members.count());
    }
    let frames = uids.len() * (MINUTES - WARM_UP);
    // the counts and the frames are not the structure's
    let own = counts.capacity() * size_of::<u64>() + uids.capacity() * UID_BYTES;
    let bytes = HELD.load(Ordering::Relaxed) - before - own;
    Taken { counts, bytes, ns_a_frame: taken.as_nanos() as f64 / frames as f64 }
}

/// A new structure with so many windows beside the minutes.
type Make = fn(usize) -> Box<dyn Members>;

const STRUCTURES: [(&str, Make); 5] = [
    ("a set of uids a window", |larger| {
        let larger = (0..larger).map(|_| HashSet::new()).collect();
        Box::new(UidSets { larger, minutes: VecDeque::new() })
    }),
    ("a set of numbers a window", |larger| Box::new(Sets::<HashSet<u32>>::new(larger))),
    ("a roaring bitmap a window", |larger| Box::new(Sets::<RoaringBitmap>::new(larger))),
    ("a bitmap a window", |larger| Box::new(Sets::<Bits>::new(larger))),
    ("stamps: newest window and mask of 64", |larger| {
        // a stamp a length: that hours are kept costs none
        let lengths = if larger > 0 { 6 } else { 1 };
        let open = vec![(1, 0); lengths];
        Box::new(Stamps { ids: Ids::default(), stamps: Vec::new(), open })
    }),
];

fn main() {
    let users: Vec<u64> =
        std::env::args().skip(1).map(|users| users.parse().expect("a number of users")).collect();
    println!("windows\tusers\tround\tstructure\tbytes_a_user_beyond_the_uid\tns_a_frame");
    for users in users {
        for (windows, larger) in [("minute", 0), ("all six", LARGER)] {
            let mut first: Option<Vec<u64>> = None;
            for round in 1..=ROUNDS {
                for (structure, make) in STRUCTURES {
                    let before = HELD.load(Ordering::Relaxed);
                    let mut members = make(larger);
                    let taken = run(users, &mut *members, before);
                    let beyond = taken.bytes as f64 / users as f64 - UID_BYTES as f64;
                    println!(
                        "{windows}\t{users}\t{round}\t{structure}\t{beyond:.1}\t{:.1}",
                        taken.ns_a_frame
                    );
                    let first = first.get_or_insert_with(|| taken.counts.clone());
                    assert_eq!(first, &taken.counts, "{structure}");
                }
            }
        }
    }
}
