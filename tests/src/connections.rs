//! Clients of a server that do not go on: each connection stands still in another way.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xtask::fixture::{Profile, Running};

use crate::subjects;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client sends, and the end of what it then waits for; `None` for no answer.
pub type Talk<'a> = (&'a [u8], Option<&'a str>);

/// A whole request, and nothing after the answer: the connection is kept alive.
pub const IDLE: Talk<'_> = (b"GET / HTTP/1.1\r\nHost: test\r\n\r\n", Some("here\n"));
/// The head of the request is not whole.
pub const HALF_A_HEAD: Talk<'_> = (b"GET / HTTP/1.1\r\nHost: te", None);
/// The body of the request is not whole.
pub const HALF_A_BODY: Talk<'_> =
    (b"POST /length HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf", None);
/// The handler waits.
pub const IN_A_HANDLER: Talk<'_> = (b"GET /wait HTTP/1.1\r\nHost: test\r\n\r\n", None);
/// The answer has begun and does not end.
pub const HALF_AN_ANSWER: Talk<'_> = (b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n", Some("first\n"));

/// HTTP/2 with prior knowledge: its preface, empty `SETTINGS`, and a request for `/wait` on stream
/// 1, whose head is four fields of the static table (RFC 9113, 3.4 and 6; RFC 7541, appendix A).
pub const HTTP_2: Talk<'_> = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
      \x00\x00\x00\x04\x00\x00\x00\x00\x00\
      \x00\x00\x0f\x01\x05\x00\x00\x00\x01\
      \x82\x86\x04\x05/wait\x01\x04test",
    None,
);

/// Connections that stay open until they are dropped.
pub struct Connections(Vec<TcpStream>);

impl Connections {
    /// Opens one after the other, and waits for each answer.
    pub fn open(address: SocketAddr, talks: &[Talk<'_>]) -> Result<Self> {
        talks.iter().map(|talk| open(address, *talk)).collect::<Result<_>>().map(Self)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn open(address: SocketAddr, (sent, answer): Talk<'_>) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("to {address}"))?;
    stream.set_read_timeout(Some(PATIENCE)).context("a time limit")?;
    stream.write_all(sent).context("sending")?;
    let Some(end) = answer else { return Ok(stream) };
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&heard).contains(end) {
        let length = stream.read(&mut buffer).context("reading the answer")?;
        ensure!(length > 0, "closed after {:?}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&buffer[..length]);
    }
    Ok(stream)
}

/// A server at rest, with its clients.
pub struct Server {
    /// The process.
    pub running: Running,
    /// Its clients.
    pub connections: Connections,
}

/// `axum-connections`, with a connection in each state; the last one speaks HTTP/2.
pub fn axum(profile: Profile) -> Result<Server> {
    let talks = [IDLE, HALF_A_HEAD, HALF_A_BODY, IN_A_HANDLER, HALF_AN_ANSWER, HTTP_2];
    server("axum-connections", profile, &talks)
}

/// `actix-connections`, with a connection in each state.
pub fn actix(profile: Profile) -> Result<Server> {
    let talks = [IDLE, HALF_A_HEAD, HALF_A_BODY, IN_A_HANDLER, HALF_AN_ANSWER];
    server("actix-connections", profile, &talks)
}

fn server(fixture: &str, profile: Profile, talks: &[Talk<'_>]) -> Result<Server> {
    let mut running = subjects::fixture(fixture, profile)?;
    let address = running.greeting().parse().context("an address")?;
    let connections = Connections::open(address, talks)?;
    running.come_to_rest()?;
    Ok(Server { running, connections })
}
