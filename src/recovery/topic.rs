//! Which topic a checkpoint speaks of, and how far each of its partitions is judged. A topic is taken for the
//! same if its id is: a topic made again under the name has another.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::input::messages::Partition;

/// A topic, and how far it is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicState {
    /// Its name.
    pub topic: String,
    /// Its id.
    pub topic_id: String,
    /// The cluster's id, where its brokers tell it.
    pub cluster_id: Option<String>,
    /// All partitions that were entered, ascending.
    pub partitions: Vec<PartitionState>,
}

/// How far a partition is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionState {
    /// Which.
    pub partition: Partition,
    /// Offset of the next message.
    pub offset: u64,
    /// Whether the clock has heard of it yet.
    pub heard: bool,
}

/// What an earlier run left of a topic.
#[derive(Clone, Copy, Debug)]
pub struct Before<'c> {
    /// How far it is judged.
    pub topic: &'c TopicState,
    /// What the checkpoint is called in messages.
    pub name: &'c str,
    /// The offsets were committed to the group as well.
    pub is_committed: bool,
}

impl TopicState {
    /// Whether a topic is the one of a checkpoint, which errors call `name`.
    ///
    /// # Errors
    /// It is not; it says why.
    pub fn check(
        &self,
        topic: &str,
        topic_id: &str,
        cluster_id: Option<&str>,
        name: &str,
    ) -> Result<(), Error> {
        let wrong = |why: String| {
            Err(Error::Checkpoint(format!(
                "{name}: {why}; what was counted of that one cannot be gone on with: give the topic of the checkpoint, or start over with --fresh"
            )))
        };
        if self.topic != topic {
            return wrong(format!("it is the checkpoint of a run of topic {}", self.topic));
        }
        if let (Some(then), Some(now)) = (&self.cluster_id, cluster_id)
            && then != now
        {
            return wrong(format!("topic {topic} was on cluster {then}, and this is {now}"));
        }
        if self.topic_id != topic_id {
            return wrong(format!("topic {topic} was deleted and made again since"));
        }
        Ok(())
    }

    /// How far a partition is judged, if it was entered.
    pub fn of(&self, partition: Partition) -> Option<PartitionState> {
        self.partitions.iter().copied().find(|one| one.partition == partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_same_by_its_ids() {
        let state = TopicState {
            topic: "t".into(),
            topic_id: "id".into(),
            cluster_id: Some("c".into()),
            partitions: Vec::new(),
        };
        let check = |topic, id, cluster| {
            state.check(topic, id, cluster, "here").map_err(|error| error.to_string())
        };
        assert_eq!(check("t", "id", Some("c")), Ok(()));
        assert_eq!(check("t", "id", None), Ok(()));
        assert!(check("u", "id", Some("c")).unwrap_err().contains("of topic t"));
        assert!(check("t", "id", Some("d")).unwrap_err().contains("cluster c"));
        assert!(check("t", "other", Some("c")).unwrap_err().contains("made again"));
    }
}
