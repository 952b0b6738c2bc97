//! What to look for, and with which kernel.

use super::fields::{ReadFn, read};
use super::portable::Portable;
use super::{FieldPath, TsUnit};

/// What a scanner needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanSettings {
    /// Where the time stands.
    pub ts_field: FieldPath,
    /// Where the user stands.
    pub uid_field: FieldPath,
    /// What the time counts.
    pub ts_unit: TsUnit,
    /// Whether the whole frame must be JSON.
    pub validate: bool,
    /// By which instructions.
    pub kernel: Kernel,
}

impl Default for ScanSettings {
    fn default() -> ScanSettings {
        let member = |name| FieldPath::member(name).expect("the default names are not empty");
        ScanSettings {
            ts_field: member("ts"),
            uid_field: member("uid"),
            ts_unit: TsUnit::S,
            validate: false,
            kernel: Kernel::best(),
        }
    }
}

/// The instructions to scan with. All give the same answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Any machine.
    Portable,
}

impl Kernel {
    /// The fastest this machine has.
    #[must_use]
    pub fn best() -> Kernel {
        Kernel::Portable
    }

    /// All this machine has, the slowest first.
    #[must_use]
    pub fn all() -> Vec<Kernel> {
        vec![Kernel::Portable]
    }

    /// The name in the summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Portable => "portable",
        }
    }

    pub(super) fn read_fn(self) -> ReadFn {
        match self {
            Kernel::Portable => read::<Portable>,
        }
    }
}
