//! `headcount checkpoint`: what a checkpoint holds, whether it is whole, and making it small. Of users
//! only their number is shown.

use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{BinaryBytes, HumanCount};
use serde_json::Value;

use super::settle::count;
use super::{complain, print};
use crate::checkpoint::check::{check, look, tails};
use crate::checkpoint::{Dir, Manifest, Open, Tail};
use crate::cli::checkpoint::{CheckpointArgs, CheckpointCommand, InspectArgs};
#[cfg(feature = "kafka")]
use crate::cli::kafka::TopicArgs;
use crate::error::{Error, ExitCode};
#[cfg(feature = "kafka")]
use crate::kafka::{
    settings::Settings,
    state_reading::{Found, read},
    state_topic::Exchange,
};
use crate::log;
#[cfg(feature = "kafka")]
use crate::recovery::{inputs::InputState, note::Note};

/// Members of the note that are shown, if they are there, and what they are.
const SHOWN: [(&str, &str); 7] = [
    ("read up to", "/input/point"),
    ("topic", "/input/topic"),
    ("offsets", "/input/partitions"),
    ("results to topic", "/output/topics/results"),
    ("frames read", "/tally/frames"),
    ("bytes of results", "/output/results/bytes"),
    ("bytes of rejects", "/output/rejects/bytes"),
];

/// Does what is asked.
pub fn run(command: &CheckpointCommand) -> Result<ExitCode, Error> {
    let done = match command {
        CheckpointCommand::Inspect(args) => {
            Place::of(&args.checkpoint).and_then(|place| inspect(args, &place))
        }
        CheckpointCommand::Verify(args) => Place::of(args).and_then(|place| verify(&place)),
        CheckpointCommand::Compact(args) => compact(args),
    };
    match done {
        // A state topic's is met while it is read.
        Err(damage @ Error::Damaged { .. }) => {
            complain(&damage);
            Ok(ExitCode::Disagree)
        }
        done => done,
    }
}

/// Where a checkpoint lies.
struct Place {
    folder: PathBuf,
    /// What a state topic was read into.
    #[cfg(feature = "kafka")]
    _found: Option<Found>,
}

#[cfg(feature = "kafka")]
impl Place {
    fn of(args: &CheckpointArgs) -> Result<Place, Error> {
        match (&args.dir, &args.state_topic) {
            (Some(folder), _) => Ok(Place { folder: folder.clone(), _found: None }),
            (None, topic) => {
                let topic = topic.as_deref().unwrap_or_default();
                let settings = Settings::read(&args.brokers)?;
                let found = read(&TopicArgs::of(args.brokers.clone()), &settings, topic)?;
                if !found.is_some {
                    return Err(Error::Checkpoint(format!(
                        "state topic {topic}: no checkpoint is in it"
                    )));
                }
                Ok(Place { folder: found.path(), _found: Some(found) })
            }
        }
    }
}

#[cfg(not(feature = "kafka"))]
impl Place {
    fn of(args: &CheckpointArgs) -> Result<Place, Error> {
        match &args.dir {
            Some(folder) => Ok(Place { folder: folder.clone() }),
            None => Err(super::without_kafka()),
        }
    }
}

/// Shows it, from what its segments say of themselves.
fn inspect(args: &InspectArgs, place: &Place) -> Result<ExitCode, Error> {
    let folder = &place.folder;
    let (manifest, tails) =
        look(folder, |manifest| Ok((manifest.clone(), tails(folder, manifest)?)))?;
    let note = tails.last().map(|tail| serde_json::from_slice::<Value>(&tail.note));
    let note = note.transpose().map_err(|_| Error::Damaged {
        file: folder.display().to_string(),
        what: "what the last segment notes is no JSON".into(),
    })?;
    if args.note {
        return print(&format!("{:#}\n", note.unwrap_or_default()));
    }
    let mut text = shown(&manifest, &tails);
    for (name, member) in SHOWN {
        if let Some(value) = note.as_ref().and_then(|note| note.pointer(member)) {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    print(&text)
}

/// The segments as a table, and their sums.
fn shown(manifest: &Manifest, tails: &[Tail]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["segment", "level", "bytes", "users", "windows", "memberships"]);
    for column in 0..6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let (mut users, mut memberships, mut garbage_bytes) = (0, 0, 0);
    let kept = tails.last().map_or(&[][..], |tail| &tail.kept);
    for (entry, Tail { index, .. }) in manifest.segments.iter().zip(tails) {
        let members: u64 = index.windows.values().map(|held| held.count).sum();
        let left = index.windows.iter().filter(|(serial, _)| kept.binary_search(serial).is_err());
        garbage_bytes += left.map(|(_, held)| held.bytes).sum::<u64>();
        users += index.users.count;
        memberships += members;
        let numbers = [entry.bytes, index.users.count, index.windows.len() as u64, members];
        let [bytes, users, windows, members] = numbers.map(|n| HumanCount(n).to_string());
        let (number, level) = (entry.number.to_string(), entry.level.to_string());
        table.add_row([number, level, bytes, users, windows, members]);
    }
    let bytes = manifest.bytes();
    table.add_row([
        "all".to_owned(),
        String::new(),
        HumanCount(bytes).to_string(),
        HumanCount(users).to_string(),
        String::new(),
        HumanCount(memberships).to_string(),
    ]);
    format!(
        "{table}\n\n{} kept; {} of members of others, which merging leaves out\nwritten by headcount {}, format {}\n",
        count(kept.len() as u64, "window"),
        BinaryBytes(garbage_bytes),
        manifest.program,
        manifest.format,
    )
}

/// Reads all of it.
fn verify(place: &Place) -> Result<ExitCode, Error> {
    let folder = &place.folder;
    let found = look(folder, |manifest| check(folder, manifest))?;
    print(&format!(
        "all of {} read and whole: {}, {} with {}\n",
        count(found.segments as u64, "segment"),
        count(found.users, "user"),
        count(found.windows as u64, "window"),
        count(found.memberships, "membership"),
    ))
}

/// Writes it anew.
fn compact(args: &CheckpointArgs) -> Result<ExitCode, Error> {
    let mut dir = match &args.dir {
        Some(folder) => Dir::open(folder, Open::Existing)?,
        None => taken_over(args)?,
    };
    if args.dir.is_some() && dir.is_open_to_others() {
        tracing::warn!(
            target: log::CHECKPOINT,
            dir = dir.name(),
            "{0}: others than its owner may look into it, and it holds uids: chmod 700 {0}",
            dir.name()
        );
    }
    let before_bytes = dir.manifest().bytes();
    let segments = dir.manifest().segments.len();
    let Some(written) = dir.merge_all()? else {
        return print("no segment is there\n");
    };
    print(&format!(
        "{} of {} became one of {}\n",
        count(segments as u64, "segment"),
        BinaryBytes(before_bytes),
        BinaryBytes(written.entry.bytes),
    ))
}

/// The checkpoint in a state topic, taken over from whoever has it.
#[cfg(feature = "kafka")]
fn taken_over(args: &CheckpointArgs) -> Result<Dir, Error> {
    let topic = args.state_topic.clone().unwrap_or_default();
    let name = format!("state topic {topic}");
    let tail = Dir::open(&Place::of(args)?.folder, Open::Existing)?.last()?;
    let note = tail.map(|tail| Note::from_bytes(&tail.note, &name)).transpose()?;
    let of_topic = note.and_then(|note| match (note.input, note.output.topics) {
        (InputState::Topic(of), Some(written)) => Some((of.topic, written)),
        _ => None,
    });
    let Some((input, written)) = of_topic else {
        return Err(Error::Checkpoint(format!("{name}: nothing was counted yet")));
    };
    let settings = Settings::read(&args.brokers)?;
    let exchange = Exchange { input, state: topic, written };
    let (dir, _) =
        exchange.take_over(&TopicArgs::of(args.brokers.clone()), &settings, false, |_| Ok(()))?;
    Ok(dir)
}

#[cfg(not(feature = "kafka"))]
fn taken_over(_: &CheckpointArgs) -> Result<Dir, Error> {
    Err(super::without_kafka())
}
