//! The restart point as it is committed: with each partition's offset goes a note, in the few bytes that
//! brokers keep beside an offset. All notes of a restart point say the same but for their partition's
//! clock, so that it is read back whole from whatever of it was kept.

use serde::{Deserialize, Serialize};

use crate::clock::restart::{PartitionRestart, Restart};
use crate::input::messages::Partition;

/// Bytes a note may have: the brokers' `offset.metadata.max.bytes`, as they come.
pub const NOTE_BYTES_MAX: usize = 4096;

/// The form of the notes.
const VERSION: u32 = 1;

/// A run of windows' starts: the first, the seconds between them, how many.
type Run = (i64, i64, u32);

/// What is committed with an offset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The note's form.
    v: u32,
    /// The topic's id.
    id: String,
    /// The max-lag that `finals` counts with, seconds.
    lag: u32,
    /// The partition's clock before the offset's message.
    clock: Option<i64>,
    /// See [`Restart::finals_s`].
    finals: Option<i64>,
    /// See [`Restart::complete_after_s`].
    after: Option<i64>,
    /// See [`Restart::out_s`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    out: Vec<Run>,
}

/// What a restart point rests on besides the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The topic's id.
    pub topic_id: String,
    /// The run's max-lag, seconds.
    pub max_lag_s: u32,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
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
        clock: partition.clock_s,
        finals: restart.finals_s,
        after: restart.complete_after_s,
        out: runs(&restart.out_s),
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
    let (_, newest) = noted().max_by_key(|(_, note)| (note.finals, note.out.len()))?;
    // Windows are out up to finals less lag, whatever the lag is now.
    let shift_s = i64::from(max_lag_s) - i64::from(newest.lag);
    Some(Restart {
        finals_s: newest.finals.map(|finals_s| finals_s.saturating_add(shift_s)),
        complete_after_s: newest.after,
        out_s: newest.out.iter().flat_map(starts).collect(),
        partitions: noted()
            .map(|(one, note)| PartitionRestart {
                partition: one.partition,
                offset: one.offset,
                clock_s: note.clock,
            })
            .collect(),
    })
}

impl Note {
    /// Whether nothing was known yet: neither of this partition nor of when the log begins.
    pub fn is_blank(&self) -> bool {
        self.clock.is_none() && self.after.is_none()
    }

    /// The partition's clock before the offset's message.
    pub fn clock_s(&self) -> Option<i64> {
        self.clock
    }
}

fn runs(starts_s: &[i64]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for &start_s in starts_s {
        match runs.last_mut() {
            Some((first_s, step_s, count))
                if *count == 1 || { start_s == *first_s + *step_s * i64::from(*count) } =>
            {
                if *count == 1 {
                    *step_s = start_s - *first_s;
                }
                *count += 1;
            }
            _ => runs.push((start_s, 0, 1)),
        }
    }
    runs
}

fn starts(&(first_s, step_s, count): &Run) -> impl Iterator<Item = i64> + use<> {
    (0..i64::from(count)).map(move |index| first_s.saturating_add(step_s.saturating_mul(index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis() -> Basis {
        Basis { topic_id: "QtHsqJ0aRqu8bhp8j4Vf8w".into(), max_lag_s: 5 }
    }

    fn point() -> Restart {
        let one = |partition, offset, clock_s| PartitionRestart { partition, offset, clock_s };
        Restart {
            finals_s: Some(1_700_000_105),
            complete_after_s: Some(1_700_000_001),
            out_s: vec![1_700_000_100, 1_700_000_160, 1_700_000_220, 1_700_000_500],
            partitions: vec![one(0, 17, Some(1_700_000_200)), one(2, 0, None)],
        }
    }

    fn committed(restart: &Restart, basis: &Basis) -> Vec<Committed> {
        let note = |at: &PartitionRestart| {
            let text = write(restart, at, basis).unwrap();
            assert!(text.len() < 200, "{text}");
            read(&text, &basis.topic_id).unwrap()
        };
        let one = |at: PartitionRestart| Committed {
            partition: at.partition,
            offset: at.offset,
            note: note(&at),
        };
        restart.partitions.iter().copied().map(one).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let restart_point = point();
        assert_eq!(restart(&committed(&restart_point, &basis()), 5), Some(restart_point));
        let nothing = Restart { partitions: vec![point().partitions[1]], ..Restart::default() };
        assert_eq!(restart(&committed(&nothing, &basis()), 5), Some(nothing));
    }

    #[test]
    fn another_lag_now_moves_the_finals() {
        let now = restart(&committed(&point(), &basis()), 65).unwrap();
        assert_eq!(now.finals_s, Some(1_700_000_165));
    }

    #[test]
    fn of_a_commit_kept_in_part_the_newest_says_what_is_out() {
        let older = Restart { finals_s: Some(1_700_000_045), out_s: vec![], ..point() };
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
        let newer = text.replace("\"v\":1", "\"v\":2");
        assert_eq!(read(&newer, &basis().topic_id), Err(Unusable::Version));
    }

    #[test]
    fn runs_are_short_and_lossless() {
        let day: Vec<i64> = (0..1440).map(|minute| minute * 60).collect();
        assert_eq!(runs(&day), [(0, 60, 1440)]);
        for starts_s in [&[][..], &[5], &[5, 5], &[1, 2, 4, 8, 9, 10], &[0, 60, 120, 300, 360]] {
            let back: Vec<i64> = runs(starts_s).iter().flat_map(starts).collect();
            assert_eq!(back, starts_s);
        }
    }

    #[test]
    fn a_note_too_long_is_none() {
        let mut random = 1_u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from(random >> 20).unwrap()
        };
        let restart = Restart { out_s: (0..400).map(|_| next()).collect(), ..point() };
        assert_eq!(write(&restart, &restart.partitions[0], &basis()), None);
    }
}
