//! What is fetched, of each partition a lane: where it is fetched next, from whom, and what has come and waits to be
//! drawn. Both sides come here for a moment for each answer and each draw; nobody asks or waits for a broker with
//! the lock held.
//!
//! Invariants: what waits in a lane continues what was drawn of it before, in order and without a gap; `next` is
//! the offset after all that waits. What comes of a request that was made before a lane was set anew is dropped
//! (`turn`).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaRespErr as Raw;

use super::batch::Batch;
use super::connection::Answer;
use super::protocol::{Bounds, Metadata, Node, TopicId, Want};
use super::records::{Records, Shared};
use crate::cli::kafka::Codec;
use crate::input::messages::Partition;
use crate::kafka::client::Wakers;
use crate::limits::{CHUNK_BYTES, KAFKA_DRAW_MESSAGES_MAX};

/// Bytes of packed batches drawn at a time: they become more.
const PACKED_BYTES: usize = CHUNK_BYTES / 4;
/// How often partitions at their ends are asked for while another waits for room: an answer that waits for theirs
/// would keep that one waiting, too.
const ASIDE_EVERY: Duration = Duration::from_millis(20);
/// How often it is asked who leads, whatever happens: a broker that leads no more and does not know says nothing wrong.
const SCOUT_EVERY: Duration = Duration::from_secs(30);
/// How soon a partition is asked for again that could not be told.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How often that happens before it is said.
const SILENT_FAILURES: u32 = 3;
/// How much room is kept for answers to come, answers.
const POOLED_MAX: usize = 4;
/// Room beyond which it is not kept, bytes: one batch was larger than asked for.
const POOLED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is fetched, and how: fixed for the run.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The topic,
    pub topic: String,
    /// and its id.
    pub topic_id: TopicId,
    /// What brokers call us.
    pub client: String,
    /// The brokers to begin with, and the number of none.
    pub brokers: Vec<Node>,
    /// Of an answer.
    pub bounds: Bounds,
    /// Bytes of a partition in an answer at most.
    pub partition_bytes: i32,
    /// Bytes of a partition that wait, beyond which no more are fetched.
    pub queue_bytes: usize,
}

/// Room for answers.
#[derive(Clone, Debug, Default)]
pub struct Pool(Arc<Mutex<Vec<Answer>>>);

impl Pool {
    /// Room for one.
    pub fn take(&self) -> Answer {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// It is not needed any more.
    pub fn give(&self, answer: Answer) {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOLED_MAX && answer.room() <= POOLED_BYTES_MAX {
            pool.push(answer);
        }
    }
}

/// What waits in a lane.
enum Item {
    /// Batches; the offset after them, whatever stands there.
    Records { answer: Arc<Shared>, batches: VecDeque<Batch>, next: u64 },
    /// Something that is said in their place, as librdkafka would.
    Said(Said),
}

/// What is said in place of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which error.
    pub error: i32,
    /// At which offset.
    pub offset: u64,
    /// Words for it.
    pub text: String,
}

/// What was drawn of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drew {
    /// Records, maybe none: all up to this offset.
    To(u64),
    /// Something is said.
    Said(Said),
}

/// One partition's lane.
struct Lane {
    /// How often it was set anew.
    turn: u64,
    next: u64,
    waiting: VecDeque<Item>,
    waiting_bytes: usize,
    /// At which offset it was said that there is no more.
    ended_at: Option<u64>,
    /// The offset after the last message, as was said last.
    high: Option<u64>,
    /// The reign in which the last record fetched was taken; -1: not known.
    epoch: i32,
    /// The reign in which it was made sure that this record is there still.
    sure_epoch: i32,
    /// When it was asked for last.
    asked_at: Option<Instant>,
    /// Nothing is asked before,
    not_before: Option<Instant>,
    /// or until it is set anew.
    is_barred: bool,
    /// Nothing is drawn of it for now: one answer that waits is enough, as it keeps all of its room, however little of
    /// that is this partition's.
    is_held: bool,
    failures: u32,
}

/// What a broker is asked at a time.
#[derive(Debug)]
pub struct Round {
    /// Where it is.
    pub node: Node,
    /// What is wanted of it, each with its lane's turn.
    pub wants: Vec<(Want, u64)>,
    /// Where to make sure of the last record first: partition, the leader's epoch, the record's.
    pub unsure: Vec<(Partition, i32, i32)>,
    /// How the answer is bounded.
    pub bounds: Bounds,
}

/// What came of a partition.
pub struct Came {
    /// Which.
    pub partition: Partition,
    /// The turn of the lane when it was asked for.
    pub turn: u64,
    /// What.
    pub what: What,
}

/// See [`Came`].
pub enum What {
    /// Batches up to this offset.
    Records {
        /// Where they lie.
        answer: Arc<Shared>,
        /// They.
        batches: Vec<Batch>,
        /// Bytes they take.
        bytes: usize,
        /// The offset after them.
        next: u64,
        /// The reign in which the last was taken,
        epoch: i32,
        /// and that in which they were asked for; -1: not known.
        reign: i32,
        /// The offset after the last message,
        high: u64,
        /// and after the last that may be read.
        end: u64,
    },
    /// The broker's error.
    Error(i32, String),
    /// Records cannot be read.
    Unreadable(String),
    /// In this reign: where the epoch of the last record ended, if that is known.
    Sure(i32, Option<u64>),
}

struct State {
    lanes: BTreeMap<Partition, Lane>,
    /// Of each partition the broker that leads it, and the number of its reign.
    leaders: HashMap<Partition, (i32, i32)>,
    nodes: HashMap<i32, Node>,
    /// Those with a thread, and their connections.
    running: HashMap<i32, Option<TcpStream>>,
    wants_leaders: bool,
    /// Which partition a broker is asked for first.
    first: HashMap<i32, Partition>,
    is_stopped: bool,
}

struct Inner {
    fixed: Fixed,
    state: Mutex<State>,
    changed: Condvar,
    pool: Pool,
    wakers: Arc<Wakers>,
}

/// All lanes. See the module's header.
#[derive(Clone)]
pub struct Lanes(Arc<Inner>);

impl Lanes {
    /// No partition yet.
    pub fn new(fixed: Fixed, wakers: Arc<Wakers>) -> Lanes {
        let state = State {
            lanes: BTreeMap::new(),
            leaders: HashMap::new(),
            nodes: HashMap::new(),
            running: HashMap::new(),
            wants_leaders: false,
            first: HashMap::new(),
            is_stopped: false,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Lanes(Arc::new(Inner { fixed, state, changed, pool: Pool::default(), wakers }))
    }

    /// What is fixed.
    pub fn fixed(&self) -> &Fixed {
        &self.0.fixed
    }

    /// Room for answers.
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Lanes are whole at any time.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>, most: Duration) -> MutexGuard<'s, State> {
        let waited = self.0.changed.wait_timeout(state, most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Fetches a partition from this offset on, whatever was fetched of it.
    pub fn enter(&self, partition: Partition, from: u64) {
        let mut state = self.state();
        let before = state.lanes.remove(&partition);
        let lane = Lane {
            turn: before.map_or(0, |lane| lane.turn + 1),
            next: from,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            ended_at: None,
            high: None,
            epoch: -1,
            sure_epoch: -1,
            asked_at: None,
            not_before: None,
            is_barred: false,
            is_held: false,
            failures: 0,
        };
        state.wants_leaders |= !state.leaders.contains_key(&partition);
        state.lanes.insert(partition, lane);
        drop(state);
        self.0.changed.notify_all();
    }

    /// Fetches it no more.
    pub fn leave(&self, partition: Partition) {
        self.state().lanes.remove(&partition);
    }

    /// Nothing is drawn of it until something is.
    pub fn hold(&self, partition: Partition) {
        if let Some(lane) = self.state().lanes.get_mut(&partition) {
            lane.is_held = true;
        }
    }

    /// Draws what a partition has, a batch at least, of which the records at these offsets are wanted.
    pub fn draw(
        &self,
        partition: Partition,
        wanted: Range<u64>,
        records: &mut Records,
    ) -> Option<(Drew, Option<u64>)> {
        let mut state = self.state();
        let lane = state.lanes.get_mut(&partition)?;
        let was_held = std::mem::take(&mut lane.is_held);
        let high = lane.high;
        let (answer, batches, next) = match lane.waiting.front_mut()? {
            Item::Records { answer, batches, next } => (answer, batches, *next),
            Item::Said(_) => {
                let Some(Item::Said(said)) = lane.waiting.pop_front() else { return None };
                drop(state);
                if was_held {
                    self.0.changed.notify_all();
                }
                return Some((Drew::Said(said), high));
            }
        };
        let is_packed = batches.front().is_some_and(|batch| batch.codec != Codec::None);
        let most = if is_packed { PACKED_BYTES } else { CHUNK_BYTES };
        let (mut count, mut taken, mut messages) = (0, 0, 0);
        for batch in &*batches {
            let bytes = batch.records.len();
            messages += batch.count as usize;
            let is_full = taken + bytes > most || messages > KAFKA_DRAW_MESSAGES_MAX;
            if (batch.codec != Codec::None) != is_packed || (count > 0 && is_full) {
                break;
            }
            (count, taken) = (count + 1, taken + bytes);
        }
        let next = batches.get(count).map_or(next, |batch| batch.base);
        records.hold(Arc::clone(answer), batches.drain(..count), wanted);
        if batches.is_empty() {
            lane.waiting.pop_front();
        }
        let was_full = lane.waiting_bytes >= self.0.fixed.queue_bytes;
        lane.waiting_bytes = lane.waiting_bytes.saturating_sub(taken);
        let has_room = lane.waiting_bytes < self.0.fixed.queue_bytes;
        drop(state);
        if (was_full && has_room) || was_held {
            self.0.changed.notify_all();
        }
        Some((Drew::To(next), high))
    }
}

/// For the threads that fetch.
impl Lanes {
    /// What this broker is to be asked next; waits until there is something. None: nothing more.
    pub fn round(&self, node: i32) -> Option<Round> {
        let fixed = &self.0.fixed;
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return None;
            }
            let now = Instant::now();
            let mut round = Round {
                node: state.nodes.get(&node)?.clone(),
                wants: Vec::new(),
                unsure: Vec::new(),
                bounds: fixed.bounds,
            };
            let soonest = state.gather(fixed, now, &mut round);
            if !round.wants.is_empty() {
                return Some(round);
            }
            state = self.wait(state, soonest);
        }
    }

    /// The connection by which a broker is asked.
    pub fn connected(&self, node: i32, handle: TcpStream) {
        let mut state = self.state();
        if state.is_stopped {
            let _ = handle.shutdown(Shutdown::Both);
        }
        state.running.insert(node, Some(handle));
    }

    /// Takes in what came.
    pub fn put(&self, came: Vec<Came>) {
        let mut state = self.state();
        let (mut wants_leaders, mut wakes) = (false, false);
        for Came { partition, turn, what } in came {
            let Some(lane) = state.lanes.get_mut(&partition).filter(|lane| lane.turn == turn)
            else {
                continue;
            };
            let before = lane.waiting.len();
            wants_leaders |= lane.put(what);
            wakes |= lane.waiting.len() > before;
        }
        state.wants_leaders |= wants_leaders;
        drop(state);
        if wants_leaders {
            self.0.changed.notify_all();
        }
        if wakes {
            self.0.wakers.wake();
        }
    }

    /// Waits until it is to be asked who leads; false: nothing more.
    pub fn wait_for_scouting(&self) -> bool {
        let due = Instant::now() + SCOUT_EVERY;
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return false;
            }
            let waits = due.saturating_duration_since(Instant::now());
            if std::mem::take(&mut state.wants_leaders) || waits.is_zero() {
                return true;
            }
            state = self.wait(state, waits);
        }
    }

    /// Brokers that may be asked who leads.
    pub fn nodes(&self) -> Vec<Node> {
        let known = self.state().nodes.values().cloned().collect::<Vec<Node>>();
        known.into_iter().chain(self.0.fixed.brokers.iter().cloned()).collect()
    }

    /// Who leads; the brokers that need a thread now. Whether all have a leader.
    pub fn led(&self, metadata: Metadata) -> (Vec<i32>, bool) {
        let mut state = self.state();
        let state = &mut *state;
        state.nodes.extend(metadata.nodes.into_iter().map(|node| (node.id, node)));
        let mut new = Vec::new();
        for leader in metadata.leaders {
            let known = state.leaders.get(&leader.partition);
            // A broker that is behind tells of a reign that is over.
            if known.is_some_and(|&(_, epoch)| epoch > leader.epoch) {
                continue;
            }
            let Some(node) = leader.node.filter(|node| state.nodes.contains_key(node)) else {
                state.leaders.remove(&leader.partition);
                continue;
            };
            state.leaders.insert(leader.partition, (node, leader.epoch));
            if let Entry::Vacant(absent) = state.running.entry(node) {
                absent.insert(None);
                new.push(node);
            }
        }
        let all = state.lanes.keys().all(|partition| state.leaders.contains_key(partition));
        self.0.changed.notify_all();
        (new, all)
    }

    /// There is no thread for a broker after all.
    pub fn not_running(&self, node: i32) {
        self.state().running.remove(&node);
    }

    /// It is to be asked again who leads.
    pub fn scout_again(&self) {
        self.state().wants_leaders = true;
        self.0.changed.notify_all();
    }

    /// Whether nothing is fetched any more.
    pub fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// Ends all threads, soon.
    pub fn stop(&self) {
        let mut state = self.state();
        state.is_stopped = true;
        for connection in state.running.values().flatten() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        state.lanes.clear();
        drop(state);
        self.0.changed.notify_all();
    }
}

impl State {
    /// Puts into a round what its broker is to be asked now; if nothing, how soon there may be something.
    fn gather(&mut self, fixed: &Fixed, now: Instant, round: &mut Round) -> Duration {
        let State { lanes, leaders, first, .. } = self;
        let first = first.entry(round.node.id).or_default();
        let epoch = |partition: &Partition| {
            leaders
                .get(partition)
                .filter(|&&(node, _)| node == round.node.id)
                .map(|&(_, epoch)| epoch)
        };
        let has_enough = |lane: &Lane| {
            lane.waiting_bytes >= fixed.queue_bytes || (lane.is_held && !lane.waiting.is_empty())
        };
        let one_waits = lanes.iter().any(|(at, lane)| has_enough(lane) && epoch(at).is_some());
        if one_waits {
            round.bounds.wait_ms = 0;
        }
        let mut soonest = Duration::from_secs(1);
        // Round robin: what is asked for first is answered first.
        let turned = lanes.range(*first..).chain(lanes.range(..*first)).map(|(&at, _)| at);
        for partition in turned.collect::<Vec<Partition>>() {
            let (Some(epoch), Some(lane)) = (epoch(&partition), lanes.get_mut(&partition)) else {
                continue;
            };
            if lane.is_barred || has_enough(lane) {
                continue;
            }
            let aside = if one_waits && lane.ended_at == Some(lane.next) {
                lane.asked_at.map(|at| at + ASIDE_EVERY)
            } else {
                None
            };
            if let Some(not_before) = lane.not_before.max(aside).filter(|&at| at > now) {
                soonest = soonest.min(not_before - now);
                continue;
            }
            lane.asked_at = Some(now);
            if lane.epoch >= 0 && lane.sure_epoch != epoch {
                round.unsure.push((partition, epoch, lane.epoch));
            }
            let want =
                Want { partition, offset: lane.next, epoch, bytes_max: fixed.partition_bytes };
            round.wants.push((want, lane.turn));
        }
        if let Some((want, _)) = round.wants.first() {
            *first = want.partition + 1;
        }
        soonest
    }
}

impl Lane {
    /// Takes in what came; whether it is to be asked who leads.
    fn put(&mut self, what: What) -> bool {
        match what {
            What::Records { answer, batches, bytes, next, epoch, reign, high, end } => {
                self.high = Some(high);
                self.failures = 0;
                if next > self.next {
                    self.next = next;
                    self.epoch = epoch;
                    self.sure_epoch = reign;
                    self.ended_at = None;
                    self.waiting_bytes += bytes;
                    self.waiting.push_back(Item::Records { answer, batches: batches.into(), next });
                } else if self.next >= end && self.ended_at != Some(self.next) {
                    self.ended_at = Some(self.next);
                    self.say(Raw::RD_KAFKA_RESP_ERR__PARTITION_EOF as i32, String::new());
                }
                false
            }
            What::Sure(epoch, Some(end)) if end >= self.next => {
                self.sure_epoch = epoch;
                false
            }
            What::Sure(..) => {
                self.is_barred = true;
                self.say(Raw::RD_KAFKA_RESP_ERR__LOG_TRUNCATION as i32, String::new());
                false
            }
            What::Unreadable(text) => {
                self.is_barred = true;
                self.say(Raw::RD_KAFKA_RESP_ERR__BAD_MSG as i32, text);
                false
            }
            What::Error(error, text) => {
                let is = |raw: Raw| error == raw as i32;
                self.failures += 1;
                if is(Raw::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
                    || is(Raw::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
                {
                    self.is_barred = true;
                    self.say(error, text);
                    return false;
                }
                self.not_before = Some(Instant::now() + AGAIN_AFTER);
                // That another leads is nothing to be told of, unless it stays so.
                let moves = is(Raw::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION)
                    || is(Raw::RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH)
                    || is(Raw::RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH);
                if !moves || self.failures > SILENT_FAILURES {
                    self.say(error, text);
                }
                true
            }
        }
    }

    /// Says something, unless it was said since the last records.
    fn say(&mut self, error: i32, text: String) {
        let said = self.waiting.iter().rev().map_while(|item| match item {
            Item::Said(said) => Some(said),
            Item::Records { .. } => None,
        });
        if said.into_iter().all(|said| said.error != error) {
            self.waiting.push_back(Item::Said(Said { error, offset: self.next, text }));
        }
    }
}
