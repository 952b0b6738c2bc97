//! A topic that is written bit by bit, while runs read it.

use crate::broker::Broker;
use crate::frames::Random;
use crate::records::Record;

/// A topic, all that will be in it, and how much of that is.
pub(crate) struct Growing<'a> {
    pub(crate) broker: &'a Broker,
    pub(crate) topic: String,
    pub(crate) records: Vec<Record>,
    pub(crate) written: usize,
}

impl Growing<'_> {
    /// One with nothing in it yet.
    pub(crate) fn new(broker: &Broker, partitions: i32, records: Vec<Record>) -> Growing<'_> {
        Growing { broker, topic: broker.topic(partitions, &[]), records, written: 0 }
    }

    /// Writes on, up to this record.
    pub(crate) fn write_to(&mut self, to: usize) {
        self.broker.write(&self.topic, &self.records[self.written..to]);
        self.written = to;
    }

    /// Writes on: about one of so many parts of what is left.
    pub(crate) fn write(&mut self, random: &mut Random, parts_left: usize) {
        let left = self.records.len() - self.written;
        let most = u64::try_from(2 * left / parts_left).unwrap();
        let some = usize::try_from(random.below(most.max(1))).unwrap();
        self.write_to(self.written + some.min(left));
    }

    /// Writes all that is left.
    pub(crate) fn write_rest(&mut self) {
        self.write_to(self.records.len());
    }
}
