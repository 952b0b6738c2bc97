//! Keeps restart points as the group's committed offsets, each with its note (see
//! [`super::restart`]). A commit is sent and asked after; nothing waits. Runs on the output's thread.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as c;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Client, Queue};
use super::errors::{for_good_of_group, words};
use super::event::{Event, Trouble};
use super::notices::{About, Notices};
use super::restart::{Basis, NOTE_BYTES_MAX, write};
use super::table::Table;
use crate::clock::agreement::Past;
use crate::clock::restart::{PartitionRestart, Restart};
use crate::input::messages::Partition;
use crate::output::sink::RestartKeeper;

/// How long after a commit that failed it is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Keeps restart points with a group. See the module's header.
pub struct GroupKeeper {
    name: String,
    group: String,
    topic: String,
    basis: Basis,
    table: Table,
    /// Partitions there were at the start.
    partitions: Partition,
    give_up: Duration,
    notices: Notices,
    /// What is being committed.
    under_way: Option<UnderWay>,
    answers: Queue,
}

struct UnderWay {
    offsets: TopicPartitionList,
    since: Instant,
    /// When it is sent again; none while an answer is awaited.
    again_at: Option<Instant>,
}

impl GroupKeeper {
    /// Keeps them with this group, which the client was made for.
    pub fn new(
        client: &Arc<Client>,
        group: &str,
        topic: &str,
        basis: Basis,
        table: Table,
        partitions: Partition,
        give_up: Duration,
    ) -> GroupKeeper {
        GroupKeeper {
            name: format!("restart point of group {group}"),
            group: group.into(),
            topic: topic.into(),
            basis,
            table,
            partitions,
            give_up,
            notices: Notices::default(),
            under_way: None,
            answers: Queue::new(client),
        }
    }

    /// The offsets and notes of a restart point; none if they do not fit.
    fn offsets(&self, restart: &Restart) -> Option<TopicPartitionList> {
        let rows = self.table.all();
        let mut offsets = TopicPartitionList::with_capacity(rows.len());
        // Added ones may have been entered and not be known to the clock yet.
        let unheard = rows.iter().filter(|row| !knows(restart, row.partition));
        let unheard = unheard.map(|row| PartitionRestart {
            partition: row.partition,
            offset: row.entered,
            judged_to: row.entered,
            past: Past::default(),
        });
        for point in restart.partitions.iter().cloned().chain(unheard) {
            let note = write(restart, &point, &self.basis)?;
            // Where nothing was judged yet, the clock does not know where the partition was entered.
            let offset = point.offset.max(self.table.entered(point.partition));
            let mut place = offsets.add_partition(&self.topic, point.partition.cast_signed());
            // It fails only for numbers below 0.
            let _ = place.set_offset(Offset::Offset(offset.cast_signed()));
            place.set_metadata(note);
        }
        Some(offsets)
    }

    fn send(&mut self) {
        let Some(under_way) = &mut self.under_way else { return };
        under_way.again_at = None;
        let (client, queue) = (self.answers.client().ptr(), self.answers.ptr());
        let offsets = under_way.offsets.ptr();
        // SAFETY: all are alive, the offsets are copied; without a function the answer is an event.
        let sent =
            unsafe { c::rd_kafka_commit_queue(client, offsets, queue, None, std::ptr::null_mut()) };
        if sent != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            under_way.again_at = Some(Instant::now() + AGAIN_AFTER);
        }
    }

    /// What a commit came to.
    fn heed(&mut self, event: &Event) -> io::Result<()> {
        let Some(under_way) = &mut self.under_way else { return Ok(()) };
        let Some(trouble) = trouble_of(event) else {
            self.under_way = None;
            self.notices.forget();
            return Ok(());
        };
        if let Some(error) = for_good_of_group(&trouble, &self.group) {
            return Err(io::Error::other(error.to_string()));
        }
        if trouble.code == Code::TopicAuthorizationFailed {
            return Err(io::Error::other(
                "access denied: the user needs the right READ on the topic",
            ));
        }
        if under_way.since.elapsed() > self.give_up {
            return Err(io::Error::other(words(&trouble)));
        }
        under_way.again_at = Some(Instant::now() + AGAIN_AFTER);
        self.notices.trouble(trouble);
        Ok(())
    }
}

fn knows(restart: &Restart, partition: Partition) -> bool {
    restart.partitions.iter().any(|point| point.partition == partition)
}

/// What went wrong with a commit, as a whole or for a partition.
fn trouble_of(event: &Event) -> Option<Trouble> {
    if let Some(trouble) = event.trouble() {
        return Some(trouble);
    }
    // SAFETY: the event is alive.
    let list = unsafe { c::rd_kafka_event_topic_partition_list(event.ptr()) };
    // SAFETY: it is null or lives as long as the event.
    let list = unsafe { list.as_ref() }?;
    let count = usize::try_from(list.cnt).unwrap_or(0);
    if count == 0 {
        return None;
    }
    // SAFETY: the list has as many elements.
    let places = unsafe { std::slice::from_raw_parts(list.elems, count) };
    let failed = |place: &&c::rd_kafka_topic_partition_t| {
        place.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
    };
    places.iter().find(failed).map(|place| {
        let code = Code::from(place.err);
        Trouble { code, text: code.to_string() }
    })
}

impl RestartKeeper for GroupKeeper {
    fn name(&self) -> &str {
        &self.name
    }

    fn keep(&mut self, restart: &Restart) -> io::Result<()> {
        // A run stopped at its very start: the clock has not heard where all partitions were entered, nor
        // perhaps what an earlier run had put out. What that one left still holds.
        if !(0..self.partitions).all(|partition| knows(restart, partition)) {
            return Ok(());
        }
        let Some(offsets) = self.offsets(restart) else {
            let text = format!(
                "{}: more than {NOTE_BYTES_MAX} bytes beside an offset; the one before it is kept",
                self.name
            );
            let about = About { group: Some(&self.group), ..About::topic(&self.topic) };
            self.notices.say(about, &text);
            return Ok(());
        };
        self.under_way = Some(UnderWay { offsets, since: Instant::now(), again_at: None });
        self.send();
        Ok(())
    }

    fn is_kept(&mut self) -> io::Result<bool> {
        while let Some(event) = self.answers.poll(0) {
            if event.kind() == c::RD_KAFKA_EVENT_OFFSET_COMMIT {
                self.heed(&event)?;
            }
        }
        let due = self.under_way.as_ref().and_then(|under_way| under_way.again_at);
        if due.is_some_and(|at| Instant::now() >= at) {
            self.send();
        }
        Ok(self.under_way.is_none())
    }
}
