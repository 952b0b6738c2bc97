//! The clock's stage: merges the scanners' batches into the order of the log, has them judged, and
//! deals them out to the counters.
//!
//! Owns the clock and, of each batch it dealt out, the master handle: when every reader (counters,
//! and the rejects' writer if there is one) has returned its own, the master is the only handle
//! again and goes home to its scanner (`clock/merge.rs`).
//!
//! Order of sending: a batch goes to all readers first, its results' heads to the output after.
//! The other way round a full ring of heads would wait for counts that the counters have not been
//! asked for yet.
//!
//! It cuts the log for checkpoints: when the last one is kept and long enough ago, the next batch that
//! ends a chunk is marked, and the clock's state as of its end goes to the output after its heads. So
//! all stages are cut at one place of the log, and none waits for another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::cutting::{ClockCut, Cutting};
pub use super::merge::ScanLink;
use super::merge::{Merge, Merged};
use super::restart::Restart;
use super::unit_check::{UnitCheck, UnitVerdict};
use super::verdict::{Cut, Head};
use super::watching::Watching;
use super::{Clock, Frames, LogEnd};
use crate::batch::{Batch, BatchEnd, BatchHandle};
use crate::error::Error;
use crate::report::{ClockReport, Report};
use crate::ring::sync::{AtomicBool, AtomicU64};
use crate::ring::{Consumer, PopError, Producer, PushError, Stop, StopReason};
use crate::stage::{Stage, Step};
use crate::stats::{ClockCounters, Snapshots};

/// Batches of the clock's own.
pub const OWN_BATCHES: usize = 2;

/// What the clock tells the output.
#[derive(Clone, Debug)]
pub enum Message {
    /// The log's times are what they should be: results may go out.
    Release,
    /// The next result, but for its count; and when the batch that brought it out was judged, where somebody
    /// wants to know how soon results are there.
    Result(Head, Option<Instant>),
    /// Once the results before it are safe, and the rejects of so many batches, another run can go on from
    /// here.
    Restart(Arc<Restart>, u64),
    /// This is to be said at once.
    Alarm(Alarm),
    /// Once the results before it are safe, and what the counters and the rejects' writer have to say of
    /// it has come, a checkpoint can be kept.
    Cut(Box<ClockCut>),
}

/// The rings to and from one reader of judged batches.
pub struct ReaderLink {
    /// To it.
    pub to: Producer<BatchHandle>,
    /// Its handles, done with.
    pub back: Consumer<BatchHandle>,
}

/// What the clock's stage is made of.
pub struct ClockParts {
    /// The clock.
    pub clock: Clock,
    /// The check on the unit of time.
    pub unit_check: UnitCheck,
    /// Set while scanners are to give hints.
    pub checking_unit: Arc<AtomicBool>,
    /// Every scanner's rings.
    pub scanners: Vec<ScanLink>,
    /// Every reader's rings.
    pub readers: Vec<ReaderLink>,
    /// To the output.
    pub messages: Producer<Message>,
    /// Chunks claimed so far, with [`ALL_CLAIMED`](crate::input::messages::ALL_CLAIMED) when there are no more.
    pub claimed: Arc<AtomicU64>,
    /// Why the run is to stop, if it is.
    pub stop: Stop,
    /// Batches of its own: for the end of the log, and one for cuts where no other comes.
    pub spares: Vec<BatchHandle>,
    /// When it cuts the log, if ever.
    pub cutting: Option<Cutting>,
    /// What a watcher sees of it.
    pub counters: Arc<ClockCounters>,
    /// Where its snapshots go, where somebody watches closely.
    pub snapshots: Option<Snapshots>,
}

/// The clock's stage. See the module's header.
pub struct ClockStage {
    clock: Clock,
    unit_check: UnitCheck,
    checking_unit: Arc<AtomicBool>,
    merge: Merge,
    readers: Vec<Reader>,
    messages: Producer<Message>,
    stop: Stop,
    spares: Vec<BatchHandle>,
    in_hand: Option<InHand>,
    in_flight: VecDeque<Dealt>,
    cutting: Option<Cutting>,
    /// A cut of the batch that was judged last, or is being so.
    cut: Option<Box<ClockCut>>,
    released: bool,
    finished: bool,
    report: ClockReport,
    watching: Watching,
}

struct Reader {
    link: ReaderLink,
    sent: u64,
    returned: u64,
}

/// A judged batch on its way to the readers.
struct InHand {
    batch: Dealt,
    readers_done: usize,
    heads_done: usize,
    /// When it was judged, if it has heads and somebody wants to know.
    judged_at: Option<Instant>,
    /// What comes after the heads.
    after: VecDeque<Message>,
}

struct Dealt {
    handle: BatchHandle,
    /// Its scanner; none for the clock's own.
    scanner: Option<usize>,
}

impl ClockStage {
    /// A clock before the first batch.
    pub fn new(parts: ClockParts) -> ClockStage {
        let batches: usize = parts.scanners.iter().map(|link| link.home.capacity()).sum();
        let readers: Vec<Reader> =
            parts.readers.into_iter().map(|link| Reader { link, sent: 0, returned: 0 }).collect();
        let judged_before = parts.clock.judged().clone();
        let tally_before = parts.cutting.as_ref().map(|cutting| cutting.tally_before);
        let parked_before = parts.clock.parked();
        let mut clock = parts.clock;
        if parts.cutting.is_some() {
            clock.is_to_be_gone_on_with();
        }
        let mut watching = Watching::new(parts.counters, parts.snapshots, &judged_before);
        // What an earlier run left is there before the first batch.
        watching.judged(&clock);
        ClockStage {
            clock,
            unit_check: parts.unit_check,
            checking_unit: parts.checking_unit,
            merge: Merge::new(parts.scanners, parts.claimed),
            readers,
            messages: parts.messages,
            stop: parts.stop,
            spares: parts.spares,
            in_hand: None,
            in_flight: VecDeque::with_capacity(batches + OWN_BATCHES),
            cutting: parts.cutting,
            cut: None,
            released: false,
            finished: false,
            watching,
            report: ClockReport {
                judged_before,
                tally_before,
                parked_before,
                ..ClockReport::default()
            },
        }
    }

    /// Takes returned handles and sends whole batches home; says whether there were any. None if a
    /// reader is gone: it would end only after this stage.
    fn collect(&mut self) -> Option<bool> {
        let mut worked = false;
        for reader in &mut self.readers {
            loop {
                match reader.link.back.pop() {
                    Ok(_) => reader.returned += 1,
                    Err(PopError::Empty) => break,
                    Err(PopError::Ended) => return None,
                }
                worked = true;
            }
        }
        let dealt = self.readers.first().map_or(0, |reader| reader.sent);
        let returned = self.readers.iter().map(|reader| reader.returned).min().unwrap_or(dealt);
        // Handles come back in the order they went out, so the oldest batch is the next one whole.
        let partly = self.in_hand.as_ref().is_some_and(|hand| hand.readers_done > 0);
        let first_out = dealt - self.in_flight.len() as u64 - u64::from(partly);
        let mut whole = returned.saturating_sub(first_out).min(self.in_flight.len() as u64);
        while whole > 0 {
            let dealt = self.in_flight.pop_front().expect("as many are in flight");
            if let Err(dealt) = self.send_home(dealt) {
                self.in_flight.push_front(dealt);
                break;
            }
            whole -= 1;
            worked = true;
        }
        Some(worked)
    }

    /// Sends a batch home; gives it back if there is no room.
    fn send_home(&mut self, Dealt { handle, scanner }: Dealt) -> Result<(), Dealt> {
        let Some(of) = scanner else {
            self.spares.push(handle);
            return Ok(());
        };
        self.merge.send_home(of, handle).map_err(|handle| Dealt { handle, scanner })
    }

    /// Sends what is in hand on its way: to the readers, then the heads. True when all is sent.
    fn deal(&mut self) -> Dealing {
        let Some(hand) = &mut self.in_hand else { return Dealing::Nothing };
        let mut worked = false;
        if !self.released && self.unit_check.verdict() == UnitVerdict::Right {
            match self.messages.push(Message::Release) {
                Ok(()) => (self.released, worked) = (true, true),
                Err(PushError::Full(_)) => return Dealing::Blocked,
                Err(PushError::HungUp(_)) => return Dealing::HungUp,
            }
        }
        while let Some(reader) = self.readers.get_mut(hand.readers_done) {
            match reader.link.to.push(Arc::clone(&hand.batch.handle)) {
                Ok(()) => {
                    reader.sent += 1;
                    hand.readers_done += 1;
                    worked = true;
                }
                Err(PushError::Full(_)) => return Dealing::blocked(worked),
                Err(PushError::HungUp(_)) => return Dealing::HungUp,
            }
        }
        while let Some(&head) = hand.batch.handle.verdicts.heads().get(hand.heads_done) {
            match self.messages.push(Message::Result(head, hand.judged_at)) {
                Ok(()) => {
                    hand.heads_done += 1;
                    worked = true;
                }
                Err(PushError::Full(_)) => return Dealing::blocked(worked),
                Err(PushError::HungUp(_)) => return Dealing::HungUp,
            }
        }
        while let Some(message) = hand.after.pop_front() {
            match self.messages.push(message) {
                Ok(()) => worked = true,
                Err(PushError::Full(message)) => {
                    hand.after.push_front(message);
                    return Dealing::blocked(worked);
                }
                Err(PushError::HungUp(_)) => return Dealing::HungUp,
            }
        }
        let hand = self.in_hand.take().expect("it is in hand");
        self.in_flight.push_back(hand.batch);
        Dealing::Done
    }

    /// Judges a batch of the log.
    fn judge(&mut self, scanner: usize, mut handle: BatchHandle) {
        let batch = Arc::get_mut(&mut handle).expect("its scanner gave it away");
        match std::mem::take(&mut batch.end) {
            BatchEnd::More => {}
            BatchEnd::ChunkDone => self.merge.chunk_done(),
            BatchEnd::Failed(error) => self.fail(*error),
        }
        self.report.tally.add(&batch.tally);
        let &mut Batch { partition, next_offset, wall_s, .. } = batch;
        let Batch { facts, held, news, verdicts, hints, .. } = batch;
        match news {
            Some(news) => self.clock.hear(news, verdicts),
            None => {
                let held = held.as_ref();
                let frames = Frames { partition, facts, held, next_offset, wall_s };
                self.clock.judge(&frames, verdicts);
            }
        }
        self.unit_check.observe(hints);
        if self.unit_check.verdict() != UnitVerdict::Open {
            // Relaxed: see the scanners' load.
            self.checking_unit.store(false, Ordering::Relaxed);
        }
        if let Some(error) = self.clock.take_failed() {
            self.fail(error);
        }
        self.heed_unit();
        self.watching.judged(&self.clock);
        if let Some(cutting) = &mut self.cutting
            && cutting.judged(batch)
            && self.is_to_be_cut()
        {
            batch.verdicts.cut(Cut::After);
            self.cut_here();
        }
        self.take_in_hand(Dealt { handle, scanner: Some(scanner) });
    }

    /// Whether a cut is due, of a log that is what it should be.
    fn is_to_be_cut(&self) -> bool {
        let can_be = self.report.failed.is_none() && self.stop.reason() == StopReason::Running;
        let is_due = self.cutting.as_ref().is_some_and(Cutting::is_due);
        is_due && can_be && self.unit_check.verdict() == UnitVerdict::Right
    }

    /// Makes a cut of what was judged so far.
    fn cut_here(&mut self) {
        let Some(cutting) = &mut self.cutting else { return };
        let mut tally = cutting.tally_before;
        tally.add(&self.report.tally);
        let (clock, slots, point) = (self.clock.state(), self.clock.slots_in_use(), cutting.point);
        self.cut = Some(Box::new(ClockCut { clock, slots, tally, point }));
        cutting.cut();
    }

    /// Makes a cut that is due though no batch comes to mark it; false if there is none to be made.
    fn cut_between(&mut self) -> bool {
        let can_be = self.cutting.as_ref().is_some_and(Cutting::can_be_here);
        // The last one is for the end.
        if !can_be || self.spares.len() < OWN_BATCHES || !self.is_to_be_cut() {
            return false;
        }
        let mut handle = self.own_batch();
        let batch = Arc::get_mut(&mut handle).expect("it came back from all readers");
        batch.verdicts.cut(Cut::After);
        self.cut_here();
        self.take_in_hand(Dealt { handle, scanner: None });
        true
    }

    /// An empty batch of its own.
    fn own_batch(&mut self) -> BatchHandle {
        let mut handle = self.spares.pop().expect("one is left for the end");
        let batch = Arc::get_mut(&mut handle).expect("it came back from all readers");
        batch.clear();
        batch.seal(self.merge.next_chunk(), BatchEnd::ChunkDone);
        handle
    }

    /// Whether the end of the log is to be cut: what was read is whole, and its times are right.
    fn cuts_the_end(&self) -> bool {
        let is_right = self.unit_check.verdict() == UnitVerdict::Right;
        let stopped = matches!(self.stop.reason(), StopReason::Running | StopReason::Interrupted);
        let can_be = self.cutting.as_ref().is_some_and(|cutting| !cutting.is_within);
        can_be && self.report.failed.is_none() && is_right && stopped
    }

    /// A batch is judged: it goes to the readers, its heads and what else there is to say to the output.
    fn take_in_hand(&mut self, batch: Dealt) {
        // A restart point only of a run that can be trusted.
        let restart = self.clock.take_restart().filter(|_| self.report.failed.is_none());
        let alarms = self.clock.take_alarms().into_iter().map(Message::Alarm);
        let batches = self.readers.first().map_or(0, |reader| reader.sent) + 1;
        let restart = restart.map(|restart| Message::Restart(restart, batches));
        let cut = self.cut.take().map(Message::Cut);
        let after = alarms.chain(restart).chain(cut).collect();
        let wants_time = self.watching.is_close() && !batch.handle.verdicts.heads().is_empty();
        let judged_at = wants_time.then(Instant::now);
        self.in_hand = Some(InHand { batch, readers_done: 0, heads_done: 0, judged_at, after });
    }

    /// The log is at its end, or is broken off: the clock's last word.
    fn end(&mut self) {
        if self.report.failed.is_none()
            && let Err(error) = self.merge.check_whole()
        {
            self.fail(error);
        }
        self.unit_check.finish();
        self.heed_unit();
        let broken_off = self.report.failed.is_some() || self.stop.reason() != StopReason::Running;
        let mut handle = self.own_batch();
        let batch = Arc::get_mut(&mut handle).expect("it is as new");
        let is_new = self.cutting.as_ref().is_some_and(|cutting| cutting.is_new);
        if self.cuts_the_end() {
            batch.verdicts.cut(Cut::Before);
            self.cut_here();
        }
        let end = match (broken_off, &self.cut) {
            (false, _) => LogEnd::Read,
            (true, None) => LogEnd::BrokenOff,
            (true, Some(_)) => LogEnd::GoneOnWith,
        };
        self.clock.finish(end, &mut batch.verdicts);
        let failed = self.clock.take_failed();
        // What failed at the end is to fail again when it is gone on with; or the last one says it all.
        if failed.is_some() || (!is_new && batch.verdicts.heads().is_empty()) {
            batch.verdicts.take_back_cut();
            self.cut = None;
        }
        if let Some(cut) = &mut self.cut
            && end == LogEnd::Read
        {
            let before = std::mem::take(&mut cut.clock);
            cut.clock = self.clock.state_after_end(before);
        }
        self.report.judged = self.clock.judged().clone();
        self.watching.ended(&self.clock);
        self.report.names = Some(self.clock.names());
        if let Some(error) = failed {
            self.fail(error);
        }
        self.take_in_hand(Dealt { handle, scanner: None });
        self.finished = true;
    }

    fn heed_unit(&mut self) {
        if let UnitVerdict::Wrong(unit) = self.unit_check.verdict()
            && self.report.wrong_unit.is_none()
        {
            self.report.wrong_unit = Some(unit);
            self.fail(Error::usage(format!(
                "the times of the log's first frames are none of 1990-2100 in the unit given, but are in {unit}: give --ts-unit {unit} (no result was put out)"
            )));
        }
    }

    /// A stage behind this one is gone, and with it batches: nothing can come of the rest.
    fn give_up(&mut self) -> Step {
        self.fail(Error::Internal("a stage behind the clock is gone".into()));
        self.in_hand = None;
        Step::Done
    }

    /// Judging ends here. Scanners notice that nobody listens any more.
    fn fail(&mut self, error: Error) {
        if self.report.failed.is_none() {
            self.report.failed = Some(error);
        }
        self.stop.request(StopReason::Failed);
        self.merge.hang_up();
    }
}

enum Dealing {
    Nothing,
    Worked,
    Blocked,
    Done,
    HungUp,
}

impl Dealing {
    fn blocked(worked: bool) -> Dealing {
        if worked { Dealing::Worked } else { Dealing::Blocked }
    }
}

impl Stage for ClockStage {
    fn name(&self) -> String {
        "clock".into()
    }

    fn step(&mut self) -> Step {
        let Some(collected) = self.collect() else { return self.give_up() };
        let idle = if collected { Step::Worked } else { Step::Blocked };
        match self.deal() {
            Dealing::Worked | Dealing::Done => return Step::Worked,
            Dealing::Blocked => {
                self.watching.idle(&self.clock);
                return idle;
            }
            Dealing::HungUp => return self.give_up(),
            Dealing::Nothing => {}
        }
        if self.finished {
            let out = self.in_flight.is_empty();
            return if out { Step::Done } else { idle };
        }
        if self.report.failed.is_some() {
            self.end();
            return Step::Worked;
        }
        match self.merge.next() {
            Merged::Batch(scanner, batch) => {
                self.judge(scanner, batch);
                Step::Worked
            }
            Merged::NotYet if self.cut_between() => Step::Worked,
            Merged::NotYet => {
                self.watching.idle(&self.clock);
                idle
            }
            Merged::Missing => {
                let chunk = self.merge.next_chunk();
                self.fail(Error::Internal(format!("chunk {chunk} is gone with its scanner")));
                Step::Worked
            }
            Merged::Ended => {
                self.end();
                Step::Worked
            }
        }
    }

    fn wake_in(&self) -> Option<Duration> {
        if self.finished {
            return None;
        }
        let can_cut = self.unit_check.verdict() == UnitVerdict::Right;
        let cut_in = self.cutting.as_ref().filter(|_| can_cut).and_then(Cutting::wake_in);
        [cut_in, self.watching.wake_in()].into_iter().flatten().min()
    }

    fn finish(self: Box<Self>) -> Report {
        Report::Clock(Box::new(self.report))
    }
}
