//! The plain clock of the count bench: which windows there are, and the verdicts on each batch.
//!
//! Every length is a fixed number of seconds, counted from the stream's own origin; windows nest as
//! far as their lengths do. Nothing is refused. A window opens with its first frame, is reported once
//! time has passed its end + lag, and freed after `keep_s` more. So it needs none of the real clock's
//! rules, and holds as many slots as that one does.

use std::collections::BTreeMap;

use headcount::batch::Batch;
use headcount::clock::verdict::{Deed, NO_SLOT, Route, Slot};

/// Seconds a window waits for late frames.
pub(crate) const LAG_S: i64 = 5;

/// Which windows are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) name: &'static str,
    /// The lengths, seconds.
    pub(crate) lengths_s: &'static [i64],
    /// Seconds they are kept after their results.
    pub(crate) keep_s: i64,
}

const DAY_S: i64 = 24 * 60 * 60;

/// The sets of windows that are measured.
pub(crate) const ALL: [Windows; 4] = [
    Windows { name: "minute, not kept", lengths_s: &[60], keep_s: 0 },
    Windows { name: "minute", lengths_s: &[60], keep_s: 3600 },
    Windows {
        name: "all six",
        lengths_s: &[60, 3600, DAY_S, 7 * DAY_S, 30 * DAY_S, 365 * DAY_S],
        keep_s: 3600,
    },
    Windows { name: "year", lengths_s: &[365 * DAY_S], keep_s: 3600 },
];

impl Windows {
    /// Slots that are in use at once at most.
    pub(crate) fn slots(&self) -> usize {
        let slots = |length_s: &i64| (LAG_S + self.keep_s) / length_s + 3;
        usize::try_from(self.lengths_s.iter().map(slots).sum::<i64>()).expect("a few")
    }
}

struct Known {
    slot: Slot,
    reported: bool,
}

/// The clock.
pub(crate) struct PlainClock {
    windows: Windows,
    now_s: i64,
    /// By end and length.
    known: BTreeMap<(i64, usize), Known>,
    /// Slots not in use; the one freed last is used first.
    free: Vec<Slot>,
    /// Routes of this batch.
    routes: Vec<(Vec<Slot>, Route)>,
    /// The route of the frame before, and the minute it is for.
    last: Option<(i64, Route)>,
}

impl PlainClock {
    pub(crate) fn new(windows: Windows) -> PlainClock {
        let slots = Slot::try_from(windows.slots()).expect("a few");
        PlainClock {
            windows,
            now_s: i64::MIN,
            known: BTreeMap::new(),
            free: (0..slots).rev().collect(),
            routes: Vec::new(),
            last: None,
        }
    }

    /// Writes the verdicts.
    pub(crate) fn judge(&mut self, batch: &mut Batch, times_s: &[i64]) {
        self.routes.clear();
        self.last = None;
        for &ts_s in times_s {
            let minute = ts_s.div_euclid(60);
            let route = match self.last {
                Some((of, route)) if of == minute => route,
                _ => self.route(batch, ts_s),
            };
            self.last = Some((minute, route));
            batch.verdicts.send(route);
            if ts_s > self.now_s {
                self.now_s = ts_s;
                self.pass(batch);
            }
        }
    }

    fn route(&mut self, batch: &mut Batch, ts_s: i64) -> Route {
        let mut slots = vec![NO_SLOT; self.windows.lengths_s.len()];
        for (index, length_s) in self.windows.lengths_s.iter().enumerate() {
            let end_s = (ts_s.div_euclid(*length_s) + 1) * length_s;
            let known = self.known.entry((end_s, index)).or_insert_with(|| {
                let slot = self.free.pop().expect("slots enough");
                batch.verdicts.mark(slot, Deed::Open);
                Known { slot, reported: false }
            });
            slots[index] = known.slot;
        }
        if let Some((_, route)) = self.routes.iter().find(|(known, _)| *known == slots) {
            return *route;
        }
        let route = batch.verdicts.add_route(&slots);
        self.routes.push((slots, route));
        route
    }

    /// Reports and frees what is over.
    fn pass(&mut self, batch: &mut Batch) {
        let over_s = self.now_s - LAG_S;
        while let Some(first) = self.known.first_entry() {
            if first.key().0 > over_s - self.windows.keep_s {
                break;
            }
            let known = first.remove();
            if !known.reported {
                batch.verdicts.mark(known.slot, Deed::Report);
            }
            batch.verdicts.mark(known.slot, Deed::Free);
            self.free.push(known.slot);
            self.last = None;
        }
        for (_, known) in self.known.range_mut(..=(over_s, usize::MAX)) {
            if !std::mem::replace(&mut known.reported, true) {
                batch.verdicts.mark(known.slot, Deed::Report);
            }
        }
    }

    /// Slots of the windows that are not reported yet, in order of end and length.
    pub(crate) fn open(&self) -> impl Iterator<Item = Slot> {
        self.known.values().filter(|known| !known.reported).map(|known| known.slot)
    }
}

/// How many different users each window has, in order of end and length: by a bit a user.
#[derive(Default)]
pub(crate) struct PlainCounts {
    windows: BTreeMap<(i64, usize), Vec<u64>>,
}

impl PlainCounts {
    pub(crate) fn add(&mut self, windows: &Windows, users: u64, ts_s: i64, user: u64) {
        for (index, length_s) in windows.lengths_s.iter().enumerate() {
            let end_s = (ts_s.div_euclid(*length_s) + 1) * length_s;
            let words = usize::try_from(users.div_ceil(64)).expect("bits in memory");
            let bits = self.windows.entry((end_s, index)).or_insert_with(|| vec![0; words]);
            bits[usize::try_from(user / 64).expect("as above")] |= 1 << (user % 64);
        }
    }

    pub(crate) fn counts(&self) -> Vec<u64> {
        let ones = |bits: &Vec<u64>| bits.iter().map(|word| u64::from(word.count_ones())).sum();
        self.windows.values().map(ones).collect()
    }
}
