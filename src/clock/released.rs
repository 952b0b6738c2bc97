//! Released facts: frames that waited in the clock, on their way to the counters in a later batch.
//!
//! Columns like those of a batch's own facts, but few and far between. They are made on the clock's
//! thread and read by all counters.

use super::parking::Parked;
use super::verdict::Route;

/// The facts released with one batch, in the order of its marks.
#[derive(Debug, Default)]
pub struct Released {
    facts: Vec<Fact>,
    uid_bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Fact {
    hash: u64,
    uid_end: usize,
    route: Route,
    shard: u8,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct ReleasedFact<'b> {
    /// The seeded hash of its uid.
    pub hash: u64,
    /// Its uid, unescaped.
    pub uid: &'b [u8],
    /// Its route; of a fact that is only shown none that counts.
    pub route: Route,
}

impl Released {
    /// Adds a fact.
    pub fn push(&mut self, route: Route, fact: &Parked) {
        self.uid_bytes.extend_from_slice(&fact.uid);
        let (hash, shard, uid_end) = (fact.hash, fact.shard, self.uid_bytes.len());
        self.facts.push(Fact { hash, uid_end, route, shard });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// A fact, if it is of this shard.
    pub fn of_shard(&self, index: usize, shard: usize) -> Option<ReleasedFact<'_>> {
        let Fact { hash, uid_end, route, shard: own } = self.facts[index];
        let start = if index == 0 { 0 } else { self.facts[index - 1].uid_end };
        let uid = &self.uid_bytes[start..uid_end];
        (usize::from(own) == shard).then_some(ReleasedFact { hash, uid, route })
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.facts.clear();
        self.uid_bytes.clear();
    }
}
