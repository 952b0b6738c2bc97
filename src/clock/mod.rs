//! The clock: event time, and the verdict on each frame. No I/O, no system time.
//!
//! It sees every frame in log order, before the counters, so lateness cannot depend on how many
//! counters there are. It owns the list of open windows and the numbers of their slots; counters
//! only do as the marks say. It runs on one thread and is a function of the log alone.
//!
//! The rules (the plain clock):
//!
//! | what | rule |
//! | --- | --- |
//! | time | the clock is the largest time of any frame so far; the first frame sets it |
//! | late | a frame is refused if, as the clock stood *before* it, `clock >= end + max_lag` of its window |
//! | final | a window's result comes out as soon as `clock >= end + max_lag`, in order of end |
//! | end | when the log ends, the windows still open come out, `closed_by: end`; not when it was interrupted |
//! | complete | the window starts after the log's first frame's time: it was seen from its start |
//!
//! Known weakness, until agreement moves time: one timestamp flipped far ahead closes every window
//! before it, and what comes after is refused (and accounted) as late.

pub mod calendar;
pub mod stage;
pub mod unit_check;
pub mod verdict;

use calendar::{Window, WindowSize};
use verdict::{ClosedBy, Deed, Head, NO_SLOT, Refusal, Route, Slot, Status, Verdicts};

/// What moves the clock and what it keeps open.
#[derive(Clone, Debug)]
pub struct ClockSettings {
    /// Seconds of event time a window stays open after its end.
    pub max_lag_s: u32,
    /// The window sizes counted, each once.
    pub sizes: Vec<WindowSize>,
}

impl Default for ClockSettings {
    fn default() -> ClockSettings {
        ClockSettings { max_lag_s: 5, sizes: vec![WindowSize::Minute] }
    }
}

impl ClockSettings {
    /// Windows open at once at most, all sizes together.
    ///
    /// An open window of length L ends after `clock - max_lag` and by `clock + L`: that is
    /// `ceil(max_lag / L) + 1` of them, and one more is opened before the frame that opens it
    /// closes others.
    pub fn windows_open_max(&self) -> usize {
        self.sizes
            .iter()
            .map(|size| {
                let length_s = size.seconds_max().unsigned_abs();
                let lag = u64::from(self.max_lag_s).div_ceil(length_s) + 2;
                usize::try_from(lag).expect("a u32 of seconds fits")
            })
            .sum()
    }
}

/// What became of the frames it judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Frames counted in at least one window.
    pub counted: u64,
    /// Frames refused as late.
    pub refused_late: u64,
    /// Results put out.
    pub results: u64,
    /// Windows that were open when the log was left, and so not put out.
    pub left_open: u64,
    /// Frames counted in those.
    pub frames_left_open: u64,
    /// Frames counted in windows put out.
    pub frames_put_out: u64,
    /// Largest time seen, unix seconds; none before the first frame.
    pub clock_s: Option<i64>,
    /// Windows open at once at most.
    pub open_peak: usize,
}

struct OpenWindow {
    window: Window,
    slot: Slot,
    frames: u64,
}

/// The frames of a run that fall into one and the same window share its verdict.
#[derive(Clone, Copy)]
struct Run {
    start_s: i64,
    end_s: i64,
    route: Route,
    open_index: usize,
}

impl Run {
    /// Holds no time at all.
    const NONE: Run = Run { start_s: 0, end_s: 0, route: 0, open_index: 0 };
}

/// The clock of one log. See the module's header for the rules.
pub struct Clock {
    max_lag_s: i64,
    size: WindowSize,
    clock_s: Option<i64>,
    first_s: i64,
    /// Windows open, in the order in which they become final.
    open: Vec<OpenWindow>,
    /// Slots not in use; the one freed last is opened first, as its memory is warm and grown.
    free: Vec<Slot>,
    judged: Judged,
}

impl Clock {
    /// A clock before its first frame.
    pub fn new(settings: &ClockSettings) -> Clock {
        let slots = settings.windows_open_max();
        let [size] = settings.sizes[..] else {
            unreachable!("one window size until the issue on calendar windows");
        };
        Clock {
            max_lag_s: i64::from(settings.max_lag_s),
            size,
            clock_s: None,
            first_s: 0,
            open: Vec::with_capacity(slots),
            free: (0..Slot::try_from(slots).expect("WINDOWS_OPEN_MAX fits a slot")).rev().collect(),
            judged: Judged::default(),
        }
    }

    /// Judges the next frames of the log, given by their times: one verdict each, with the marks
    /// between them.
    pub fn judge(&mut self, ts_s: &[i64], verdicts: &mut Verdicts) {
        let mut run = Run::NONE;
        for &ts_s in ts_s {
            if ts_s < run.start_s || ts_s >= run.end_s {
                match self.enter(ts_s, verdicts) {
                    Some(entered) => run = entered,
                    None => {
                        self.judged.refused_late += 1;
                        verdicts.refuse(Refusal::Late);
                        continue;
                    }
                }
            }
            self.open[run.open_index].frames += 1;
            self.judged.counted += 1;
            verdicts.send(run.route);
            if self.clock_s.is_none_or(|clock_s| ts_s > clock_s) && self.advance(ts_s, verdicts) {
                // Windows closed: the places in the list have changed.
                run = Run::NONE;
            }
        }
    }

    /// The end of the log: all windows come out, unless it was broken off.
    pub fn finish(&mut self, broken_off: bool, verdicts: &mut Verdicts) {
        if broken_off {
            self.judged.left_open = self.open.len() as u64;
            self.judged.frames_left_open = self.open.iter().map(|w| w.frames).sum();
            return;
        }
        for index in 0..self.open.len() {
            self.put_out(index, ClosedBy::End, verdicts);
        }
        self.open.clear();
    }

    /// What became of the frames so far.
    pub fn judged(&self) -> Judged {
        self.judged
    }

    /// The verdict on a frame outside the present run: its window, opened if need be; none if the
    /// window is out already.
    fn enter(&mut self, ts_s: i64, verdicts: &mut Verdicts) -> Option<Run> {
        let window = self.size.window_at(ts_s);
        if self.clock_s.is_some_and(|clock_s| clock_s >= window.end_s + self.max_lag_s) {
            return None;
        }
        if self.clock_s.is_none() {
            self.first_s = ts_s;
        }
        let found = self.open.binary_search_by_key(&window.end_s, |open| open.window.end_s);
        let open_index = found.unwrap_or_else(|index| {
            let slot = self.free.pop().expect("windows_open_max slots were made");
            verdicts.mark(slot, Deed::Open);
            self.open.insert(index, OpenWindow { window, slot, frames: 0 });
            self.judged.open_peak = self.judged.open_peak.max(self.open.len());
            index
        });
        let slot = self.open[open_index].slot;
        debug_assert_ne!(slot, NO_SLOT);
        let route = verdicts.add_route(&[slot]);
        Some(Run { start_s: window.start_s, end_s: window.end_s, route, open_index })
    }

    /// Moves the clock; says whether windows came out.
    fn advance(&mut self, to_s: i64, verdicts: &mut Verdicts) -> bool {
        self.clock_s = Some(to_s);
        self.judged.clock_s = self.clock_s;
        let finals =
            self.open.iter().take_while(|open| to_s >= open.window.end_s + self.max_lag_s).count();
        for index in 0..finals {
            self.put_out(index, ClosedBy::Time, verdicts);
        }
        self.open.drain(..finals);
        finals > 0
    }

    fn put_out(&mut self, index: usize, closed_by: ClosedBy, verdicts: &mut Verdicts) {
        let OpenWindow { window, slot, frames } = self.open[index];
        let head = Head {
            window,
            frames,
            late: 0,
            status: Status::Final,
            rev: 0,
            closed_by,
            complete: window.start_s > self.first_s,
        };
        verdicts.report(slot, head);
        verdicts.mark(slot, Deed::Free);
        self.free.push(slot);
        self.judged.results += 1;
        self.judged.frames_put_out += frames;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges the times in batches of `step`, and says what happened as text.
    fn check(max_lag_s: u32, step: usize, times: &[i64], expected: &str) {
        let settings = ClockSettings { max_lag_s, ..ClockSettings::default() };
        let mut clock = Clock::new(&settings);
        let mut said = Vec::new();
        let mut verdicts = Verdicts::new(step, 1);
        let mut slot_start = vec![None; settings.windows_open_max()];
        let batches = times.chunks(step).map(Some).chain([None]);
        for batch in batches {
            verdicts.clear();
            match batch {
                Some(times) => clock.judge(times, &mut verdicts),
                None => clock.finish(false, &mut verdicts),
            }
            let mut heads = verdicts.heads().iter();
            let mut marks = verdicts.marks().iter().peekable();
            for place in 0..=verdicts.route_of().len() {
                while let Some(mark) = marks.next_if(|m| usize::from(m.place) == place) {
                    match mark.deed {
                        Deed::Open => slot_start[usize::from(mark.slot)] = Some(()),
                        Deed::Report => {
                            let h = heads.next().unwrap();
                            let how = if h.closed_by == ClosedBy::End { "end" } else { "time" };
                            let part = if h.complete { "" } else { " part" };
                            said.push(format!("[{} {} {how}{part}]", h.window.start_s, h.frames));
                        }
                        Deed::Free => assert!(slot_start[usize::from(mark.slot)].take().is_some()),
                    }
                }
                if let Some(&route) = verdicts.route_of().get(place) {
                    match verdicts.slots(route) {
                        [NO_SLOT] => said.push("late".into()),
                        [slot] => assert!(slot_start[usize::from(*slot)].is_some()),
                        _ => unreachable!(),
                    }
                }
            }
        }
        assert_eq!(said.join(" "), expected, "batches of {step}");
        let judged = clock.judged();
        assert_eq!(judged.counted + judged.refused_late, times.len() as u64);
        assert_eq!(judged.frames_put_out, judged.counted);
        assert!(judged.open_peak <= settings.windows_open_max());
    }

    fn check_all(max_lag_s: u32, times: &[i64], expected: &str) {
        for step in 1..=times.len().max(1) {
            check(max_lag_s, step, times, expected);
        }
    }

    #[test]
    fn a_window_is_final_exactly_at_its_end_plus_max_lag() {
        check_all(5, &[0, 59, 64, 59, 65, 59], "[0 3 time part] late [60 2 end]");
        check_all(0, &[0, 59, 60, 59], "[0 2 time part] late [60 1 end]");
    }

    #[test]
    fn lateness_is_judged_by_the_clock_before_the_frame() {
        // 125 closes 60..120 only after it has been counted itself.
        check_all(5, &[60, 125, 119], "[60 1 time part] late [120 1 end]");
    }

    #[test]
    fn a_gap_closes_the_windows_in_order_and_leaves_empty_ones_out() {
        check_all(
            70,
            &[0, 61, 100, 30, 100_000, 99_800],
            "[0 2 time part] [60 2 time] late [99960 1 end]",
        );
        check_all(120, &[0, 100_000, 99_900], "[0 1 time part] [99900 1 end] [99960 1 end]");
    }

    #[test]
    fn windows_before_the_first_frame_are_parts() {
        check_all(600, &[90, 30, 120], "[0 1 end part] [60 1 end part] [120 1 end]");
        check_all(600, &[60, 120], "[60 1 end part] [120 1 end]");
    }

    #[test]
    fn the_far_ends_of_time_are_windows_like_others() {
        use crate::limits::{TS_S_MAX, TS_S_MIN};
        let (first, last) = (TS_S_MIN.div_euclid(60) * 60, TS_S_MAX.div_euclid(60) * 60);
        check_all(5, &[TS_S_MIN, TS_S_MAX], &format!("[{first} 1 time part] [{last} 1 end]"));
    }

    #[test]
    fn broken_off_puts_nothing_out() {
        let mut clock = Clock::new(&ClockSettings::default());
        let mut verdicts = Verdicts::new(8, 1);
        clock.judge(&[0, 1, 61], &mut verdicts);
        verdicts.clear();
        clock.finish(true, &mut verdicts);
        assert!(verdicts.marks().is_empty());
        assert_eq!((clock.judged().left_open, clock.judged().frames_left_open), (2, 3));
    }
}
