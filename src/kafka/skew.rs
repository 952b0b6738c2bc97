//! Which partitions have to wait: one whose time is more than `--max-skew` ahead of the one furthest
//! behind is not read on until the others have caught up, so that a backfill of years over many
//! partitions keeps few windows open. It bounds memory and decides nothing: whatever is read is judged. A
//! partition's time is what its last frames agree on, as it is for the clock: a flipped one is not it.
//!
//! Ended and silent partitions do not count, as nothing of theirs is waited for. One that has shown no
//! time yet counts as if it stood at the earliest first time of any: it may well begin there. The one
//! furthest behind never waits, so they cannot all.

/// The partitions' times, by number.
#[derive(Debug)]
pub struct Skew {
    max_s: i64,
    all: Vec<One>,
    /// The earliest first time of any.
    first_s: Option<i64>,
    /// What the one furthest behind has reached.
    lowest_s: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct One {
    reached_s: Option<i64>,
    counts: bool,
}

impl Skew {
    /// Nothing is known of any partition.
    pub fn new(max_s: u32) -> Skew {
        Skew { max_s: i64::from(max_s), all: Vec::new(), first_s: None, lowest_s: None }
    }

    /// Whether a partition counts: it is there, and neither ended nor silent.
    pub fn count(&mut self, partition: usize, counts: bool) {
        if self.all.len() <= partition {
            self.all.resize(partition + 1, One::default());
        }
        if self.all[partition].counts != counts {
            self.all[partition].counts = counts;
            self.look();
        }
    }

    /// A partition has reached this time; true if that is later than before.
    pub fn reach(&mut self, partition: usize, time_s: i64) -> bool {
        let Some(one) = self.all.get_mut(partition) else { return false };
        if one.reached_s.is_some_and(|reached_s| reached_s >= time_s) {
            return false;
        }
        if one.reached_s.is_none() {
            self.first_s = Some(self.first_s.map_or(time_s, |first_s| first_s.min(time_s)));
        }
        one.reached_s = Some(time_s);
        self.look();
        true
    }

    /// Whether a partition has to wait.
    pub fn holds(&self, partition: usize) -> bool {
        let reached_s = self.all.get(partition).and_then(|one| one.reached_s);
        match (reached_s, self.lowest_s) {
            (Some(reached_s), Some(lowest_s)) => reached_s.saturating_sub(lowest_s) > self.max_s,
            _ => false,
        }
    }

    fn look(&mut self) {
        let counting = self.all.iter().filter(|one| one.counts);
        self.lowest_s = counting.filter_map(|one| one.reached_s.or(self.first_s)).min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skew(partitions: usize) -> Skew {
        let mut skew = Skew::new(600);
        for partition in 0..partitions {
            skew.count(partition, true);
        }
        skew
    }

    #[test]
    fn one_too_far_ahead_waits_for_the_one_furthest_behind() {
        let mut skew = skew(3);
        assert!((0..3).all(|partition| !skew.holds(partition)));
        skew.reach(0, 1000);
        skew.reach(1, 1600);
        skew.reach(2, 1601);
        assert_eq!([0, 1, 2].map(|partition| skew.holds(partition)), [false, false, true]);
        skew.reach(0, 1001);
        assert!(!skew.holds(2));
    }

    #[test]
    fn ended_and_silent_ones_are_not_waited_for() {
        let mut skew = skew(3);
        skew.reach(0, 0);
        skew.reach(1, 5000);
        skew.reach(2, 9000);
        assert!(skew.holds(1) && skew.holds(2));
        skew.count(0, false);
        assert!(!skew.holds(1) && skew.holds(2));
        skew.count(1, false);
        assert!(!skew.holds(2));
        skew.count(0, true);
        assert!(skew.holds(1) && skew.holds(2) && !skew.holds(0));
    }

    #[test]
    fn one_without_a_time_stands_at_the_earliest_first() {
        let mut skew = skew(2);
        skew.reach(0, 1000);
        skew.reach(0, 1600);
        assert!(!skew.holds(0));
        skew.reach(0, 1601);
        assert!(skew.holds(0));
        skew.reach(1, 900);
        assert!(skew.holds(0));
        skew.reach(1, 1300);
        assert!(!skew.holds(0));
    }

    #[test]
    fn they_never_all_wait() {
        let mut skew = skew(4);
        let mut random = 7_u64;
        for step in 0..2000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let partition = usize::try_from(random >> 33).unwrap() % 4;
            if step % 97 == 0 {
                skew.count(partition, random & 1 == 0);
            } else {
                skew.reach(partition, i64::try_from(random >> 50).unwrap());
            }
            let counting: Vec<usize> = (0..4).filter(|&one| skew.all[one].counts).collect();
            let all_wait = counting.iter().all(|&one| skew.holds(one));
            assert!(counting.is_empty() || !all_wait, "{skew:?}");
        }
    }

    #[test]
    fn time_does_not_go_back() {
        let mut skew = skew(1);
        assert!(skew.reach(0, 5));
        assert!(!skew.reach(0, 5));
        assert!(!skew.reach(0, 4));
        assert!(skew.reach(0, 6));
    }
}
