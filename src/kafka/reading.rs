//! A topic being read: what all scanners' readers share, under a token. Whoever holds it draws the next
//! messages of some partition, round robin over those that have not ended and need not wait, and looks
//! after what falls due (`house`).
//!
//! Nothing here waits. Chunks are numbered as they are drawn, so all that is said of a partition stands
//! behind the messages drawn before it.

use std::collections::VecDeque;
use std::ffi::CString;
use std::sync::Arc;
use std::time::Instant;

use rdkafka::bindings as c;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::ask::Isolation;
use super::client::{Client, Queue, Wakers};
use super::errors;
use super::event::Trouble;
use super::fetch::lanes::Lanes;
use super::held::Held;
use super::house::HOUSE_EVERY;
use super::line::Line;
use super::mend::Mending;
use super::notices::Notices;
use super::part::{Drew, Part, Source};
use super::positions::Position;
use super::skew::Skew;
use super::table::Table;
use super::vigil::Patience;
use super::watch::Watch;
use crate::cli::kafka::{OnGap, Until};
use crate::clock::agreement::Agree;
use crate::error::Error;
use crate::input::messages::{ChunkNumbers, Drawn, News, Partition};
use crate::input::wall_s;
use crate::ring::{Stop, StopReason};

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
    /// What moves a partition's time, and the largest small step.
    pub agree: Agree,
    /// See [`ClockSettings::keep_s`](crate::clock::ClockSettings::keep_s).
    pub keep_s: u32,
    /// How far beyond the wall clock a time may lie and agree; none: any.
    pub max_ahead_s: Option<u32>,
}

/// The topic being read. See the module's header.
pub struct Reading {
    pub(super) plan: Plan,
    pub(super) parts: Vec<Part>,
    /// Where the next round begins.
    pub(super) turn: usize,
    pub(super) skew: Skew,
    pub(super) news: VecDeque<News>,
    pub(super) failed: Option<Error>,
    pub(super) finished: bool,
    pub(super) chunks: ChunkNumbers,
    pub(super) stop: Stop,
    pub(super) wakers: Arc<Wakers>,
    pub(super) table: Table,
    pub(super) notices: Notices,
    pub(super) house_at: Instant,
    pub(super) looked_at: Instant,
    pub(super) said_silent_at: Option<Instant>,
    pub(super) asked_at: Instant,
    pub(super) asked_wall_ms: i64,
    pub(super) probe: Line,
    pub(super) watch: Watch,
    pub(super) mending: Mending,
    pub(super) consumer: Queue,
    /// What we fetch ourselves; none: librdkafka fetches.
    pub(super) lanes: Option<Lanes>,
    pub(super) client: Arc<Client>,
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
    /// What we fetch ourselves, if we do.
    pub lanes: Option<Lanes>,
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
        let Beginning { client, plan, positions, first, table, notices, lanes } = beginning;
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
            lanes,
            client,
        };
        let lost: Vec<News> = positions.iter().filter_map(gap_of).collect();
        reading.enter(&positions)?;
        reading.news.extend(lost);
        Ok(reading)
    }

    /// Draws messages into `held`, or says what there is to say.
    pub fn draw(&mut self, held: &mut Held) -> Drawn {
        if self.finished {
            return self.finish();
        }
        if self.stop.reason() != StopReason::Running {
            // What was to be told is told first: of what an earlier run has said, and of the partitions there
            // are, a checkpoint made at the end must know.
            return match self.news.pop_front() {
                Some(news) => Drawn::News { chunk: self.chunks.number(), news },
                None => self.finish(),
            };
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
            dry = 0;
            if held.holds_any() {
                let part = &mut self.parts[index];
                part.out += 1;
                return Drawn::Messages { chunk: self.chunks.number(), partition: part.partition };
            }
        }
    }

    /// A scanner is done with a chunk of a partition, whose last times were these.
    pub fn done(&mut self, partition: Partition, last_s: &[i64]) {
        let index = partition as usize;
        let Some(part) = self.parts.get_mut(index) else { return };
        part.out -= 1;
        if last_s.is_empty() {
            return;
        }
        // The same rule as the clock's, on part of the times: what does not move that, holds nothing back.
        let agrees_to_s = self.plan.max_ahead_s.map(|ahead_s| wall_s() + i64::from(ahead_s));
        for &ts_s in last_s.iter().filter(|&&ts_s| agrees_to_s.is_none_or(|to_s| ts_s <= to_s)) {
            part.agreement.see(ts_s);
        }
        let reached_s = part.agreement.clock_s();
        if reached_s.is_some_and(|reached_s| self.skew.reach(index, reached_s)) {
            part.vigil.moved(Instant::now());
        }
    }

    /// Draws from the next partition in turn that has a queue and need not wait.
    fn read_next(&mut self, held: &mut Held, now: Instant) -> Option<usize> {
        let index = self.turn;
        self.turn = (self.turn + 1) % self.parts.len();
        let part = &mut self.parts[index];
        let source = part.queue.as_ref()?;
        if self.skew.holds(index) {
            if let Source::Lane(lanes) = source
                && !part.told_held
            {
                lanes.hold(part.partition);
                part.told_held = true;
            }
            return None;
        }
        let drew = match source {
            Source::Queue(queue) => {
                held.draw(queue);
                if held.count() == 0 {
                    return None;
                }
                part.review(held)
            }
            Source::Lane(lanes) => {
                let lanes = lanes.clone();
                let (drew, high) = part.draw(&lanes, held)?;
                self.table.see(part.partition, |seen| seen.end = high.max(seen.end));
                drew
            }
        };
        if held.holds_any() {
            if part.vigil.is_silent() {
                self.skew.count(index, true);
                // To the clock a frame ends a silence; what has come may hold none.
                self.news.push_back(News::Doubtful { partition: part.partition });
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
            Drew::CutBack => {
                part.is_cut_back = true;
                self.mending.wants(index);
            }
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
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(lanes) = &self.lanes {
            lanes.stop();
        }
    }
}

/// What was lost of a partition before it was entered.
fn gap_of(position: &Position) -> Option<News> {
    let Position { partition, start, lost_from, .. } = *position;
    lost_from.map(|from| News::Gap { partition, from, to: start })
}
