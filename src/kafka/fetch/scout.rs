//! The thread that asks who leads which partition, when somebody wants to know.

use std::io;
use std::time::Duration;

use super::connection::{Answer, Connection};
use super::lanes::Lanes;
use super::node;
use super::protocol::{self, Api, Metadata, Node};

/// How soon it is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What a broker says of this topic, which speaks all that is needed; none if it does not.
///
/// # Errors
/// It does not answer.
pub fn ask(node: &Node, topic: &str) -> io::Result<Option<Metadata>> {
    let mut connection = Connection::open(&node.host, node.port)?;
    let mut answer = Answer::default();
    connection.ask(Api::ApiVersions, |_| {}, &mut answer)?;
    if !protocol::speaks_all(answer.bytes())? {
        return Ok(None);
    }
    connection.ask(Api::Metadata, |out| protocol::ask_metadata(out, topic), &mut answer)?;
    protocol::metadata(answer.bytes()).map(Some)
}

/// Asks whenever it is wanted, until nothing is to be fetched any more, and starts the threads of brokers.
pub fn run(lanes: &Lanes) {
    while lanes.wait_for_scouting() {
        let nodes = lanes.nodes();
        let topic = &lanes.fixed().topic;
        let found = nodes.iter().find_map(|node| ask(node, topic).ok().flatten());
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
