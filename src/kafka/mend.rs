//! What is done when a partition's next message is not there: the brokers are asked whether the topic is
//! the same, where the partition begins and where it ends, and from that follows whether messages were
//! deleted before they were read, or the log was cut back, or nothing is wrong.

use std::collections::VecDeque;
use std::time::Instant;

use super::ask::{Answer, Isolation, OffsetSeen, Point};
use super::errors;
use super::line::Line;
use super::notices::About;
use super::positions::Bound;
use super::reading::Reading;
use crate::cli::kafka::OnGap;
use crate::error::Error;
use crate::input::messages::{Entry, News};

/// How often a partition with which nothing is wrong is set anew where it was.
const RESETS_MAX: u32 = 5;

/// The partitions to be mended, one at a time.
pub struct Mending {
    line: Line,
    waiting: VecDeque<usize>,
    at: Option<(usize, Step)>,
}

/// What is being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Topic,
    Low,
    High,
}

impl Mending {
    /// Nothing to mend.
    pub fn new(line: Line) -> Mending {
        Mending { line, waiting: VecDeque::new(), at: None }
    }

    /// A partition's next message is not there.
    pub fn wants(&mut self, index: usize) {
        if !self.waiting.contains(&index) && self.at.is_none_or(|(at, _)| at != index) {
            self.waiting.push_back(index);
        }
    }
}

impl Reading {
    /// Looks after partitions whose next message is not there.
    pub(super) fn look_after_lost(&mut self, now: Instant) {
        if let Some(answer) = self.mending.line.answer(0)
            && let Some((index, step)) = self.mending.at.take()
        {
            match answer {
                Ok(answer) => match self.mend(index, step, &answer) {
                    Ok(next) => self.mending.at = next.map(|step| (index, step)),
                    Err(error) => {
                        self.failed.get_or_insert(error);
                    }
                },
                Err(trouble) => {
                    self.watch.hurry(now);
                    self.notices.note(trouble);
                    self.mending.waiting.push_back(index);
                }
            }
        }
        if !self.mending.line.is_free() {
            return;
        }
        if self.mending.at.is_none() {
            self.mending.at = self.mending.waiting.pop_front().map(|index| (index, Step::Topic));
        }
        let Some((index, step)) = self.mending.at else { return };
        let (partition, topic) = (self.parts[index].partition, &self.plan.topic);
        let line = &mut self.mending.line;
        match step {
            Step::Topic => line.describe(&self.plan.topic_c),
            Step::Low => {
                line.offsets(topic, &[(partition, Point::Earliest)], Isolation::Uncommitted)
            }
            Step::High => {
                line.offsets(topic, &[(partition, Point::Latest)], Isolation::Uncommitted)
            }
        }
    }

    /// Takes an answer on a lost partition; what is to be asked next.
    fn mend(&mut self, index: usize, step: Step, answer: &Answer) -> Result<Option<Step>, Error> {
        let again = Some(Step::Topic);
        let topic = &self.plan.topic;
        let offset = match answer {
            Answer::Topic(seen) if seen.id != self.plan.topic_id => {
                return Err(errors::topic_remade(topic));
            }
            Answer::Topic(_) => {
                let part = &self.parts[index];
                if part.is_cut_back {
                    return Err(errors::cut_back_below(topic, part.partition, part.next));
                }
                return Ok(Some(Step::Low));
            }
            Answer::Offsets(seen) => match seen.first() {
                Some(OffsetSeen { offset: Ok(Some(offset)), .. }) => *offset,
                _ => return Ok(again),
            },
        };
        let part = &mut self.parts[index];
        if part.queue.is_none() {
            return Ok(None);
        }
        let (partition, next) = (part.partition, part.next);
        match step {
            Step::Topic | Step::Low if offset > next => self.lost(index, offset).map(|()| None),
            Step::Topic | Step::Low => Ok(Some(Step::High)),
            Step::High if next > offset => Err(errors::cut_back(topic, partition, next, offset)),
            Step::High => {
                part.reset += 1;
                if part.reset > RESETS_MAX {
                    let text = "the brokers neither have it nor miss it: the log was cut back";
                    return Err(errors::unreadable(topic, partition, next, text));
                }
                self.reassign(partition, next).map(|()| None)
            }
        }
    }

    /// The messages up to `low` are gone.
    fn lost(&mut self, index: usize, low: u64) -> Result<(), Error> {
        let part = &mut self.parts[index];
        let (partition, from, topic) = (part.partition, part.next, &self.plan.topic);
        // What lies beyond its bound was not to be read.
        let low = match part.bound {
            Bound::Offset(end) => low.min(end),
            Bound::Never | Bound::TimeMs(_) => low,
        };
        part.next = low;
        if part.from_first {
            // The first there is was wanted, and this is it. Only, it is not the very first any more.
            self.table.enter(part.row());
            if part.entry == Entry::Beginning {
                part.entry = Entry::Midway;
                self.news.push_back(News::Joined { partition, entry: Entry::Midway });
            }
        } else {
            if self.plan.on_gap == OnGap::Fail {
                return Err(errors::gap(topic, partition, from, low));
            }
            let text = format!(
                "topic {topic}, partition {partition}: offsets {from} to {} were deleted before they were read; going on with {low}",
                low - 1
            );
            self.notices.say(About::offset(topic, partition, from), &text);
            self.table.reach(partition, low);
            self.news.push_back(News::Gap { partition, from, to: low });
        }
        let part = &mut self.parts[index];
        if part.vigil.is_silent() {
            // It was silent as far as it was read then; from here on it is to be found out again.
            part.vigil.came(Instant::now());
            self.skew.count(index, true);
            self.news.push_back(News::Doubtful { partition });
        }
        if part.is_at_bound() {
            self.end(index);
            return Ok(());
        }
        self.reassign(partition, low)
    }
}
