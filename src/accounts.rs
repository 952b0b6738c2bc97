//! The accounts of a run: what became of every frame, checked by the program itself.
//!
//! `frames_read = counted + refused_late + refused_future + refused_gone + out_before + malformed +
//! empty + parked`. The terms are counted in different places (scanners, clock, counters, output), so that
//! a frame lost on the way between them shows.

use std::time::Duration;

use serde::Serialize;

use crate::batch::Tally;
use crate::clock::calendar::SeriesName;
use crate::clock::judged::{Judged, SeriesJudged};
use crate::engine::Outcome;
use crate::error::{Error, ExitCode};
use crate::ring::StopReason;
use crate::scan::Malformed;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The input was read to its end.
    Done,
    /// By SIGINT or SIGTERM.
    Interrupted,
    /// Whoever read the results closed the pipe.
    OutputClosed,
    /// It failed.
    Failed,
}

/// What became of the frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Frames {
    /// Frames read: all lines but blank ones.
    pub frames_read: u64,
    /// Counted in at least one window.
    pub counted: u64,
    /// Their windows were over before they came.
    pub refused_late: u64,
    /// Too far ahead of their partition for too long.
    pub refused_future: u64,
    /// On time, but their window was no longer kept.
    pub refused_gone: u64,
    /// Passed over: an earlier run, which this one goes on with, put their window out.
    pub out_before: u64,
    /// Not what a frame must be, all reasons.
    pub malformed: u64,
    /// Kafka tombstones.
    pub empty: u64,
    /// Too far ahead, and still waiting when the log was broken off.
    pub parked: u64,
    /// Of an earlier run, which this one goes on with, and waiting when it began: they come on top of those
    /// read.
    #[serde(skip_serializing_if = "is_zero")]
    pub parked_before: u64,
    /// The malformed ones by reason.
    pub malformed_by_reason: MalformedByReason,
    /// What became of those judged, for each kind of windows.
    pub by_windows: Vec<ByWindows>,
}

/// What became of frames in the windows of one length and zone. One refused here may be counted in
/// others. Of rolling windows, several of which hold a frame, it is counted here once, and refused only
/// where all of them refuse it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByWindows {
    /// The length.
    pub window: String,
    /// The zone, where it is not UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Frames counted in at least one window.
    pub counted: u64,
    /// Those of them that were late for one they were counted in, and revised a result.
    pub late: u64,
    /// Frames refused as late.
    pub refused_late: u64,
    /// On time, but the window was no longer kept.
    pub refused_gone: u64,
    /// Results put out, by all revisions.
    pub results: u64,
}

impl ByWindows {
    fn new((name, judged): (&SeriesName, &SeriesJudged)) -> ByWindows {
        ByWindows {
            window: name.window.to_string(),
            zone: name.zone.as_deref().map(str::to_owned),
            counted: judged.counted,
            late: judged.late,
            refused_late: judged.refused_late,
            refused_gone: judged.refused_gone,
            results: judged.results,
        }
    }
}

/// Malformed frames by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MalformedByReason(pub [u64; Malformed::ALL.len()]);

impl Serialize for MalformedByReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            Malformed::ALL.into_iter().map(|reason| (reason.as_str(), self.0[reason.index()])),
        )
    }
}

/// The accounts.
#[derive(Clone, Debug, Serialize)]
pub struct Accounts {
    /// How it ended.
    pub ended: Ended,
    /// What failed, if anything did.
    pub error: Option<String>,
    /// What became of the frames.
    #[serde(flatten)]
    pub frames: Frames,
    /// The same from the first run on, where checkpoints are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_first_checkpoint: Option<Frames>,
    /// Lines that held nothing.
    pub blank_lines: u64,
    /// Times that messages of a topic were lost before they could be read.
    pub gaps: u64,
    /// Offsets that were lost so; not every offset need have been a message.
    pub offsets_skipped: u64,
    /// Bytes of input, uncompressed.
    pub bytes: u64,
    /// Results put out.
    pub windows: u64,
    /// Results that could not be written.
    pub windows_withheld: u64,
    /// Windows that were open when the log was broken off, and so not put out.
    pub windows_left_open: u64,
    /// Frames counted in those.
    pub frames_left_open: u64,
    /// Rolling windows whose last day had not begun at the end of the log, and so not put out.
    pub windows_not_begun: u64,
    /// Frames counted in those.
    pub frames_not_begun: u64,
    /// Windows open at once at most.
    pub windows_open_peak: u64,
    /// The largest sum of the users of all windows open at once: a user of two windows counts
    /// twice. With several counters the sum of their peaks, which need not have come at the same
    /// time.
    pub users_peak: u64,
    /// Users each result may be short of at most: every refused frame may have brought one.
    pub error_estimate: ErrorEstimate,
}

/// How far off the counts can be.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ErrorEstimate {
    /// Counts are exact for the frames counted.
    pub counted_frames: u64,
    /// Frames with a time and a uid that were refused: no count is short of more users.
    pub refused_frames: u64,
    /// Frames that could not be read: they may have been anybody's.
    pub malformed_frames: u64,
}

impl Accounts {
    /// Draws up the accounts of a counting run, and checks them. The error, if any, comes beside
    /// them: they are worth showing all the same.
    pub fn of(outcome: &mut Outcome, stopped: StopReason) -> (Accounts, Option<Error>) {
        let clock = &outcome.clock;
        let names = clock.names.as_deref().unwrap_or_default();
        let (all, tally) = (&clock.judged, clock.tally);
        let judged = all.since(&clock.judged_before);
        let frames = Frames::new(&tally, &judged, clock.parked_before, names);
        let since_first_checkpoint = clock.tally_before.map(|mut of_all| {
            of_all.add(&tally);
            Frames::new(&of_all, all, 0, names)
        });
        let failed = outcome
            .failed
            .take()
            .or(outcome.clock.failed.take())
            .or(outcome.output.failed.take())
            .or_else(|| {
                let since_first = since_first_checkpoint.as_ref();
                disagreement(outcome, &judged, &frames, since_first).map(Error::Disagree)
            });
        let ended = match (&failed, stopped) {
            (Some(_), _) | (None, StopReason::Failed) => Ended::Failed,
            (None, StopReason::Interrupted) => Ended::Interrupted,
            (None, StopReason::OutputClosed) => Ended::OutputClosed,
            (None, StopReason::Running) => Ended::Done,
        };
        let accounts = Accounts {
            ended,
            error: failed.as_ref().map(Error::to_string),
            error_estimate: ErrorEstimate {
                counted_frames: frames.counted,
                refused_frames: frames.refused_late + frames.refused_future + frames.refused_gone,
                malformed_frames: frames.malformed,
            },
            frames,
            since_first_checkpoint,
            blank_lines: tally.blank_lines,
            gaps: judged.gaps,
            offsets_skipped: judged.offsets_skipped,
            bytes: tally.bytes,
            windows: outcome.output.written,
            windows_withheld: outcome.output.withheld,
            windows_left_open: judged.left_open,
            frames_left_open: judged.frames_left_open,
            windows_not_begun: judged.not_begun,
            frames_not_begun: judged.frames_not_begun,
            windows_open_peak: judged.open_peak as u64,
            users_peak: outcome.counted.users_peak,
        };
        (accounts, failed)
    }

    /// The exit code of the run.
    pub fn exit_code(&self, failed: Option<&Error>) -> ExitCode {
        match (failed, self.ended) {
            (Some(error), _) => error.exit_code(),
            (None, Ended::Interrupted) => ExitCode::Interrupted,
            (None, Ended::Failed) => ExitCode::Failed,
            (None, Ended::Done | Ended::OutputClosed) => ExitCode::Done,
        }
    }
}

impl Frames {
    fn new(tally: &Tally, judged: &Judged, parked_before: u64, names: &[SeriesName]) -> Frames {
        Frames {
            frames_read: tally.frames,
            counted: judged.counted,
            refused_late: judged.refused_late,
            refused_future: judged.refused_future,
            refused_gone: judged.refused_gone,
            out_before: judged.out_before,
            parked: judged.parked,
            parked_before,
            empty: tally.empty,
            malformed: tally.malformed_total(),
            malformed_by_reason: MalformedByReason(tally.malformed),
            by_windows: names.iter().zip(&judged.by_series).map(ByWindows::new).collect(),
        }
    }

    /// All that became of frames.
    fn accounted(&self) -> u64 {
        self.counted
            + self.refused_late
            + self.refused_future
            + self.refused_gone
            + self.out_before
            + self.malformed
            + self.empty
            + self.parked
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What in the accounts does not add up, if anything. `judged` is what became of this run's frames.
fn disagreement(
    outcome: &Outcome,
    judged: &Judged,
    frames: &Frames,
    since_first: Option<&Frames>,
) -> Option<String> {
    let Frames { frames_read, parked_before, counted, .. } = *frames;
    let (read, became) = since_first.map_or((0, 0), |all| (all.frames_read, all.accounted()));
    // Windows are kept from run to run, with their frames.
    let all = &outcome.clock.judged;
    let checks = [
        (
            "frames read",
            frames_read + parked_before,
            "counted, refused and malformed",
            frames.accounted(),
        ),
        ("frames read by all runs", read, "counted, refused and malformed by all", became),
        ("frames the clock was given", frames_read, "frames scanned", outcome.read.frames),
        (
            "bytes the clock was told of",
            outcome.clock.tally.bytes,
            "bytes read",
            outcome.read.bytes,
        ),
        (
            "frames the clock let in or remembered",
            counted + judged.remembered,
            "frames counted",
            outcome.counted.frames,
        ),
        (
            "frames the clock let into windows, one for each",
            all.in_windows,
            "frames of windows put out, left open and not begun",
            all.frames_put_out + all.frames_left_open + all.frames_not_begun,
        ),
        (
            "windows closed",
            judged.results,
            "results written and withheld",
            outcome.output.written + outcome.output.withheld,
        ),
    ];
    let wrong: Vec<String> = checks
        .iter()
        .filter(|(_, left, _, right)| left != right)
        .map(|(what, left, other, right)| format!("{what}: {left}, but {other}: {right}"))
        .chain(outcome.output.incomplete.then(|| "a counter was gone before its count".into()))
        .collect();
    (!wrong.is_empty()).then(|| {
        format!("the accounts do not add up, do not trust these results: {}", wrong.join("; "))
    })
}

/// What a run cost.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Seconds from the start of the threads to the end of the last.
    pub seconds: f64,
    /// Frames a second.
    pub frames_per_s: f64,
    /// 10⁹ bytes of uncompressed input a second.
    pub gb_per_s: f64,
    /// Seconds of CPU, user and system, of the whole process so far.
    pub cpu_seconds: f64,
    /// Most memory resident at once, bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Each stage's share of its thread's time.
    pub stages: Vec<StageCost>,
}

/// What one stage cost.
#[derive(Clone, Debug, Serialize)]
pub struct StageCost {
    /// Its name.
    pub stage: String,
    /// Seconds in steps that did something.
    pub busy_seconds: f64,
    /// The share of the run's time.
    pub utilisation: f64,
}

impl Cost {
    /// The cost of a run that read this much.
    pub fn of(outcome: &Outcome) -> Cost {
        let seconds = outcome.elapsed.as_secs_f64();
        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let per_s = |n: u64| if seconds > 0.0 { n as f64 / seconds } else { 0.0 };
        let cost = |(stage, busy): &(String, Duration)| StageCost {
            stage: stage.clone(),
            busy_seconds: busy.as_secs_f64(),
            utilisation: if seconds > 0.0 { busy.as_secs_f64() / seconds } else { 0.0 },
        };
        Cost {
            seconds,
            frames_per_s: per_s(outcome.read.frames),
            gb_per_s: per_s(outcome.read.bytes) / 1e9,
            cpu_seconds: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            peak_memory_bytes: peak_memory_bytes(),
            stages: outcome.busy.iter().map(cost).collect(),
        }
    }
}

/// Most memory this process had resident at once, as the kernel says (`VmHWM`).
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
