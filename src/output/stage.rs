//! The output's stage: puts results together and writes them.
//!
//! The clock sends the head of each result, every counter its count, all in the same order: the
//! next result is complete when all have arrived. Until the clock has released the output (see
//! [`crate::clock::unit_check`]) results are kept back; there are at most a thousand frames'
//! worth. A restart point is kept once the results and the rejects before it are safe. When an output
//! fails, the stage says so, asks the run to stop, and from there on only takes what comes, so that the
//! accounts of the run remain whole.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cuts::Cuts;
use super::record::WindowResult;
use super::rejects::RejectWriter;
use super::sink::{RestartKeeper, ResultSink};
use crate::batch::BatchHandle;
use crate::clock::alarm::Alarm;
use crate::clock::calendar::{SeriesIndex, SeriesName};
use crate::clock::restart::Restart;
use crate::clock::stage::Message;
use crate::clock::verdict::{Counted, Cut, Head};
use crate::count::journal::ShardCut;
use crate::error::Error;
use crate::log;
use crate::report::{OutputReport, Report};
use crate::ring::{Consumer, PopError, Producer, PushError, Stop, StopReason};
use crate::stage::{Stage, Step};
use crate::stats::{OutputCounters, UnderWay, Watched};

/// Results and batches taken in one step at most.
const TAKE_MAX: usize = 64;
/// How often it is asked whether results sent are safe.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// The rings of the output.
pub struct OutputRings {
    /// From the clock.
    pub messages: Consumer<Message>,
    /// From each counter.
    pub counts: Vec<Consumer<Counted>>,
    /// Judged batches and their way back, where rejects are written.
    pub rejects: Option<RejectRings>,
    /// From each counter its part of each cut, where checkpoints are made.
    pub cuts: Vec<Consumer<ShardCut>>,
}

/// The rings of the rejects' writer.
pub struct RejectRings {
    /// Judged batches.
    pub from_clock: Consumer<BatchHandle>,
    /// The same, done with.
    pub back: Producer<BatchHandle>,
    /// What writes them.
    pub writer: RejectWriter,
}

/// A restart point, and what must be safe before it may be kept.
struct Waiting {
    restart: Arc<Restart>,
    /// So many results,
    results: u64,
    /// and the rejects of so many batches,
    batches: u64,
    /// which are so many, once the batches have come.
    rejects: Option<u64>,
}

/// The output. See the module's header.
pub struct OutputStage {
    rings: OutputRings,
    names: Arc<[SeriesName]>,
    sink: Box<dyn ResultSink>,
    keeper: Option<Box<dyn RestartKeeper>>,
    /// Restart points that are not kept yet.
    restarts: VecDeque<Waiting>,
    keeping: bool,
    /// Where checkpoints are made.
    cuts: Option<Cuts>,
    /// Results or a restart point are not known to be safe yet.
    under_way: bool,
    stop: Stop,
    head: Option<(Head, Option<Instant>)>,
    counts: Vec<Option<Counted>>,
    kept_back: Option<Vec<(SeriesIndex, WindowResult)>>,
    returning: Option<BatchHandle>,
    unflushed: bool,
    /// Results put together so far.
    taken: u64,
    /// Batches looked through for rejects.
    batches: u64,
    /// Results given to the sink, and those of them known to be safe.
    put: u64,
    settled: u64,
    report: OutputReport,
    counters: Arc<OutputCounters>,
    watched: Option<Watched>,
    not_safe: UnderWay,
}

enum Taken {
    Something,
    Nothing,
    Ended,
}

impl OutputStage {
    /// An output before its first result. `names` are those of the calendar's series. A watcher sees what is
    /// in the counters, and the rest where there is one.
    pub fn new(
        rings: OutputRings,
        names: Arc<[SeriesName]>,
        sink: Box<dyn ResultSink>,
        keeper: Option<Box<dyn RestartKeeper>>,
        cuts: Option<Cuts>,
        stop: Stop,
        (counters, watched): (Arc<OutputCounters>, Option<Watched>),
    ) -> OutputStage {
        let counts = vec![None; rings.counts.len()];
        OutputStage {
            rings,
            names,
            sink,
            keeper,
            restarts: VecDeque::new(),
            keeping: false,
            cuts,
            under_way: false,
            stop,
            head: None,
            counts,
            kept_back: Some(Vec::new()),
            returning: None,
            unflushed: false,
            taken: 0,
            batches: 0,
            put: 0,
            settled: 0,
            report: OutputReport::default(),
            counters,
            watched,
            not_safe: UnderWay::default(),
        }
    }

    /// Whether what comes has to wait for a checkpoint.
    fn holds_back(&self) -> bool {
        self.report.failed.is_none() && self.cuts.as_ref().is_some_and(Cuts::hold_back)
    }

    fn take_result(&mut self) -> Taken {
        let Some((head, judged_at)) = self.head else {
            return match self.rings.messages.pop() {
                Ok(Message::Release) => {
                    for (series, result) in self.kept_back.take().unwrap_or_default() {
                        self.write(series, &result, None);
                    }
                    Taken::Something
                }
                Ok(Message::Result(head, judged_at)) => {
                    self.head = Some((head, judged_at));
                    Taken::Something
                }
                Ok(Message::Alarm(alarm)) => {
                    let Alarm { partition, refused, .. } = alarm;
                    tracing::warn!(target: log::CLOCK, partition, refused, "{alarm}");
                    Taken::Something
                }
                Ok(Message::Restart(restart, batches)) => {
                    if self.keeper.is_some() {
                        let results = self.taken;
                        self.restarts.push_back(Waiting {
                            restart,
                            results,
                            batches,
                            rejects: None,
                        });
                    }
                    Taken::Something
                }
                Ok(Message::Cut(clock)) => {
                    if let Some(cuts) = &mut self.cuts {
                        cuts.heard_of(clock, self.taken, self.sink.length());
                    }
                    Taken::Something
                }
                Err(PopError::Empty) => Taken::Nothing,
                Err(PopError::Ended) => Taken::Ended,
            };
        };
        for (count, ring) in self.counts.iter_mut().zip(&mut self.rings.counts) {
            if count.is_none() && head.counted {
                match ring.pop() {
                    Ok(counted) => *count = Some(counted),
                    Err(PopError::Empty) => return Taken::Nothing,
                    Err(PopError::Ended) => {
                        self.report.incomplete = true;
                        return Taken::Ended;
                    }
                }
            }
        }
        let mut counted = Counted::default();
        for one in self.counts.iter_mut().filter_map(Option::take) {
            counted.users += one.users;
            counted.returning += one.returning;
        }
        self.head = None;
        self.taken += 1;
        let result = WindowResult::new(&head, counted, &self.names);
        match &mut self.kept_back {
            Some(kept) => kept.push((head.window.series, result)),
            None => self.write(head.window.series, &result, judged_at),
        }
        Taken::Something
    }

    fn take_rejects(&mut self) -> Taken {
        let Some(rings) = &mut self.rings.rejects else { return Taken::Ended };
        let batch = match self.returning.take() {
            Some(batch) => batch,
            None => match rings.from_clock.pop() {
                Ok(batch) => {
                    self.batches += 1;
                    let cut_at = batch.verdicts.cut_at();
                    if let (Some(cuts), Some(Cut::Before)) = (&mut self.cuts, cut_at) {
                        cuts.rejects_up_to(&rings.writer);
                    }
                    if self.report.failed.is_none() {
                        if let Err(e) = rings.writer.write(&batch) {
                            let error = Error::output(rings.writer.name(), e);
                            self.fail(error);
                        } else {
                            self.unflushed = true;
                        }
                    }
                    if let (Some(cuts), Some(RejectRings { writer, .. }), Some(Cut::After)) =
                        (&mut self.cuts, &self.rings.rejects, cut_at)
                    {
                        cuts.rejects_up_to(writer);
                    }
                    batch
                }
                Err(PopError::Empty) => return Taken::Nothing,
                Err(PopError::Ended) => return Taken::Ended,
            },
        };
        let Some(rings) = &mut self.rings.rejects else { return Taken::Ended };
        match rings.back.push(batch) {
            Ok(()) | Err(PushError::HungUp(_)) => Taken::Something,
            Err(PushError::Full(batch)) => {
                self.returning = Some(batch);
                Taken::Nothing
            }
        }
    }

    fn write(&mut self, series: SeriesIndex, result: &WindowResult, judged_at: Option<Instant>) {
        if self.report.closed || self.report.failed.is_some() {
            self.report.withheld += 1;
            return;
        }
        match self.sink.put(result) {
            Ok(()) => {
                self.put += 1;
                self.unflushed = true;
                if let Some(watched) = &self.watched {
                    watched.words.put(series, result);
                    if let Some(judged_at) = judged_at {
                        self.not_safe.put(self.put, judged_at);
                    }
                }
            }
            Err(e) => {
                self.report.withheld += 1;
                self.sink_failed(e);
            }
        }
    }

    fn sink_failed(&mut self, error: std::io::Error) {
        if error.kind() == ErrorKind::BrokenPipe {
            self.report.closed = true;
            self.stop.request(StopReason::OutputClosed);
        } else {
            let error = Error::output(self.sink.name(), error);
            self.fail(error);
        }
    }

    fn fail(&mut self, error: Error) {
        self.report.failed.get_or_insert(error);
        self.stop.request(StopReason::Failed);
    }

    fn flush(&mut self) {
        self.unflushed = false;
        if self.report.failed.is_some() {
            return;
        }
        // Rejects are wanted also when nobody reads the results any more.
        if !self.report.closed
            && let Err(e) = self.sink.flush()
        {
            self.sink_failed(e);
        }
        if let Some(rings) = &mut self.rings.rejects
            && let Err(e) = rings.writer.flush()
        {
            let error = Error::output(rings.writer.name(), e);
            self.fail(error);
        }
    }
}

impl OutputStage {
    /// Hears which results are safe, and keeps the newest restart point that may be kept. True while
    /// something is under way.
    fn settle(&mut self) -> bool {
        if self.report.failed.is_some() {
            return false;
        }
        let rejects_under_way = match self.settle_rejects() {
            Ok(under_way) => under_way,
            Err(error) => {
                self.fail(error);
                return false;
            }
        };
        if self.report.closed {
            return rejects_under_way;
        }
        if !self.hear_of_results() {
            return false;
        }
        let cuts_under_way = match self.settle_cuts() {
            Ok(under_way) => under_way,
            Err(error) => {
                self.fail(error);
                return false;
            }
        };
        // A cut that is kept by now has made some of them safe.
        if self.sink.goes_with_cuts() && !self.hear_of_results() {
            return false;
        }
        let results_under_way = self.put > self.settled && !self.sink.goes_with_cuts();
        let under_way = cuts_under_way || rejects_under_way || results_under_way;
        match self.keep() {
            Ok(keeping) => keeping || under_way,
            Err(e) => {
                let name = self.keeper.as_ref().map_or("restart", |keeper| keeper.name());
                let error = Error::output(name, e);
                self.fail(error);
                false
            }
        }
    }

    /// Hears which results are safe; false if that failed.
    fn hear_of_results(&mut self) -> bool {
        if self.put > self.settled {
            match self.sink.settled() {
                Ok(settled) => {
                    self.settled = settled;
                    self.counters.safe(settled);
                    if let Some(watched) = &self.watched {
                        self.not_safe.safe(settled, &watched.latency);
                    }
                }
                Err(e) => {
                    self.sink_failed(e);
                    return false;
                }
            }
        }
        true
    }

    /// Hears which rejects are safe. True while some are not.
    fn settle_rejects(&mut self) -> Result<bool, Error> {
        let Some(RejectRings { writer, .. }) = &mut self.rings.rejects else {
            return Ok(false);
        };
        let settled = writer.settled().map_err(|e| Error::output(writer.name(), e))?;
        Ok(settled < writer.put_so_far() && !writer.goes_with_cuts())
    }

    /// Sends the next cut that may be kept on its way. True while one is, or waits.
    fn settle_cuts(&mut self) -> Result<bool, Error> {
        let Some(cuts) = &mut self.cuts else { return Ok(false) };
        let results = if self.sink.goes_with_cuts() { self.put } else { self.settled };
        let rejects = match &mut self.rings.rejects {
            Some(RejectRings { writer, .. }) if writer.goes_with_cuts() => {
                Some(writer.put_so_far())
            }
            Some(RejectRings { writer, .. }) => {
                Some(writer.settled().map_err(|e| Error::output(writer.name(), e))?)
            }
            None => None,
        };
        cuts.settle(&mut self.rings.cuts, results, rejects)
    }

    /// Keeps what may be kept; true while a restart point is on its way, or waits.
    fn keep(&mut self) -> io::Result<bool> {
        let Some(keeper) = &mut self.keeper else { return Ok(false) };
        if self.keeping {
            self.keeping = !keeper.is_kept()?;
        }
        let (rejects_put, rejects_safe) = match &mut self.rings.rejects {
            Some(RejectRings { writer, .. }) => (writer.put_so_far(), writer.settled()?),
            None => (0, 0),
        };
        let all_come = self.rings.rejects.is_none();
        for one in self.restarts.iter_mut().filter(|one| one.rejects.is_none()) {
            one.rejects = (all_come || one.batches <= self.batches).then_some(rejects_put);
        }
        let is_safe = |one: &Waiting| {
            one.results <= self.settled
                && one.rejects.is_some_and(|rejects| rejects <= rejects_safe)
        };
        let safe = self.restarts.iter().take_while(|one| is_safe(one)).count();
        // One at a time: of those that may be kept by the time the last one is, the newest.
        if !self.keeping
            && let Some(Waiting { restart, .. }) = self.restarts.drain(..safe).next_back()
        {
            keeper.keep(&restart)?;
            self.keeping = true;
        }
        Ok(self.keeping || !self.restarts.is_empty())
    }
}

impl Stage for OutputStage {
    fn name(&self) -> String {
        "output".into()
    }

    fn step(&mut self) -> Step {
        let mut worked = false;
        let (mut results, mut rejects) = (Taken::Nothing, Taken::Nothing);
        for _ in 0..TAKE_MAX {
            if self.holds_back() {
                break;
            }
            results = self.take_result();
            rejects = self.take_rejects();
            match (&results, &rejects) {
                (Taken::Something, _) | (_, Taken::Something) => worked = true,
                _ => break,
            }
        }
        if worked {
            return Step::Worked;
        }
        if self.unflushed {
            self.flush();
            return Step::Worked;
        }
        self.under_way = self.settle();
        match (results, rejects) {
            (Taken::Ended, Taken::Ended) if !self.under_way => Step::Done,
            _ => Step::Blocked,
        }
    }

    fn wake_in(&self) -> Option<Duration> {
        self.under_way.then_some(ASK_EVERY)
    }

    fn finish(mut self: Box<Self>) -> Report {
        self.report.written = self.settled;
        self.report.withheld += self.put - self.settled;
        self.report.withheld += self.kept_back.take().map_or(0, |kept| kept.len() as u64);
        Report::Output(self.report)
    }
}
