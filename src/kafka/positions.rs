//! Where each partition is entered and left: decided once, before anything is read, from what the
//! brokers said. No I/O.

use super::restart::Committed;
use crate::cli::kafka::{From, Until};
use crate::input::messages::{Entry, Partition};
use crate::recovery::topic::PartitionState;

/// What the brokers said of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Which.
    pub partition: Partition,
    /// The first offset there is.
    pub low: u64,
    /// The offset after the last one that may be read.
    pub end: u64,
    /// The offset after the last one there is; beyond `end` lie open transactions.
    pub high: u64,
    /// The first message at the time of `--from`, if it was asked for.
    pub from_time: Option<u64>,
    /// The first message at the time of `--until`, if it was asked for.
    pub until_time: Option<u64>,
    /// What the group committed.
    pub committed: Option<Committed>,
    /// Where a checkpoint left it.
    pub restored: Option<PartitionState>,
}

/// Where a partition is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Never.
    Never,
    /// Before this offset.
    Offset(u64),
    /// Before the first message whose record time is not before this, milliseconds; at the partition's
    /// end once the wall clock is past it.
    TimeMs(i64),
}

/// Where a partition is entered and left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which.
    pub partition: Partition,
    /// The first offset to read.
    pub start: u64,
    /// What that is to the clock.
    pub entry: Entry,
    /// Whatever is first is wanted: nothing is lost if the first is gone by the time it is read.
    pub from_first: bool,
    /// The offset that was to be read first, where it is gone.
    pub lost_from: Option<u64>,
    /// Where it is left.
    pub bound: Bound,
}

/// Why a partition cannot be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nowhere {
    /// This offset, up to which it was read, lies beyond its end.
    Beyond(u64),
}

/// Where a partition is entered and left, by a wall clock as it was before the brokers were asked,
/// milliseconds.
///
/// # Errors
/// What was committed is of another log.
pub fn position(
    looked: &Looked,
    from: From,
    until: Option<Until>,
    now_ms: i64,
) -> Result<Position, Nowhere> {
    let &Looked { partition, low, end, high, .. } = looked;
    let fresh = |start| if start == 0 && low == 0 { Entry::Beginning } else { Entry::Midway };
    let bound = match until {
        None => Bound::Never,
        Some(Until::End) => Bound::Offset(end),
        Some(Until::TimeMs(ms)) => match looked.until_time {
            Some(offset) => Bound::Offset(offset),
            // What comes from here on is not as early.
            None if ms <= now_ms => Bound::Offset(end),
            None => Bound::TimeMs(ms),
        },
    };
    let at = |start, entry, from_first| Position {
        partition,
        start,
        entry,
        from_first,
        lost_from: None,
        bound,
    };
    let left_at = |offset: u64, entry| {
        if offset > high {
            return Err(Nowhere::Beyond(offset));
        }
        let lost_from = (offset < low).then_some(offset);
        Ok(Position { lost_from, ..at(offset.max(low), entry, false) })
    };
    if let Some(PartitionState { offset, heard, .. }) = looked.restored {
        return left_at(offset, if heard { Entry::Restored } else { fresh(offset) });
    }
    Ok(match (from, &looked.committed) {
        (From::Beginning, _) | (From::Committed, None) => at(low, fresh(low), true),
        (From::End, _) => at(end, fresh(end), false),
        (From::TimeMs(_), _) => {
            let start = looked.from_time.unwrap_or(end);
            at(start, fresh(start), false)
        }
        (From::Committed, Some(Committed { offset, note, .. })) => {
            let entry = match note {
                Some(note) => Entry::Resumed { clock_s: note.clock_s() },
                None => fresh(*offset),
            };
            left_at(*offset, entry)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::restart::{Basis, read, write};
    use super::*;
    use crate::clock::agreement::Past;
    use crate::clock::restart::{PartitionRestart, Restart};

    fn looked(low: u64, end: u64) -> Looked {
        let high = end + 3;
        Looked {
            partition: 1,
            low,
            end,
            high,
            from_time: None,
            until_time: None,
            committed: None,
            restored: None,
        }
    }

    fn committed(offset: u64, ours: bool) -> Option<Committed> {
        let basis = Basis { topic_id: "id".into(), max_lag_s: 5, windows: "minute".into() };
        let past = Past { clock_s: Some(77), times_s: vec![77] };
        let at = PartitionRestart { partition: 1, offset, judged_to: offset, past };
        let text = write(&Restart::default(), &at, &basis).unwrap();
        let note = if ours { read(&text, "id").unwrap() } else { None };
        Some(Committed { partition: 1, offset, note })
    }

    #[test]
    fn entered_where_asked() {
        let check = |looked: &Looked, from, start, entry| {
            let position = position(looked, from, None, 0).unwrap();
            assert_eq!((position.start, position.entry), (start, entry), "{looked:?} {from:?}");
            assert_eq!(position.bound, Bound::Never);
            position
        };
        let resumed = Entry::Resumed { clock_s: Some(77) };
        assert!(check(&looked(0, 9), From::Beginning, 0, Entry::Beginning).from_first);
        assert!(check(&looked(4, 9), From::Beginning, 4, Entry::Midway).from_first);
        check(&looked(0, 9), From::End, 9, Entry::Midway);
        check(&looked(0, 0), From::End, 0, Entry::Beginning);
        check(&looked(4, 4), From::End, 4, Entry::Midway);
        let timed = Looked { from_time: Some(6), ..looked(0, 9) };
        check(&timed, From::TimeMs(1), 6, Entry::Midway);
        check(&looked(0, 9), From::TimeMs(1), 9, Entry::Midway);
        let begins = Looked { from_time: Some(0), ..looked(0, 9) };
        check(&begins, From::TimeMs(1), 0, Entry::Beginning);
        let ours = Looked { committed: committed(7, true), ..looked(0, 9) };
        assert!(!check(&ours, From::Committed, 7, resumed).from_first);
        check(&ours, From::Beginning, 0, Entry::Beginning);
        let others = Looked { committed: committed(7, false), ..looked(0, 9) };
        check(&others, From::Committed, 7, Entry::Midway);
        // A partition that came after the commit.
        assert!(check(&looked(0, 9), From::Committed, 0, Entry::Beginning).from_first);
    }

    #[test]
    fn what_was_committed_may_be_gone_or_of_another_log() {
        let gone = Looked { committed: committed(2, true), ..looked(4, 9) };
        let found = position(&gone, From::Committed, None, 0).unwrap();
        assert_eq!((found.start, found.lost_from), (4, Some(2)));
        let at_high = Looked { committed: committed(12, true), ..looked(4, 9) };
        assert_eq!(position(&at_high, From::Committed, None, 0).unwrap().start, 12);
        let beyond = Looked { committed: committed(13, true), ..looked(4, 9) };
        assert_eq!(position(&beyond, From::Committed, None, 0), Err(Nowhere::Beyond(13)));
    }

    #[test]
    fn a_checkpoint_goes_before_all_else() {
        let left = |offset, heard| {
            let restored = Some(PartitionState { partition: 1, offset, heard });
            let looked = Looked { restored, committed: committed(7, true), ..looked(4, 9) };
            position(&looked, From::End, Some(Until::End), 0)
                .map(|position| (position.start, position.entry, position.lost_from))
        };
        assert_eq!(left(6, true), Ok((6, Entry::Restored, None)));
        assert_eq!(left(6, false), Ok((6, Entry::Midway, None)));
        assert_eq!(left(2, true), Ok((4, Entry::Restored, Some(2))));
        assert_eq!(left(13, true), Err(Nowhere::Beyond(13)));
    }

    #[test]
    fn left_where_asked() {
        let bound = |looked: &Looked, until| {
            position(looked, From::Beginning, Some(until), 69).unwrap().bound
        };
        assert_eq!(bound(&looked(0, 9), Until::End), Bound::Offset(9));
        let timed = Looked { until_time: Some(5), ..looked(0, 9) };
        assert_eq!(bound(&timed, Until::TimeMs(70)), Bound::Offset(5));
        assert_eq!(bound(&looked(0, 9), Until::TimeMs(70)), Bound::TimeMs(70));
        assert_eq!(bound(&looked(0, 9), Until::TimeMs(69)), Bound::Offset(9));
    }
}
