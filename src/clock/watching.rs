//! What the clock's stage does for a watcher: counters once a batch, and where somebody watches closely a
//! snapshot of partitions and windows, rarely. It decides nothing, and nothing of the clock depends on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::partitions::Holds;
use super::{Clock, Judged};
use crate::limits::WATCHED_WINDOWS_MAX;
use crate::stats::{
    ClockCounters, DRAWN_EVERY, PartitionNow, Snapshot, Snapshots, WindowNow, wall_ms,
};

/// What the clock's stage tells a watcher, and when.
pub(super) struct Watching {
    counters: Arc<ClockCounters>,
    /// What earlier runs judged.
    before: Judged,
    drawing: Option<Drawing>,
}

/// Snapshots being drawn.
struct Drawing {
    to: Snapshots,
    /// Memory for the next one.
    next: Snapshot,
    drawn_at: Option<Instant>,
    /// Something was judged since.
    is_old: bool,
    /// What the last one said, by partition: from it follows what has changed.
    standing: Vec<Standing>,
}

#[derive(Clone, Copy, Default)]
struct Standing {
    clock_s: Option<i64>,
    moved_ms: Option<i64>,
    lowest_since_ms: Option<i64>,
}

impl Watching {
    /// Nothing is told yet.
    pub(super) fn new(
        counters: Arc<ClockCounters>,
        to: Option<Snapshots>,
        before: &Judged,
    ) -> Watching {
        let drawing = to.map(|to| Drawing {
            to,
            next: Snapshot::default(),
            drawn_at: None,
            is_old: true,
            standing: Vec::new(),
        });
        Watching { counters, before: before.clone(), drawing }
    }

    /// Whether somebody watches closely.
    pub(super) fn is_close(&self) -> bool {
        self.drawing.is_some()
    }

    /// A batch was judged.
    #[inline]
    pub(super) fn judged(&mut self, clock: &Clock) {
        let (judged, windows) = (&clock.judged, clock.kept.count());
        self.counters.set(judged, &self.before, windows, clock.lowest_s);
        if let Some(drawing) = &mut self.drawing {
            drawing.is_old = true;
            drawing.draw_if_due(clock);
        }
    }

    /// There was nothing to judge.
    pub(super) fn idle(&mut self, clock: &Clock) {
        if let Some(drawing) = &mut self.drawing {
            drawing.draw_if_due(clock);
        }
    }

    /// Nothing more comes.
    pub(super) fn ended(&mut self, clock: &Clock) {
        self.judged(clock);
        if let Some(drawing) = &mut self.drawing {
            drawing.drawn_at = None;
            drawing.draw_if_due(clock);
        }
    }

    /// After how long a snapshot is due, if nothing comes; none: never.
    pub(super) fn wake_in(&self) -> Option<Duration> {
        let drawing = self.drawing.as_ref().filter(|drawing| drawing.is_old)?;
        Some(drawing.due_in().max(Duration::from_millis(1)))
    }
}

impl Drawing {
    fn due_in(&self) -> Duration {
        self.drawn_at.map_or(Duration::ZERO, |at| DRAWN_EVERY.saturating_sub(at.elapsed()))
    }

    fn draw_if_due(&mut self, clock: &Clock) {
        if !self.is_old || !self.due_in().is_zero() {
            return;
        }
        self.drawn_at = Some(Instant::now());
        clock.draw(&mut self.next, &mut self.standing, wall_ms());
        // If a watcher is reading just now, the next one is as good.
        self.is_old = !self.to.publish(&mut self.next);
    }
}

impl Clock {
    /// Draws up a snapshot, as of this wall clock.
    fn draw(&self, into: &mut Snapshot, standing: &mut Vec<Standing>, now_ms: i64) {
        into.lowest_s = self.lowest_s;
        self.draw_partitions(into, standing, now_ms);
        self.draw_windows(into);
    }

    fn draw_partitions(&self, into: &mut Snapshot, standing: &mut Vec<Standing>, now_ms: i64) {
        let holding = self.partitions.all().filter(|(_, one)| one.holds == Holds::Yes);
        // No clock stands below any.
        let lowest = holding.map(|(_, one)| one.agreement.clock_s()).min();
        into.partitions.clear();
        into.parked = 0;
        for (partition, one) in self.partitions.all() {
            let at = partition as usize;
            if standing.len() <= at {
                standing.resize(at + 1, Standing::default());
            }
            let before = &mut standing[at];
            let clock_s = one.agreement.clock_s();
            if before.moved_ms.is_none() || before.clock_s != clock_s {
                (before.clock_s, before.moved_ms) = (clock_s, Some(now_ms));
            }
            let is_lowest = one.holds == Holds::Yes && Some(clock_s) == lowest;
            before.lowest_since_ms = is_lowest.then(|| before.lowest_since_ms.unwrap_or(now_ms));
            into.parked += one.parking.frames().len() as u64;
            into.partitions.push(PartitionNow {
                partition,
                clock_s,
                holds: one.holds,
                moved_ms: before.moved_ms.unwrap_or(now_ms),
                lowest_since_ms: before.lowest_since_ms,
            });
        }
    }

    fn draw_windows(&self, into: &mut Snapshot) {
        into.windows.clear();
        into.windows_kept_for_late = 0;
        for slot in self.kept.slots() {
            let kept = &self.kept[slot];
            let window = kept.window;
            if kept.said.firmly || self.is_final(window.end_s) {
                into.windows_kept_for_late += 1;
                continue;
            }
            into.windows.push(WindowNow {
                series: window.series,
                start_s: window.start_s,
                end_s: window.end_s,
                ts_s: window.ts_s,
                frames: kept.frames,
                begun: self.has_begun(&window),
            });
        }
        into.windows.sort_unstable_by_key(|window| (window.end_s, window.series, window.ts_s));
        into.windows_more = into.windows.len().saturating_sub(WATCHED_WINDOWS_MAX) as u64;
        into.windows.truncate(WATCHED_WINDOWS_MAX);
    }
}
