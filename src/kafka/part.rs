//! One partition being read: how far it is, where it is left, and what its queue says.

use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr as Raw};

use super::client::Queue;
use super::event::Trouble;
use super::fetch::lanes::{self, Lanes, Said};
use super::held::{Head, Held};
use super::positions::{Bound, Position};
use super::table::Row;
use super::vigil::Vigil;
use crate::clock::agreement::Agreement;
use crate::input::messages::{Entry, Partition};

/// Where its messages are drawn.
pub enum Source {
    /// librdkafka's queue of it.
    Queue(Queue),
    /// What we fetch of it ourselves.
    Lane(Lanes),
}

/// One partition. See the module's header.
pub struct Part {
    /// Its number.
    pub partition: Partition,
    /// Its queue; none once it has ended.
    pub queue: Option<Source>,
    /// The offset of the next message.
    pub next: u64,
    /// Where it is left.
    pub bound: Bound,
    /// What its entry is to the clock.
    pub entry: Entry,
    /// The first there is was wanted, whichever it is, and nothing has come yet.
    pub from_first: bool,
    /// Whether it is not read on now, as it is too far ahead; as it was when last looked.
    pub held: bool,
    /// Chunks of it that scanners are at.
    pub out: u32,
    /// How often it was set anew where it was, for want of anything else wrong.
    pub reset: u32,
    /// What was read of it is not there any more, by its brokers.
    pub is_cut_back: bool,
    /// What is fetched of it has been told that it is held back.
    pub told_held: bool,
    /// What time says of it.
    pub vigil: Vigil,
    /// What was said last in place of an answer, if none has come since.
    trouble: Option<Trouble>,
    /// The time it has reached, as far as is told here.
    pub agreement: Agreement,
}

/// What drawn messages came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drew {
    /// Nothing more.
    Fine,
    /// Its end was reached.
    Ended,
    /// Its next message is not there.
    Lost,
    /// Messages that were read are not there any more: the log was cut back below them.
    CutBack,
    /// It is not known any more.
    Unknown,
    /// It may not be read any more.
    Denied,
    /// Its brokers are in some trouble, and are asked again.
    Trouble(i32, String),
    /// It cannot be read on.
    Unreadable(String),
    /// An offset came that had come before.
    WentBack(u64),
}

impl Part {
    /// A partition about to be read.
    pub fn new(position: &Position, vigil: Vigil, agreement: Agreement) -> Part {
        Part {
            partition: position.partition,
            queue: None,
            next: position.start,
            bound: position.bound,
            entry: position.entry,
            from_first: position.from_first,
            held: false,
            out: 0,
            reset: 0,
            is_cut_back: false,
            told_held: false,
            vigil,
            trouble: None,
            agreement,
        }
    }

    /// Whether its bound is reached already.
    pub fn is_at_bound(&self) -> bool {
        matches!(self.bound, Bound::Offset(end) if self.next >= end)
    }

    /// Whether it is followed, so that it can fall silent.
    pub fn follows(&self) -> bool {
        !matches!(self.bound, Bound::Offset(_))
    }

    /// Whether it is left as soon as all of it is read, by this wall clock, milliseconds.
    pub fn is_due(&self, wall_ms: i64) -> bool {
        matches!(self.bound, Bound::TimeMs(ms) if wall_ms >= ms)
    }

    /// Takes note of what was said when its end was asked for; the end, if it was told.
    pub fn heed_end(&mut self, said: Result<Option<u64>, Trouble>) -> Option<u64> {
        let told = said.and_then(|end| {
            // What was not filled in is no answer.
            let text = "its end was asked for, and none was told".into();
            end.ok_or(Trouble { code: Code::Unknown, text })
        });
        match told {
            Ok(end) => {
                self.trouble = None;
                Some(end)
            }
            Err(trouble) => {
                self.trouble = Some(trouble);
                None
            }
        }
    }

    /// What went wrong last, of it or of all: its own says more.
    pub fn last_trouble<'t>(&'t self, of_all: Option<&'t Trouble>) -> Option<&'t Trouble> {
        self.trouble.as_ref().or(of_all)
    }

    /// Its row in the table, when it is entered.
    pub fn row(&self) -> Row {
        let until = match self.bound {
            Bound::Offset(end) => Some(end),
            Bound::Never | Bound::TimeMs(_) => None,
        };
        Row { partition: self.partition, entered: self.next, next: self.next, until }
    }

    /// Takes note of what was drawn from its queue, and leaves in `held` the messages to be scanned.
    pub fn review(&mut self, held: &mut Held) -> Drew {
        let mut drew = Drew::Fine;
        held.retain(|held, index| {
            let Head { error, offset } = held.head(index);
            let offset = offset.cast_unsigned();
            // What lies behind the end, or behind a fault, is not looked at.
            if !matches!(drew, Drew::Fine | Drew::Trouble(..) | Drew::Unknown) {
                return false;
            }
            if error != 0 {
                let said = self.heed(error, offset, || held.text(index));
                if said != Drew::Fine {
                    drew = said;
                }
                return false;
            }
            if offset < self.next {
                drew = Drew::WentBack(offset);
                return false;
            }
            let is_beyond = match self.bound {
                Bound::Never => false,
                Bound::Offset(end) => offset >= end,
                Bound::TimeMs(ms) => held.time_ms(index).is_some_and(|at_ms| at_ms >= ms),
            };
            if is_beyond {
                drew = Drew::Ended;
                return false;
            }
            self.next = offset + 1;
            true
        });
        if held.count() > 0 {
            self.from_first = false;
            self.reset = 0;
        }
        if self.is_at_bound() && matches!(drew, Drew::Fine | Drew::Trouble(..) | Drew::Unknown) {
            drew = Drew::Ended;
        }
        drew
    }

    /// Draws from its lane, and leaves in `held` the messages to be scanned; what came, and the offset after its last
    /// message as far as is told. None: nothing.
    pub fn draw(&mut self, lanes: &Lanes, held: &mut Held) -> Option<(Drew, Option<u64>)> {
        let end = match self.bound {
            Bound::Offset(end) => end,
            Bound::Never | Bound::TimeMs(_) => u64::MAX,
        };
        self.told_held = false;
        let (drew, high) = lanes.draw(self.partition, self.next..end, &mut held.records)?;
        let drew = match drew {
            lanes::Drew::To(next) => {
                self.next = self.next.max(next.min(end));
                if held.records.count() > 0 {
                    self.from_first = false;
                    self.reset = 0;
                }
                Drew::Fine
            }
            lanes::Drew::Said(Said { error, offset, text }) => self.heed(error, offset, || text),
        };
        let is_over =
            self.is_at_bound() && matches!(drew, Drew::Fine | Drew::Trouble(..) | Drew::Unknown);
        Some((if is_over { Drew::Ended } else { drew }, high))
    }

    /// Takes note of what the queue says in place of a message.
    fn heed(&mut self, error: i32, offset: u64, text: impl FnOnce() -> String) -> Drew {
        let is = |raw: Raw| error == raw as i32;
        if is(Raw::RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            // Whatever lay up to here is no message: markers of transactions, what was compacted or
            // rolled back.
            self.next = self.next.max(offset);
            return Drew::Fine;
        }
        if is(Raw::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
            || is(Raw::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        {
            return Drew::Lost;
        }
        if is(Raw::RD_KAFKA_RESP_ERR__LOG_TRUNCATION) {
            return Drew::CutBack;
        }
        if is(Raw::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            || is(Raw::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
            || is(Raw::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
            || is(Raw::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID)
        {
            return Drew::Unknown;
        }
        if is(Raw::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
            return Drew::Denied;
        }
        let passing = [
            Raw::RD_KAFKA_RESP_ERR__TRANSPORT,
            Raw::RD_KAFKA_RESP_ERR__TIMED_OUT,
            Raw::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
            Raw::RD_KAFKA_RESP_ERR__WAIT_COORD,
            Raw::RD_KAFKA_RESP_ERR__AUTHENTICATION,
            Raw::RD_KAFKA_RESP_ERR__SSL,
            Raw::RD_KAFKA_RESP_ERR__RESOLVE,
            Raw::RD_KAFKA_RESP_ERR_UNKNOWN,
        ];
        // What a broker answers is asked for again. What librdkafka itself could not make out of an
        // answer (a codec it does not know, a checksum that is wrong) it would pass over.
        let too_large = is(Raw::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
        if !too_large && (error > 0 || passing.iter().any(|&raw| is(raw))) {
            Drew::Trouble(error, text())
        } else {
            Drew::Unreadable(text())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::clock::agreement::Agree;

    fn part(partition: Partition) -> Part {
        let position = Position {
            partition,
            start: 0,
            entry: Entry::Beginning,
            from_first: true,
            lost_from: None,
            bound: Bound::Never,
        };
        Part::new(&position, Vigil::new(Instant::now()), Agreement::new(Agree::ONE, 0))
    }

    #[test]
    fn its_trouble_is_over_only_when_it_has_an_answer_itself() {
        let trouble = |text: &str| Trouble { code: Code::NotCoordinator, text: text.into() };
        let (of_all, no_leader) = (trouble("all are down"), trouble("no leader"));
        let (mut one, mut other) = (part(0), part(1));
        assert_eq!(one.last_trouble(Some(&of_all)), Some(&of_all));
        assert_eq!(one.heed_end(Err(no_leader.clone())), None);
        assert_eq!(other.heed_end(Ok(Some(5))), Some(5));
        assert_eq!((one.last_trouble(None), other.last_trouble(None)), (Some(&no_leader), None));
        assert_eq!(one.last_trouble(Some(&of_all)), Some(&no_leader), "its own says more");
        assert_eq!(one.heed_end(Ok(None)), None);
        let last = one.last_trouble(None).map(|trouble| &*trouble.text);
        assert_eq!(last, Some("its end was asked for, and none was told"));
        assert_eq!(one.heed_end(Ok(Some(0))), Some(0));
        assert_eq!(one.last_trouble(None), None);
    }
}
