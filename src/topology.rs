//! Topology: which stages run on which threads. Decided before anything runs.
//!
//! One thread a core at most, so that no thread ever spins for want of another's core. A thread
//! steps its stages from the output back to the input: what is already counted goes out before
//! more is read, and batches come free before they are wanted.
//!
//! On one core everything is fused; on two, both threads scan and one of them also keeps the
//! clock, counts and writes (measured: three threads with a counter of its own take twice the
//! time). With four and more, the clock with the output and every counter have threads of their
//! own: one counter for each four cores, as counting a frame costs about a quarter of reading and
//! scanning it.

use crate::error::Error;
use crate::limits::STAGE_THREADS_MAX;

/// A stage of the pipeline, by kind and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    /// Reads, cuts and scans.
    Scan(usize),
    /// Judges.
    Clock,
    /// Counts one shard.
    Count(usize),
    /// Writes.
    Output,
}

impl std::fmt::Display for StageKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StageKind::Scan(index) => write!(f, "scan {index}"),
            StageKind::Clock => f.write_str("clock"),
            StageKind::Count(index) => write!(f, "count {index}"),
            StageKind::Output => f.write_str("output"),
        }
    }
}

/// What the user may fix; the rest follows from the cores.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Scanners.
    pub scanners: Option<usize>,
    /// Counters.
    pub counters: Option<usize>,
    /// Whether each thread stays on a core of its own.
    pub pin: bool,
}

/// Which stages run on which threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Cores the process may use.
    pub cores: usize,
    /// Scanners.
    pub scanners: usize,
    /// Counters.
    pub counters: usize,
    /// Each thread's stages in the order in which they are stepped.
    pub threads: Vec<Vec<StageKind>>,
    /// Whether thread *n* stays on the *n*-th core.
    pub pin: bool,
}

/// Cores this process may use: its affinity mask and its share of the control group.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Topology {
    /// The topology for this many cores.
    pub fn new(cores: usize, wish: &Wish) -> Result<Topology, Error> {
        let check = |what: &str, n: usize| {
            if (1..=STAGE_THREADS_MAX).contains(&n) {
                Ok(n)
            } else {
                Err(Error::usage(format!("--{what} must be from 1 to {STAGE_THREADS_MAX}")))
            }
        };
        let cores = cores.max(1);
        let most = STAGE_THREADS_MAX;
        let counters = wish.counters.unwrap_or((cores / 4).clamp(1, most));
        let counters = check("counters", counters)?;
        let scanners = wish.scanners.unwrap_or(match cores {
            1..=3 => cores,
            _ => cores.saturating_sub(counters + 1).clamp(1, most),
        });
        let scanners = check("scanners", scanners)?;
        let threads = cores.min(scanners + counters + 1);
        let last = threads - 1;
        let mut plan = vec![Vec::new(); threads];
        plan[last].push(StageKind::Output);
        for index in 0..counters {
            // Threads between the scanners' and the clock's are for counters; with none left, they
            // are fused from the last thread backwards.
            let own = last.saturating_sub(scanners);
            let thread = match own {
                0 if scanners >= threads => last - index % threads,
                0 => last,
                own => scanners + index % own,
            };
            plan[thread].push(StageKind::Count(index));
        }
        plan[last].push(StageKind::Clock);
        for index in 0..scanners {
            plan[index % threads.min(scanners)].push(StageKind::Scan(index));
        }
        Ok(Topology { cores, scanners, counters, threads: plan, pin: wish.pin })
    }

    /// The thread a stage runs on.
    pub fn thread_of(&self, stage: StageKind) -> usize {
        self.threads
            .iter()
            .position(|stages| stages.contains(&stage))
            .expect("every stage has a thread")
    }
}

impl std::fmt::Display for Topology {
    /// One line: `2 threads: [scan 0] [output, count 0, clock, scan 1]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.threads.len() == 1 { "" } else { "s" };
        write!(f, "{} thread{plural}:", self.threads.len())?;
        for stages in &self.threads {
            let names: Vec<String> = stages.iter().map(StageKind::to_string).collect();
            write!(f, " [{}]", names.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cores: usize, scanners: Option<usize>, counters: Option<usize>, expected: &str) {
        let wish = Wish { scanners, counters, pin: false };
        assert_eq!(Topology::new(cores, &wish).unwrap().to_string(), expected, "{cores} cores");
    }

    #[test]
    fn follows_the_cores() {
        check(1, None, None, "1 thread: [output, count 0, clock, scan 0]");
        check(2, None, None, "2 threads: [scan 0] [output, count 0, clock, scan 1]");
        check(3, None, None, "3 threads: [scan 0] [scan 1] [output, count 0, clock, scan 2]");
        check(4, None, None, "4 threads: [scan 0] [scan 1] [count 0] [output, clock]");
        check(
            8,
            None,
            None,
            "8 threads: [scan 0] [scan 1] [scan 2] [scan 3] [scan 4] [count 0] [count 1] [output, clock]",
        );
    }

    #[test]
    fn follows_the_user() {
        check(2, Some(1), None, "2 threads: [scan 0] [output, count 0, clock]");
        check(
            1,
            Some(2),
            Some(3),
            "1 thread: [output, count 0, count 1, count 2, clock, scan 0, scan 1]",
        );
        check(2, Some(2), Some(2), "2 threads: [count 1, scan 0] [output, count 0, clock, scan 1]");
        check(4, Some(1), Some(1), "3 threads: [scan 0] [count 0] [output, clock]");
    }

    #[test]
    fn every_stage_has_one_thread_and_no_thread_is_idle() {
        for cores in 1..20 {
            for scanners in 1..12 {
                for counters in 1..12 {
                    let wish =
                        Wish { scanners: Some(scanners), counters: Some(counters), pin: false };
                    let topology = Topology::new(cores, &wish).unwrap();
                    let stages: usize = topology.threads.iter().map(Vec::len).sum();
                    assert_eq!(stages, scanners + counters + 2, "{topology}");
                    assert!(topology.threads.iter().all(|stages| !stages.is_empty()), "{topology}");
                    assert!(topology.threads.len() <= cores);
                    for index in 0..scanners {
                        topology.thread_of(StageKind::Scan(index));
                    }
                }
            }
        }
    }

    #[test]
    fn refuses_what_cannot_be() {
        for n in [0, STAGE_THREADS_MAX + 1] {
            let wish = Wish { scanners: Some(n), ..Wish::default() };
            assert!(Topology::new(4, &wish).is_err());
        }
    }
}
