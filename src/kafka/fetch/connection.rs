//! A connection to one broker: a request at a time, and its answer.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, recv};

use super::protocol::{Api, Node};
use super::wire::{Out, broken};

/// How long a broker is waited for that does not take a connection,
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// or does not answer. Answers are asked for within a quarter of a second; and until this is over nobody knows that a
/// host has died without a word, and that another one may lead.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long more of an answer is waited for awake. Brokers send on as soon as there is room, in pieces of some
/// hundred KB; where it slept for each, its processor halted, and woke later than the next piece came: reading took
/// half as long again.
const AWAKE_FOR: Duration = Duration::from_micros(200);
/// An answer so large is followed by another one soon, bytes.
const LARGE_BYTES: usize = 64 * 1024;

/// Bytes that an answer is read into: made once, and filled anew.
#[derive(Debug, Default)]
pub struct Answer {
    /// Room, of which what was there before is not wiped.
    room: Vec<u8>,
    len: usize,
}

impl Answer {
    /// What came.
    pub fn bytes(&self) -> &[u8] {
        &self.room[..self.len]
    }

    /// One of these bytes: for tests.
    pub fn of(bytes: &[u8]) -> Answer {
        Answer { room: bytes.to_vec(), len: bytes.len() }
    }

    /// How much room it takes.
    pub fn room(&self) -> usize {
        self.room.len()
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What the broker calls us in its logs and quotas.
    client: String,
    number: i32,
    out: Out,
    /// Whether more is waited for awake: not again for an answer for which it was in vain.
    is_awake: bool,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// There is no such host, or it does not answer.
    pub fn open(node: &Node, client: &str) -> io::Result<Connection> {
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "no address of this name");
        for address in (&*node.host, node.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_PATIENCE) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    return Ok(Connection {
                        stream,
                        client: client.to_owned(),
                        number: 0,
                        out: Out::default(),
                        is_awake: false,
                    });
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// A handle by which it can be ended from another thread.
    ///
    /// # Errors
    /// There are too many descriptors.
    pub fn handle(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The connection is no good any more.
    pub fn ask(
        &mut self,
        api: Api,
        request: impl FnOnce(&mut Out),
        answer: &mut Answer,
    ) -> io::Result<()> {
        self.number = self.number.wrapping_add(1);
        let (key, version) = api.key();
        self.out.clear();
        self.out.i32(0);
        self.out.i16(key);
        self.out.i16(version);
        self.out.i32(self.number);
        self.out.text(&self.client);
        if api.is_compact() {
            self.out.no_tags();
        }
        request(&mut self.out);
        self.out.close();
        self.stream.write_all(self.out.bytes())?;

        let mut head = [0; 9];
        let head = &mut head[..8 + usize::from(api.is_compact())];
        self.fill(head)?;
        let number =
            |at: usize| i32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if number(4) != self.number || head.get(8).is_some_and(|&tags| tags != 0) {
            return Err(broken("it is of another request"));
        }
        let size =
            usize::try_from(number(0)).ok().and_then(|size| size.checked_sub(head.len() - 4));
        let size = size.ok_or_else(|| broken("its size"))?;
        if answer.room.len() < size {
            answer.room.resize(size, 0);
        }
        answer.len = size;
        self.is_awake = true;
        let filled = self.fill(&mut answer.room[..size]);
        self.is_awake = size >= LARGE_BYTES;
        filled
    }

    /// Reads until there is no room left.
    fn fill(&mut self, mut room: &mut [u8]) -> io::Result<()> {
        while !room.is_empty() {
            match self.read(room) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => room = &mut room[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there, or waits for it.
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.is_awake {
            let until = Instant::now() + AWAKE_FOR;
            loop {
                match recv(&self.stream, &mut *room, RecvFlags::DONTWAIT) {
                    Ok((count, _)) => return Ok(count),
                    Err(rustix::io::Errno::AGAIN) => yield_now(),
                    Err(error) => return Err(error.into()),
                }
                if Instant::now() >= until {
                    break;
                }
            }
            self.is_awake = false;
        }
        self.stream.read(room)
    }
}
