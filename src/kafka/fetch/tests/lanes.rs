//! What is asked of whom, and in which order what came is drawn.

use rdkafka::types::RDKafkaRespErr as Raw;

use super::super::batch::Batch;
use super::super::connection::Answer;
use super::super::lanes::{Came, Drew, Fixed, Lanes, Round, What};
use super::super::protocol::{Bounds, Leader, Metadata, Node};
use super::super::records::{Records, Shared};
use crate::cli::kafka::Codec;
use crate::input::messages::Partition;
use crate::kafka::ask::Isolation;
use crate::kafka::client::Wakers;
use crate::limits::CHUNK_BYTES;

const NODE: i32 = 5;
const OTHER: i32 = 6;

/// Lanes of which `NODE` leads all.
fn lanes(partitions: Partition, queue_bytes: usize) -> Lanes {
    let bounds = Bounds { wait_ms: 250, bytes_max: 1000, isolation: Isolation::Committed };
    let fixed = Fixed {
        topic: "t".into(),
        topic_id: [7; 16],
        client: "c".into(),
        brokers: Vec::new(),
        bounds,
        partition_bytes: 100,
        queue_bytes,
    };
    let lanes = Lanes::new(fixed, Wakers::new(Vec::new()));
    assert_eq!(leads(&lanes, 0..partitions, NODE, 0), (vec![NODE], true));
    for partition in 0..partitions {
        lanes.enter(partition, 10);
    }
    lanes
}

fn leads(
    lanes: &Lanes,
    partitions: std::ops::Range<Partition>,
    node: i32,
    epoch: i32,
) -> (Vec<i32>, bool) {
    let host = |id| Node { id, host: format!("host-{id}"), port: 9 };
    let leader = |partition| Leader { partition, node: (node >= 0).then_some(node), epoch };
    let nodes = vec![host(NODE), host(OTHER)];
    lanes.led(Metadata { nodes, leaders: partitions.map(leader).collect() })
}

/// Partitions and offsets that are asked for.
fn asked(lanes: &Lanes) -> (Round, Vec<(Partition, u64)>) {
    let round = lanes.round(NODE).unwrap();
    let wants = round.wants.iter().map(|(want, _)| (want.partition, want.offset)).collect();
    (round, wants)
}

/// Batches of a record each, so many bytes large and packed like this, in answer to what was asked for first.
fn records(lanes: &Lanes, round: &Round, batches: &[(usize, Codec)]) -> Came {
    let &(want, turn) = &round.wants[0];
    let mut base = want.offset;
    let batch = |&(bytes, codec): &(usize, Codec)| {
        base += 1;
        Batch { base: base - 1, last: base - 1, count: 1, codec, records: 0..bytes }
    };
    let batches: Vec<Batch> = batches.iter().map(batch).collect();
    let answer = Shared::new(Answer::of(&[]), lanes.pool());
    let bytes = batches.iter().map(|batch| batch.records.len()).sum();
    let (next, high, end) = (base, 1000, 900);
    let reign = want.epoch;
    Came {
        partition: want.partition,
        turn,
        what: What::Records { answer, batches, bytes, next, epoch: 3, reign, high, end },
    }
}

fn of_first(round: &Round, what: What) -> Vec<Came> {
    let &(want, turn) = &round.wants[0];
    vec![Came { partition: want.partition, turn, what }]
}

fn error(round: &Round, error: Raw) -> Vec<Came> {
    of_first(round, What::Error(error as i32, "words".into()))
}

/// Up to which offset, and how many batches.
fn draw(lanes: &Lanes, partition: Partition) -> Option<(Result<u64, i32>, usize)> {
    let mut records = Records::default();
    let (drew, _) = lanes.draw(partition, 0..u64::MAX, &mut records)?;
    let drew = match drew {
        Drew::To(next) => Ok(next),
        Drew::Said(said) => Err(said.error),
    };
    Some((drew, records.count()))
}

#[test]
fn what_came_is_drawn_in_order_by_chunks_of_one_kind() {
    let lanes = lanes(1, usize::MAX);
    let (round, wants) = asked(&lanes);
    assert_eq!(wants, [(0, 10)]);
    let (large, small) = ((CHUNK_BYTES, Codec::None), (10, Codec::None));
    let packed = (CHUNK_BYTES / 8, Codec::Lz4);
    let all = [small, small, large, packed, packed, packed, small];
    lanes.put(vec![records(&lanes, &round, &all)]);
    let (round, wants) = asked(&lanes);
    assert_eq!(wants, [(0, 17)], "what comes next is asked for before that is drawn");
    lanes.put(vec![records(&lanes, &round, &[small])]);
    for drawn in [(12, 2), (13, 1), (15, 2), (16, 1), (17, 1), (18, 1)] {
        assert_eq!(draw(&lanes, 0), Some((Ok(drawn.0), drawn.1)));
    }
    assert_eq!(draw(&lanes, 0), None);
}

#[test]
fn a_full_lane_is_not_asked_for_and_those_at_their_ends_now_and_then() {
    let lanes = lanes(2, 100);
    let (round, wants) = asked(&lanes);
    assert_eq!(wants, [(0, 10), (1, 10)]);
    lanes.put(vec![records(&lanes, &round, &[(100, Codec::None)])]);
    // The other is asked for alone, and not waited for.
    let (round, wants) = asked(&lanes);
    assert_eq!((wants, round.bounds.wait_ms), (vec![(1, 10)], 0));
    let nothing = |round: &Round| {
        let &(want, turn) = &round.wants[0];
        let answer = Shared::new(Answer::default(), lanes.pool());
        let (next, end) = (want.offset, want.offset);
        let (batches, bytes, epoch, reign, high) = (Vec::new(), 0, -1, 0, end);
        let what = What::Records { answer, batches, bytes, next, epoch, reign, high, end };
        vec![Came { partition: want.partition, turn, what }]
    };
    lanes.put(nothing(&round));
    let eof = Raw::RD_KAFKA_RESP_ERR__PARTITION_EOF as i32;
    assert_eq!(draw(&lanes, 1), Some((Err(eof), 0)));
    let asked_at = std::time::Instant::now();
    let (round, wants) = asked(&lanes);
    assert_eq!(wants, [(1, 10)]);
    assert!(asked_at.elapsed().as_millis() > 5, "it was asked for again at once");
    lanes.put(nothing(&round));
    assert_eq!(draw(&lanes, 1), None, "its end was told before");
    // Room again.
    assert_eq!(draw(&lanes, 0), Some((Ok(11), 1)));
    let (round, wants) = asked(&lanes);
    assert_eq!((wants, round.bounds.wait_ms), (vec![(0, 11), (1, 10)], 250));
}

#[test]
fn what_was_asked_for_before_a_lane_was_set_anew_is_dropped() {
    let lanes = lanes(1, usize::MAX);
    let (round, _) = asked(&lanes);
    lanes.enter(0, 50);
    lanes.put(vec![records(&lanes, &round, &[(1, Codec::None)])]);
    assert_eq!(draw(&lanes, 0), None);
    let (round, wants) = asked(&lanes);
    assert_eq!(wants, [(0, 50)]);
    lanes.put(vec![records(&lanes, &round, &[(1, Codec::None)])]);
    assert_eq!(draw(&lanes, 0), Some((Ok(51), 1)));
    lanes.leave(0);
    lanes.put(vec![records(&lanes, &round, &[(1, Codec::None)])]);
    assert_eq!(draw(&lanes, 0), None);
}

#[test]
fn an_offset_that_is_not_there_is_said_once_and_not_asked_for_again() {
    let lanes = lanes(2, usize::MAX);
    let (round, _) = asked(&lanes);
    let gone = Raw::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    lanes.put(error(&round, gone));
    assert_eq!(draw(&lanes, 0), Some((Err(gone as i32), 0)));
    assert_eq!(asked(&lanes).1, [(1, 10)]);
    lanes.enter(0, 20);
    assert_eq!(asked(&lanes).1.len(), 2);
}

#[test]
fn another_leader_is_looked_for_and_told_of_only_if_there_is_none_for_long() {
    let lanes = lanes(1, usize::MAX);
    let moved = Raw::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    for _ in 0..3 {
        lanes.put(error(&asked(&lanes).0, moved));
        assert!(lanes.wait_for_scouting());
        assert_eq!(draw(&lanes, 0), None);
    }
    lanes.put(error(&asked(&lanes).0, moved));
    assert_eq!(draw(&lanes, 0), Some((Err(moved as i32), 0)));
    // Nobody leads, for a moment; then another does. A broker that is behind is not believed.
    assert_eq!(leads(&lanes, 0..1, -1, 1), (vec![], false));
    assert_eq!(leads(&lanes, 0..1, OTHER, 2), (vec![OTHER], true));
    assert_eq!(leads(&lanes, 0..1, NODE, 1), (vec![], true));
    let round = lanes.round(OTHER).unwrap();
    assert_eq!((round.wants[0].0.epoch, round.node.host.as_str()), (2, "host-6"));
}

#[test]
fn after_a_change_of_leaders_it_is_made_sure_that_the_last_record_is_there_still() {
    let lanes = lanes(1, usize::MAX);
    assert!(asked(&lanes).0.unsure.is_empty(), "nothing was fetched");
    lanes.put(vec![records(&lanes, &asked(&lanes).0, &[(1, Codec::None)])]);
    assert!(asked(&lanes).0.unsure.is_empty(), "by the same leader");
    leads(&lanes, 0..1, NODE, 4);
    let (round, _) = asked(&lanes);
    assert_eq!(round.unsure, [(0, 4, 3)]);
    lanes.put(of_first(&round, What::Sure(4, Some(11))));
    let (round, _) = asked(&lanes);
    assert!(round.unsure.is_empty());
    assert_eq!(draw(&lanes, 0), Some((Ok(11), 1)));
    let cut = Some((Err(Raw::RD_KAFKA_RESP_ERR__LOG_TRUNCATION as i32), 0));
    // It ended before, or its leader has never heard of it, as both clients of Kafka take it.
    for (epoch, end) in [(5, Some(10)), (6, None)] {
        leads(&lanes, 0..1, NODE, epoch);
        lanes.enter(0, 10);
        lanes.put(vec![records(&lanes, &asked(&lanes).0, &[(1, Codec::None)])]);
        leads(&lanes, 0..1, NODE, epoch + 10);
        let (round, _) = asked(&lanes);
        assert_eq!(round.unsure, [(0, epoch + 10, 3)]);
        lanes.put(of_first(&round, What::Sure(epoch + 10, end)));
        assert_eq!(draw(&lanes, 0), Some((Ok(11), 1)), "what came before is told");
        assert_eq!(draw(&lanes, 0), cut);
    }
}

#[test]
fn what_ends_a_lane_is_said_whatever_waits_to_be_said() {
    let lanes = lanes(1, usize::MAX);
    let (gone, trouble) =
        (Raw::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, Raw::RD_KAFKA_RESP_ERR__TRANSPORT);
    let (round, _) = asked(&lanes);
    for _ in 0..3 {
        lanes.put(error(&round, trouble));
    }
    lanes.put(error(&round, gone));
    for said in [trouble, gone] {
        assert_eq!(draw(&lanes, 0), Some((Err(said as i32), 0)));
    }
    assert_eq!(draw(&lanes, 0), None, "each once");
}

#[test]
fn of_what_is_held_back_one_answer_waits() {
    let lanes = lanes(2, usize::MAX);
    lanes.hold(0);
    let (round, wants) = asked(&lanes);
    assert_eq!(wants, [(0, 10), (1, 10)], "none waits yet");
    lanes.put(vec![records(&lanes, &round, &[(1, Codec::None)])]);
    assert_eq!(asked(&lanes).1, [(1, 10)]);
    assert_eq!(draw(&lanes, 0), Some((Ok(11), 1)));
    assert_eq!(asked(&lanes).1.len(), 2, "it is drawn again");
}

#[test]
fn each_broker_has_a_turn_of_its_own() {
    let lanes = lanes(4, usize::MAX);
    leads(&lanes, 2..4, OTHER, 1);
    let first = |node| lanes.round(node).unwrap().wants[0].0.partition;
    let turns = [NODE, OTHER, NODE, OTHER, NODE, OTHER].map(first);
    assert_eq!(turns, [0, 2, 1, 3, 0, 2]);
}

#[test]
fn a_leader_nobody_knows_where_to_find_is_none() {
    let lanes = lanes(1, usize::MAX);
    let leaders = vec![Leader { partition: 0, node: Some(7), epoch: 1 }];
    let metadata = Metadata { nodes: Vec::new(), leaders };
    assert_eq!(lanes.led(metadata), (vec![], false));
    assert_eq!(leads(&lanes, 0..1, OTHER, 1), (vec![OTHER], true));
}

#[test]
fn nothing_is_asked_once_it_is_stopped() {
    let lanes = lanes(1, usize::MAX);
    let other = lanes.clone();
    let waiting =
        std::thread::spawn(move || (other.round(OTHER).is_none(), other.wait_for_scouting()));
    lanes.stop();
    assert_eq!(waiting.join().unwrap(), (true, false));
    assert!(lanes.round(NODE).is_none() && draw(&lanes, 0).is_none());
}
