//! The thread of one broker: asks it for records of what it leads, again and again, and hands on what came.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr as Raw};

use super::batch::{self, Unreadable};
use super::connection::{Answer, Connection};
use super::lanes::{Came, Lanes, Round, What};
use super::protocol::{self, Api, EpochEnd, Fetched, Want};
use super::records::Shared;
use crate::input::messages::Partition;
use crate::kafka::ask::Isolation;

/// How soon a broker is asked again that did not answer; twice as late each time,
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// but no later than this.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(1);

/// Fetches from this broker until nothing is to be fetched any more.
pub fn run(lanes: &Lanes, node: i32) {
    let mut connection = None;
    let mut again_after = AGAIN_AFTER;
    while let Some(round) = lanes.round(node) {
        let was_idle = connection.is_some();
        match fetch(lanes, &round, &mut connection) {
            Ok(()) => again_after = AGAIN_AFTER,
            Err(_) if lanes.is_stopped() => return,
            // Brokers end connections that were idle; whether more is wrong is seen by the next one. But if this
            // was the end of the broker, others lead now.
            Err(_) if was_idle => {
                connection = None;
                lanes.scout_again();
            }
            Err(error) => {
                connection = None;
                let text = format!("broker {}:{}: {error}", round.node.host, round.node.port);
                let transport = Raw::RD_KAFKA_RESP_ERR__TRANSPORT as i32;
                tell_all(lanes, &round, transport, &text);
                std::thread::sleep(again_after);
                again_after = (again_after * 2).min(AGAIN_AFTER_MAX);
            }
        }
    }
}

fn tell_all(lanes: &Lanes, round: &Round, error: i32, text: &str) {
    let came = |&(Want { partition, .. }, turn): &(Want, u64)| Came {
        partition,
        turn,
        what: What::Error(error, text.to_owned()),
    };
    lanes.put(round.wants.iter().map(came).collect());
}

/// One round.
fn fetch(lanes: &Lanes, round: &Round, connection: &mut Option<Connection>) -> io::Result<()> {
    let fixed = lanes.fixed();
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let opened = Connection::open(&round.node, &fixed.client)?;
            lanes.connected(round.node.id, opened.handle()?);
            connection.insert(opened)
        }
    };
    if !round.unsure.is_empty() {
        let mut answer = Answer::default();
        let ask = |out: &mut _| protocol::ask_epoch(out, &fixed.topic, &round.unsure);
        connection.ask(Api::OffsetForLeaderEpoch, ask, &mut answer)?;
        lanes.put(sure(round, protocol::epoch_ends(answer.bytes())?));
        return Ok(());
    }
    let wants: Vec<Want> = round.wants.iter().map(|&(want, _)| want).collect();
    let mut answer = lanes.pool().take();
    let ask = |out: &mut _| protocol::ask_fetch(out, &fixed.topic_id, &wants, round.bounds);
    connection.ask(Api::Fetch, ask, &mut answer)?;
    let isolation = round.bounds.isolation;
    match protocol::fetched(answer.bytes(), isolation)? {
        Ok(fetched) => {
            let answer = Shared::new(answer, lanes.pool());
            lanes.put(came(round, fetched, &answer, isolation));
        }
        Err(error) => {
            let error = i32::from(error);
            tell_all(lanes, round, error, &words(error));
        }
    }
    Ok(())
}

/// What comes of asking where epochs ended.
fn sure(round: &Round, ends: Vec<(Partition, EpochEnd)>) -> Vec<Came> {
    let came = |(partition, end): (Partition, EpochEnd)| {
        let &(want, turn) = round.wants.iter().find(|(want, _)| want.partition == partition)?;
        let what = match end {
            Ok(end) => What::Sure(want.epoch, end),
            Err(error) => What::Error(i32::from(error), words(i32::from(error))),
        };
        Some(Came { partition, turn, what })
    };
    ends.into_iter().filter_map(came).collect()
}

/// What comes of records.
fn came(
    round: &Round,
    fetched: Vec<Fetched>,
    answer: &Arc<Shared>,
    isolation: Isolation,
) -> Vec<Came> {
    let came = |fetched: Fetched| {
        let Fetched { partition, error, high, end, mut aborted, records } = fetched;
        let &(want, turn) = round.wants.iter().find(|(want, _)| want.partition == partition)?;
        let aborted = (isolation == Isolation::Committed).then_some(&mut aborted);
        let what = match i32::from(error) {
            0 => what(answer, records, want, aborted, high, end),
            error => What::Error(error, words(error)),
        };
        Some(Came { partition, turn, what })
    };
    fetched.into_iter().filter_map(came).collect()
}

fn what(
    answer: &Arc<Shared>,
    records: Range<usize>,
    want: Want,
    aborted: Option<&mut Vec<protocol::Aborted>>,
    high: u64,
    end: u64,
) -> What {
    let (is_empty, from) = (records.is_empty(), want.offset);
    match batch::batches(answer.bytes(), records, from, aborted) {
        Ok(found) if found.next == from && !is_empty && !found.is_cut => {
            What::Unreadable("records that do not reach the offset asked for".into())
        }
        Ok(found) => {
            let bytes = found.batches.iter().map(|batch| batch.records.len()).sum();
            let answer = Arc::clone(answer);
            let (batches, next, epoch, reign) =
                (found.batches, found.next, found.epoch, want.epoch);
            What::Records { answer, batches, bytes, next, epoch, reign, high, end }
        }
        Err(Unreadable(text)) => What::Unreadable(text),
    }
}

/// Words for a broker's error.
fn words(error: i32) -> String {
    match c::rd_kafka_resp_err_t::try_from(error) {
        Ok(error) => Code::from(error).to_string(),
        Err(_) => format!("error {error}"),
    }
}
