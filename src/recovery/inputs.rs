//! Which inputs a checkpoint speaks of: their names, lengths, and what stands at their beginning and
//! just before the point up to which they were judged. An input is taken for the same if all of that is
//! as it was; it may have grown behind the point, and further ones may have come after it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::topic::TopicState;
use crate::clock::cutting::ClockCut;
use crate::error::Error;
use crate::input::messages::Partition;
use crate::input::{Input, Point};

/// Bytes that are looked at, at the beginning of an input and before a point.
pub(super) const LOOKED_AT_BYTES: u64 = 4096;

/// What stands in a stretch of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    from: u64,
    to: u64,
    /// XXH3 of the bytes, 64 bits, seed 0.
    xxh3: u64,
}

/// An input as it was when a run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInput {
    /// Its name.
    pub name: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// Its beginning.
    pub head: Print,
}

/// The inputs, and how far they are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputsState {
    /// All of them, in order.
    pub inputs: Vec<FileInput>,
    /// Where the next run goes on; none if nothing was read.
    pub point: Option<Point>,
    /// What stands before that, where it is a plain file.
    pub before_point: Option<Print>,
}

/// What was read, and how far it is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InputState {
    /// Files.
    Files(InputsState),
    /// A topic.
    Topic(TopicState),
}

impl InputState {
    /// Where in files the next run goes on.
    pub fn point(&self) -> Option<Point> {
        match self {
            InputState::Files(inputs) => inputs.point,
            InputState::Topic(_) => None,
        }
    }

    /// Of each partition of a topic the offset of the next message.
    pub fn next_offsets(&self) -> Vec<(Partition, u64)> {
        match self {
            InputState::Files(_) => Vec::new(),
            InputState::Topic(topic) => {
                topic.partitions.iter().map(|one| (one.partition, one.offset)).collect()
            }
        }
    }
}

/// What is read, for the checkpoints made of it.
pub trait Reads: Send {
    /// What a checkpoint says of it that is cut here.
    ///
    /// # Errors
    /// It cannot be looked at.
    fn state(&self, cut: &ClockCut) -> Result<InputState, Error>;
}

/// An input's file, to be looked at while others read it.
#[derive(Clone, Debug)]
struct Twin {
    file: Arc<File>,
    /// Where its log begins; a compressed one's offsets are not those of its bytes.
    from: Option<u64>,
}

/// All inputs' files.
#[derive(Debug)]
pub struct Inputs {
    twins: Vec<Twin>,
    states: Vec<FileInput>,
}

impl Print {
    pub(super) fn of(file: &File, from: u64, to: u64) -> io::Result<Print> {
        let len = usize::try_from(to - from).map_err(|_| ErrorKind::InvalidInput)?;
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, from)?;
        Ok(Print { from, to, xxh3: xxh3_64(&bytes) })
    }

    fn is_there(&self, file: &File) -> bool {
        Print::of(file, self.from, self.to).is_ok_and(|now| now == *self)
    }
}

impl Inputs {
    /// Looks at inputs.
    ///
    /// # Errors
    /// One cannot be read again, or not at all.
    pub fn look_at(inputs: &[Input]) -> Result<Inputs, Error> {
        let mut twins = Vec::new();
        let mut states = Vec::new();
        for input in inputs {
            let fail = |source: io::Error| Error::input(&input.name, source);
            let (Some((file, from)), Some(bytes)) =
                (input.reopen().map_err(fail)?, input.size_bytes)
            else {
                return Err(Error::usage(format!(
                    "--checkpoint: {} cannot be read again from where a run was broken off: give files",
                    input.name
                )));
            };
            let start = from.unwrap_or(0);
            let head = Print::of(&file, start, start + bytes.min(LOOKED_AT_BYTES)).map_err(fail)?;
            twins.push(Twin { file: Arc::new(file), from });
            states.push(FileInput { name: input.name.to_string(), bytes, head });
        }
        Ok(Inputs { twins, states })
    }

    /// What a checkpoint says of them.
    fn state_at(&self, point: Option<Point>) -> Result<InputsState, Error> {
        let before_point = match point {
            Some(point) => match self.twins.get(point.input as usize) {
                Some(Twin { file, from: Some(_) }) => {
                    let from = point.offset.saturating_sub(LOOKED_AT_BYTES);
                    let name = &self.states[point.input as usize].name;
                    let before = Print::of(file, from, point.offset);
                    Some(before.map_err(|e| Error::input(name, e))?)
                }
                _ => None,
            },
            None => None,
        };
        Ok(InputsState { inputs: self.states.clone(), point, before_point })
    }

    /// Whether these are the inputs of a checkpoint.
    ///
    /// # Errors
    /// They are not; it says which is not, and why.
    pub fn check(&self, before: &InputState) -> Result<(), Error> {
        let before = match before {
            InputState::Files(before) => before,
            InputState::Topic(of) => {
                return Err(Error::usage(format!(
                    "--checkpoint: it is the checkpoint of a run of topic {}: read that, or start over with --fresh",
                    of.topic
                )));
            }
        };
        let Some(point) = before.point else { return Ok(()) };
        let begun = point.input as usize;
        let wrong = |name: &str, why: &str| {
            Err(Error::usage(format!(
                "{name}: {why}; give the input of the checkpoint, or start over with --fresh"
            )))
        };
        for (index, was) in before.inputs.iter().enumerate() {
            let Some(now) = self.states.get(index) else {
                return wrong(&was.name, "it was an input of the checkpoint and is none now");
            };
            if now.name != was.name {
                let why = format!("in its place the checkpoint has {}", was.name);
                return wrong(&now.name, &why);
            }
            if index > begun {
                continue;
            }
            if index < begun && now.bytes > was.bytes {
                return wrong(
                    &now.name,
                    "it has grown since the next input was begun: what was added would never be read",
                );
            }
            if now.bytes < was.bytes && (index < begun || self.is_shorter(index, point.offset)) {
                return wrong(&now.name, "it is shorter than it was");
            }
            let file = &self.twins[index].file;
            if !was.head.is_there(file) {
                return wrong(&now.name, "it begins with other bytes than it did");
            }
            if index == begun && before.before_point.is_some_and(|print| !print.is_there(file)) {
                let why = format!(
                    "other bytes stand before offset {}, up to which it was read",
                    point.offset
                );
                return wrong(&now.name, &why);
            }
        }
        Ok(())
    }

    /// Whether an input ends before a point in it; a compressed one's end is found when it is read.
    fn is_shorter(&self, index: usize, offset: u64) -> bool {
        let from = self.twins[index].from;
        from.is_some_and(|from| from + self.states[index].bytes < offset)
    }
}

impl Reads for Inputs {
    fn state(&self, cut: &ClockCut) -> Result<InputState, Error> {
        self.state_at(cut.point).map(InputState::Files)
    }
}
