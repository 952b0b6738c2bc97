//! For tests: a checkpoint's state held plainly, and seeded changes to it.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of these tests are small")]

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoint::{SegmentReader, SegmentWriter, Sink, merge};
use crate::error::Error;

/// Random numbers from a seed (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(super) fn below(&mut self, n: u32) -> u32 {
        u32::try_from((u128::from(self.next()) * u128::from(n)) >> 64).unwrap()
    }

    /// From 0 to 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// By shard and id the uid; by shard and serial the ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) users: BTreeMap<(u8, u32), Vec<u8>>,
    pub(super) members: BTreeMap<(u8, u64), BTreeSet<u32>>,
}

/// What a segment holds, before it is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    pub(super) new: State,
    pub(super) kept: Vec<u64>,
    pub(super) note: Vec<u8>,
}

impl Change {
    pub(super) fn write<W: std::io::Write>(
        &self,
        to: &mut SegmentWriter<W>,
    ) -> std::io::Result<()> {
        for shard in 0..=u8::MAX {
            let users = self.new.users.range((shard, 0)..=(shard, u32::MAX));
            to.users(shard, users.map(|(&(_, id), uid)| (id, &uid[..])))?;
            for (&(_, serial), ids) in self.new.members.range((shard, 0)..=(shard, u64::MAX)) {
                to.members(shard, serial, &ids.iter().copied().collect::<Vec<_>>())?;
            }
        }
        to.kept(&self.kept)?;
        to.note(&self.note)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut writer = SegmentWriter::new(Vec::new()).unwrap();
        self.write(&mut writer).unwrap();
        let done = writer.finish().unwrap();
        assert_eq!(done.bytes, done.out.len() as u64);
        done.out
    }
}

/// A counter's life: it learns users, counts them, closes windows, forgets and uses numbers again.
pub(super) struct Life {
    pub(super) random: Random,
    pub(super) state: State,
    pub(super) kept: BTreeSet<u64>,
    serial: u64,
    pub(super) shards: u8,
    step: u64,
}

impl Life {
    pub(super) fn new(seed: u64) -> Life {
        let random = Random::new(seed);
        Life {
            random,
            state: State::default(),
            kept: BTreeSet::new(),
            serial: 0,
            shards: 3,
            step: 0,
        }
    }

    /// Something happens; what is new of it.
    pub(super) fn go_on(&mut self, users: u32) -> Change {
        let mut new = State::default();
        self.step += 1;
        for _ in 0..self.random.below(3) {
            self.serial += u64::from(1 + self.random.below(300));
            self.kept.insert(self.serial);
        }
        while self.kept.len() > 4 || (self.random.below(3) == 0 && !self.kept.is_empty()) {
            let at = self.random.below(self.kept.len() as u32) as usize;
            let closed = *self.kept.iter().nth(at).unwrap();
            self.kept.remove(&closed);
        }
        let kept = self.kept.clone();
        self.state.members.retain(|(_, serial), _| kept.contains(serial));
        for _ in 0..self.random.below(users + 1) {
            let shard = self.random.below(self.shards.into()) as u8 * 100;
            let id = self.random.below(users * 2);
            let members = &self.state.members;
            let is_free = !members.iter().any(|((s, _), ids)| *s == shard && ids.contains(&id));
            if is_free
                && (self.random.below(4) == 0 || !self.state.users.contains_key(&(shard, id)))
            {
                let uid = format!("{:x}", self.random.next() >> self.random.below(60)).into_bytes();
                self.state.users.insert((shard, id), uid.clone());
                new.users.insert((shard, id), uid);
            }
            for &serial in &self.kept {
                if self.random.below(3) == 0
                    && self.state.members.entry((shard, serial)).or_default().insert(id)
                {
                    new.members.entry((shard, serial)).or_default().insert(id);
                }
            }
        }
        self.state.members.retain(|_, ids| !ids.is_empty());
        let note = format!("{{\"step\":{}}}", self.step).into_bytes();
        Change { new, kept: self.kept.iter().copied().collect(), note }
    }
}

impl Sink for State {
    fn users(&mut self, shard: u8, users: &[(u32, &[u8])]) -> Result<(), Error> {
        for &(id, uid) in users {
            assert!(
                self.users.range((shard, id)..=(shard, u32::MAX)).next().is_none(),
                "ascending"
            );
            self.users.insert((shard, id), uid.to_vec());
        }
        Ok(())
    }

    fn members(&mut self, shard: u8, serial: u64, ids: &[u32]) -> Result<(), Error> {
        for &id in ids {
            let of = self.members.entry((shard, serial)).or_default();
            assert!(of.last() < Some(&id), "ascending");
            of.insert(id);
        }
        Ok(())
    }
}

/// What segments amount to, and the last one's note.
pub(super) fn state<R: std::io::Read>(
    segments: Vec<SegmentReader<R>>,
    kept: &[u64],
) -> Result<(State, Vec<u8>), Error> {
    let mut state = State::default();
    let tail = merge(segments, kept, &mut state)?;
    Ok((state, tail.unwrap_or_default().note))
}
