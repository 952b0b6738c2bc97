//! `headcount demo`: the main job in a few seconds, with no file and no server. A generated stream
//! goes through a pipe into the engine; the result is shown as a table with a small chart.

use std::fs::File;
use std::io::ErrorKind;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{DecimalBytes, HumanCount};

use super::print;
use super::settle::{Summary, settle};
use crate::accounts::{Accounts, Cost};
use crate::cli::{DemoArgs, FrameArgs};
use crate::clock::{ClockSettings, settings};
use crate::engine::{self, Job, Sizes, Source};
use crate::error::{Error, ExitCode};
use crate::generate::{Late, Skew, Workload};
use crate::input::Input;
use crate::output::record::WindowResult;
use crate::output::sink::Collected;
use crate::ring::{Stop, WaitPolicy};
use crate::scan::stage::Depth;
use crate::stats::Live;
use crate::thread;
use crate::topology::{Topology, Wish, cores};

/// Cells of the longest bar.
const BAR_CELLS: usize = 32;

/// Makes, counts, shows.
pub fn run(args: &DemoArgs) -> Result<ExitCode, Error> {
    let workload = Workload {
        frames: args.frames,
        users: 50_000,
        skew: Skew::Zipf { quarters: 3 },
        late: vec![Late { share: 0.01, delay_s_max: 5 }, Late { share: 0.0005, delay_s_max: 600 }],
        malformed: 0.0002,
        seed: args.seed,
        ..Workload::default()
    };
    let generator = workload.generator().map_err(Error::usage)?;
    print(&format!(
        "A made-up log of {} frames ({}), 1,000 a second, 1 % of them late by up to 5 s,\n0.05 % by up to 10 minutes, 0.02 % malformed, is piped into headcount.\n\n",
        HumanCount(args.frames),
        DecimalBytes(generator.bytes_expected()),
    ))?;
    let pipe = |source: rustix::io::Errno| Error::System { what: "no pipe", source: source.into() };
    let (read_end, write_end) = rustix::pipe::pipe().map_err(pipe)?;
    let producer =
        thread::spawn_producer(move || generator.write_to(&mut File::from(write_end), 1))?;

    let topology = Topology::new(cores(), &Wish::default())?;
    let stop = Stop::new();
    thread::stop_on_signals(stop.clone())?;
    let results = Collected::default();
    let frame_args = FrameArgs::default();
    let job = Job {
        source: Source::Inputs(vec![Input::from_pipe("sample", read_end)], None),
        scan: frame_args.scan(),
        // One word on each minute: the table is read from top to bottom.
        clock: ClockSettings { late: settings::Late::Drop, ..ClockSettings::default() },
        depth: Depth::Count,
        topology: topology.clone(),
        wait: WaitPolicy::default(),
        sizes: Sizes::default(),
        sink: Box::new(results.clone()),
        keeper: None,
        checkpoints: None,
        rejects: None,
        stop: stop.clone(),
        live: Live::new(topology.scanners),
    };
    let mut outcome = engine::run(job, &mut || {})?;
    match producer.join() {
        Ok(Err(e)) if e.kind() != ErrorKind::BrokenPipe => {
            return Err(Error::System { what: "cannot write the sample", source: e });
        }
        Err(_) => return Err(Error::Internal("the sample's thread panicked".into())),
        Ok(_) => {}
    }
    print(&shown(&results.take()))?;
    let (accounts, failed) = Accounts::of(&mut outcome, stop.reason());
    let cost = Cost::of(&outcome);
    let summary = Summary::new(accounts, cost, &topology, vec!["sample".into()], &frame_args);
    let code = settle(&summary, failed, None, false)?;
    print(
        "\nNow yours:  headcount count FILE          (one JSON object a line, with \"ts\" and \"uid\")\n            headcount count --help\n",
    )?;
    Ok(code)
}

/// The results as a table with bars.
fn shown(results: &[WindowResult]) -> String {
    let most = results.iter().map(|result| result.cnt).max().unwrap_or(1).max(1);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["minute", "users", "frames", "", "whole"]);
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for result in results {
        table.add_row([
            result.start.to_string(),
            HumanCount(result.cnt).to_string(),
            HumanCount(result.frames).to_string(),
            bar(result.cnt, most),
            if result.complete && result.closed_by == "time" { "yes" } else { "part" }.into(),
        ]);
    }
    format!("{table}\n\n")
}

/// A bar in eighths of a cell.
fn bar(n: u64, most: u64) -> String {
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = u128::from(n) * (BAR_CELLS as u128 * 8) / u128::from(most);
    let eighths = usize::try_from(eighths).unwrap_or(BAR_CELLS * 8);
    format!("{}{}", "█".repeat(eighths / 8), parts[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion() {
        assert_eq!(bar(0, 8), "");
        assert_eq!(bar(8, 8), "█".repeat(BAR_CELLS));
        assert_eq!(bar(1, 256), "▏");
        assert_eq!(bar(9, 256), "█▏");
    }
}
