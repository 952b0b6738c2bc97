//! `--http`: a run that is watched, from before anything is read until the program ends.

use std::sync::Arc;

use super::source::Read;
use crate::cli::watch::HttpAddress;
use crate::error::Error;
use crate::log;
use crate::ring::Stop;
use crate::stats::Live;
use crate::watch::seen::{InputSeen, Run, Seen};
use crate::watch::server::Server;

/// The server, if one is wanted. It ends when this is dropped.
pub struct Watch {
    on: Option<(Arc<Seen>, Server)>,
}

impl Watch {
    /// Starts the server, and says where it is.
    ///
    /// # Errors
    /// It cannot listen there.
    pub fn start(at: Option<HttpAddress>, quiet: bool) -> Result<Watch, Error> {
        let Some(HttpAddress(at)) = at else { return Ok(Watch { on: None }) };
        let seen = Arc::new(Seen::default());
        let server = Server::start(at, Arc::clone(&seen))?;
        if !quiet {
            let at = server.address();
            let whom = match at.ip().is_loopback() {
                true => "",
                false => ": whoever reaches this address can read it",
            };
            tracing::info!(target: log::RUN, %at, "watch this run at http://{at}/{whom}");
        }
        Ok(Watch { on: Some((seen, server)) })
    }

    /// Whether there is one.
    pub fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// The run is about to start.
    pub fn begin(&self, read: &Read, live: &Live, stop: &Stop) {
        let Some((seen, _)) = &self.on else { return };
        let names = read.names();
        let more = names.len().saturating_sub(1);
        let name = match (names.into_iter().next().unwrap_or_default(), more) {
            (first, 0) => first,
            (first, more) => format!("{first} and {more} more"),
        };
        let input = InputSeen { name, extent: read.extent(), bounded: read.is_bounded() };
        let (live, stop, backlog) = (live.clone(), stop.clone(), read.backlog());
        seen.begin(Run { live, stop, input, backlog });
    }

    /// The run is over, and its accounts are still to be written.
    pub fn end(&self) {
        if let Some((seen, _)) = &self.on {
            seen.end();
        }
    }
}
