//! Verdicts: what the clock tells the counters, in the batch itself.
//!
//! For each frame and each window it lies in there is one verdict: the slot it is counted in, or none.
//! As nearly all frames of a batch share theirs, a frame carries the number of a *route*, and a route
//! lists the slots, series by series: one place each, of rolling windows one a day. Route 0 refuses the
//! frame everywhere.
//!
//! What happens to slots (opened, reported, freed) stands between the frames as *marks*: a mark at
//! `place` happens before that frame is counted. All counters see the same marks in the same
//! order; that is why a result can be put together from their parts with no further agreement.
//! The heads of the results (everything but the count) go to the output in the same order.
//!
//! Frames that waited in the clock come with a later batch, as *released* facts beside its own: a mark
//! says how many of them are counted at its place, or how many a report shows besides what is counted.

use crate::clock::calendar::Window;
use crate::clock::parking::{Parked, Payload};
use crate::clock::released::Released;

/// Number of a window slot, the same in every counter.
pub type Slot = u16;

/// In a route: not counted in a window there.
pub const NO_SLOT: Slot = u16::MAX;

/// Number of a route within its batch.
pub type Route = u16;

/// The route of a frame that is counted nowhere.
pub const REFUSED: Route = 0;

/// Why a frame is counted in no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its windows were over by its own partition's clock before it came.
    Late,
    /// Its time lay too far ahead of its partition for too long.
    Future,
    /// On time by that clock, but its window was no longer kept.
    Gone,
    /// An earlier run judged it and put its window out: it was counted there, unless it still waited then.
    OutBefore,
}

impl Refusal {
    /// The name used in accounts and rejects.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Late => "late",
            Refusal::Future => "future",
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
    /// The slot stands from here on for the users before this other one's window, which was just opened:
    /// who is in both returns.
    OpenPast(Slot),
    /// Every counter says how many users the slot holds.
    Report,
    /// The same, as if so many of the next released facts were in the slot as well, which they are
    /// not.
    Show(u32),
    /// So many of the next released facts are counted, each by its route. The mark has no slot.
    Release(u16),
    /// The window is no longer kept; the slot may be opened again.
    Free,
    /// Every counter gives what it newly counted since the last of these: a checkpoint is made of the log up
    /// to here. The mark has no slot.
    Cut,
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
    /// The window is still open.
    Provisional,
    /// The window's last word, unless a later frame revises it.
    Final,
    /// It comes in place of a final one.
    Revised,
}

impl Status {
    /// The name in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Provisional => "provisional",
            Status::Final => "final",
            Status::Revised => "revised",
        }
    }
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
    /// Nothing yet: the window is open.
    Open,
}

impl ClosedBy {
    /// The name in results.
    pub fn as_str(self) -> &'static str {
        match self {
            ClosedBy::Time => "time",
            ClosedBy::Silence => "silence",
            ClosedBy::End => "end",
            ClosedBy::Open => "open",
        }
    }
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
    /// Whether the past of the window was read whole, where users who return are told apart.
    pub past: Option<bool>,
    /// Whether counters report it; else it is known to be empty.
    pub counted: bool,
}

/// What a counter says of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Users in its window.
    pub users: u64,
    /// Those of them who were seen in its past, too.
    pub returning: u64,
}

/// The verdicts of one batch.
#[derive(Debug)]
pub struct Verdicts {
    places: usize,
    route_of: Vec<Route>,
    slots: Vec<Slot>,
    refusals: Vec<(u16, Refusal)>,
    marks: Vec<Mark>,
    heads: Vec<Head>,
    released: Released,
    /// Payloads of frames that waited and were refused, with the reason.
    rejected: Vec<(Payload, Refusal)>,
    cut: Option<Cut>,
}

/// A cut in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before all that is in it.
    Before,
    /// After all.
    After,
}

impl Verdicts {
    /// Empty, with room for the verdicts of `frames_max` frames, each of which lies in so many windows
    /// at most.
    pub fn new(frames_max: usize, series: usize, places: usize) -> Verdicts {
        let mut verdicts = Verdicts {
            places,
            route_of: Vec::with_capacity(frames_max),
            slots: Vec::with_capacity(Self::routes_max(frames_max) * places),
            refusals: Vec::with_capacity(frames_max),
            marks: Vec::with_capacity(Self::marks_max(frames_max, series, places)),
            heads: Vec::with_capacity(frames_max * series),
            released: Released::default(),
            rejected: Vec::new(),
            cut: None,
        };
        verdicts.clear();
        verdicts
    }

    fn routes_max(frames_max: usize) -> usize {
        frames_max + 1
    }

    /// The first frame opens all its windows and each further one at most one of each series, where
    /// no day lies between them; and what is opened is reported and freed. Rolling windows of frames
    /// that are days apart can be more; then there is more room from then on.
    fn marks_max(frames_max: usize, series: usize, places: usize) -> usize {
        3 * (frames_max * series + places)
    }

    /// Bytes reserved for the verdicts of one batch.
    pub fn bytes_max(frames_max: usize, series: usize, places: usize) -> usize {
        frames_max * (size_of::<Route>() + size_of::<(u16, Refusal)>())
            + Self::routes_max(frames_max) * places * size_of::<Slot>()
            + Self::marks_max(frames_max, series, places) * size_of::<Mark>()
            + frames_max * series * size_of::<Head>()
    }

    /// Forgets all but the refusing route.
    pub fn clear(&mut self) {
        self.route_of.clear();
        self.slots.clear();
        self.slots.resize(self.places, NO_SLOT);
        self.refusals.clear();
        self.marks.clear();
        self.heads.clear();
        self.released.clear();
        self.rejected.clear();
        self.cut = None;
    }

    /// A checkpoint is made of the log up to here: all of the batch, or nothing of it.
    pub fn cut(&mut self, cut: Cut) {
        self.cut = Some(cut);
        self.marks.push(Mark { place: self.next_place(), slot: NO_SLOT, deed: Deed::Cut });
    }

    /// No checkpoint is made here after all.
    pub fn take_back_cut(&mut self) {
        self.cut = None;
        self.marks.retain(|mark| mark.deed != Deed::Cut);
    }

    /// Where it is cut, if it is.
    pub fn cut_at(&self) -> Option<Cut> {
        self.cut
    }

    /// A new route: at each place the slot of the frame's window, or [`NO_SLOT`].
    pub fn add_route(&mut self, slots: &[Slot]) -> Route {
        debug_assert_eq!(slots.len(), self.places);
        let route = self.slots.len() / self.places;
        self.slots.extend_from_slice(slots);
        Route::try_from(route).expect("a batch has fewer routes than frames and released facts + 2")
    }

    /// The route added last.
    #[inline]
    pub fn last_route(&self) -> Route {
        // A batch has fewer than 2^16.
        #[allow(clippy::cast_possible_truncation)]
        let route = (self.slots.len() / self.places - 1) as Route;
        route
    }

    /// The next frame's verdict: it goes by this route.
    #[inline]
    pub fn send(&mut self, route: Route) {
        self.route_of.push(route);
    }

    /// The verdict on the next frames: they go by this route.
    #[inline]
    pub fn send_all(&mut self, route: Route, frames: usize) {
        self.route_of.resize(self.route_of.len() + frames, route);
    }

    /// The next frame's verdict: it is put off, and comes again with a later batch.
    pub fn put_off(&mut self) {
        self.route_of.push(REFUSED);
    }

    /// The next frame's verdict: refused. A route, if there is one, has the pasts that know of it.
    pub fn refuse(&mut self, why: Refusal, route: Route) {
        self.refusals.push((self.next_place(), why));
        self.route_of.push(route);
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

    /// A report of a slot before the next frame that shows these facts, too, with the head of its result.
    pub fn show<'p>(&mut self, slot: Slot, shown: impl Iterator<Item = &'p Parked>, head: Head) {
        let before = self.released.len();
        shown.for_each(|fact| self.released.push(REFUSED, fact));
        let facts = self.released.len() - before;
        let facts = u32::try_from(facts).expect("fewer frames wait than memory holds");
        self.mark(slot, Deed::Show(facts));
        self.heads.push(head);
    }

    /// The head of an empty result, which nobody has to count.
    pub fn report_empty(&mut self, head: Head) {
        debug_assert!(!head.counted);
        self.heads.push(head);
    }

    /// Before the next frame one that waited is counted by this route.
    pub fn release(&mut self, route: Route, fact: &Parked) {
        self.released.push(route, fact);
        let place = self.next_place();
        if let Some(Mark { place: at, deed: Deed::Release(facts), .. }) = self.marks.last_mut()
            && *at == place
            && *facts < u16::MAX
        {
            *facts += 1;
        } else {
            self.marks.push(Mark { place, slot: NO_SLOT, deed: Deed::Release(1) });
        }
    }

    /// A frame that waited is refused.
    pub fn reject(&mut self, payload: Option<Payload>, why: Refusal) {
        self.rejected.extend(payload.map(|payload| (payload, why)));
    }

    fn next_place(&self) -> u16 {
        u16::try_from(self.route_of.len()).expect("a batch has at most BATCH_FRAMES_MAX frames")
    }

    /// The routes of the frames, in log order.
    #[inline]
    pub fn route_of(&self) -> &[Route] {
        &self.route_of
    }

    /// A route's slots, one for each place.
    #[inline]
    pub fn slots(&self, route: Route) -> &[Slot] {
        let start = usize::from(route) * self.places;
        &self.slots[start..start + self.places]
    }

    /// The marks, in order.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The facts that the marks speak of, in the order of the marks.
    pub fn released(&self) -> &Released {
        &self.released
    }

    /// The payloads of frames that waited and were refused, where they were held.
    pub fn rejected(&self) -> &[(Payload, Refusal)] {
        &self.rejected
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
