//! `headcount generate`: a seeded stream of sample frames, to a file or stdout (to a topic: `fill.rs`).
//!
//! A preset (`--kind`) with each flag given laid over it. A closed pipe is no error; a file that
//! cannot be written is one that names the file. Nothing is printed here.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::cli::kafka::FillArgs;
use crate::cli::log::LogArgs;
use crate::generate::{
    FieldOrder, Generator, Late, LineEnd, Skew, TsUnit, UidForm, Workload, Written,
};

/// Bytes of a pipe's buffer, where the kernel grants it: a pipe of 64 KiB is slow.
const PIPE_BYTES: usize = 1024 * 1024;

/// What the settings are before the other flags change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// The benchmark stream: nothing wrong with it.
    Plain,
    /// Zipf users, mixed orders, forms and line ends, escapes, late, flipped, repeated and
    /// malformed frames.
    Hostile,
}

/// Arguments of `headcount generate`. Counts and sizes may be written `1_000_000`, `1M`, `2GB`,
/// `64KiB`; shares `0.01` or `1%`, of all frames.
#[derive(Debug, Clone, clap::Args)]
pub struct GenerateArgs {
    /// Preset that the other flags change; their defaults are given as plain/hostile
    #[arg(long, value_enum, default_value_t = Kind::Plain)]
    pub kind: Kind,
    /// File to write; a file there is replaced [default: stdout]. With --brokers: topic to add to
    #[arg(long, short, value_name = "FILE|TOPIC")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    /// How a topic is filled.
    pub topic: FillArgs,
    /// Threads that make frames; the bytes are the same for any number [default: one per core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Where all randomness comes from [default: 1]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub seed: Option<u64>,
    /// Frames to make [default: 1M]
    #[arg(long, value_name = "N", value_parser = parse_count, conflicts_with = "size")]
    pub frames: Option<u64>,
    /// As many frames as take about this many bytes, instead of --frames
    #[arg(long, value_name = "BYTES", value_parser = parse_count)]
    pub size: Option<u64>,
    /// Users the frames are drawn from [default: 100K]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub users: Option<u64>,
    /// How often each user is drawn: uniform, or zipf:EXPONENT in steps of 0.25, user 0 the most
    /// frequent [default: uniform/zipf:1]
    #[arg(long, value_name = "SKEW", value_parser = parse_skew)]
    pub skew: Option<Skew>,
    /// Frames a second of event time [default: 1000]
    #[arg(long, value_name = "PER_S", value_parser = parse_rate)]
    pub rate: Option<f64>,
    /// Time of the first frame, unix seconds [default: 1700000000]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub start: Option<i64>,
    /// Bytes of a frame on average, 10 % more or less; at least what ts and uid take [default:
    /// 2080]
    #[arg(long, value_name = "BYTES", value_parser = parse_count)]
    pub frame_bytes: Option<u64>,
    /// Which field stands first [default: ts-first/mixed]
    #[arg(long, value_enum)]
    pub order: Option<FieldOrder>,
    /// Share of a frame within which both fields lie, on average [default: 20%/50%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub field_span: Option<f64>,
    /// Unit of ts [default: s]
    #[arg(long, value_enum)]
    pub ts_unit: Option<TsUnit>,
    /// What uids look like [default: plain/mixed]
    #[arg(long, value_enum)]
    pub uid_form: Option<UidForm>,
    /// What ends a frame [default: lf/mixed]
    #[arg(long, value_enum)]
    pub line_end: Option<LineEnd>,
    /// Keys and text that look like ts and uid [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub lookalikes: Option<bool>,
    /// Frames whose uid or keys are written with \u escapes [default: 0/10%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub escapes: Option<f64>,
    /// Frames whose ts is in a string, or has a fraction or an exponent [default: 0/10%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub odd_ts: Option<f64>,
    /// Frames with white space around the fields [default: 0/10%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub spaces: Option<f64>,
    /// Frames with a second ts and uid at the root, which do not count [default: 0/5%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub repeated_keys: Option<f64>,
    /// Late frames and their longest delay, e.g. 1%:5s; may be given several times [default:
    /// none/1%:5s and 0.1%:10m]
    #[arg(long, value_name = "SHARE:DELAY", value_parser = parse_late)]
    pub late: Vec<Late>,
    /// Frames with one random bit of their 64-bit time flipped [default: 0/0.1%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub flips: Option<f64>,
    /// Exact repeats of one of the 16 frames before [default: 0/1%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub duplicates: Option<f64>,
    /// Malformed frames of all kinds [default: 0/1%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub malformed: Option<f64>,
    #[command(flatten)]
    /// What is said meanwhile.
    pub log: LogArgs,
}

/// Makes the stream; gives what was written, or `None` where the reader closed the pipe before the
/// end.
///
/// # Errors
/// `InvalidInput` for settings that cannot be met; else what stopped the output, naming it.
pub fn run(args: &GenerateArgs) -> io::Result<Option<Written>> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let generator = args.generator().map_err(invalid)?;
    let threads = args.threads()?;
    let name = args.output.as_deref().unwrap_or(Path::new("stdout"));
    let written = open(args.output.as_deref())
        .and_then(|mut out| generator.write_to(&mut out as &mut dyn Write, threads));
    match written {
        Ok(written) => Ok(Some(written)),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", name.display()))),
    }
}

/// The output as a file without a buffer: whole blocks are written at once.
fn open(path: Option<&Path>) -> io::Result<File> {
    let out = match path {
        Some(path) => File::create(path)?,
        None => File::from(io::stdout().as_fd().try_clone_to_owned()?),
    };
    // refused where it is no pipe, or above the user's limit: slower, but as right
    rustix::pipe::fcntl_setpipe_size(&out, PIPE_BYTES).ok();
    Ok(out)
}

impl GenerateArgs {
    /// The generator of the stream asked for.
    ///
    /// # Errors
    /// The setting that cannot be met.
    pub fn generator(&self) -> Result<Generator, String> {
        let mut generator = self.workload().generator()?;
        if let Some(bytes) = self.size {
            generator.resize(bytes)?;
        }
        Ok(generator)
    }

    /// The threads that make frames.
    ///
    /// # Errors
    /// The cores cannot be told.
    pub fn threads(&self) -> io::Result<usize> {
        match self.threads {
            Some(threads) => Ok(threads),
            None => Ok(std::thread::available_parallelism()?.get()),
        }
    }

    /// The settings: the preset with the flags laid over it. `--size` is not in them.
    pub fn workload(&self) -> Workload {
        let preset = match self.kind {
            Kind::Plain => Workload::default(),
            Kind::Hostile => Workload::hostile(),
        };
        Workload {
            frames: self.frames.unwrap_or(preset.frames),
            users: self.users.unwrap_or(preset.users),
            skew: self.skew.unwrap_or(preset.skew),
            rate_per_s: self.rate.unwrap_or(preset.rate_per_s),
            start_s: self.start.unwrap_or(preset.start_s),
            frame_bytes: self.frame_bytes.map_or(preset.frame_bytes, |bytes| {
                usize::try_from(bytes).unwrap_or(usize::MAX) // refused by check
            }),
            order: self.order.unwrap_or(preset.order),
            field_span: self.field_span.unwrap_or(preset.field_span),
            ts_unit: self.ts_unit.unwrap_or(preset.ts_unit),
            uid_form: self.uid_form.unwrap_or(preset.uid_form),
            line_end: self.line_end.unwrap_or(preset.line_end),
            lookalikes: self.lookalikes.unwrap_or(preset.lookalikes),
            escapes: self.escapes.unwrap_or(preset.escapes),
            odd_ts: self.odd_ts.unwrap_or(preset.odd_ts),
            spaces: self.spaces.unwrap_or(preset.spaces),
            repeated_keys: self.repeated_keys.unwrap_or(preset.repeated_keys),
            late: if self.late.is_empty() { preset.late } else { self.late.clone() },
            flips: self.flips.unwrap_or(preset.flips),
            duplicates: self.duplicates.unwrap_or(preset.duplicates),
            malformed: self.malformed.unwrap_or(preset.malformed),
            seed: self.seed.unwrap_or(preset.seed),
        }
    }
}

/// A whole number: `1_000_000`, `1,000`, `1.5M`, `2GB`, `64KiB`; K, M, G and T are powers of 1,000.
pub fn parse_count(text: &str) -> Result<u64, String> {
    let refused = || format!("'{text}' is no count or size like 1_000_000, 1.5M, 2GB or 64KiB");
    let plain: String = text.chars().filter(|c| !matches!(c, '_' | ',' | ' ')).collect();
    let end = plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len());
    let (number, unit) = plain.split_at(end);
    let scale: u64 = match unit.to_ascii_lowercase().trim_end_matches('b') {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "t" => 1_000_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        "ti" => 1 << 40,
        _ => return Err(refused()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| refused())?;
    let mut count = whole.checked_mul(scale).ok_or_else(refused)?;
    let mut place = scale;
    for digit in fraction.chars() {
        let digit = digit.to_digit(10).ok_or_else(refused)?;
        // 1.5 is no count, 1.5M is; binary units take whole numbers
        if !place.is_multiple_of(10) {
            return Err(refused());
        }
        place /= 10;
        let more = place * u64::from(digit);
        count = count.checked_add(more).ok_or_else(refused)?;
    }
    Ok(count)
}

fn parse_share(text: &str) -> Result<f64, String> {
    let (number, percent) = text.strip_suffix('%').map_or((text, false), |number| (number, true));
    let number: f64 =
        number.trim().parse().map_err(|_| format!("'{text}' is no share like 0.01 or 1%"))?;
    let share = if percent { number / 100.0 } else { number };
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("'{text}' is not in 0 to 1")) }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) => Ok(rate),
        Err(_) => parse_count(text).map(|rate| rate as f64),
    }
}

fn parse_skew(text: &str) -> Result<Skew, String> {
    if text == "uniform" {
        return Ok(Skew::Uniform);
    }
    let exponent: Option<f64> = text.strip_prefix("zipf:").and_then(|number| number.parse().ok());
    (1..=16)
        .find(|&quarters| exponent == Some(f64::from(quarters) / 4.0))
        .map(|quarters| Skew::Zipf { quarters })
        .ok_or_else(|| format!("'{text}' is neither uniform nor zipf:0.25, zipf:0.5, … zipf:4"))
}

fn parse_late(text: &str) -> Result<Late, String> {
    let refused = || format!("'{text}' is no share and delay like 1%:5s or 0.001:10m");
    let (share, delay) = text.split_once(':').ok_or_else(refused)?;
    let unit_at = delay.find(|c: char| !c.is_ascii_digit()).unwrap_or(delay.len());
    let (number, unit) = delay.split_at(unit_at);
    let unit_s = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(refused()),
    };
    let number: u32 = number.parse().map_err(|_| refused())?;
    let delay_s_max = number.checked_mul(unit_s).ok_or_else(refused)?;
    Ok(Late { share: parse_share(share)?, delay_s_max })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: GenerateArgs,
    }

    fn parse(line: &str) -> Result<GenerateArgs, clap::Error> {
        Cli::try_parse_from(std::iter::once("generate").chain(line.split_whitespace()))
            .map(|cli| cli.args)
    }

    #[test]
    fn flags_are_laid_over_the_preset() {
        assert_eq!(parse("").unwrap().workload(), Workload::default());
        assert_eq!(parse("--kind hostile").unwrap().workload(), Workload::hostile());
        let args = parse(
            "--kind hostile --frames 1_000 --users 2M --skew zipf:1.25 --late 1%:5s \
             --late 0.002:10m --start -5 --lookalikes=false --order uid-first --ts-unit ms",
        );
        let expected = Workload {
            frames: 1_000,
            users: 2_000_000,
            skew: Skew::Zipf { quarters: 5 },
            late: vec![
                Late { share: 0.01, delay_s_max: 5 },
                Late { share: 0.002, delay_s_max: 600 },
            ],
            start_s: -5,
            lookalikes: false,
            order: FieldOrder::UidFirst,
            ts_unit: TsUnit::Ms,
            ..Workload::hostile()
        };
        assert_eq!(args.unwrap().workload(), expected);
        for wrong in ["--frames 1 --size 2", "--late 1%", "--skew zipf:1.1", "--flips 101%"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts() {
        for (text, count) in [
            ("0", Some(0)),
            ("1_000_000", Some(1_000_000)),
            ("1M", Some(1_000_000)),
            ("1.5k", Some(1_500)),
            ("2GB", Some(2_000_000_000)),
            ("64KiB", Some(65_536)),
            ("", None),
            ("M", None),
            ("1.2.3M", None),
            ("1.5", None),
            ("1.2345k", None),
            ("0.5KiB", None),
            ("-1", None),
            ("1x", None),
            ("99999999999T", None),
        ] {
            assert_eq!(parse_count(text).ok(), count, "{text}");
        }
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let args = parse("--frames 1000 --output /dev/full").unwrap();
        let error = run(&args).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().starts_with("/dev/full: "), "{error}");
    }
}
