//! What to look for, and with which kernel.

use super::generic::{ValuesFn, values};
use super::portable::Portable;
use super::{FieldPath, TsUnit};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

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
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512BW.
    Avx512,
}

impl Kernel {
    /// Every kernel there is, the slowest first.
    const ALL: [Kernel; 3] = [Kernel::Portable, Kernel::Avx2, Kernel::Avx512];

    /// The fastest this machine has.
    #[must_use]
    pub fn best() -> Kernel {
        Kernel::all().pop().unwrap_or(Kernel::Portable)
    }

    /// All this machine has, the slowest first.
    #[must_use]
    pub fn all() -> Vec<Kernel> {
        Kernel::ALL.into_iter().filter(|kernel| kernel.is_here()).collect()
    }

    /// The name in the summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Portable => "portable",
            Kernel::Avx2 => "avx2",
            Kernel::Avx512 => "avx512",
        }
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn is_here(self) -> bool {
        match self {
            Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::is_here(),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::is_here(),
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Avx2 | Kernel::Avx512 => false,
        }
    }

    /// The one function of a kernel, for a machine that has it: whoever asks for another is told
    /// here, before anything runs.
    pub(super) fn values_fn(self) -> ValuesFn {
        assert!(self.is_here(), "this machine has no kernel '{}'", self.name());
        match self {
            Kernel::Portable => values::<Portable>,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::values_avx2,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::values_avx512,
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Avx2 | Kernel::Avx512 => values::<Portable>,
        }
    }
}
