//! The units a timestamp may be in, and small sets of them.

use std::fmt;

/// What a frame's timestamp counts, or that it is a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum TsUnit {
    /// Seconds of unix time.
    #[default]
    S,
    /// Milliseconds of unix time.
    Ms,
    /// Microseconds of unix time.
    Us,
    /// Nanoseconds of unix time.
    Ns,
    /// A text such as 2023-11-14T22:13:20.5Z.
    Rfc3339,
}

impl TsUnit {
    /// All units, the smallest set bit first.
    pub(crate) const ALL: [TsUnit; 5] =
        [TsUnit::S, TsUnit::Ms, TsUnit::Us, TsUnit::Ns, TsUnit::Rfc3339];

    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TsUnit::S => "s",
            TsUnit::Ms => "ms",
            TsUnit::Us => "us",
            TsUnit::Ns => "ns",
            TsUnit::Rfc3339 => "rfc3339",
        }
    }

    /// By which power of ten a number is divided to make it seconds; none where it is no number.
    pub(super) fn scale(self) -> Option<u32> {
        match self {
            TsUnit::S => Some(0),
            TsUnit::Ms => Some(3),
            TsUnit::Us => Some(6),
            TsUnit::Ns => Some(9),
            TsUnit::Rfc3339 => None,
        }
    }

    /// What a number is divided by to make it seconds; none where it is no number.
    #[inline(always)]
    pub(super) fn divisor(self) -> Option<u64> {
        match self {
            TsUnit::S => Some(1),
            TsUnit::Ms => Some(1_000),
            TsUnit::Us => Some(1_000_000),
            TsUnit::Ns => Some(1_000_000_000),
            TsUnit::Rfc3339 => None,
        }
    }
}

impl fmt::Display for TsUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of units, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitSet(u8);

impl UnitSet {
    pub(super) fn insert(&mut self, unit: TsUnit) {
        self.0 |= 1 << unit as u8;
    }

    /// Whether the unit is in it.
    #[must_use]
    pub fn contains(self, unit: TsUnit) -> bool {
        self.0 >> unit as u8 & 1 == 1
    }

    /// Whether no unit is.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its units, the coarsest first.
    pub fn iter(self) -> impl Iterator<Item = TsUnit> {
        TsUnit::ALL.into_iter().filter(move |&unit| self.contains(unit))
    }
}

impl FromIterator<TsUnit> for UnitSet {
    fn from_iter<I: IntoIterator<Item = TsUnit>>(units: I) -> UnitSet {
        let mut set = UnitSet::default();
        units.into_iter().for_each(|unit| set.insert(unit));
        set
    }
}
