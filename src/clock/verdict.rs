//! Verdicts: what the clock tells the counters, in the batch itself.
//!
//! For each frame and each window size there is one verdict: the slot of the window it is counted
//! in, or none. As nearly all frames of a batch share theirs, a frame carries the number of a
//! *route*, and a route lists one slot for each window size. Route 0 refuses the frame everywhere.
//!
//! What happens to slots (opened, reported, freed) stands between the frames as *marks*: a mark at
//! `place` happens before that frame is counted. All counters see the same marks in the same
//! order; that is why a result can be put together from their parts with no further agreement.
//! The heads of the results (everything but the count) go to the output in the same order.
//!
//! This form holds for any clock: lateness by window size, revisions (a report without a free),
//! provisional results and several sizes are other routes and marks, not another batch.

use crate::clock::calendar::Window;

/// Number of a window slot, the same in every counter.
pub type Slot = u16;

/// In a route: not counted in a window of this size.
pub const NO_SLOT: Slot = u16::MAX;

/// Number of a route within its batch.
pub type Route = u16;

/// The route of a frame that is counted nowhere.
pub const REFUSED: Route = 0;

/// Why a frame is counted in no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its windows were final by its own partition's clock before it came.
    Late,
    /// On time by that clock, but its window was no longer kept.
    Gone,
    /// An earlier run put its window out: it was counted there.
    OutBefore,
}

impl Refusal {
    /// The name used in accounts and rejects.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Late => "late",
            Refusal::Gone => "gone",
            Refusal::OutBefore => "out_before",
        }
    }
}

/// Something that happens to a slot between two frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The slot stands for a new window from here on; it is empty.
    Open,
    /// Every counter says how many users the slot holds.
    Report,
    /// The window is no longer kept; the slot may be opened again.
    Free,
}

/// A deed and where in the batch it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// It happens before the frame at this place; the batch's length means: after the last.
    pub place: u16,
    /// Which slot.
    pub slot: Slot,
    /// What happens.
    pub deed: Deed,
}

/// How sure a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The window's last word, unless a later frame revises it.
    Final,
}

/// Why a result came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// A clock reached the window's end + max-lag.
    Time,
    /// The wall clock did, while every partition was silent.
    Silence,
    /// The log ended.
    End,
}

/// A result but for its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which window.
    pub window: Window,
    /// Frames counted in it.
    pub frames: u64,
    /// Those of them that were late for it.
    pub late: u64,
    /// How sure it is.
    pub status: Status,
    /// How many records were put out for this window before this one.
    pub rev: u32,
    /// Why it comes out now.
    pub closed_by: ClosedBy,
    /// Whether the log covers the window from its start.
    pub complete: bool,
}

/// The verdicts of one batch.
#[derive(Debug)]
pub struct Verdicts {
    window_sizes: usize,
    route_of: Vec<Route>,
    slots: Vec<Slot>,
    refusals: Vec<(u16, Refusal)>,
    marks: Vec<Mark>,
    heads: Vec<Head>,
}

impl Verdicts {
    /// Empty, with room for the verdicts of `frames_max` frames.
    pub fn new(frames_max: usize, window_sizes: usize) -> Verdicts {
        let mut verdicts = Verdicts {
            window_sizes,
            route_of: Vec::with_capacity(frames_max),
            slots: Vec::with_capacity(Self::routes_max(frames_max) * window_sizes),
            refusals: Vec::with_capacity(frames_max),
            marks: Vec::with_capacity(Self::marks_max(frames_max, window_sizes)),
            heads: Vec::with_capacity(frames_max * window_sizes),
        };
        verdicts.clear();
        verdicts
    }

    fn routes_max(frames_max: usize) -> usize {
        frames_max + 1
    }

    /// A frame opens at most one window of each size, and what is opened is reported and freed.
    fn marks_max(frames_max: usize, window_sizes: usize) -> usize {
        3 * frames_max * window_sizes
    }

    /// Bytes reserved for the verdicts of one batch.
    pub fn bytes_max(frames_max: usize, window_sizes: usize) -> usize {
        frames_max * (size_of::<Route>() + size_of::<(u16, Refusal)>())
            + Self::routes_max(frames_max) * window_sizes * size_of::<Slot>()
            + Self::marks_max(frames_max, window_sizes) * size_of::<Mark>()
            + frames_max * window_sizes * size_of::<Head>()
    }

    /// Forgets all but the refusing route.
    pub fn clear(&mut self) {
        self.route_of.clear();
        self.slots.clear();
        self.slots.resize(self.window_sizes, NO_SLOT);
        self.refusals.clear();
        self.marks.clear();
        self.heads.clear();
    }

    /// A new route: for each window size the slot of the frame's window, or [`NO_SLOT`].
    pub fn add_route(&mut self, slots: &[Slot]) -> Route {
        debug_assert_eq!(slots.len(), self.window_sizes);
        let route = self.slots.len() / self.window_sizes;
        self.slots.extend_from_slice(slots);
        Route::try_from(route).expect("a batch has fewer routes than frames + 2")
    }

    /// The next frame's verdict: it goes by this route.
    #[inline]
    pub fn send(&mut self, route: Route) {
        self.route_of.push(route);
    }

    /// The next frame's verdict: refused.
    pub fn refuse(&mut self, why: Refusal) {
        self.refusals.push((self.next_place(), why));
        self.route_of.push(REFUSED);
    }

    /// A deed before the next frame.
    pub fn mark(&mut self, slot: Slot, deed: Deed) {
        let place = self.next_place();
        self.marks.push(Mark { place, slot, deed });
    }

    /// A report of a slot before the next frame, with the head of its result.
    pub fn report(&mut self, slot: Slot, head: Head) {
        self.mark(slot, Deed::Report);
        self.heads.push(head);
    }

    fn next_place(&self) -> u16 {
        u16::try_from(self.route_of.len()).expect("a batch has at most BATCH_FRAMES_MAX frames")
    }

    /// The routes of the frames, in log order.
    #[inline]
    pub fn route_of(&self) -> &[Route] {
        &self.route_of
    }

    /// A route's slots, one for each window size.
    #[inline]
    pub fn slots(&self, route: Route) -> &[Slot] {
        let start = usize::from(route) * self.window_sizes;
        &self.slots[start..start + self.window_sizes]
    }

    /// The marks, in order.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The heads of the results, in the order of the reports.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The refused frames' places and reasons, ascending.
    pub fn refusals(&self) -> &[(u16, Refusal)] {
        &self.refusals
    }
}
