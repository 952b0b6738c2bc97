//! Which partitions the client fetches: all that have not ended, assigned by hand. Each goes to a queue of
//! its own.

use std::time::Instant;

use rdkafka::bindings as c;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Queue, take_error};
use super::errors;
use super::part::{Part, Source};
use super::positions::Position;
use super::reading::Reading;
use super::vigil::Vigil;
use crate::clock::agreement::Agreement;
use crate::error::Error;
use crate::input::messages::{News, Partition};

impl Reading {
    /// Enters partitions, numbered on from those there are.
    pub(super) fn enter(&mut self, positions: &[Position]) -> Result<(), Error> {
        let now = Instant::now();
        let mut list = TopicPartitionList::new();
        for position in positions {
            let agreement = Agreement::new(self.plan.agree, self.plan.keep_s);
            let mut part = Part::new(position, Vigil::new(now), agreement);
            let Position { partition, entry, .. } = *position;
            let index = self.parts.len();
            debug_assert_eq!(index, partition as usize);
            self.table.enter(part.row());
            self.news.push_back(News::Joined { partition, entry });
            if part.is_at_bound() {
                self.news.push_back(News::Ended { partition });
            } else {
                part.queue = Some(match &self.lanes {
                    Some(lanes) => {
                        lanes.enter(partition, part.next);
                        Source::Lane(lanes.clone())
                    }
                    None => {
                        let (topic, number) = (&self.plan.topic_c, partition.cast_signed());
                        put(&mut list, &self.plan.topic, partition, part.next);
                        Source::Queue(Queue::of_partition(
                            &self.client,
                            topic,
                            number,
                            &self.wakers,
                        ))
                    }
                });
                self.skew.count(index, true);
            }
            self.parts.push(part);
        }
        self.assign(&list)
    }

    /// Reads a partition on from here, whatever was fetched of it.
    pub(super) fn reassign(&mut self, partition: Partition, from: u64) -> Result<(), Error> {
        if let Some(lanes) = &self.lanes {
            lanes.enter(partition, from);
            self.parts[partition as usize].told_held = false;
            return Ok(());
        }
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

    pub(super) fn unassign(&self, partition: Partition) -> Result<(), Error> {
        if let Some(lanes) = &self.lanes {
            lanes.leave(partition);
            return Ok(());
        }
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
