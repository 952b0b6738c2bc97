//! The clock's state: all that another run needs to go on from here as if there had been none between.
//! It is drawn up at a cut, stands in a checkpoint as JSON, and is put back before the first frame.
//!
//! Windows are named by *serials*: each opening of a slot gets the next one, and none is ever given
//! twice, so that what counters say of a slot in one checkpoint is told apart from what they say of
//! it in another. Hashes are another run's, and are not kept. A run's runs, routes and what is due are
//! found again.

use serde::{Deserialize, Serialize};

use super::calendar::{SeriesIndex, SeriesName, Window};
use super::judged::Judged;
use super::kept::Kept;
use super::parking::{Parked, Payload};
use super::partitions::PartitionsState;
use super::restart::{Said, SaidOf};
use super::verdict::{ClosedBy, Slot};
use super::{Clock, ClockSettings};
use crate::count::hash::UidHasher;
use crate::error::Error;

/// Names one opening of a slot, for as long as there are checkpoints of a log.
pub type Serial = u64;

/// The state of a clock. See the module's header.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClockState {
    /// The series, by name.
    pub series: Vec<SeriesState>,
    /// Names of series that were counted once and are no longer.
    pub dropped: Vec<String>,
    /// Windows that end up to this time are kept no longer, unix seconds.
    pub let_go_s: Option<i64>,
    /// Windows that end up to this time were put out by a run before the first checkpoint, unix seconds.
    #[serde(default)]
    pub out_before_s: Option<i64>,
    /// The wall clock at its highest, unix seconds.
    pub now_s: Option<i64>,
    /// The lowest clock at its highest, unix seconds.
    pub lowest_s: Option<i64>,
    /// The latest time counted, unix seconds.
    pub newest_s: Option<i64>,
    /// The partitions.
    pub partitions: PartitionsState,
    /// The windows kept, in the order of their series and ends.
    pub windows: Vec<WindowState>,
    /// The serial given next.
    pub next_serial: Serial,
    /// What was said of windows that are not kept, as no frame is counted in them.
    pub said: Vec<SaidOf>,
    /// By series from where to where empty windows are out, where they are put out.
    pub filled: Option<Vec<Option<(i64, i64)>>>,
    /// What became of all frames so far.
    pub judged: Judged,
}

/// A series of windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesState {
    /// Its name, like `day/Europe/Zurich`.
    pub name: String,
    /// Windows of it that start after this time are seen from their start, if any are, unix seconds; none:
    /// it was there from the first run on.
    pub since_s: Option<i64>,
}

/// A window that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowState {
    /// Its slot's serial.
    pub serial: Serial,
    /// Its past's, if it has one.
    pub past_serial: Option<Serial>,
    /// Which.
    pub window: Window,
    /// Frames counted in it.
    pub frames: u64,
    /// Those of them that were late.
    pub late: u64,
    /// Frames of its past.
    pub past_frames: u64,
    /// What was said of it.
    pub said: Said,
    /// What was said is wrong whatever the numbers.
    pub wrong: bool,
}

/// A frame that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedState {
    /// Its time, unix seconds.
    pub ts_s: i64,
    /// Its user.
    pub uid: String,
    /// Which of its partition's frames it is.
    pub number: u64,
    /// Whether a result shows it.
    pub shown: bool,
    /// Its payload, where frames refused are written.
    pub payload: Option<Payload>,
}

/// A slot in use, and its serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSerial {
    /// The slot.
    pub slot: Slot,
    /// The serial of its window, or past.
    pub serial: Serial,
    /// Of a past its window's slot.
    pub past_of: Option<Slot>,
}

impl ParkedState {
    fn of(frame: &Parked) -> ParkedState {
        ParkedState {
            ts_s: frame.ts_s,
            uid: String::from_utf8_lossy(&frame.uid).into_owned(),
            number: frame.number,
            shown: frame.shown,
            payload: frame.payload.clone(),
        }
    }

    fn put_back(self, hasher: &UidHasher) -> Parked {
        let uid = self.uid.into_bytes();
        Parked {
            ts_s: self.ts_s,
            hash: hasher.table(&uid),
            shard: hasher.shard(&uid),
            uid,
            number: self.number,
            shown: self.shown,
            first: None,
            payload: self.payload,
        }
    }
}

/// What a partition's state is made of, for [`super::partitions`].
pub(super) fn parked_of<'p>(frames: impl Iterator<Item = &'p Parked>) -> Vec<ParkedState> {
    frames.map(ParkedState::of).collect()
}

/// The same, back.
pub(super) fn parked_back(
    frames: Vec<ParkedState>,
    hasher: &UidHasher,
) -> impl Iterator<Item = Parked> {
    frames.into_iter().map(|frame| frame.put_back(hasher))
}

impl Clock {
    /// The state now. No frames may be untold, as between two batches.
    pub fn state(&self) -> ClockState {
        let names = self.calendar.names();
        let series = names.iter().zip(&self.since_s);
        ClockState {
            series: series
                .map(|(name, &since_s)| SeriesState { name: name.to_string(), since_s })
                .collect(),
            dropped: self.dropped.clone(),
            let_go_s: self.let_go_to_s(),
            out_before_s: self.out_before_s.map(|final_s| final_s - self.max_lag_s),
            now_s: self.now_s,
            lowest_s: self.lowest_s,
            newest_s: self.newest_s,
            partitions: self.partitions.state(),
            windows: self.kept.slots().map(|slot| self.window_state(&self.kept[slot])).collect(),
            next_serial: self.kept.next_serial(),
            said: self.said_before.clone(),
            filled: self.filled.as_ref().map(|filled| filled.spans().to_vec()),
            judged: self.judged.clone(),
        }
    }

    fn window_state(&self, kept: &Kept) -> WindowState {
        WindowState {
            serial: kept.serial,
            past_serial: kept.other.map(|past| self.kept[past].serial),
            window: kept.window,
            frames: kept.frames,
            late: kept.late,
            past_frames: kept.past_frames,
            said: kept.said,
            wrong: kept.wrong,
        }
    }

    /// The slots in use, in the order in which counters are to open them: a past after its window.
    pub fn slots_in_use(&self) -> Vec<SlotSerial> {
        let mut all = Vec::new();
        for slot in self.kept.slots() {
            let kept = &self.kept[slot];
            all.push(SlotSerial { slot, serial: kept.serial, past_of: None });
            if let Some(past) = kept.other {
                let serial = self.kept[past].serial;
                all.push(SlotSerial { slot: past, serial, past_of: Some(slot) });
            }
        }
        all
    }

    /// A clock that goes on from a state. It may go by other rules from here on, and count other series:
    /// of new ones those windows are complete that begin after the latest time counted so far; series that
    /// are counted no longer are forgotten, and cannot be taken up again: what was said of their windows is
    /// not known any more.
    ///
    /// # Errors
    /// A window kept then is another one now, by the time zones' data of this program; there are too many;
    /// or a series was dropped before.
    pub fn restore(
        settings: &ClockSettings,
        state: ClockState,
        hasher: &UidHasher,
    ) -> Result<Clock, Error> {
        let mut clock = Clock::new(settings);
        let state = clock.by_own_series(state)?;
        clock.let_go_s = state.let_go_s;
        clock.out_before_s = state.out_before_s.map(|end_s| end_s + clock.max_lag_s);
        if !settings.partitioned {
            clock.reopened = ClosedBy::End;
        }
        if !clock.now_is_fixed {
            clock.now_s = state.now_s;
        }
        (clock.lowest_s, clock.newest_s) = (state.lowest_s, state.newest_s);
        clock.ticks = state.lowest_s.map_or(i64::MIN, |low_s| low_s.div_euclid(clock.every_s));
        clock.partitions.restore(state.partitions, hasher);
        for one in state.windows {
            let window = one.window;
            if clock.calendar.window_at(window.series, window.ts_s) != window {
                return Err(Error::usage(format!(
                    "the window of {} kept in the checkpoint is another one by this program's time zone data ({}): go on with the program that made the checkpoint, or start over with --fresh",
                    window.ts_s,
                    super::Calendar::zone_data()
                )));
            }
            let serials = (one.serial, one.past_serial);
            let slot = clock.kept.reopen(window, one.said, serials).ok_or(Error::TooManyWindows)?;
            let kept = &mut clock.kept[slot];
            (kept.frames, kept.late, kept.wrong) = (one.frames, one.late, one.wrong);
            kept.past_frames = one.past_frames;
        }
        clock.kept.go_on_with(state.next_serial);
        clock.said_before = state.said;
        if let (Some(filled), Some(spans)) = (&mut clock.filled, state.filled) {
            filled.go_on_with(spans);
        }
        clock.judged = state.judged;
        // What results show has a window, so that it can be taken back.
        let waiting = clock.partitions.all().flat_map(|(_, one)| one.parking.frames());
        let shown: Vec<i64> = waiting.filter(|frame| frame.shown).map(|frame| frame.ts_s).collect();
        for ts_s in shown {
            for window in clock.missing_for(ts_s) {
                clock.begin_to_keep(window).ok_or(Error::TooManyWindows)?;
            }
        }
        clock.look_what_is_next(clock.lowest_s.unwrap_or(i64::MIN));
        Ok(clock)
    }

    /// The state with its series numbered as they are here, and when those began that are new.
    fn by_own_series(&mut self, mut state: ClockState) -> Result<ClockState, Error> {
        let names = self.calendar.names();
        if let Some(again) =
            names.iter().map(SeriesName::to_string).find(|name| state.dropped.contains(name))
        {
            return Err(Error::usage(format!(
                "windows {again} were counted by an earlier run that the checkpoint goes on from, and left out by a later one: what was put out for them is not known any more; leave them out, or start over with --fresh"
            )));
        }
        self.dropped = std::mem::take(&mut state.dropped);
        let all = state.series.iter().map(|series| &series.name);
        let is_own = |name: &&String| names.iter().any(|own| own.to_string() == **name);
        self.dropped.extend(all.filter(|name| !is_own(name)).cloned());
        let before = |name: &SeriesName| {
            let name = name.to_string();
            state.series.iter().position(|series| series.name == name)
        };
        // By own series the one then.
        let then: Vec<Option<usize>> = names.iter().map(before).collect();
        let own = |series: SeriesIndex| {
            let own = then.iter().position(|then| *then == Some(usize::from(series)))?;
            SeriesIndex::try_from(own).ok()
        };
        let newest_s = state.newest_s;
        self.since_s = then
            .iter()
            .map(|then| match then {
                Some(then) => state.series[*then].since_s,
                None => newest_s,
            })
            .collect();
        let all = std::mem::take(&mut state.windows);
        for mut one in all {
            match own(one.window.series) {
                Some(series) => {
                    one.window.series = series;
                    state.windows.push(one);
                }
                // Of its frames nothing will be said.
                None => state.judged.in_windows -= one.frames,
            }
        }
        state.said = std::mem::take(&mut state.said)
            .into_iter()
            .filter_map(|said| Some(SaidOf { series: own(said.series)?, ..said }))
            .collect();
        state.filled = state.filled.map(|spans| {
            then.iter().map(|then: &Option<usize>| spans.get((*then)?).copied().flatten()).collect()
        });
        let by_series = std::mem::take(&mut state.judged.by_series);
        state.judged.by_series = then
            .iter()
            .map(|then| then.and_then(|then| by_series.get(then).copied()).unwrap_or_default())
            .collect();
        Ok(state)
    }

    /// Windows that end up to this time are kept no longer.
    fn let_go_to_s(&self) -> Option<i64> {
        let by_rule_s = self.lowest_s.map(|lowest_s| lowest_s - self.max_lag_s - self.kept_s);
        self.let_go_s.max(by_rule_s)
    }

    /// The state another run goes on from after the end of the log has put out all there was to say:
    /// that of `before`, with what was said since. Frames that wait wait on, and results show them.
    pub fn state_after_end(&self, before: ClockState) -> ClockState {
        let mut state = before;
        for one in &mut state.windows {
            if let Some(slot) = self.kept.find(one.window.series, one.window.ts_s) {
                (one.said, one.wrong) = (self.kept[slot].said, self.kept[slot].wrong);
            }
        }
        let known = |series: SeriesIndex, ts_s: i64| {
            let windows = &state.windows;
            windows.iter().any(|one| (one.window.series, one.window.ts_s) == (series, ts_s))
        };
        let opened = self.kept.slots().map(|slot| &self.kept[slot]);
        let opened = opened
            .filter(|kept| kept.said.records > 0 && !known(kept.window.series, kept.window.ts_s));
        let opened = opened.map(|kept| {
            let Window { series, ts_s, .. } = kept.window;
            SaidOf { series, ts_s, said: kept.said }
        });
        let said: Vec<SaidOf> = opened.chain(self.said_before.iter().copied()).collect();
        state.said = said;
        let now_s = self.now_s.unwrap_or(i64::MAX);
        state.partitions.show_parked(now_s);
        state.filled = self.filled.as_ref().map(|filled| filled.spans().to_vec());
        state.judged.results = self.judged.results;
        state.judged.filled = self.judged.filled;
        for (before, after) in state.judged.by_series.iter_mut().zip(&self.judged.by_series) {
            before.results = after.results;
        }
        state
    }
}
