//! Asking the brokers about a topic before the run: asks, waits, and asks again until there is an answer,
//! no hope of one, or no time left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::bindings as c;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::ask::{Answer, Isolation, OffsetSeen, Point, TopicSeen};
use super::client::{Client, Queue, c_name};
use super::consumer::{config, isolation};
use super::errors;
use super::event::Trouble;
use super::line::Line;
use super::notices::{About, Notices};
use super::positions::{Looked, Position};
use super::restart::{self, Committed, Unusable};
use super::settings::Settings;
use super::vigil::Patience;
use crate::cli::kafka::{From, TopicArgs, Until};
use crate::error::Error;
use crate::input::messages::Partition;
use crate::recovery::topic::TopicState;

/// How long a question waits for its answer before trouble is looked for.
const STEP_MS: i32 = 50;
/// How long after trouble a question is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long the group's coordinator is waited for at a time.
const COMMITTED_MS: i32 = 2000;

/// Asks, waits, and asks again until there is an answer, no hope of one, or no time left.
pub struct Looker<'a> {
    topic: &'a str,
    group: Option<&'a str>,
    brokers: &'a str,
    give_up_s: u32,
    deadline: Instant,
    pub(super) isolation: Isolation,
    pub(super) client: Arc<Client>,
    line: Line,
    consumer: Queue,
    pub(super) notices: Notices,
}

impl<'a> Looker<'a> {
    pub(super) fn new(
        args: &TopicArgs,
        settings: &'a Settings,
        topic: &'a str,
        group: Option<&'a str>,
        patience: Patience,
    ) -> Result<Looker<'a>, Error> {
        let client = Client::consumer(&config(settings, args, 1, group)?, settings.wants_log())?;
        Ok(Looker::by(client, args, settings, topic, group, patience))
    }

    /// One whose client reads what is committed, whatever is given.
    pub(super) fn of_committed(
        args: &TopicArgs,
        settings: &'a Settings,
        topic: &'a str,
        patience: Patience,
    ) -> Result<Looker<'a>, Error> {
        let mut config = config(settings, args, 1, None)?;
        config.set("isolation.level", "read_committed");
        let client = Client::consumer(&config, settings.wants_log())?;
        Ok(Looker::by(client, args, settings, topic, None, patience))
    }

    fn by(
        client: Arc<Client>,
        args: &TopicArgs,
        settings: &'a Settings,
        topic: &'a str,
        group: Option<&'a str>,
        patience: Patience,
    ) -> Looker<'a> {
        Looker {
            topic,
            group,
            brokers: settings.brokers(),
            give_up_s: args.brokers.give_up,
            deadline: Instant::now() + patience.give_up,
            isolation: isolation(settings),
            line: Line::new(&client, timeout_ms(patience.give_up)),
            consumer: Queue::of_consumer(&client),
            client,
            notices: Notices::default(),
        }
    }

    pub(super) fn consumer(
        &self,
        settings: &Settings,
        args: &TopicArgs,
        partitions: Partition,
        group: Option<&str>,
    ) -> Result<Arc<Client>, Error> {
        Client::consumer(&config(settings, args, partitions, group)?, settings.wants_log())
    }

    /// Goes on with another client.
    pub(super) fn renew(&mut self) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.line = Line::new(&self.client, timeout_ms(left));
        self.consumer = Queue::of_consumer(&self.client);
    }

    /// What is asked from now on has all of `--give-up` again.
    pub(super) fn wait_anew(&mut self, give_up: Duration) {
        self.deadline = Instant::now() + give_up;
    }

    /// Asks until it is answered.
    fn ask(&mut self, ask: impl Fn(&mut Line)) -> Result<Answer, Error> {
        loop {
            ask(&mut self.line);
            let trouble = loop {
                match self.line.answer(STEP_MS) {
                    Some(Ok(answer)) => return Ok(answer),
                    Some(Err(trouble)) => break trouble,
                    None => self.hear_client()?,
                }
                self.check_time()?;
            };
            if let Some(error) = errors::for_good(&trouble, self.topic, self.brokers) {
                return Err(error);
            }
            self.check_time()?;
            self.notices.trouble(trouble);
            std::thread::sleep(AGAIN_AFTER);
        }
    }

    /// Hears what goes wrong with connections. What passwords and certificates do not open now they
    /// will not open in a minute.
    fn hear_client(&mut self) -> Result<(), Error> {
        while let Some(event) = self.consumer.poll(0) {
            let Some(trouble) = event.trouble() else { continue };
            if matches!(trouble.code, Code::Authentication | Code::SSL)
                && let Some(error) = errors::for_good(&trouble, self.topic, self.brokers)
            {
                return Err(error);
            }
            match self.group {
                // Its coordinator is looked for whether a group was asked for or not.
                None if trouble.code == Code::GroupAuthorizationFailed => {}
                Some(group) if trouble.code == Code::GroupAuthorizationFailed => {
                    if let Some(error) = errors::for_good_of_group(&trouble, group) {
                        return Err(error);
                    }
                }
                _ => self.notices.trouble(trouble),
            }
        }
        Ok(())
    }

    fn check_time(&mut self) -> Result<(), Error> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        self.hear_client()?;
        Err(errors::no_answer(self.brokers, self.give_up_s, self.notices.last()))
    }

    pub(super) fn topic(&mut self) -> Result<TopicSeen, Error> {
        let name = c_name(self.topic)?;
        loop {
            let answer = self.ask(|line| line.describe(&name))?;
            if let Answer::Topic(topic) = answer
                && topic.partitions > 0
            {
                return Ok(topic);
            }
            // It is being made.
            self.check_time()?;
            std::thread::sleep(AGAIN_AFTER);
        }
    }

    /// Asks for the same point of all partitions, until each has answered.
    pub(super) fn offsets(
        &mut self,
        topic: &TopicSeen,
        point: Point,
        isolation: Isolation,
    ) -> Result<Vec<Option<u64>>, Error> {
        let points: Vec<(Partition, Point)> =
            (0..topic.partitions).map(|partition| (partition, point)).collect();
        let name = self.topic;
        loop {
            let answer = self.ask(|line| line.offsets(name, &points, isolation))?;
            let Answer::Offsets(seen) = answer else { continue };
            match by_partition(seen, &points) {
                Ok(offsets) => return Ok(offsets),
                Err(trouble) => {
                    if let Some(error) = errors::for_good(&trouble, self.topic, self.brokers) {
                        return Err(error);
                    }
                    self.check_time()?;
                    self.notices.trouble(trouble);
                    std::thread::sleep(AGAIN_AFTER);
                }
            }
        }
    }

    pub(super) fn partitions(
        &mut self,
        topic: &TopicSeen,
        from: From,
        until: Option<Until>,
        mut committed: Vec<Committed>,
        before: Option<&TopicState>,
    ) -> Result<Vec<Looked>, Error> {
        let isolation = self.isolation;
        let lows = self.offsets(topic, Point::Earliest, Isolation::Uncommitted)?;
        // Before times: where none is as late yet, it is read from here on, and what comes meanwhile lies behind. And
        // before high watermarks, so that none lies before an end.
        let ends = self.offsets(topic, Point::Latest, isolation)?;
        let from_times = match from {
            From::TimeMs(ms) => Some(self.offsets(topic, Point::TimeMs(ms), isolation)?),
            _ => None,
        };
        let until_times = match until {
            Some(Until::TimeMs(ms)) => Some(self.offsets(topic, Point::TimeMs(ms), isolation)?),
            _ => None,
        };
        let highs = self.offsets(topic, Point::Latest, Isolation::Uncommitted)?;
        let at = |offsets: &[Option<u64>], index: usize| offsets[index].unwrap_or(0);
        let looked = (0..topic.partitions).zip(0..).map(|(partition, index)| {
            let of = committed.iter().position(|one| one.partition == partition);
            Looked {
                partition,
                low: at(&lows, index),
                end: at(&ends, index),
                high: at(&highs, index),
                from_time: from_times.as_ref().and_then(|times| times[index]),
                until_time: until_times.as_ref().and_then(|times| times[index]),
                committed: of.map(|of| committed.swap_remove(of)),
                restored: before.and_then(|before| before.of(partition)),
            }
        });
        Ok(looked.collect())
    }

    /// What the group committed, where it is asked for.
    pub(super) fn committed(
        &mut self,
        args: &TopicArgs,
        group: Option<&str>,
        topic: &TopicSeen,
    ) -> Result<Vec<Committed>, Error> {
        let group = match (args.from, group) {
            (None | Some(From::Committed), Some(group)) => group,
            (Some(From::Committed), None) => {
                return Err(Error::usage("--from committed: give the group by --group"));
            }
            _ => return Ok(Vec::new()),
        };
        let found = self.committed_by(group, topic)?;
        self.usable(group, &topic.id, found, args.from.is_some())
    }

    /// Whether the group's offsets are those of a checkpoint, as far as it has any.
    pub(super) fn check_committed(
        &mut self,
        group: &str,
        topic: &TopicSeen,
        before: &TopicState,
        checkpoint: &str,
    ) -> Result<(), Error> {
        for (partition, committed, _) in self.committed_by(group, topic)? {
            let own = before.of(partition).map(|one| one.offset);
            if own.is_some_and(|own| own != committed) {
                return Err(errors::kafka(format!(
                    "topic {}, partition {partition}: group {group} and the checkpoint in {checkpoint} differ: {committed} was committed, and {} by the checkpoint; somebody else commits with this group, or the checkpoint is not of its last run: give another --group, or --fresh to start over",
                    self.topic,
                    own.unwrap_or_default()
                )));
            }
        }
        Ok(())
    }

    /// What the group committed, with what stands beside it.
    fn committed_by(
        &mut self,
        group: &str,
        topic: &TopicSeen,
    ) -> Result<Vec<(Partition, u64, String)>, Error> {
        let mut list = TopicPartitionList::new();
        for partition in 0..topic.partitions {
            list.add_partition(self.topic, partition.cast_signed());
        }
        loop {
            // SAFETY: client and list are alive.
            let code =
                unsafe { c::rd_kafka_committed(self.client.ptr(), list.ptr(), COMMITTED_MS) };
            let found = match Code::from(code) {
                Code::NoError => committed_of(&list),
                code => Err(Trouble { code, text: code.to_string() }),
            };
            let trouble = match found {
                Ok(found) => return Ok(found),
                Err(trouble) => trouble,
            };
            self.hear_client()?;
            let error = errors::for_good_of_group(&trouble, group)
                .or_else(|| errors::for_good(&trouble, self.topic, self.brokers));
            if let Some(error) = error {
                return Err(error);
            }
            if Instant::now() >= self.deadline {
                return Err(errors::no_offsets(group, self.give_up_s, &trouble));
            }
            std::thread::sleep(AGAIN_AFTER);
        }
    }

    /// The committed offsets with their notes, if they can be gone on with.
    fn usable(
        &self,
        group: &str,
        topic_id: &str,
        found: Vec<(Partition, u64, String)>,
        asked: bool,
    ) -> Result<Vec<Committed>, Error> {
        let topic = self.topic;
        if found.is_empty() && asked {
            return Err(errors::kafka(format!(
                "group {group}: it has no restart point of topic {topic}: give --from beginning"
            )));
        }
        found
            .into_iter()
            .map(|(partition, offset, text)| match restart::read(&text, topic_id) {
                Ok(note) => Ok(Committed { partition, offset, note }),
                Err(Unusable::Version) => Err(errors::kafka(format!(
                    "group {group}: its restart point of topic {topic} is of another version of this program: go on with that one, or give --from beginning"
                ))),
                Err(Unusable::Checkpoint(state)) => Err(errors::kafka(format!(
                    "group {group}: it was committed together with checkpoints in topic {state}, and there is none to go on from: read on with that --state-topic, or start over with --fresh or --from beginning"
                ))),
                Err(Unusable::Topic) => Err(errors::kafka(format!(
                    "group {group}: its restart point is of another topic {topic}, which was deleted since: give --from beginning"
                ))),
            })
            .collect()
    }

    pub(super) fn say_lost(
        &mut self,
        position: &Position,
        lost_from: u64,
        args: &TopicArgs,
    ) -> Result<(), Error> {
        let Position { partition, start, .. } = *position;
        if args.on_gap == crate::cli::kafka::OnGap::Fail {
            return Err(errors::gap(self.topic, partition, lost_from, start));
        }
        let text = format!(
            "topic {}, partition {partition}: offsets {lost_from} to {} were deleted before they were read; going on with {start}",
            self.topic,
            start - 1
        );
        self.notices.say(About::offset(self.topic, partition, lost_from), &text);
        Ok(())
    }

    /// Says what an open transaction keeps from being read.
    pub(super) fn say_open(&mut self, looked: &[Looked]) {
        let open: Vec<&Looked> = looked.iter().filter(|looked| looked.high > looked.end).collect();
        let offsets: u64 = open.iter().map(|looked| looked.high - looked.end).sum();
        let partitions: Vec<String> = open.iter().map(|one| one.partition.to_string()).collect();
        if offsets > 0 {
            let text = format!(
                "topic {}: {offsets} offsets lie behind open transactions and are not read (partitions {}); --until end means the last stable offset; -X isolation.level=read_uncommitted reads them",
                self.topic,
                partitions.join(", ")
            );
            self.notices.say(About::topic(self.topic), &text);
        }
    }
}

/// A question's own time: a little beyond that of the looker, which has better words.
fn timeout_ms(left: Duration) -> i32 {
    i32::try_from(left.as_millis()).unwrap_or(i32::MAX).saturating_add(1000).clamp(2000, 3_600_000)
}

fn by_partition(
    seen: Vec<OffsetSeen>,
    asked: &[(Partition, Point)],
) -> Result<Vec<Option<u64>>, Trouble> {
    let mut offsets = vec![None; asked.len()];
    let mut answered = 0;
    for OffsetSeen { partition, offset } in seen {
        let index = partition as usize;
        if let (Some(at), Some((_, point))) = (offsets.get_mut(index), asked.get(index)) {
            *at = offset?;
            // Every partition has a beginning and an end; only of a time there may be nothing.
            answered += usize::from(at.is_some() || matches!(point, Point::TimeMs(_)));
        }
    }
    if answered < asked.len() {
        let text = "not all partitions were answered for".into();
        return Err(Trouble { code: Code::Partial, text });
    }
    Ok(offsets)
}

/// Offsets and notes of a list that was asked for.
fn committed_of(list: &TopicPartitionList) -> Result<Vec<(Partition, u64, String)>, Trouble> {
    // SAFETY: the list is alive.
    let raw = unsafe { &*list.ptr() };
    let count = usize::try_from(raw.cnt).unwrap_or(0);
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: it has as many elements.
    let places = unsafe { std::slice::from_raw_parts(raw.elems, count) };
    let mut found = Vec::new();
    for place in places {
        if place.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            let code = Code::from(place.err);
            return Err(Trouble { code, text: code.to_string() });
        }
        // Below 0 is: none.
        let (Ok(partition), Ok(offset)) =
            (Partition::try_from(place.partition), u64::try_from(place.offset))
        else {
            continue;
        };
        let note = if place.metadata.is_null() || place.metadata_size == 0 {
            &[]
        } else {
            // SAFETY: it has as many bytes.
            unsafe {
                std::slice::from_raw_parts(
                    place.metadata.cast::<u8>().cast_const(),
                    place.metadata_size,
                )
            }
        };
        found.push((partition, offset, String::from_utf8_lossy(note).into_owned()));
    }
    Ok(found)
}
