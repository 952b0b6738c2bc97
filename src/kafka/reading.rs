//! A topic being read: what all scanners' readers share, under a token. Whoever holds it draws the next
//! messages of some partition, round robin over those that have not ended and need not wait, and does
//! what falls due: hears what the client says, asks the brokers, and tells of silence.
//!
//! Nothing here waits. Chunks are numbered as they are drawn, so all that is said of a partition stands
//! behind the messages drawn before it.

use std::collections::VecDeque;
use std::ffi::CString;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rdkafka::bindings as c;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use super::ask::{Answer, Isolation, OffsetSeen, Point};
use super::client::{Client, Queue, Wakers, take_error};
use super::errors;
use super::event::Trouble;
use super::held::Held;
use super::line::Line;
use super::mend::Mending;
use super::notices::Notices;
use super::part::{Drew, Part};
use super::positions::{Bound, Position};
use super::skew::Skew;
use super::table::Table;
use super::vigil::{Patience, Vigil};
use super::watch::{Seen, Watch};
use crate::cli::kafka::{OnGap, Until};
use crate::error::Error;
use crate::input::messages::{ChunkNumbers, Drawn, Entry, News, Partition};
use crate::ring::{Stop, StopReason};

/// How often what falls due is looked after.
pub const HOUSE_EVERY: Duration = Duration::from_millis(100);
/// Longer than this between two looks, and nobody looked.
const AWAY_FROM: Duration = Duration::from_secs(1);
/// How often it is said that all are silent.
const SILENCE_EVERY: Duration = Duration::from_secs(1);

/// What is read, and how: fixed for the run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The topic's name.
    pub topic: String,
    /// The same for the C interface.
    pub topic_c: CString,
    /// Its id.
    pub topic_id: String,
    /// The brokers to begin with, for messages.
    pub brokers: String,
    /// What of transactions is read.
    pub isolation: Isolation,
    /// Where partitions are left.
    pub until: Option<Until>,
    /// What to do about what is gone.
    pub on_gap: OnGap,
    /// The group asked for; else troubles of groups are none of ours.
    pub group: Option<String>,
    /// How long what is waited for.
    pub patience: Patience,
    /// Seconds of event time between partitions at most.
    pub max_skew_s: u32,
}

/// The topic being read. See the module's header.
pub struct Reading {
    pub(super) plan: Plan,
    pub(super) parts: Vec<Part>,
    /// Where the next round begins.
    turn: usize,
    skew: Skew,
    pub(super) news: VecDeque<News>,
    pub(super) failed: Option<Error>,
    finished: bool,
    chunks: ChunkNumbers,
    stop: Stop,
    wakers: Arc<Wakers>,
    pub(super) table: Table,
    pub(super) notices: Notices,
    house_at: Instant,
    looked_at: Instant,
    said_silent_at: Option<Instant>,
    asked_at: Instant,
    asked_wall_ms: i64,
    probe: Line,
    pub(super) watch: Watch,
    pub(super) mending: Mending,
    consumer: Queue,
    client: Arc<Client>,
}

/// What a topic's reading begins with.
pub struct Beginning {
    /// Its client.
    pub client: Arc<Client>,
    /// What is read.
    pub plan: Plan,
    /// Where each partition is entered, by number.
    pub positions: Vec<Position>,
    /// What is to be said first of all.
    pub first: Option<News>,
    /// Where places are kept.
    pub table: Table,
    /// What was said so far.
    pub notices: Notices,
}

impl Reading {
    /// Begins to fetch.
    ///
    /// # Errors
    /// The client does not take the partitions.
    pub fn begin(
        beginning: Beginning,
        wakers: Arc<Wakers>,
        chunks: ChunkNumbers,
        stop: Stop,
    ) -> Result<Reading, Error> {
        let Beginning { client, plan, positions, first, table, notices } = beginning;
        let now = Instant::now();
        let timeout_ms = i32::try_from(plan.patience.give_up.as_millis()).unwrap_or(i32::MAX);
        let timeout_ms = timeout_ms.clamp(1000, 10_000);
        let line = || Line::new(&client, timeout_ms);
        let mut reading = Reading {
            skew: Skew::new(plan.max_skew_s),
            plan,
            parts: Vec::new(),
            turn: 0,
            news: first.into_iter().collect(),
            failed: None,
            finished: false,
            chunks,
            stop,
            wakers,
            table,
            notices,
            house_at: now,
            looked_at: now,
            said_silent_at: None,
            asked_at: now,
            asked_wall_ms: 0,
            probe: line(),
            watch: Watch::new(line(), line(), now),
            mending: Mending::new(line()),
            consumer: Queue::of_consumer(&client),
            client,
        };
        let lost: Vec<News> = positions.iter().filter_map(gap_of).collect();
        reading.enter(&positions)?;
        reading.news.extend(lost);
        Ok(reading)
    }

    /// Draws messages into `held`, or says what there is to say.
    pub fn draw(&mut self, held: &mut Held) -> Drawn {
        if self.finished || self.stop.reason() != StopReason::Running {
            return self.finish();
        }
        let now = Instant::now();
        if now >= self.house_at {
            self.house_at = now + HOUSE_EVERY;
            self.keep_house(now);
        }
        // How many partitions in turn had nothing.
        let mut dry = 0;
        loop {
            if let Some(news) = self.news.pop_front() {
                return Drawn::News { chunk: self.chunks.number(), news };
            }
            if let Some(error) = self.failed.take() {
                self.finished = true;
                return Drawn::Failed { chunk: self.chunks.number(), error };
            }
            if self.parts.iter().all(|part| part.queue.is_none()) {
                return self.finish();
            }
            if dry == self.parts.len() {
                return Drawn::Waiting;
            }
            let Some(index) = self.read_next(held, now) else {
                dry += 1;
                continue;
            };
            if held.count() > 0 {
                let part = &mut self.parts[index];
                part.out += 1;
                return Drawn::Messages { chunk: self.chunks.number(), partition: part.partition };
            }
        }
    }

    /// A scanner is done with a chunk of a partition, most of which had reached this time.
    pub fn done(&mut self, partition: Partition, reached_s: Option<i64>) {
        let index = partition as usize;
        if let Some(part) = self.parts.get_mut(index) {
            part.out -= 1;
            if reached_s.is_some_and(|reached_s| self.skew.reach(index, reached_s)) {
                part.vigil.moved(Instant::now());
            }
        }
    }

    /// Draws from the next partition in turn that has a queue and need not wait.
    fn read_next(&mut self, held: &mut Held, now: Instant) -> Option<usize> {
        let index = self.turn;
        self.turn = (self.turn + 1) % self.parts.len();
        let part = &mut self.parts[index];
        let queue = part.queue.as_ref()?;
        if self.skew.holds(index) {
            return None;
        }
        held.draw(queue);
        if held.count() == 0 {
            return None;
        }
        let drew = part.review(held, wall_ms);
        if held.count() > 0 {
            if part.vigil.is_silent() {
                self.skew.count(index, true);
            }
            part.vigil.came(now);
            self.table.reach(part.partition, part.next);
        }
        if let Some(error) = self.heed(index, drew, now) {
            self.failed.get_or_insert(error);
        }
        Some(index)
    }

    /// Does what a partition's queue asks for; the error if it cannot be gone on with.
    fn heed(&mut self, index: usize, drew: Drew, now: Instant) -> Option<Error> {
        let part = &mut self.parts[index];
        let (topic, partition, next) = (&self.plan.topic, part.partition, part.next);
        match drew {
            Drew::Fine => part.vigil.answered(now),
            Drew::Ended => {
                part.vigil.answered(now);
                self.end(index);
            }
            Drew::Lost => self.mending.wants(index),
            Drew::Unknown => self.watch.hurry(now),
            Drew::Trouble(code, text) => {
                let code = c::rd_kafka_resp_err_t::try_from(code).map_or(Code::Unknown, Code::from);
                let text = format!("topic {topic}, partition {partition}: {text}");
                self.notices.trouble(Trouble { code, text });
            }
            Drew::Denied => {
                let trouble = Trouble { code: Code::TopicAuthorizationFailed, text: String::new() };
                return errors::for_good(&trouble, topic, &self.plan.brokers);
            }
            Drew::Unreadable(text) => {
                return Some(errors::unreadable(topic, partition, next, &text));
            }
            Drew::WentBack(offset) => {
                let text = format!("offset {offset} came a second time");
                return Some(errors::unreadable(topic, partition, next, &text));
            }
        }
        None
    }

    /// A partition is done with.
    pub(super) fn end(&mut self, index: usize) {
        let part = &mut self.parts[index];
        part.queue = None;
        self.table.reach(part.partition, part.next);
        self.news.push_back(News::Ended { partition: part.partition });
        self.skew.count(index, false);
        let partition = part.partition;
        // What is fetched of it from here on would only take room.
        if self.parts.iter().any(|part| part.queue.is_some())
            && let Err(error) = self.unassign(partition)
        {
            self.failed.get_or_insert(error);
        }
    }

    fn finish(&mut self) -> Drawn {
        self.finished = true;
        self.chunks.all_claimed();
        Drawn::Finished
    }

    /// What falls due.
    fn keep_house(&mut self, now: Instant) {
        let gone = now.saturating_duration_since(self.looked_at);
        self.looked_at = now;
        if gone > AWAY_FROM {
            for part in &mut self.parts {
                part.vigil.not_looked(now, gone);
            }
        }
        self.hear_client();
        self.look_after_topic(now);
        self.look_after_lost(now);
        self.ask_what_is_unread(now);
        self.tell_silence(now);
    }

    fn hear_client(&mut self) {
        while let Some(event) = self.consumer.poll(0) {
            let Some(trouble) = event.trouble() else { continue };
            let of_group = matches!(
                trouble.code,
                Code::GroupAuthorizationFailed
                    | Code::CoordinatorNotAvailable
                    | Code::CoordinatorLoadInProgress
                    | Code::NotCoordinator
                    | Code::WaitingForCoordinator
            );
            match &self.plan.group {
                // Said once. A commit would wait for its coordinator for minutes, and then fail.
                Some(group) if let Some(error) = errors::for_good_of_group(&trouble, group) => {
                    self.failed.get_or_insert(error);
                }
                None if of_group => {}
                _ => self.notices.trouble(trouble),
            }
        }
    }

    fn look_after_topic(&mut self, now: Instant) {
        let known = Partition::try_from(self.parts.len()).unwrap_or(Partition::MAX);
        match self.watch.look(now, &self.plan, known) {
            Ok(Seen::Nothing) => {}
            Ok(Seen::Trouble(trouble)) => self.notices.note(trouble),
            Ok(Seen::Added(lows)) => {
                let bound = match self.plan.until {
                    Some(Until::TimeMs(ms)) => Bound::TimeMs(ms),
                    _ => Bound::Never,
                };
                let added: Vec<Position> = lows
                    .into_iter()
                    .map(|(partition, low)| Position {
                        partition,
                        start: low,
                        entry: if low == 0 { Entry::Beginning } else { Entry::Midway },
                        from_first: true,
                        lost_from: None,
                        bound,
                    })
                    .collect();
                if let Err(error) = self.enter(&added) {
                    self.failed.get_or_insert(error);
                }
            }
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
    }

    fn ask_what_is_unread(&mut self, now: Instant) {
        match self.probe.answer(0) {
            Some(Ok(Answer::Offsets(seen))) => {
                for OffsetSeen { partition, offset } in seen {
                    self.heed_end(partition as usize, offset, now);
                }
            }
            Some(Err(trouble)) => self.notices.note(trouble),
            Some(Ok(Answer::Topic(_))) | None => {}
        }
        let patience = self.plan.patience;
        if !self.probe.is_free()
            || now.saturating_duration_since(self.asked_at) < patience.ask_every / 2
        {
            return;
        }
        let mut points = Vec::new();
        for (index, part) in self.parts.iter_mut().enumerate() {
            let rests = part.follows() && part.out == 0 && !self.skew.holds(index);
            if part.queue.is_some() && part.vigil.wants_asking(now, rests, &patience) {
                part.vigil.asked(now);
                points.push((part.partition, Point::Latest));
            }
        }
        if !points.is_empty() {
            (self.asked_at, self.asked_wall_ms) = (now, wall_ms());
            self.probe.offsets(&self.plan.topic, &points, self.plan.isolation);
        }
    }

    /// A partition's end, as its brokers say.
    fn heed_end(&mut self, index: usize, end: Result<Option<u64>, Trouble>, now: Instant) {
        let Some(part) = self.parts.get_mut(index).filter(|part| part.queue.is_some()) else {
            return;
        };
        match end {
            Ok(end) => {
                self.notices.forget();
                let is_read = end.is_some_and(|end| end <= part.next);
                let still = part.vigil.said(now, is_read);
                if let Bound::TimeMs(ms) = part.bound
                    && still
                    && self.asked_wall_ms >= ms
                {
                    self.end(index);
                }
            }
            Err(trouble) => {
                if matches!(trouble.code, Code::UnknownTopicOrPartition | Code::UnknownTopicId) {
                    self.watch.hurry(now);
                }
                self.notices.note(trouble);
            }
        }
    }

    fn tell_silence(&mut self, now: Instant) {
        let patience = self.plan.patience;
        let mut all_silent = !self.parts.is_empty();
        for (index, part) in self.parts.iter_mut().enumerate() {
            if part.queue.is_none() {
                continue;
            }
            let partition = part.partition;
            let rests = part.follows() && part.out == 0 && !self.skew.holds(index);
            if rests && part.vigil.falls_silent(now, &patience) {
                self.news.push_back(News::Silent { partition });
                self.skew.count(index, false);
            }
            if part.vigil.turns_doubtful(now, &patience) {
                self.news.push_back(News::Doubtful { partition });
                self.skew.count(index, true);
            }
            all_silent &= part.vigil.is_silent() && part.vigil.is_all_read(now, &patience);
            if part.vigil.is_overdue(now, &patience)
                && let Some(last) = self.notices.last().cloned()
            {
                self.notices.trouble(last);
            }
            if part.vigil.is_given_up(now, &patience) {
                let seconds = u32::try_from(patience.give_up.as_secs()).unwrap_or(u32::MAX);
                let last = self.notices.last();
                let topic = &self.plan.topic;
                let error = errors::no_answer_of(topic, partition, part.next, seconds, last);
                self.failed.get_or_insert(error);
            }
        }
        let due =
            self.said_silent_at.is_none_or(|at| now.saturating_duration_since(at) >= SILENCE_EVERY);
        if all_silent && due && self.parts.iter().any(|part| part.queue.is_some()) {
            self.said_silent_at = Some(now);
            self.news.push_back(News::AllSilent { now_s: wall_ms().div_euclid(1000) });
        }
    }

    /// Enters partitions, numbered on from those there are.
    fn enter(&mut self, positions: &[Position]) -> Result<(), Error> {
        let now = Instant::now();
        let mut list = TopicPartitionList::new();
        for position in positions {
            let mut part = Part::new(position, Vigil::new(now));
            let Position { partition, entry, .. } = *position;
            let index = self.parts.len();
            debug_assert_eq!(index, partition as usize);
            self.table.enter(part.row());
            self.news.push_back(News::Joined { partition, entry });
            if part.is_at_bound() {
                self.news.push_back(News::Ended { partition });
            } else {
                let (topic, number) = (&self.plan.topic_c, partition.cast_signed());
                let queue = Queue::of_partition(&self.client, topic, number, &self.wakers);
                part.queue = Some(queue);
                self.skew.count(index, true);
                put(&mut list, &self.plan.topic, partition, part.next);
            }
            self.parts.push(part);
        }
        self.assign(&list)
    }

    /// Reads a partition on from here, whatever was fetched of it.
    pub(super) fn reassign(&mut self, partition: Partition, from: u64) -> Result<(), Error> {
        self.unassign(partition)?;
        let mut list = TopicPartitionList::new();
        put(&mut list, &self.plan.topic, partition, from);
        self.assign(&list)
    }

    fn assign(&self, list: &TopicPartitionList) -> Result<(), Error> {
        if list.count() == 0 {
            return Ok(());
        }
        // SAFETY: client and list are alive, the list is copied.
        let error = unsafe { c::rd_kafka_incremental_assign(self.client.ptr(), list.ptr()) };
        self.check("assign", error)
    }

    fn unassign(&self, partition: Partition) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.plan.topic, partition.cast_signed());
        // SAFETY: client and list are alive, the list is copied.
        let error = unsafe { c::rd_kafka_incremental_unassign(self.client.ptr(), list.ptr()) };
        self.check("unassign", error)
    }

    fn check(&self, what: &str, error: *mut c::rd_kafka_error_t) -> Result<(), Error> {
        // SAFETY: it is null or was given to us for good.
        match unsafe { take_error(error) } {
            None => Ok(()),
            Some((_, text)) => {
                let topic = &self.plan.topic;
                Err(errors::kafka(format!("topic {topic}: cannot {what} partitions: {text}")))
            }
        }
    }
}

fn put(list: &mut TopicPartitionList, topic: &str, partition: Partition, offset: u64) {
    // It fails only for numbers below 0.
    let offset = Offset::Offset(offset.cast_signed());
    let _ = list.add_partition_offset(topic, partition.cast_signed(), offset);
}

/// What was lost of a partition before it was entered.
fn gap_of(position: &Position) -> Option<News> {
    let Position { partition, start, lost_from, .. } = *position;
    lost_from.map(|from| News::Gap { partition, from, to: start })
}

/// The wall clock, milliseconds of unix time.
fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
