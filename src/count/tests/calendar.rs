//! A log of months with windows that do not nest: six hours, days of a zone, weeks, months, and many
//! short ones, each kept for a while after its end. Late frames are refused for the short windows
//! and counted in the long ones.

use std::collections::BTreeMap;

use super::*;

/// Of each length the borders between its windows, hours. They do not fall together.
fn borders(length: usize, until_h: i64) -> Vec<i64> {
    let (from_h, steps_h): (i64, &[i64]) = match length {
        0 => (-400, &[1]),
        1 => (-402, &[6]),
        // Local days: two of a year have 23 and 25 hours.
        2 => (-403, &[24, 24, 23, 24, 24, 25, 24]),
        3 => (-501, &[168]),
        4 => (-744, &[31 * 24, 28 * 24, 31 * 24, 30 * 24]),
        _ => (-400, &[6]),
    };
    let mut borders = vec![from_h];
    for step_h in steps_h.iter().cycle() {
        if borders.last().is_some_and(|&last| last > until_h + 400) {
            break;
        }
        borders.push(borders[borders.len() - 1] + step_h);
    }
    borders
}

const LENGTHS: usize = 6;
/// Hours after its end for which a window of each length is kept.
const KEEP_H: [i64; LENGTHS] = [30, 12, 12, 3, 50, 0];
/// Hours of the log.
const UNTIL_H: i64 = 4000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % n
    }
}

struct Open {
    slot: usize,
    reported: bool,
}

fn log(seed: u64, group_slots: usize, hashes: Hashes) {
    const SLOTS: usize = 60;
    let mut random = Random(seed);
    let mut checked = Checked::with_slots(SLOTS, hashes, group_slots, (1 << 32) - 100);
    let borders: Vec<Vec<i64>> = (0..LENGTHS).map(|length| borders(length, UNTIL_H)).collect();
    let mut open: BTreeMap<(usize, i64), Open> = BTreeMap::new();
    let mut free: Vec<usize> = (0..SLOTS).collect();
    let (mut now_h, mut refused_by_some) = (0, 0);
    while now_h < UNTIL_H {
        // In place of a step now and then a gap.
        now_h += i64::try_from(if random.below(200) == 0 { random.below(300) } else { 1 }).unwrap();
        let over: Vec<(usize, i64)> = open.keys().copied().collect();
        for (length, end_h) in over {
            let window = open.get_mut(&(length, end_h)).unwrap();
            if now_h >= end_h && !window.reported {
                window.reported = true;
                checked.check();
            }
            if now_h >= end_h + KEEP_H[length] {
                let slot = open.remove(&(length, end_h)).unwrap().slot;
                checked.check();
                checked.free(slot);
                // Any free slot may be the next.
                let at = usize::try_from(random.below(free.len() as u64 + 1)).unwrap();
                free.insert(at, slot);
            }
        }
        let mut frames = Vec::new();
        for _ in 0..random.below(30) {
            let late_h = if random.below(4) == 0 { random.below(80) } else { 0 };
            let ts_h = now_h - i64::try_from(late_h).unwrap();
            // Users of the hour, and some who come again and again.
            let user = match random.below(3) {
                0 => random.below(40),
                _ => 40 + now_h.unsigned_abs() * 3 + random.below(60),
            };
            let mut slots = [NOWHERE; LENGTHS];
            for length in 0..LENGTHS {
                let end_h = *borders[length].iter().find(|&&border| border > ts_h).unwrap();
                if now_h >= end_h + KEEP_H[length] {
                    continue;
                }
                slots[length] = open
                    .entry((length, end_h))
                    .or_insert_with(|| {
                        let slot = free.pop().unwrap();
                        checked.open(slot);
                        Open { slot, reported: false }
                    })
                    .slot;
            }
            let refused = slots.iter().filter(|&&slot| slot == NOWHERE).count();
            refused_by_some += usize::from((1..LENGTHS).contains(&refused));
            frames.push((u16::try_from(user).unwrap(), slots));
        }
        checked.frames(&frames);
    }
    checked.check();
    assert!(refused_by_some > 1000, "{refused_by_some} frames late for some windows only");
    // In the longest window are some thousands of users; twelve thousand came.
    let numbers = checked.counter.users.numbers();
    assert!(numbers < 9000, "{numbers} users were known at once");
}

#[test]
fn windows_that_do_not_nest_are_each_counted_exactly() {
    for (seed, group_slots) in [(1, 96), (2, 7), (3, 1), (4, 16)] {
        let hashes = if seed == 2 { Hashes::OneSubTable } else { Hashes::Any };
        log(seed, group_slots, hashes);
    }
}
