//! Settling a run: the accounts on stderr and in the summary file, and the exit code.

use indicatif::{DecimalBytes, HumanCount};
use serde::Serialize;

use super::complain;
use super::outputs::Output;
use crate::accounts::{Accounts, Cost, Ended, Frames};
use crate::cli::FrameArgs;
use crate::cli::time::Emit;
use crate::clock::calendar::Calendar;
use crate::clock::settings::Late;
use crate::error::{Error, ExitCode};
use crate::log;
use crate::scan::{Kernel, Malformed};
use crate::topology::Topology;

/// The summary file: accounts, cost, and the settings they were got with.
#[derive(Serialize)]
pub struct Summary {
    /// The program's version.
    pub headcount: &'static str,
    /// The accounts.
    #[serde(flatten)]
    pub accounts: Accounts,
    /// The cost.
    #[serde(flatten)]
    pub cost: Cost,
    /// The kernel that scanned.
    pub kernel: &'static str,
    /// Each thread's stages.
    pub topology: Vec<Vec<String>>,
    /// Inputs, in order.
    pub inputs: Vec<String>,
    /// The topic, where one was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicSummary>,
    /// Settings the answer depends on.
    pub settings: Settings,
}

/// A topic that was read.
#[derive(Serialize)]
pub struct TopicSummary {
    /// Its name.
    pub name: String,
    /// Its id: another one each time a topic of this name is made.
    pub id: String,
    /// Its cluster's id.
    pub cluster_id: Option<String>,
    /// How far its partitions were read.
    pub partitions: Vec<PartitionSummary>,
}

/// How far a partition was read.
#[derive(Serialize)]
pub struct PartitionSummary {
    /// Which.
    pub partition: u32,
    /// The first offset that was to be read.
    pub entered: u64,
    /// The offset after the last one read.
    pub next: u64,
    /// Before which offset it was to be left, if that was known.
    pub until: Option<u64>,
}

/// Settings the answer depends on.
#[derive(Serialize)]
pub struct Settings {
    /// Lengths of the windows counted.
    pub windows: Vec<String>,
    /// Days before a window whose users are said to return, if any are.
    pub returning_days: Option<u8>,
    /// Time zones, in the order given.
    pub timezones: Vec<String>,
    /// The release of the time zone data.
    pub timezone_data: &'static str,
    /// Where the time stands.
    pub ts_field: String,
    /// Where the user stands.
    pub uid_field: String,
    /// What the time counts.
    pub ts_unit: String,
    /// Whether whole frames were checked.
    pub validate: bool,
    /// How long a window stays open after its end, seconds.
    pub max_lag_s: u32,
    /// What became of late frames.
    pub late: &'static str,
    /// How long a window is kept besides, seconds.
    pub keep_s: u32,
    /// How often results come out again at most, seconds.
    pub every_s: u32,
    /// What was put out besides final results.
    pub emit: &'static str,
    /// Whether empty windows were put out.
    pub fill: bool,
    /// How many frames had to agree on a time.
    pub agree: String,
    /// How far ahead a frame was counted at once, seconds.
    pub max_ahead_s: u32,
    /// The wall clock, where it stood still, unix seconds.
    pub now_s: Option<i64>,
    /// The share of refused frames that would have stopped the run.
    pub max_refused: Option<f64>,
}

impl Settings {
    /// The settings given by these flags.
    pub fn of(args: &FrameArgs) -> Settings {
        Settings {
            windows: args.windows.windows.iter().map(ToString::to_string).collect(),
            returning_days: args.windows.returning,
            timezones: args.windows.timezone.iter().map(ToString::to_string).collect(),
            timezone_data: Calendar::zone_data(),
            ts_field: args.ts_field.to_string(),
            uid_field: args.uid_field.to_string(),
            ts_unit: args.ts_unit.to_string(),
            validate: args.validate,
            max_lag_s: args.time.max_lag,
            late: match args.time.late {
                Late::Revise => "revise",
                Late::Drop => "drop",
            },
            keep_s: args.time.keep,
            every_s: args.time.every,
            emit: match args.time.emit {
                Emit::Final => "final",
                Emit::Updates => "updates",
            },
            fill: args.time.fill,
            agree: args.time.agree.to_string(),
            max_ahead_s: args.time.max_ahead,
            now_s: args.time.now,
            max_refused: args.time.max_refused,
        }
    }
}

impl Summary {
    /// Puts it together.
    pub fn new(
        accounts: Accounts,
        cost: Cost,
        topology: &Topology,
        inputs: Vec<String>,
        args: &FrameArgs,
    ) -> Summary {
        Summary {
            headcount: env!("CARGO_PKG_VERSION"),
            accounts,
            cost,
            kernel: Kernel::best().name(),
            topology: topology
                .threads
                .iter()
                .map(|stages| stages.iter().map(ToString::to_string).collect())
                .collect(),
            inputs,
            topic: None,
            settings: Settings::of(args),
        }
    }

    /// Writes it to a file.
    pub fn write(&self, to: Output) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|e| Error::output(to.name(), e.into()))?;
        to.write(&(text + "\n"))
    }

    /// Says the accounts, a line at a time; the figures go with the first.
    fn say(&self) {
        let mut lines = self.lines().into_iter();
        let Some(first) = lines.next() else { return };
        let Summary { accounts: Accounts { frames, bytes, windows, .. }, cost, .. } = self;
        tracing::info!(
            target: log::ACCOUNTS,
            frames_read = frames.frames_read,
            counted = frames.counted,
            refused_late = frames.refused_late,
            refused_future = frames.refused_future,
            refused_gone = frames.refused_gone,
            malformed = frames.malformed,
            empty = frames.empty,
            parked = frames.parked,
            results = windows,
            bytes,
            seconds = cost.seconds,
            cpu_seconds = cost.cpu_seconds,
            peak_memory_bytes = cost.peak_memory_bytes,
            "{first}"
        );
        for line in lines {
            tracing::info!(target: log::ACCOUNTS, "{line}");
        }
    }

    /// The accounts as lines for people.
    pub fn lines(&self) -> Vec<String> {
        let Summary { accounts, cost, .. } = self;
        let frames = &accounts.frames;
        let mut lines = vec![format!(
            "{}, {} in {:.2} s: {} frames/s, {:.2} GB/s; CPU {:.2} s, peak memory {}",
            count(frames.frames_read, "frame"),
            DecimalBytes(accounts.bytes),
            cost.seconds,
            HumanCount(whole(cost.frames_per_s)),
            cost.gb_per_s,
            cost.cpu_seconds,
            cost.peak_memory_bytes
                .map_or("unknown".into(), |bytes| DecimalBytes(bytes).to_string()),
        )];
        lines.push(format!(
            "{} read = {} counted + {} late + {} malformed{}{}; {} put out, {} in open windows at most",
            HumanCount(frames.frames_read),
            HumanCount(frames.counted),
            HumanCount(frames.refused_late),
            HumanCount(frames.malformed),
            reasons(accounts),
            others(frames),
            count(accounts.windows, "result"),
            count(accounts.users_peak, "user"),
        ));
        let without = |reason: Malformed| frames.malformed_by_reason.0[reason.index()];
        let without_fields = without(Malformed::NoTs) + without(Malformed::NoUid);
        if frames.counted == 0 && without_fields > 0 && frames.malformed == frames.frames_read {
            lines.push(
                "no frame has both fields: name them with --ts-field and --uid-field \
                 (a dotted path leads into objects)"
                    .into(),
            );
        }
        if accounts.gaps > 0 {
            lines.push(format!(
                "{} of {} that were deleted before they were read: windows about them are not complete",
                count(accounts.gaps, "gap"),
                count(accounts.offsets_skipped, "offset"),
            ));
        }
        let open = match accounts.ended {
            Ended::Done => None,
            Ended::Interrupted => Some("interrupted"),
            Ended::OutputClosed => Some("the output was closed"),
            Ended::Failed => Some("it failed"),
        };
        if let Some(why) = open {
            lines.push(format!(
                "{why}: {} still open and not put out, with {}",
                count(accounts.windows_left_open, "window"),
                count(accounts.frames_left_open, "frame"),
            ));
        }
        let busy: Vec<String> = cost
            .stages
            .iter()
            .map(|stage| format!("{} {:.0} %", stage.stage, stage.utilisation * 100.0))
            .collect();
        lines.push(format!(
            "{}, kernel {}; busy: {}",
            count(self.topology.len() as u64, "thread"),
            self.kernel,
            busy.join(", ")
        ));
        lines
    }
}

fn reasons(accounts: &Accounts) -> String {
    let named: Vec<String> = Malformed::ALL
        .into_iter()
        .map(|reason| (reason, accounts.frames.malformed_by_reason.0[reason.index()]))
        .filter(|&(_, frames)| frames > 0)
        .map(|(reason, frames)| format!("{} {}", HumanCount(frames), reason.as_str()))
        .collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

/// What only topics have, where there is any of it.
fn others(frames: &Frames) -> String {
    let named = [
        (frames.refused_future, "future"),
        (frames.refused_gone, "gone"),
        (frames.parked, "waiting"),
        (frames.out_before, "out before"),
        (frames.empty, "tombstones"),
    ];
    let some = named.iter().filter(|(frames, _)| *frames > 0);
    some.map(|(frames, what)| format!(" + {} {what}", HumanCount(*frames))).collect()
}

/// So many of something, for people.
pub fn count(n: u64, one: &str) -> String {
    format!("{} {one}{}", HumanCount(n), if n == 1 { "" } else { "s" })
}

/// A rate for people.
pub fn whole(rate: f64) -> u64 {
    // Rounded down; no rate is negative or anywhere near 2^64.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = rate as u64;
    whole
}

/// Says the accounts, writes the summary, and gives the exit code.
pub fn settle(
    summary: &Summary,
    failed: Option<Error>,
    summary_to: Option<Output>,
    quiet: bool,
) -> Result<ExitCode, Error> {
    if !quiet {
        summary.say();
    }
    if let Some(error) = &failed {
        complain(error);
    }
    if let Some(to) = summary_to {
        summary.write(to)?;
    }
    Ok(summary.accounts.exit_code(failed.as_ref()))
}
