//! The restart point as it is committed: with each partition's offset goes a note, in the few bytes that
//! brokers keep beside an offset. All notes of a restart point say the same but for their partition's
//! clock, so that it is read back whole from whatever of it was kept.

use serde::{Deserialize, Serialize};

use crate::clock::agreement::Past;
use crate::clock::calendar::SeriesIndex;
use crate::clock::restart::{PartitionRestart, Restart, Said, SaidOf, Seen};
use crate::input::messages::Partition;

/// Bytes a note may have: the brokers' `offset.metadata.max.bytes`, as they come.
pub const NOTE_BYTES_MAX: usize = 4096;

/// The form of the notes.
const VERSION: u32 = 3;

/// What was said of a window: series, a time in it, frames, late ones, those of its past, records,
/// whether firmly.
type SaidNote = (SeriesIndex, i64, u64, u64, u64, u32, bool);

/// What is committed with an offset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The note's form.
    v: u32,
    /// The topic's id.
    id: String,
    /// The max-lag that `finals` counts with, seconds.
    lag: u32,
    /// The windows counted.
    windows: String,
    /// See [`PartitionRestart::judged_to`].
    next: u64,
    /// The partition's clock before the offset's message.
    clock: Option<i64>,
    /// The last times before it: the first, then each one's distance from the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    times: Vec<i64>,
    /// See [`Restart::finals_s`].
    finals: Option<i64>,
    /// See [`Seen::begun_s`].
    begun: Option<i64>,
    /// See [`Seen::unread_until_s`].
    until: Option<i64>,
    /// See [`Seen::unread`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unread: bool,
    /// See [`Restart::said`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    said: Vec<SaidNote>,
}

/// What stands beside an offset that was committed with a checkpoint: where that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpointed {
    /// The state topic.
    pub checkpoint: String,
}

impl Checkpointed {
    /// It as text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a restart point rests on besides the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The topic's id.
    pub topic_id: String,
    /// The run's max-lag, seconds.
    pub max_lag_s: u32,
    /// The run's windows.
    pub windows: String,
}

/// What was committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Which.
    pub partition: Partition,
    /// Where to read on.
    pub offset: u64,
    /// Our note; none if somebody else committed it.
    pub note: Option<Note>,
}

/// Why a note cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It belongs to a checkpoint in this topic.
    Checkpoint(String),
    /// It is of a version of this program that does other things.
    Version,
    /// It is of another topic of this name.
    Topic,
}

/// The note that goes with a partition's offset; none if it would be too long.
pub fn write(restart: &Restart, partition: &PartitionRestart, basis: &Basis) -> Option<String> {
    let note = Note {
        v: VERSION,
        id: basis.topic_id.clone(),
        lag: basis.max_lag_s,
        windows: basis.windows.clone(),
        next: partition.judged_to,
        clock: partition.past.clock_s,
        times: distances(&partition.past.times_s),
        finals: restart.finals_s,
        begun: restart.seen.begun_s,
        until: restart.seen.unread_until_s,
        unread: restart.seen.unread,
        said: restart.said.iter().map(said_note).collect(),
    };
    serde_json::to_string(&note).ok().filter(|text| text.len() <= NOTE_BYTES_MAX)
}

/// Reads what stands beside an offset; none if it is not ours.
///
/// # Errors
/// It is ours, but cannot be used.
pub fn read(text: &str, topic_id: &str) -> Result<Option<Note>, Unusable> {
    #[derive(Deserialize)]
    struct Form {
        v: u32,
        lag: Option<serde_json::Value>,
    }
    if let Ok(Checkpointed { checkpoint }) = serde_json::from_str(text) {
        return Err(Unusable::Checkpoint(checkpoint));
    }
    let Ok(Form { v, lag: Some(_) }) = serde_json::from_str(text) else { return Ok(None) };
    if v != VERSION {
        return Err(Unusable::Version);
    }
    let note: Note = serde_json::from_str(text).map_err(|_| Unusable::Version)?;
    if note.id != topic_id { Err(Unusable::Topic) } else { Ok(Some(note)) }
}

/// The restart point these were committed for; none if none of them is ours.
pub fn restart(committed: &[Committed], max_lag_s: u32) -> Option<Restart> {
    let noted = || committed.iter().filter_map(|one| Some((one, one.note.as_ref()?)));
    // They differ only where a commit was kept in part; what is out by any of them is out.
    let (_, newest) = noted().max_by_key(|(_, note)| (note.finals, note.said.len()))?;
    // Windows are out up to finals less lag, whatever the lag is now.
    let shift_s = i64::from(max_lag_s) - i64::from(newest.lag);
    Some(Restart {
        finals_s: newest.finals.map(|finals_s| finals_s.saturating_add(shift_s)),
        seen: Seen { begun_s: newest.begun, unread_until_s: newest.until, unread: newest.unread },
        said: newest.said.iter().map(said_of).collect(),
        partitions: noted()
            .map(|(one, note)| PartitionRestart {
                partition: one.partition,
                offset: one.offset,
                judged_to: note.next,
                past: Past { clock_s: note.clock, times_s: times(&note.times) },
            })
            .collect(),
    })
}

impl Note {
    /// The partition's clock before the offset's message.
    pub fn clock_s(&self) -> Option<i64> {
        self.clock
    }

    /// The windows that were counted.
    pub fn windows(&self) -> &str {
        &self.windows
    }
}

/// The first number, then what each is more than the one before.
fn distances(times_s: &[i64]) -> Vec<i64> {
    let before = std::iter::once(&0).chain(times_s);
    times_s.iter().zip(before).map(|(time_s, before_s)| time_s.wrapping_sub(*before_s)).collect()
}

/// The numbers of which these are the distances.
fn times(distances: &[i64]) -> Vec<i64> {
    let add = |sum: &mut i64, distance: &i64| {
        *sum = sum.wrapping_add(*distance);
        Some(*sum)
    };
    distances.iter().scan(0, add).collect()
}

fn said_note(of: &SaidOf) -> SaidNote {
    let SaidOf { series, ts_s, said: Said { frames, late, past_frames, records, firmly } } = *of;
    (series, ts_s, frames, late, past_frames, records, firmly)
}

fn said_of(&(series, ts_s, frames, late, past_frames, records, firmly): &SaidNote) -> SaidOf {
    SaidOf { series, ts_s, said: Said { frames, late, past_frames, records, firmly } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis() -> Basis {
        let topic_id = "QtHsqJ0aRqu8bhp8j4Vf8w".into();
        Basis { topic_id, max_lag_s: 5, windows: "minute".into() }
    }

    fn point() -> Restart {
        let one = |partition, offset, clock_s: Option<i64>| {
            let times_s = clock_s
                .map_or(vec![], |clock_s| (0..64).map(|n| clock_s - 30 + n % 9 * 4).collect());
            let past = Past { clock_s, times_s };
            PartitionRestart { partition, offset, judged_to: offset + 70, past }
        };
        let said = |ts_s, frames| SaidOf {
            series: 0,
            ts_s,
            said: Said { frames, late: 1, past_frames: 3, records: 2, firmly: true },
        };
        Restart {
            finals_s: Some(1_700_000_105),
            seen: Seen { begun_s: Some(1_700_000_001), unread_until_s: None, unread: true },
            said: vec![said(1_700_000_100, 17), said(1_700_000_160, 2)],
            partitions: vec![one(0, 17, Some(1_700_000_200)), one(2, 0, None)],
        }
    }

    fn committed(restart: &Restart, basis: &Basis) -> Vec<Committed> {
        let note = |at: &PartitionRestart| {
            let text = write(restart, at, basis).unwrap();
            assert!(text.len() < 500, "{text}");
            read(&text, &basis.topic_id).unwrap()
        };
        let one = |at: &PartitionRestart| Committed {
            partition: at.partition,
            offset: at.offset,
            note: note(at),
        };
        restart.partitions.iter().map(one).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let restart_point = point();
        assert_eq!(restart(&committed(&restart_point, &basis()), 5), Some(restart_point));
        let nothing =
            Restart { partitions: vec![point().partitions[1].clone()], ..Restart::default() };
        assert_eq!(restart(&committed(&nothing, &basis()), 5), Some(nothing));
    }

    #[test]
    fn another_lag_now_moves_the_finals() {
        let now = restart(&committed(&point(), &basis()), 65).unwrap();
        assert_eq!(now.finals_s, Some(1_700_000_165));
    }

    #[test]
    fn of_a_commit_kept_in_part_the_newest_says_what_is_out() {
        let older = Restart { finals_s: Some(1_700_000_045), said: vec![], ..point() };
        let mut all = committed(&point(), &basis());
        all[1] = committed(&older, &basis()).remove(1);
        assert_eq!(restart(&all, 5), Some(point()));
    }

    #[test]
    fn what_others_wrote_is_nothing() {
        for text in ["", "x", "{}", "{\"v\":1}", "{\"v\":9}", "[1]", "17"] {
            assert_eq!(read(text, "id"), Ok(None), "{text}");
        }
        let other = Committed { partition: 0, offset: 3, note: None };
        assert_eq!(restart(&[other], 5), None);
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let text = write(&point(), &point().partitions[0], &basis()).unwrap();
        assert_eq!(read(&text, "another"), Err(Unusable::Topic));
        let newer = text.replace("\"v\":3", "\"v\":4");
        assert_eq!(read(&newer, &basis().topic_id), Err(Unusable::Version));
        let checkpointed = Checkpointed { checkpoint: "state".into() }.text();
        assert_eq!(read(&checkpointed, "id"), Err(Unusable::Checkpoint("state".into())));
    }

    #[test]
    fn distances_are_lossless() {
        for all in [&[][..], &[5], &[5, 5, 4, 7], &[i64::MIN, i64::MAX, 0]] {
            assert_eq!(times(&distances(all)), all);
        }
    }

    #[test]
    fn a_note_too_long_is_none() {
        let mut random = 1_u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from(random >> 20).unwrap()
        };
        let said = |ts_s| SaidOf { series: 0, ts_s, said: Said::default() };
        let restart = Restart { said: (0..400).map(|_| said(next())).collect(), ..point() };
        assert_eq!(write(&restart, &restart.partitions[0], &basis()), None);
    }
}
