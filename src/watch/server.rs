//! The server: an HTTP/1 server of hyper on one thread of its own, which reads what others wrote and is
//! read only. Clients are waited for by this thread alone, and it holds no lock while it writes to one. The
//! run shares three with it, each for as long as something is copied in memory: the newest results, of one
//! series at a time ([`Words`](crate::stats::Words)), for which the output waits; the positions of a topic's
//! partitions, for which their reader waits; and the clock's snapshot, for which nobody does.
//!
//! | what is bounded | by | beyond it |
//! | --- | --- | --- |
//! | connections at once | [`HTTP_CONNECTIONS_MAX`] | they wait to be accepted |
//! | a request's head | [`HTTP_HEAD_BYTES_MAX`], `HEAD_WITHIN` | 431, or the connection is closed |
//! | a connection's life | `LASTS`, then `LEAVES_WITHIN` for what is under way | it is closed |
//!
//! It ends with the program: when it is dropped, whatever is under way.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::answer::{Answer, Answerer, Asked, HEADERS};
use super::seen::Seen;
use crate::error::Error;
use crate::limits::{HTTP_CONNECTIONS_MAX, HTTP_HEAD_BYTES_MAX};
use crate::thread;

/// How long a request's head may take, and how long a connection may be without one.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may last.
const LASTS: Duration = Duration::from_secs(60);
/// How long it may take after that to be done with what is under way.
const LEAVES_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait where no connection can be accepted, as for want of descriptors.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The server. See the module's header.
pub struct Server {
    address: SocketAddr,
    /// Dropped to end it.
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens, and answers from what is seen.
    ///
    /// # Errors
    /// Another program listens there, the address is none of this machine, or nobody may; or there is no
    /// thread for it.
    pub fn start(address: SocketAddr, seen: Arc<Seen>) -> Result<Server, Error> {
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Error::System {
            what: "cannot start the server of --http",
            source,
        })?;
        let listener = {
            let _within = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        let answerer = Arc::new(Answerer::new(seen, address));
        let (end, ended) = oneshot::channel();
        let thread = thread::spawn_watcher(move || {
            runtime.block_on(async {
                tokio::spawn(listen(listener, answerer));
                // Only ever dropped.
                let _ = ended.await;
            });
            // With the runtime goes whatever is under way.
        })?;
        Ok(Server { address, end: Some(end), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // A watcher that panicked has told so itself, and is no fault of the run.
            let _ = thread.join();
        }
    }
}

async fn listen(listener: tokio::net::TcpListener, answerer: Arc<Answerer>) {
    let room = Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX));
    // Nobody closes it.
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let answerer = Arc::clone(&answerer);
                tokio::spawn(async move {
                    serve(stream, answerer).await;
                    drop(permit);
                });
            }
            Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
        }
    }
}

async fn serve(stream: TcpStream, answerer: Arc<Answerer>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = respond(&answerer, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HTTP_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // What goes wrong with a client is the client's business.
    if timeout(LASTS, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(LEAVES_WITHIN, connection).await;
    }
}

fn respond(answerer: &Answerer, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none());
    let Answer { status, content_type, policy, body } = answerer.answer(&Asked {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        host: host.and_then(|host| host.to_str().ok()),
    });
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
