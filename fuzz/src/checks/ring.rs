//! Any sequence of operations on a ring against a `VecDeque`.

use super::pair::{Op, Pair};

const CAPACITY_MAX: u8 = 7;

/// A byte for the capacity, then two for each operation: which, and its numbers.
pub fn check(bytes: &[u8]) -> bool {
    let Some((capacity, ops)) = bytes.split_first() else { return false };
    let mut pair = Pair::new(usize::from(1 + capacity % CAPACITY_MAX));
    for &[kind, numbers] in ops.as_chunks().0 {
        pair.apply(&op(kind, numbers));
    }
    pair.end();
    true
}

fn op(kind: u8, numbers: u8) -> Op {
    // Up to two more than the largest ring holds.
    let (low, high) = (usize::from(numbers % 10), usize::from(numbers / 10 % 10));
    match kind % 16 {
        0..3 => Op::Push,
        3..6 => Op::Reserve { wanted: low, filled: high, is_committed: kind < 128 },
        6..8 => Op::Pop,
        8 => Op::Peek,
        9 => Op::PeekMany,
        10..12 => Op::Release(low),
        12 => Op::FreeSlots,
        13 => Op::Readable,
        14 => Op::DropProducer,
        _ => Op::DropConsumer,
    }
}
