//! Answers: which address says what. No I/O: from what is asked to what is sent.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::http::uri::Authority;
use hyper::{Method, StatusCode, header};
use serde::Serialize;

use super::metrics::{self, Metrics};
use super::page;
use super::seen::{Seen, State};
use super::{live, why, windows};

/// What is asked, as far as it matters.
pub struct Asked<'a> {
    /// How.
    pub method: &'a Method,
    /// The path.
    pub path: &'a str,
    /// The query; empty without one.
    pub query: &'a str,
    /// Of whom it is asked: the header `Host`, if it is there once.
    pub host: Option<&'a str>,
}

/// What is sent.
pub struct Answer {
    /// How it went.
    pub status: StatusCode,
    /// What it is.
    pub content_type: &'static str,
    /// What a browser may do with it.
    pub policy: Arc<str>,
    /// The text; of a `HEAD` only its length is sent.
    pub body: String,
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// Answers whatever is asked.
pub struct Answerer {
    seen: Arc<Seen>,
    metrics: Metrics,
    /// Only who asks for this machine by one of its own names is answered.
    is_loopback: bool,
    of_page: Arc<str>,
    of_others: Arc<str>,
}

impl Answerer {
    /// Of what is known, at this address.
    pub fn new(seen: Arc<Seen>, at: SocketAddr) -> Answerer {
        Answerer {
            metrics: Metrics::new(&seen),
            seen,
            is_loopback: at.ip().is_loopback(),
            of_page: page::policy().into(),
            of_others: page::NOTHING.into(),
        }
    }

    /// Answers.
    pub fn answer(&self, asked: &Asked<'_>) -> Answer {
        // A page from elsewhere can have its own name lead to this machine, and would then be asked for by
        // that name (DNS rebinding).
        match asked.host {
            None => return self.text(StatusCode::BAD_REQUEST, "give one header Host\n"),
            Some(host) if self.is_loopback && !is_of_this_machine(host) => {
                let text = "this is only for names of this machine, like 127.0.0.1 or localhost\n";
                return self.text(StatusCode::FORBIDDEN, text);
            }
            Some(_) => {}
        }
        if !matches!(*asked.method, Method::GET | Method::HEAD) {
            return self.text(StatusCode::METHOD_NOT_ALLOWED, "it can only be read: GET or HEAD\n");
        }
        match asked.path {
            "/" => self.answer_with(StatusCode::OK, HTML, &self.of_page, page::PAGE.into()),
            "/live" => self.json(StatusCode::OK, &live::Reading::of(&self.seen)),
            "/why" => self.json(StatusCode::OK, &why::answer(&self.seen)),
            "/windows" => match windows::answer(&self.seen, asked.query) {
                Ok(windows) => self.json(StatusCode::OK, &windows),
                Err(error) => self.json(StatusCode::BAD_REQUEST, &Refused { error }),
            },
            "/metrics" => {
                let text = self.metrics.text();
                self.answer_with(StatusCode::OK, metrics::CONTENT_TYPE, &self.of_others, text)
            }
            "/healthz" => self.text(StatusCode::OK, "ok\n"),
            "/readyz" => match self.seen.state() {
                State::Running => self.text(StatusCode::OK, "ready\n"),
                State::Starting if self.seen.run().is_none() => self.not_ready(
                    "starting: what is to be read, and what an earlier run left, is looked at",
                ),
                State::Starting => self.not_ready(
                    "starting: the input is being opened, or what an earlier run left restored",
                ),
                State::Stopping => self.not_ready("stopping"),
                State::Done => self.not_ready("done"),
            },
            _ => {
                let text = "there are /, /live, /windows, /why, /metrics, /healthz and /readyz\n";
                self.text(StatusCode::NOT_FOUND, text)
            }
        }
    }

    fn answer_with(
        &self,
        status: StatusCode,
        content_type: &'static str,
        policy: &Arc<str>,
        body: String,
    ) -> Answer {
        Answer { status, content_type, policy: Arc::clone(policy), body }
    }

    fn text(&self, status: StatusCode, text: &str) -> Answer {
        self.answer_with(status, TEXT, &self.of_others, text.into())
    }

    fn not_ready(&self, why: &str) -> Answer {
        self.text(StatusCode::SERVICE_UNAVAILABLE, &format!("{why}\n"))
    }

    fn json(&self, status: StatusCode, value: &impl Serialize) -> Answer {
        match serde_json::to_string(value) {
            Ok(json) => self.answer_with(status, JSON, &self.of_others, json + "\n"),
            Err(e) => self.text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{e}\n")),
        }
    }
}

#[derive(Serialize)]
struct Refused {
    error: String,
}

/// Headers of every answer, besides what it is.
pub const HEADERS: [(header::HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Whether a header `Host` names this machine by a name nobody else can have; the port may be another one's,
/// as of a tunnel.
fn is_of_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let is_loopback = |address: IpAddr| address.is_loopback();
    !host.contains('@')
        && (name.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{Stop, StopReason};
    use crate::stats::{Live, Wired};
    use crate::watch::progress::Extent;
    use crate::watch::seen::{InputSeen, Run};

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for host in
            ["localhost", "LOCALHOST:9185", "127.0.0.1", "127.0.0.1:1", "127.9.9.9", "[::1]:9185"]
        {
            assert!(is_of_this_machine(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "example.org:9185",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "10.0.0.1",
            "[::2]",
            "127.0.0.1@example.org",
            "example.org@127.0.0.1",
            "local host",
            "localhost,x",
        ] {
            assert!(!is_of_this_machine(host), "{host}");
        }
    }

    fn ask(answerer: &Answerer, method: &Method, path: &str, host: Option<&str>) -> StatusCode {
        answerer.answer(&Asked { method, path, query: "", host }).status
    }

    #[test]
    fn it_can_only_be_read_and_by_who_may() {
        let at = |at: &str| Answerer::new(Arc::default(), at.parse().unwrap());
        let (own, open) = (at("127.0.0.1:1"), at("0.0.0.0:1"));
        for path in ["/", "/live", "/windows", "/why", "/metrics", "/healthz"] {
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(ask(&own, &method, path, Some("localhost")), 200, "{path}");
            }
            assert_eq!(ask(&own, &Method::POST, path, Some("localhost")), 405, "{path}");
            assert_eq!(ask(&own, &Method::GET, path, Some("example.org")), 403, "{path}");
            assert_eq!(ask(&own, &Method::GET, path, None), 400, "{path}");
            assert_eq!(ask(&open, &Method::GET, path, Some("example.org")), 200, "{path}");
        }
        assert_eq!(ask(&own, &Method::GET, "/nothing", Some("localhost")), 404);
        assert_eq!(
            ask(&own, &Method::GET, "/readyz", Some("localhost")),
            503,
            "no run is there yet"
        );
    }

    #[test]
    fn it_is_ready_from_when_it_counts_until_it_ends() {
        let seen = Arc::new(Seen::default());
        let answerer = Answerer::new(Arc::clone(&seen), "127.0.0.1:1".parse().unwrap());
        let ready = || {
            let (method, path) = (&Method::GET, "/readyz");
            let asked = Asked { method, path, query: "", host: Some("localhost") };
            let answer = answerer.answer(&asked);
            (answer.status.as_u16(), answer.body)
        };
        let (live, stop) = (Live::watched(1), Stop::new());
        let input = InputSeen { name: "-".into(), extent: Extent::Bytes(None), bounded: false };
        seen.begin(Run { live: live.clone(), stop: stop.clone(), input, backlog: None });
        let (status, why) = ready();
        assert!(status == 503 && why.starts_with("starting: "), "{why}");
        live.wired.set(Wired::default()).unwrap();
        assert_eq!(ready(), (200, "ready\n".into()));
        stop.request(StopReason::Interrupted);
        assert_eq!(ready(), (503, "stopping\n".into()));
        seen.end();
        assert_eq!(ready(), (503, "done\n".into()));
    }
}
