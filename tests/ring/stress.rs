//! Two threads, a random mix of all operations, every policy: each value arrives whole, once, in order.

use std::{env, thread, time::SystemTime};

use headcount::ring::{Consumer, Parker, PopError, Producer, WaitPolicy, Waiter, ring};

/// (capacity, policy, share of all values in per mille). Handing over one by one through the kernel
/// is slow, so the smallest rings under `park` get the fewest.
const RUNS: [(usize, WaitPolicy, u64); 8] = [
    (1, WaitPolicy::Park, 5),
    (1, WaitPolicy::Balanced, 20),
    (2, WaitPolicy::Park, 5),
    (3, WaitPolicy::Balanced, 20),
    (7, WaitPolicy::Spin, 50),
    (64, WaitPolicy::Park, 200),
    (64, WaitPolicy::Balanced, 300),
    (1000, WaitPolicy::Balanced, 400),
];

/// Several words, so that one that is torn or read too early does not fit together.
struct Value {
    number: u64,
    folded: [u64; 3],
    _owned: Option<Box<u64>>,
}

impl Value {
    fn new(number: u64) -> Value {
        // Some own memory: dropped twice it is a double free.
        let owned = number.is_multiple_of(61).then(|| Box::new(number));
        Value { number, folded: Value::fold(number), _owned: owned }
    }

    fn fold(number: u64) -> [u64; 3] {
        [!number, number.rotate_left(17), number.wrapping_mul(0x9E37_79B9_7F4A_7C15)]
    }

    fn check(&self, expected: u64) {
        assert_eq!(self.number, expected);
        assert_eq!(self.folded, Value::fold(expected));
    }
}

/// A small generator (splitmix64, Steele, Lea and Flood 2014): what is random need only be varied.
struct Random(u64);

impl Random {
    /// Below `bound`, which is small.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word >> 33) % bound as u64).expect("the bound is a usize")
    }
}

fn number_from_env(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a whole number"))
}

#[test]
fn two_threads_random_operations() {
    let values = number_from_env("HEADCOUNT_RING_ITEMS").unwrap_or(4_000_000);
    let seed = number_from_env("HEADCOUNT_RING_SEED").unwrap_or_else(|| {
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
        u64::from(since.subsec_nanos()) ^ since.as_secs()
    });
    eprintln!("HEADCOUNT_RING_SEED={seed} HEADCOUNT_RING_ITEMS={values}");
    for (capacity, policy, share) in RUNS {
        run(capacity, policy, values * share / 1000, seed);
    }
}

fn run(capacity: usize, policy: WaitPolicy, values: u64, seed: u64) {
    let waiter = || Waiter::new(policy, Parker::new().expect("a descriptor is left"));
    let (room, data) = (waiter(), waiter());
    let (producer, consumer) = ring(capacity, room.waker(), data.waker());
    let sender = thread::spawn(move || send(producer, room, values, Random(seed)));
    receive(consumer, data, values, Random(!seed));
    sender.join().expect("the sender found no fault");
}

fn send(mut producer: Producer<Value>, mut waiter: Waiter, values: u64, mut random: Random) {
    let batch_max = producer.capacity().min(20) + 1;
    let mut next = 0;
    while next < values {
        if random.below(4) == 0 {
            match producer.push(Value::new(next)) {
                Ok(()) => next += 1,
                Err(_) => {
                    waiter.idle(None, None);
                    continue;
                }
            }
        } else {
            let Ok(mut reservation) = producer.reserve(random.below(batch_max)) else {
                waiter.idle(None, None);
                continue;
            };
            let first = next;
            while next < values && reservation.push(Value::new(next)).is_ok() {
                next += 1;
            }
            if random.below(16) == 0 {
                drop(reservation);
                next = first;
            } else {
                reservation.commit();
            }
        }
        waiter.worked();
    }
}

fn receive(mut consumer: Consumer<Value>, mut waiter: Waiter, values: u64, mut random: Random) {
    let mut expected = 0;
    loop {
        let outcome = match random.below(4) {
            0 => consumer.pop().map(|value| {
                value.check(expected);
                expected += 1;
            }),
            1 => consumer.peek().map(|value| value.check(expected)),
            _ => consumer
                .peek_many()
                .map(|(first, second)| {
                    for (number, value) in (expected..).zip(first.iter().chain(second)) {
                        value.check(number);
                    }
                    first.len() + second.len()
                })
                .map(|readable| {
                    let released = random.below(readable + 1);
                    consumer.release(released);
                    expected += released as u64;
                }),
        };
        match outcome {
            Ok(()) => waiter.worked(),
            Err(PopError::Empty) => waiter.idle(None, None),
            Err(PopError::Ended) => break,
        }
    }
    assert_eq!(expected, values);
}
