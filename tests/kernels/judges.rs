//! All that may be asked about a frame under one set of settings.

use headcount::scan::{Kernel, Malformed, ScanSettings, Scanner, TsUnit};
use headcount::verify::{naive, oracle};

/// A fact of its own, or why there is none.
pub(crate) type Answer = Result<(i64, Vec<u8>), Malformed>;

pub(crate) struct Judges {
    pub(crate) settings: ScanSettings,
    scanners: Vec<(Kernel, Scanner)>,
    validating: Vec<(Kernel, Scanner)>,
    asked: Asked,
}

/// How many answers were compared; a long test says so when it is over.
#[derive(Default)]
struct Asked {
    kernels: u64,
    peer: u64,
    oracle: u64,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Asked { kernels, peer, oracle } = self;
        if *kernels >= 10_000 {
            eprintln!(
                "judged: {kernels} by every kernel, {peer} by the peer, {oracle} by the oracle"
            );
        }
    }
}

impl Judges {
    pub(crate) fn new(settings: ScanSettings) -> Judges {
        let scanners = |validate| {
            let scanner = |kernel| ScanSettings { kernel, validate, ..settings.clone() };
            let all = Kernel::all().into_iter();
            all.map(|kernel| (kernel, Scanner::new(&scanner(kernel)))).collect()
        };
        let (scanners, validating) = (scanners(false), scanners(true));
        Judges { scanners, validating, settings, asked: Asked::default() }
    }

    pub(crate) fn fields(ts: &str, uid: &str, ts_unit: TsUnit) -> Judges {
        Judges::new(ScanSettings {
            ts_field: ts.parse().unwrap(),
            uid_field: uid.parse().unwrap(),
            ts_unit,
            ..ScanSettings::default()
        })
    }

    /// What every kernel says.
    pub(crate) fn kernels(&mut self, frame: &[u8]) -> Answer {
        self.asked.kernels += 1;
        let mut answers = self.scanners.iter_mut().map(|(kernel, scanner)| {
            (*kernel, scanner.scan(frame).map(|fact| (fact.ts_s, fact.uid.to_vec())))
        });
        let (_, first) = answers.next().unwrap();
        for (kernel, answer) in answers {
            assert_eq!(answer, first, "{} on {}", kernel.name(), shown(frame));
        }
        first
    }

    /// What every kernel says, and the peer too.
    pub(crate) fn with_peer(&mut self, frame: &[u8]) -> Answer {
        self.asked.peer += 1;
        let answer = self.kernels(frame);
        assert_eq!(answer, naive::read(frame, &self.settings), "the peer on {}", shown(frame));
        answer
    }

    /// What every kernel, the peer and the oracle say. The oracle does not speak of invalid JSON.
    pub(crate) fn all(&mut self, frame: &[u8]) -> Answer {
        let answer = self.with_peer(frame);
        let oracle = oracle::read(frame, &self.settings);
        if oracle != Err(Malformed::Invalid) {
            self.asked.oracle += 1;
            assert_eq!(answer, oracle, "the oracle on {}", shown(frame));
        }
        answer
    }

    /// With `validate` every kernel's facts are exactly the oracle's, on all bytes; and it moves
    /// frames from counted to invalid, and no others.
    pub(crate) fn with_validate(&mut self, frame: &[u8]) {
        let free = self.kernels(frame);
        let oracle = oracle::read(frame, &self.settings);
        for (kernel, scanner) in &mut self.validating {
            let strict = scanner.scan(frame).map(|fact| (fact.ts_s, fact.uid.to_vec()));
            let what = || format!("{} on {}", kernel.name(), shown(frame));
            assert_eq!(strict.as_ref().ok(), oracle.as_ref().ok(), "{}", what());
            match strict {
                Err(Malformed::Invalid) => assert!(free.is_ok(), "{}", what()),
                _ => assert_eq!(strict, free, "{}", what()),
            }
        }
    }
}

/// A frame in a message.
pub(crate) fn shown(frame: &[u8]) -> String {
    let shown = &frame[..frame.len().min(4000)];
    format!("{} bytes: {}", frame.len(), shown.escape_ascii())
}
