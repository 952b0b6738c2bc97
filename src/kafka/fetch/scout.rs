//! The thread that asks who leads which partition, when somebody wants to know.

use std::io;
use std::time::Duration;

use super::connection::{Answer, Connection};
use super::lanes::{Fixed, Lanes};
use super::node;
use super::protocol::{self, Api, Metadata, Node};

/// How soon it is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What a broker says of this topic, which speaks all that is needed; none if it does not.
///
/// # Errors
/// It does not answer.
pub fn ask(node: &Node, fixed: &Fixed) -> io::Result<Option<Metadata>> {
    let mut connection = Connection::open(node, &fixed.client)?;
    let mut answer = Answer::default();
    connection.ask(Api::ApiVersions, |_| {}, &mut answer)?;
    if !protocol::speaks_all(answer.bytes())? {
        return Ok(None);
    }
    connection.ask(Api::Metadata, |out| protocol::ask_metadata(out, &fixed.topic), &mut answer)?;
    protocol::metadata(answer.bytes()).map(Some)
}

/// Asks whenever it is wanted and now and then, until nothing is to be fetched any more, and starts the threads of brokers.
pub fn run(lanes: &Lanes) {
    for turn in 0.. {
        if !lanes.wait_for_scouting() {
            return;
        }
        // Not the same one first each time: it may be gone, or not know what is new.
        let mut nodes = lanes.nodes();
        let count = nodes.len().max(1);
        nodes.rotate_left(turn % count);
        let found = nodes.iter().find_map(|node| ask(node, lanes.fixed()).ok().flatten());
        let is_settled = found.is_some_and(|metadata| heed(lanes, metadata));
        std::thread::sleep(AGAIN_AFTER);
        if !is_settled {
            lanes.scout_again();
        }
    }
}

/// Takes in what brokers say, and starts the threads of those that lead; whether each partition is led.
pub fn heed(lanes: &Lanes, metadata: Metadata) -> bool {
    let (new, mut all) = lanes.led(metadata);
    for node in new {
        let own = lanes.clone();
        let thread = std::thread::Builder::new().name(format!("fetch {node}"));
        if thread.spawn(move || node::run(&own, node)).is_err() {
            lanes.not_running(node);
            all = false;
        }
    }
    all
}
