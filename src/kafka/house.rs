//! What falls due while a topic is read, ten times a second at most and by whoever draws: hearing what the
//! client says, looking after the topic, asking the brokers what is unread, and telling of silence.

use std::time::{Duration, Instant, SystemTime};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::ask::{Answer, OffsetSeen, Point};
use super::errors;
use super::event::Trouble;
use super::notices::About;
use super::positions::{Bound, Position};
use super::reading::Reading;
use super::watch::Seen;
use crate::cli::kafka::Until;
use crate::input::messages::{Entry, News, Partition};

/// How often it is looked after what falls due.
pub const HOUSE_EVERY: Duration = Duration::from_millis(100);
/// Longer than this between two looks, and nobody looked.
const AWAY_FROM: Duration = Duration::from_secs(1);
/// How often it is said that all are silent.
const SILENCE_EVERY: Duration = Duration::from_secs(1);

impl Reading {
    /// What falls due.
    pub(super) fn keep_house(&mut self, now: Instant) {
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
        self.tell_held();
    }

    /// Which partitions wait for others, for whoever watches.
    fn tell_held(&mut self) {
        for (index, part) in self.parts.iter_mut().enumerate() {
            let held = part.queue.is_some() && self.skew.holds(index);
            if held != std::mem::replace(&mut part.held, held) {
                self.table.see(part.partition, |seen| seen.is_held = held);
            }
        }
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
        let wall_ms = wall_ms();
        let mut points = Vec::new();
        for (index, part) in self.parts.iter_mut().enumerate() {
            let rests = part.follows() && part.out == 0 && !self.skew.holds(index);
            if part.queue.is_some()
                && (part.vigil.wants_asking(now, rests, &patience) || part.is_due(wall_ms))
            {
                part.vigil.asked(now);
                points.push((part.partition, Point::Latest));
            }
        }
        if !points.is_empty() {
            (self.asked_at, self.asked_wall_ms) = (now, wall_ms);
            self.probe.offsets(&self.plan.topic, &points, self.plan.isolation);
        }
    }

    /// A partition's end, as its brokers say.
    fn heed_end(&mut self, index: usize, end: Result<Option<u64>, Trouble>, now: Instant) {
        let Some(part) = self.parts.get_mut(index).filter(|part| part.queue.is_some()) else {
            return;
        };
        if let Err(trouble) = &end
            && matches!(trouble.code, Code::UnknownTopicOrPartition | Code::UnknownTopicId)
        {
            self.watch.hurry(now);
        }
        let Some(end) = part.heed_end(end) else { return };
        self.notices.forget();
        self.table.see(part.partition, |seen| seen.end = Some(end));
        let takes = part.out == 0 && !self.skew.holds(index);
        let still = part.vigil.said(now, end <= part.next, takes);
        if still && part.is_due(self.asked_wall_ms) {
            self.end(index);
        }
    }

    fn tell_silence(&mut self, now: Instant) {
        let patience = self.plan.patience;
        let mut all_silent = !self.parts.is_empty();
        let mut fallen = Vec::new();
        for (index, part) in self.parts.iter_mut().enumerate() {
            if part.queue.is_none() {
                continue;
            }
            let partition = part.partition;
            let rests = part.follows() && part.out == 0 && !self.skew.holds(index);
            if rests && part.vigil.falls_silent(now, &patience) {
                fallen.push((part.agreement.clock_s(), partition));
                self.skew.count(index, false);
            }
            if part.vigil.turns_doubtful(now, &patience) {
                self.news.push_back(News::Doubtful { partition });
                self.skew.count(index, true);
            }
            all_silent &= part.vigil.is_silent() && part.vigil.is_all_read(now, &patience);
            let (topic, next) = (&self.plan.topic, part.next);
            let last = part.last_trouble(self.notices.last()).cloned();
            let seconds = u32::try_from(patience.give_up.as_secs()).unwrap_or(u32::MAX);
            if part.vigil.is_given_up(now, &patience) {
                let error = errors::no_answer_of(topic, partition, next, seconds, last.as_ref());
                self.failed.get_or_insert(error);
            } else if part.vigil.is_starved(now, &patience) {
                let error = errors::nothing_comes_of(topic, partition, next, seconds);
                self.failed.get_or_insert(error);
            } else if part.vigil.is_overdue(now, &patience)
                && let Some(last) = last
            {
                self.notices.trouble(last);
            } else if part.vigil.starves(now, &patience) {
                let about = About::offset(topic, partition, next);
                self.notices.say(about, &errors::nothing_comes_text(topic, partition, next));
            }
        }
        // Of those that fall silent at once, the one furthest ahead is told of last: nothing is waited for of the
        // others by then, so its time is the log's, and what it has passed comes out.
        fallen.sort_unstable();
        self.news.extend(fallen.into_iter().map(|(_, partition)| News::Silent { partition }));
        let due =
            self.said_silent_at.is_none_or(|at| now.saturating_duration_since(at) >= SILENCE_EVERY);
        if all_silent && due && self.parts.iter().any(|part| part.queue.is_some()) {
            self.said_silent_at = Some(now);
            self.news.push_back(News::AllSilent { now_s: wall_ms().div_euclid(1000) });
        }
    }
}

/// The wall clock, milliseconds of unix time.
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
