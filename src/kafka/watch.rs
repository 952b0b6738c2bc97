//! The watch over a topic while it is read: whether it is still the same one, and whether partitions
//! were added. The brokers are asked every few seconds. What a single answer says of a topic that is
//! gone or has shrunk may come from a broker that is behind; it counts once it has been said again.

use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::ask::{Answer, Isolation, OffsetSeen, Point, TopicSeen};
use super::errors;
use super::event::Trouble;
use super::line::Line;
use super::reading::Plan;
use crate::cli::kafka::Until;
use crate::error::Error;
use crate::input::messages::Partition;

/// How often it is looked: twice, and an answer, within the 10 s in which added partitions are read.
const EVERY: Duration = Duration::from_secs(4);
/// How soon it is looked again where something seems wrong.
const AGAIN: Duration = Duration::from_millis(700);
/// How often something has to be said to be believed.
const SAID_ENOUGH: u32 = 4;

/// The watch. See the module's header.
pub struct Watch {
    topic: Line,
    lows: Line,
    next_at: Instant,
    doubts: u32,
}

/// What is new.
#[derive(Debug)]
pub enum Seen {
    /// Nothing.
    Nothing,
    /// Partitions were added, with the first offset of each.
    Added(Vec<(Partition, u64)>),
    /// The brokers could not be asked.
    Trouble(Trouble),
}

impl Watch {
    /// A watch with two lines of its own.
    pub fn new(topic: Line, lows: Line, now: Instant) -> Watch {
        Watch { topic, lows, next_at: now + EVERY, doubts: 0 }
    }

    /// Something seems wrong with the topic: looks soon.
    pub fn hurry(&mut self, now: Instant) {
        self.next_at = self.next_at.min(now + AGAIN);
    }

    /// Looks, and asks anew if it is time.
    ///
    /// # Errors
    /// The topic is not any more what was read.
    pub fn look(&mut self, now: Instant, plan: &Plan, known: Partition) -> Result<Seen, Error> {
        if let Some(answer) = self.lows.answer(0) {
            return Ok(match answer {
                Ok(Answer::Offsets(seen)) => added(seen),
                Ok(Answer::Topic(_)) => Seen::Nothing,
                Err(trouble) => Seen::Trouble(trouble),
            });
        }
        let answer = self.topic.answer(0);
        if self.topic.is_free() && answer.is_none() && now >= self.next_at {
            self.topic.describe(&plan.topic_c);
        }
        let Some(answer) = answer else { return Ok(Seen::Nothing) };
        self.next_at = now + EVERY;
        let answer = match answer {
            Ok(Answer::Topic(topic)) => Ok(topic),
            Ok(Answer::Offsets(_)) => return Ok(Seen::Nothing),
            Err(trouble) => Err(trouble),
        };
        match self.judge(answer, plan, known)? {
            Judged::Same => self.doubts = 0,
            Judged::Doubtful => self.next_at = now + AGAIN,
            Judged::Unasked(trouble) => return Ok(Seen::Trouble(trouble)),
            Judged::Grown(partitions) => {
                self.doubts = 0;
                // Those that come after the start are not in a run up to what was there at the start.
                if plan.until != Some(Until::End) && self.lows.is_free() {
                    let points: Vec<_> =
                        (known..partitions).map(|partition| (partition, Point::Earliest)).collect();
                    self.lows.offsets(&plan.topic, &points, Isolation::Uncommitted);
                }
            }
        }
        Ok(Seen::Nothing)
    }

    /// Judges an answer on the topic.
    fn judge(
        &mut self,
        answer: Result<TopicSeen, Trouble>,
        plan: &Plan,
        known: Partition,
    ) -> Result<Judged, Error> {
        let fault = match answer {
            Ok(TopicSeen { id, .. }) if id != plan.topic_id => {
                return Err(errors::topic_remade(&plan.topic));
            }
            Ok(TopicSeen { partitions, .. }) if partitions > known => {
                return Ok(Judged::Grown(partitions));
            }
            Ok(TopicSeen { partitions, .. }) if partitions == known => return Ok(Judged::Same),
            Ok(TopicSeen { partitions, .. }) => {
                errors::fewer_partitions(&plan.topic, known, partitions)
            }
            Err(trouble) => match trouble.code {
                Code::UnknownTopicOrPartition | Code::UnknownTopic => {
                    errors::topic_gone(&plan.topic)
                }
                Code::TopicAuthorizationFailed => {
                    let error = errors::for_good(&trouble, &plan.topic, &plan.brokers);
                    return error.map_or(Ok(Judged::Unasked(trouble)), Err);
                }
                _ => return Ok(Judged::Unasked(trouble)),
            },
        };
        self.doubts += 1;
        if self.doubts >= SAID_ENOUGH { Err(fault) } else { Ok(Judged::Doubtful) }
    }
}

enum Judged {
    Same,
    Grown(Partition),
    Doubtful,
    Unasked(Trouble),
}

/// All of the added partitions, or none yet: they are numbered without a gap.
fn added(seen: Vec<OffsetSeen>) -> Seen {
    let mut lows = Vec::with_capacity(seen.len());
    for OffsetSeen { partition, offset } in seen {
        match offset {
            Ok(low) => lows.push((partition, low.unwrap_or(0))),
            // A partition just made may have no leader yet: it is asked for again.
            Err(_) => return Seen::Nothing,
        }
    }
    lows.sort_unstable();
    Seen::Added(lows)
}
