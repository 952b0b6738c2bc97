//! What the program says of itself on stderr, as text or as JSON. (The log it reads is another thing: see
//! [`crate::input`].)
//!
//! Whoever has something to say does so by the macros of `tracing`, under one of the targets below; [`start`]
//! chooses once for the whole process how it is written and how much of it. Text is the program's name and
//! the message, for people. JSON is one object a line: `timestamp`, `level`, `target`, `message`, and besides
//! what the message names, each under its own name (`topic`, `partition`, `offset`, …).
//!
//! - Said on the thread that has it to say, in one write, beside what is drawn on the terminal
//!   ([`crate::watch::screen`]). Where stderr is a pipe that nobody reads, that thread waits; where it is
//!   closed or full there is nobody left to tell, and that is no error.
//! - Nothing is said for each frame or batch, so it costs the way of the data nothing.
//! - Never uids or payloads. Values of Kafka's settings only where `-X debug=conf` (or `all`) asks librdkafka
//!   for them: it logs those that are not its defaults, and leaves out what is secret.
//!
//! Left out on purpose: files and their rotation (the shell's or the journal's), colours, spans.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use crate::cli::log::{LogArgs, LogFormat, LogLevel};
use crate::watch::screen;

/// The run as a whole: errors, what it goes on from, what it is made of.
pub const RUN: &str = "run";
/// The clocks: frames refused.
pub const CLOCK: &str = "clock";
/// Topics, brokers, groups.
pub const KAFKA: &str = "kafka";
/// Checkpoints.
pub const CHECKPOINT: &str = "checkpoint";
/// The closing accounts.
pub const ACCOUNTS: &str = "accounts";
/// Lines of librdkafka's own log, which come only where `-X debug=…` asks for them: all of them, whatever
/// the level.
pub const LIBRDKAFKA: &str = "librdkafka";

/// All but the last. What comes from elsewhere, as from a library, is not said.
const OWN: [&str; 5] = [RUN, CLOCK, KAFKA, CHECKPOINT, ACCOUNTS];

/// Chooses how everything is said from here on. Only the first call in a process counts.
pub fn start(args: LogArgs) {
    let level = match args.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let targets = Targets::new()
        .with_targets(OWN.map(|target| (target, level)))
        .with_target(LIBRDKAFKA, LevelFilter::DEBUG);
    let beside_screen = io::stderr().is_terminal();
    // What cannot be written is dropped, and not said in turn.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(move || Stderr { beside_screen })
        .log_internal_errors(false);
    let said = tracing_subscriber::registry().with(targets);
    // It fails if somebody has chosen before.
    let _ = match args.log_format {
        LogFormat::Text => tracing::subscriber::set_global_default(
            said.with(lines.with_ansi(false).event_format(Plain)),
        ),
        LogFormat::Json => {
            let chosen = tracing::subscriber::set_global_default(
                said.with(lines.json().flatten_event(true).with_current_span(false)),
            );
            std::panic::set_hook(Box::new(say_panic));
            chosen
        }
    };
}

/// A fault of this program; the engine makes it an error besides.
fn say_panic(info: &std::panic::PanicHookInfo<'_>) {
    let why = info.payload_as_str().unwrap_or("no reason given");
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    match info.location() {
        Some(at) => {
            let (file, line) = (at.file(), at.line());
            tracing::error!(target: RUN, thread, file, line, "panicked: {why}");
        }
        None => tracing::error!(target: RUN, thread, "panicked: {why}"),
    }
}

/// The program's name and the message.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line.write_str("headcount: ")?;
        let mut message = Message { line: line.by_ref(), result: Ok(()) };
        event.record(&mut message);
        message.result?;
        line.write_char('\n')
    }
}

/// Writes the message, and passes over what it names.
struct Message<'a> {
    line: Writer<'a>,
    result: fmt::Result,
}

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" && self.result.is_ok() {
            self.result = write!(self.line, "{value:?}");
        }
    }
}

/// Stderr, beside what is drawn on it.
struct Stderr {
    beside_screen: bool,
}

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut write = || io::stderr().write_all(line);
        if self.beside_screen {
            screen::beside(&mut write)?
        } else {
            write()?
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
