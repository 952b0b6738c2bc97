//! Is `--ts-unit` right? Milliseconds read as seconds would give windows 50,000 years apart, and
//! seconds read as milliseconds a log of January 1970: both without a single malformed frame. Times
//! written out, read as numbers, would all be malformed.
//!
//! While every time of the log's first thousand frames lies outside 1990–2100 no result is let
//! out. One plausible time settles the matter. If all thousand (or all frames, if fewer) are
//! implausible and most of them would be plausible in one other unit, the run stops before any
//! output and names that unit.

use crate::limits::UNIT_CHECK_FRAMES;
use crate::scan::{TsUnit, UnitSet};

/// What a frame's time could mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The frame has no time that is plausible in any unit.
    None,
    /// It lies in 1990–2100 in the unit given.
    Plausible,
    /// It does not; in these units it would.
    Other(UnitSet),
}

/// The state of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitVerdict {
    /// Nothing may be put out yet.
    Open,
    /// Results may go out.
    Right,
    /// The log's times are in this unit instead.
    Wrong(TsUnit),
}

/// Looks at the hints of a log's first frames, in log order.
#[derive(Debug)]
pub struct UnitCheck {
    seen: usize,
    votes: [usize; TsUnit::ALL.len()],
    verdict: UnitVerdict,
}

impl UnitCheck {
    /// The check for a log in this unit; times written out need none.
    pub fn new(unit: TsUnit) -> UnitCheck {
        let verdict = match unit {
            TsUnit::Rfc3339 => UnitVerdict::Right,
            TsUnit::S | TsUnit::Ms | TsUnit::Us | TsUnit::Ns => UnitVerdict::Open,
        };
        UnitCheck { seen: 0, votes: [0; TsUnit::ALL.len()], verdict }
    }

    /// The check of a log whose unit an earlier run found right.
    pub fn right() -> UnitCheck {
        UnitCheck { seen: 0, votes: [0; TsUnit::ALL.len()], verdict: UnitVerdict::Right }
    }

    /// The state of the question.
    pub fn verdict(&self) -> UnitVerdict {
        self.verdict
    }

    /// The next frames' hints.
    pub fn observe(&mut self, hints: &[Hint]) {
        for hint in hints {
            if self.verdict != UnitVerdict::Open {
                return;
            }
            match hint {
                Hint::None => continue,
                Hint::Plausible => self.verdict = UnitVerdict::Right,
                Hint::Other(units) => {
                    for (votes, unit) in self.votes.iter_mut().zip(TsUnit::ALL) {
                        *votes += usize::from(units.contains(unit));
                    }
                }
            }
            self.seen += 1;
            if self.seen == UNIT_CHECK_FRAMES {
                self.finish();
            }
        }
    }

    /// There are no more frames, or enough: decide.
    pub fn finish(&mut self) {
        if self.verdict != UnitVerdict::Open {
            return;
        }
        let best = TsUnit::ALL.into_iter().zip(self.votes).max_by_key(|&(_, votes)| votes);
        self.verdict = match best {
            Some((unit, votes)) if 2 * votes > self.seen => UnitVerdict::Wrong(unit),
            _ => UnitVerdict::Right,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(unit: TsUnit) -> Hint {
        Hint::Other(UnitSet::from_iter([unit]))
    }

    #[test]
    fn one_plausible_time_settles_it() {
        let mut check = UnitCheck::new(TsUnit::S);
        check.observe(&[Hint::None, other(TsUnit::Ms), Hint::Plausible]);
        assert_eq!(check.verdict(), UnitVerdict::Right);
    }

    #[test]
    fn a_thousand_milliseconds_are_not_seconds() {
        let mut check = UnitCheck::new(TsUnit::S);
        for n in 1..=UNIT_CHECK_FRAMES {
            assert_eq!(check.verdict(), UnitVerdict::Open, "{n}");
            check.observe(&[Hint::None, other(TsUnit::Ms)]);
        }
        assert_eq!(check.verdict(), UnitVerdict::Wrong(TsUnit::Ms));
    }

    #[test]
    fn a_short_log_is_decided_at_its_end() {
        let mut check = UnitCheck::new(TsUnit::Ms);
        check.observe(&[other(TsUnit::S), Hint::Other(UnitSet::default())]);
        check.finish();
        assert_eq!(check.verdict(), UnitVerdict::Right, "half of them is not most");
        let mut check = UnitCheck::new(TsUnit::Ms);
        check.observe(&[other(TsUnit::S)]);
        check.finish();
        assert_eq!(check.verdict(), UnitVerdict::Wrong(TsUnit::S));
        let mut empty = UnitCheck::new(TsUnit::Ms);
        empty.finish();
        assert_eq!(empty.verdict(), UnitVerdict::Right);
    }

    #[test]
    fn written_times_need_no_check() {
        assert_eq!(UnitCheck::new(TsUnit::Rfc3339).verdict(), UnitVerdict::Right);
    }
}
