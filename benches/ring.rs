//! The ring beside rtrb and crossbeam's ArrayQueue: one producer and one consumer, each pinned to a
//! core of its own, both asking again and again.
//!
//! An item is one word, as a batch's handle is. `wake` is our ring with wakers of a thread that might
//! sleep, as under `--wait balanced`; without, it is what `--wait spin` uses and what the others
//! offer. ArrayQueue takes no batches. Every item is checked on arrival.
//!
//! Where an end is a local of the loop, the compiler may keep its counts in registers. Ends that are
//! parts of a stage lie in memory: the group that says so makes each question begin and end there.

mod shared;

use std::hint::{black_box, spin_loop};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use headcount::ring::{Parker, Waker, ring};
use rtrb::{RingBuffer, chunks::ChunkError};
use shared::{Contender, Group};

/// Slots of every queue: those of the rings that carry results.
const SLOTS: usize = 1024;
/// Items sent at once, in batches.
const BATCH: usize = 64;
/// Questions in vain until the core is offered to others: reached only where both share one.
const SPINS_MAX: u32 = 10_000;

fn main() {
    let items: u64 = if shared::is_tiny() { 10_000 } else { 4_000_000 };
    let sleeper = Parker::new().expect("a descriptor is left");
    let waker = sleeper.waker();
    let contender = |name: &str, run: fn(u64, &Waker) -> Duration, waker: &Waker| {
        let waker = waker.clone();
        Contender::new(name, move || run(items, &waker))
    };
    let none = Waker::none();
    let single = vec![
        contender("ours", ours_single::<false>, &none),
        contender("rtrb", rtrb_single::<false>, &none),
        contender("ArrayQueue", array_queue, &none),
        contender("ours, wake", ours_single::<false>, &waker),
    ];
    let in_memory = vec![
        contender("ours", ours_single::<true>, &none),
        contender("rtrb", rtrb_single::<true>, &none),
    ];
    let batch = vec![
        contender("ours", ours_batch, &none),
        contender("rtrb", rtrb_batch, &none),
        contender("ours, wake", ours_batch, &waker),
    ];
    shared::run(vec![
        Group { name: "ring, single items".into(), items, contenders: single },
        Group { name: "ring, single items, ends in memory".into(), items, contenders: in_memory },
        Group { name: "ring, batches of 64".into(), items, contenders: batch },
    ]);
}

fn ours_single<const IN_MEMORY: bool>(items: u64, waker: &Waker) -> Duration {
    let (producer, consumer) = ring(SLOTS, waker.clone(), waker.clone());
    let send = |to: &mut headcount::ring::Producer<u64>, next, _| u64::from(to.push(next).is_ok());
    hand_over::<IN_MEMORY, _, _>(items, producer, consumer, send, |from, arrivals| {
        if let Ok(item) = from.pop() {
            arrivals.check(item);
        }
    })
}

fn rtrb_single<const IN_MEMORY: bool>(items: u64, _: &Waker) -> Duration {
    let (producer, consumer) = RingBuffer::new(SLOTS);
    let send = |to: &mut rtrb::Producer<u64>, next, _| u64::from(to.push(next).is_ok());
    hand_over::<IN_MEMORY, _, _>(items, producer, consumer, send, |from, arrivals| {
        if let Ok(item) = from.pop() {
            arrivals.check(item);
        }
    })
}

fn array_queue(items: u64, _: &Waker) -> Duration {
    let queue = Arc::new(ArrayQueue::new(SLOTS));
    let send = |to: &mut Arc<ArrayQueue<u64>>, next, _| u64::from(to.push(next).is_ok());
    hand_over::<false, _, _>(items, Arc::clone(&queue), queue, send, |from, arrivals| {
        if let Some(item) = from.pop() {
            arrivals.check(item);
        }
    })
}

fn ours_batch(items: u64, waker: &Waker) -> Duration {
    let (producer, consumer) = ring(SLOTS, waker.clone(), waker.clone());
    let send = |to: &mut headcount::ring::Producer<u64>, next: u64, wanted: usize| {
        let Ok(mut slots) = to.reserve(wanted) else { return 0 };
        let count = slots.free_slots() as u64;
        for item in next..next + count {
            let _ = slots.push(item);
        }
        slots.commit();
        count
    };
    hand_over::<false, _, _>(items, producer, consumer, send, |from, arrivals| {
        let Ok((first, second)) = from.peek_many() else { return };
        first.iter().chain(second).for_each(|&item| arrivals.check(item));
        let count = first.len() + second.len();
        from.release(count);
    })
}

fn rtrb_batch(items: u64, _: &Waker) -> Duration {
    let (producer, consumer) = RingBuffer::new(SLOTS);
    let send = |to: &mut rtrb::Producer<u64>, next: u64, wanted: usize| {
        let free = match to.write_chunk_uninit(wanted) {
            Ok(slots) => return slots.fill_from_iter(next..) as u64,
            Err(ChunkError::TooFewSlots(free)) => free,
        };
        let Ok(slots) = to.write_chunk_uninit(free) else { return 0 };
        slots.fill_from_iter(next..) as u64
    };
    hand_over::<false, _, _>(
        items,
        producer,
        consumer,
        send,
        |from: &mut rtrb::Consumer<u64>, arrivals| {
            let Ok(chunk) = from.read_chunk(from.slots()) else { return };
            let (first, second) = chunk.as_slices();
            first.iter().chain(second).for_each(|&item| arrivals.check(item));
            chunk.commit_all();
        },
    )
}

/// The items that came, which must be 0, 1, 2, ….
struct Arrivals {
    count: u64,
}

impl Arrivals {
    #[inline]
    fn check(&mut self, item: u64) {
        // Not assert_eq!: it takes both by reference, for its message, and so has them stored to memory
        // for each item, two stores more in line behind the ring's own.
        assert!(item == self.count, "an item lost, doubled or out of order");
        self.count += 1;
    }
}

/// Sends the numbers below `items` from one thread to another, and says how long it took from when
/// both were ready. `send` is given the next number and how many it may send, and says how many it
/// sent; `receive` takes what is there. `IN_MEMORY`: each question finds its end in memory, and
/// leaves it there.
fn hand_over<const IN_MEMORY: bool, P: Send, C: Send>(
    items: u64,
    producer: P,
    consumer: C,
    send: impl Fn(&mut P, u64, usize) -> u64 + Send,
    receive: impl Fn(&mut C, &mut Arrivals) + Send,
) -> Duration {
    let ready = &Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(move || {
            // Each end moves to its own thread's stack: side by side they would share a cache line.
            let mut producer = producer;
            pin(1);
            ready.wait();
            let (mut sent, mut spins) = (0, 0);
            while sent < items {
                let wanted = usize::try_from(items - sent).map_or(BATCH, |left| left.min(BATCH));
                let end = &mut producer;
                let count = send(if IN_MEMORY { black_box(end) } else { end }, sent, wanted);
                sent += count;
                spins = wait(count, spins);
            }
        });
        let receiver = scope.spawn(move || {
            let mut consumer = consumer;
            pin(0);
            ready.wait();
            let began = Instant::now();
            let (mut arrivals, mut spins) = (Arrivals { count: 0 }, 0);
            while arrivals.count < items {
                let before = arrivals.count;
                let end = &mut consumer;
                receive(if IN_MEMORY { black_box(end) } else { end }, &mut arrivals);
                spins = wait(arrivals.count - before, spins);
            }
            began.elapsed()
        });
        receiver.join().expect("every item came in order")
    })
}

/// Waits a moment after a question in vain.
#[inline]
fn wait(count: u64, spins: u32) -> u32 {
    if count > 0 {
        return 0;
    }
    if spins == SPINS_MAX {
        thread::yield_now();
        return 0;
    }
    spin_loop();
    spins + 1
}

/// Keeps this thread on the *n*-th core it may use, where there are so many.
fn pin(n: usize) {
    if let Some(core) = core_affinity::get_core_ids().as_ref().and_then(|cores| cores.get(n)) {
        core_affinity::set_for_current(*core);
    }
}
