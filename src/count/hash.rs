//! The two hashes of a uid.
//!
//! The *table hash* is seeded anew for every run, so that nobody can choose uids that collide. It
//! never decides an answer: equal hashes are compared by their bytes. The *shard hash* says which
//! counter a uid belongs to. It is XXH3 (64 bits, seed 0) by its published specification and never
//! changes, so that a shard's state means the same to every build.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use xxhash_rust::xxh3::xxh3_64;

/// The run's hashes; every scanner has a copy.
#[derive(Clone)]
pub struct UidHasher {
    table: RandomState,
    shards: u8,
}

impl UidHasher {
    /// Hashes for this many counters, from 1 to 256.
    pub fn new(shards: usize) -> UidHasher {
        let shards = u8::try_from(shards.max(1) - 1).expect("STAGE_THREADS_MAX counters at most");
        UidHasher { table: RandomState::default(), shards }
    }

    /// The hash for the interner's table.
    #[inline]
    pub fn table(&self, uid: &[u8]) -> u64 {
        let mut hasher = self.table.build_hasher();
        hasher.write(uid);
        hasher.finish()
    }

    /// The counter this uid belongs to.
    #[inline]
    pub fn shard(&self, uid: &[u8]) -> u8 {
        if self.shards == 0 {
            return 0;
        }
        let wide = u128::from(xxh3_64(uid)) * (u128::from(self.shards) + 1);
        // The high half is below the number of shards, so it fits.
        u8::try_from(wide >> 64).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_has_one_shard_for_ever() {
        // XXH3 of these bytes by its specification; a change here orphans every stored shard.
        let of = |shards, uid: &[u8]| UidHasher::new(shards).shard(uid);
        let uids: Vec<String> = (0..8).map(|n| format!("user-{n}")).collect();
        let shards: Vec<u8> = uids.iter().map(|uid| of(4, uid.as_bytes())).collect();
        // The same by Python's xxhash: (xxh3_64_intdigest(uid) * 4) >> 64.
        assert_eq!(shards, [3, 1, 0, 2, 0, 0, 0, 2]);
        assert_eq!(of(1, b"user-1"), 0);
    }

    #[test]
    fn shards_are_even_and_all_used() {
        for shards in [2usize, 3, 7, 256] {
            let hasher = UidHasher::new(shards);
            let mut seen = vec![0usize; shards];
            for n in 0..shards * 1000 {
                seen[usize::from(hasher.shard(n.to_string().as_bytes()))] += 1;
            }
            assert!(seen.iter().all(|&n| (800..1200).contains(&n)), "{seen:?}");
        }
    }
}
