//! The reference clock: event time by its rules alone, one frame at a time. Simple and slow.
//!
//! | what | rule |
//! | --- | --- |
//! | times | of each partition the times of its last 64 frames, counted or not; one beyond now + max-ahead is left out. tₖ: the k-th largest of them, none while there are fewer |
//! | clock | none before there is a t8, then that t8, then with each frame `max(clock, t8 if t8 <= clock + keep, t33)`, its own time included |
//! | late | by the partition's clock before the frame, for each window apart: late from end + max-lag on, refused from end + max-lag + keep on; with `drop`, refused where late |
//! | reach | `max(clock, t) + max-ahead`, the frame's own time included, t the largest time from which on eight of the last 64 lie within max-ahead; none without a t8. A frame up to it is counted, one beyond it is parked |
//! | parked | at each later frame of its partition: counted if the reach now comes to it, not late, as it was ahead of the clock when it came; else refused at the 64th: future |
//! | end | of a partition: its parked frames up to now are counted, those beyond are future; then it holds no time back |
//! | lowest | the lowest clock of the partitions that hold time back: those named that are neither silent nor ended. One without a clock holds all. It never goes back, and stays while none holds. It moves after a frame and all that the frame released |
//! | gone | a window is kept until the lowest clock is at end + max-lag + keep (with `drop` at end + max-lag); a frame let in by the above is refused where its window is not kept |
//! | refused | a frame counted nowhere: gone if one of its windows was, else late |
//! | begin | of a partition its first clock, or its smallest time if it ends without a clock; of the log the earliest of them. A window is complete that starts after it |
//! | closed | by time if the largest clock came to end + max-lag, else by the end |
//!
//! Frames are told in an order of judging: file by file, or partitions turn by turn. Only gone depends on
//! it: otherwise any order that keeps each partition's own gives the same fates. In a bounded log each
//! partition's end is told where it is, and nothing is gone. Malformed frames never come here.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::rules::Rules;
use crate::clock::calendar::Window;

/// Later frames a parked frame waits for.
const WAIT_FRAMES: usize = 64;

/// What became of a frame: the windows it was counted in, and whether it was late for each; or why it
/// is in none (`late`, `future`, `gone`).
pub type Fate = Result<Vec<(Window, bool)>, &'static str>;

/// A frame in its partition, and its windows as they stood when it came.
pub(super) struct Frame {
    pub(super) id: u64,
    pub(super) ts_s: i64,
    pub(super) taken: Vec<(Window, bool)>,
    waited: usize,
}

#[derive(Default)]
pub(super) struct Partition {
    times: VecDeque<i64>,
    clock_s: Option<i64>,
    begin_s: Option<i64>,
    pub(super) parked: Vec<Frame>,
    holds_nothing: bool,
}

/// The reference clock. `windows` gives all windows of a run that hold a time.
pub struct ReferenceClock<W: FnMut(i64) -> Vec<Window>> {
    rules: Rules,
    windows: W,
    pub(super) partitions: BTreeMap<u32, Partition>,
    lowest_s: Option<i64>,
    /// What became of each frame, by partition and id. One that is parked has none yet.
    pub fates: BTreeMap<(u32, u64), Fate>,
}

impl<W: FnMut(i64) -> Vec<Window>> ReferenceClock<W> {
    /// Before the first frame of these partitions.
    pub fn new(rules: Rules, partitions: impl IntoIterator<Item = u32>, windows: W) -> Self {
        let partitions = partitions.into_iter().map(|name| (name, Partition::default())).collect();
        ReferenceClock { rules, windows, partitions, lowest_s: None, fates: BTreeMap::new() }
    }

    /// A partition's next frame. `id` is its own within the partition, like an offset.
    pub fn frame(&mut self, partition: u32, id: u64, ts_s: i64) {
        let (rules, windows) = (self.rules, (self.windows)(ts_s));
        let own = self.partitions.entry(partition).or_default();
        let past = |second: i64| own.clock_s.is_some_and(|clock_s| clock_s >= second);
        let late = |window: &Window| past(window.end_s + rules.max_lag_s);
        let taken = windows.iter().filter(|window| !past(window.end_s + rules.kept_s()));
        let taken = taken.map(|&window| (window, late(&window))).collect();

        if ts_s <= rules.now_s + rules.max_ahead_s {
            own.times.push_front(ts_s);
            own.times.truncate(rules.agree.2);
        }
        let mut sorted: Vec<i64> = own.times.iter().copied().collect();
        sorted.sort_unstable_by_key(|&time_s| Reverse(time_s));
        let (t8, t33) = (sorted.get(rules.agree.0 - 1), sorted.get(rules.agree.1 - 1));
        let small = |clock_s: i64| t8.filter(|&&t8| t8 <= clock_s + rules.keep_s);
        own.clock_s = match own.clock_s {
            None => t8.copied(),
            Some(clock_s) => {
                [Some(&clock_s), small(clock_s), t33].into_iter().flatten().max().copied()
            }
        };
        own.begin_s = own.begin_s.or(own.clock_s);
        own.holds_nothing = false;
        let near = |times_s: &&[i64]| times_s[0] - times_s[times_s.len() - 1] <= rules.max_ahead_s;
        let near_s =
            sorted.windows(rules.agree.0).find(near).map(|times_s| times_s[rules.agree.0 - 1]);
        let reach_s = own.clock_s.max(near_s).map(|time_s| time_s + rules.max_ahead_s);
        let mut waiting = std::mem::take(&mut own.parked);
        waiting.iter_mut().for_each(|frame| frame.waited += 1);
        waiting.push(Frame { id, ts_s, taken, waited: 0 });
        let (within, beyond): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|frame| reach_s.is_some_and(|reach_s| frame.ts_s <= reach_s));
        let (over, parked) = beyond.into_iter().partition(|frame| frame.waited == WAIT_FRAMES);
        own.parked = parked;
        self.settle(partition, within, over);
    }

    /// The partition is at its end.
    pub fn end(&mut self, partition: u32) {
        let own = self.partitions.entry(partition).or_default();
        let parked = std::mem::take(&mut own.parked).into_iter();
        own.begin_s = own.begin_s.or(own.times.iter().min().copied());
        let (within, beyond) = parked.partition(|frame| frame.ts_s <= self.rules.now_s);
        own.holds_nothing = true;
        self.settle(partition, within, beyond);
    }

    /// The partition holds no time back until its next frame.
    pub fn silent(&mut self, partition: u32) {
        self.partitions.entry(partition).or_default().holds_nothing = true;
        self.settle(partition, Vec::new(), Vec::new());
    }

    /// Counts frames and refuses others as future; then the lowest clock moves.
    fn settle(&mut self, partition: u32, counted: Vec<Frame>, future: Vec<Frame>) {
        let kept_s = self.rules.kept_s();
        let is_kept = |window: &Window| self.lowest_s < Some(window.end_s + kept_s);
        for Frame { id, taken, .. } in counted {
            let kept: Vec<_> =
                taken.iter().copied().filter(|(window, _)| is_kept(window)).collect();
            let why = if kept.len() < taken.len() { "gone" } else { "late" };
            let fate = if kept.is_empty() { Err(why) } else { Ok(kept) };
            self.fates.insert((partition, id), fate);
        }
        self.fates.extend(future.iter().map(|frame| ((partition, frame.id), Err("future"))));
        let holding = self.partitions.values().filter(|own| !own.holds_nothing);
        self.lowest_s = self.lowest_s.max(holding.map(|own| own.clock_s).min().flatten());
    }

    /// When the log begins, if it is known.
    pub fn begin_s(&self) -> Option<i64> {
        self.partitions.values().filter_map(|own| own.begin_s).min()
    }

    /// The largest clock.
    pub fn largest_s(&self) -> Option<i64> {
        self.partitions.values().filter_map(|own| own.clock_s).max()
    }
}
