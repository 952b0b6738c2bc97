//! Clients that are slow, many, or never leave: the run does not know of them.

use std::io::{Read, Write};
use std::net::TcpStream;

use headcount::limits::HTTP_CONNECTIONS_MAX as CONNECTIONS;
use rustix::process::{Signal, kill_process};

use crate::ran::HEADCOUNT;
use crate::watched::{A_MINUTE, Watched, minutes};

fn expected() -> String {
    let mut command = assert_cmd::Command::new(HEADCOUNT);
    let output = command.args(["count", "-", "--quiet"]).write_stdin(minutes(30)).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_slow_client_holds_nothing_up() {
    let mut run = Watched::start("");
    run.wait("the run to begin", |live| live["state"] == "running");
    let connect = || TcpStream::connect(&run.address).unwrap();
    // Half a request each, and one that asks again and again and reads nothing.
    let mut slow: Vec<TcpStream> = (0..CONNECTIONS - 2).map(|_| connect()).collect();
    for (client, byte) in slow.iter_mut().zip((0..=255).cycle()) {
        client.write_all(b"GET /live HTTP/1.1\r\nHost: ").unwrap();
        client.write_all(&[b'a' + byte % 26]).unwrap();
    }
    let mut deaf = connect();
    deaf.set_nonblocking(true).unwrap();
    let requests = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2000);
    // Until its answers fill all there is between the two, or all are sent.
    let mut sent = 0;
    while sent < requests.len() {
        match deaf.write(&requests.as_bytes()[sent..]) {
            Ok(bytes) => sent += bytes,
            Err(_) => break,
        }
    }
    // There is room for one more, who is answered.
    run.wait("an answer", |live| live["state"] == "running");
    // And beyond that for nobody, which the run does not mind.
    slow.extend((0..2 * CONNECTIONS).map(|_| connect()));
    run.feed(minutes(30));
    assert_eq!(run.end().exits(0).stdout, expected());
}

#[test]
fn a_client_that_leaves_in_the_middle_is_forgotten() {
    let mut run = Watched::start("");
    for _ in 0..3 * CONNECTIONS {
        let mut client = TcpStream::connect(&run.address).unwrap();
        client.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
    }
    run.feed(minutes(30));
    run.wait("all frames", |live| live["totals"]["frames"] == 30 * A_MINUTE);
    assert_eq!(run.end().exits(0).stdout, expected());
}

#[test]
fn a_signal_ends_the_run_whoever_watches() {
    let mut run = Watched::start("--idle off");
    run.feed(minutes(3));
    run.wait_for(3 * A_MINUTE, 2);
    let mut client = TcpStream::connect(&run.address).unwrap();
    client.write_all(b"GET /live HTTP/1.1\r\n").unwrap();
    kill_process(run.pid(), Signal::TERM).unwrap();
    assert_eq!(run.ended().exits(130).stdout.lines().count(), 2);
    // With the program its server is gone.
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest);
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}
