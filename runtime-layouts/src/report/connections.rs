//! Connections to other programs, and the requests on them.

use std::sync::Arc;

use super::{Access, Chain, FrameRef, Report, TaskIndex, Wait};

/// One connection that memory tells of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connection {
    /// What is spoken on it.
    pub protocol: Protocol,
    /// Which end of it the process is; `None` where that is not known.
    pub role: Option<Role>,
    /// What it does.
    pub phase: Phase,
    /// Whether it is closed once the request on it has its answer.
    pub is_last: bool,
    /// Whether TLS is spoken around the protocol.
    pub is_secure: bool,
    /// The address of the value that is the connection.
    pub address: u64,
    /// The task whose future has it.
    pub task: TaskIndex,
    /// The frame that is or has it.
    pub frame: FrameRef,
    /// The variable of that frame that it is in; `None` for one that has no name in the source.
    pub variable: Option<Arc<str>>,
    /// Whether something polls it.
    pub driven: Driven,
    /// Its file descriptor; `None` where none was found.
    pub descriptor: Option<u64>,
    /// Its near end: `127.0.0.1:8080`; `None` where that is not known, as in a core file.
    pub local: Option<Arc<str>>,
    /// Its far end.
    pub peer: Option<Arc<str>>,
    /// The streams that are open on it; `None` for a protocol without streams.
    pub streams: Option<u64>,
    /// Those of them that have something to send and no window left for it.
    pub stalled: Option<u64>,
    /// Bytes that the program has given to it and that it has not given to the system yet, without
    /// what frames them; `None` where that is not known.
    pub unsent: Option<u64>,
    /// Answers to what was asked that have not come yet, on a connection that many share; `None` for
    /// a protocol with one request at a time, and where that is not known.
    pub owed: Option<u64>,
    /// The requests in flight, as far as they are known.
    pub requests: Vec<Request>,
}

/// A request in flight.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The task that serves it or that has it sent.
    pub task: TaskIndex,
    /// What becomes of it.
    pub phase: Phase,
    /// Its method: `GET`; `None` where that is not known.
    pub method: Option<Arc<str>>,
    /// Its path and query as its handler has them; `None` where they are not in memory any more.
    pub path: Option<Arc<str>>,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Protocol {
    /// HTTP, of which the first bytes do not tell the version yet.
    Http,
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// WebSocket.
    WebSocket,
    /// That of Redis.
    Redis,
    /// MQTT.
    Mqtt,
    /// AMQP 0.9.1.
    Amqp,
    /// That of MongoDB.
    MongoDb,
    /// That of PostgreSQL.
    Postgres,
    /// TLS, before what is spoken in it is known.
    Tls,
    /// QUIC, whatever is spoken on its streams.
    Quic,
}

/// An end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Role {
    /// The one that answers.
    Server,
    /// The one that asks.
    Client,
}

/// What a connection does, or a request on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Agrees on how to speak.
    Handshaking,
    /// Nothing is under way.
    Idle,
    /// Several things may be under way.
    Open,
    /// A head has begun and is not whole.
    ReadingHead,
    /// A handler has the request.
    Handling,
    /// The same, while the body of the request is not whole.
    HandlingBody,
    /// The answer has begun.
    Answering,
    /// The answer is whole, but the body of the request is not.
    Discarding,
    /// A request is being sent.
    Sending,
    /// A request was sent.
    Awaiting,
    /// The other side has asked for nothing more to be sent, for now.
    HeldUp,
    /// The answer has begun to come.
    ReadingAnswer,
    /// Nothing more will be said.
    Closing,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Driven {
    /// The task that has it polls it.
    Yes,
    /// It has to be polled, and nothing polls it now.
    No,
    /// Whether something polls it is not known.
    Unknown,
    /// It needs nobody: who reads or writes does all the work.
    ByItsUsers,
}

impl Protocol {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Http1 => "HTTP/1",
            Self::Http2 => "HTTP/2",
            Self::WebSocket => "WebSocket",
            Self::Redis => "Redis",
            Self::Mqtt => "MQTT",
            Self::Amqp => "AMQP",
            Self::MongoDb => "MongoDB",
            Self::Postgres => "PostgreSQL",
            Self::Tls => "TLS",
            Self::Quic => "QUIC",
        }
    }
}

impl Role {
    /// Its word in texts and in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl Phase {
    /// Its words in texts.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Handshaking => "handshaking",
            Self::Idle => "idle",
            Self::Open => "open",
            Self::ReadingHead => "reading a head",
            Self::Handling => "in a handler",
            Self::HandlingBody => "in a handler, body not whole",
            Self::Answering => "writing a body",
            Self::Discarding => "reading the rest of a body",
            Self::Sending => "sending a request",
            Self::Awaiting => "waiting for the answer",
            Self::HeldUp => "held up by the other side",
            Self::ReadingAnswer => "reading the answer",
            Self::Closing => "closing",
        }
    }

    /// Its word in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Handshaking => "handshaking",
            Self::Idle => "idle",
            Self::Open => "open",
            Self::ReadingHead => "reading_head",
            Self::Handling => "handling",
            Self::HandlingBody => "handling_body",
            Self::Answering => "answering",
            Self::Discarding => "discarding",
            Self::Sending => "sending",
            Self::Awaiting => "awaiting",
            Self::HeldUp => "held_up",
            Self::ReadingAnswer => "reading_answer",
            Self::Closing => "closing",
        }
    }

    /// Whether a request is under way.
    #[must_use]
    pub const fn has_request(self) -> bool {
        !matches!(
            self,
            Self::Handshaking | Self::Idle | Self::Open | Self::ReadingHead | Self::Closing
        )
    }
}

impl Driven {
    /// Its word in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::ByItsUsers => "by_its_users",
        }
    }
}

impl Request {
    /// `GET /checkout`, `GET`; `None` where neither is known.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match (&self.method, &self.path) {
            (Some(method), Some(path)) => Some(format!("{method} {path}")),
            (Some(one), None) | (None, Some(one)) => Some(one.to_string()),
            (None, None) => None,
        }
    }
}

impl Report {
    /// The connections that the future of a task has.
    #[must_use]
    pub fn connections_of(&self, task: TaskIndex) -> &[Connection] {
        let start = self.connections.partition_point(|connection| connection.task < task);
        let rest = &self.connections[start..];
        &rest[..rest.partition_point(|connection| connection.task == task)]
    }

    /// The request that a task serves, with its connection; `None` for a task that serves none, or of
    /// whose request no path is known.
    #[must_use]
    pub fn served_by(&self, task: TaskIndex) -> Option<(&Connection, &Request)> {
        let place = self.serving.binary_search_by_key(&task, |serving| serving.0).ok()?;
        let (_, connection, request) = self.serving[place];
        let connection = self.connections.get(connection as usize)?;
        Some((connection, connection.requests.get(request as usize)?))
    }

    /// The connection whose driver has what a wait needs, as the sender of an answer or of the rest of a
    /// request, with the request; `None` where that is in none that something drives. A task of libraries alone
    /// may stand between the two, that hands the answer on.
    #[must_use]
    pub fn answer_owed(&self, wait: &Wait) -> Option<(&Connection, Option<&Request>)> {
        let (connection, request) = self.answer_owed_at(wait)?;
        let connection = &self.connections[connection];
        Some((connection, request.and_then(|request| connection.requests.get(request))))
    }

    /// The places of that connection and of that request.
    pub(crate) fn answer_owed_at(&self, wait: &Wait) -> Option<(usize, Option<usize>)> {
        let (holder, connection) = self.sender_of(wait)?;
        if let Some(connection) = connection {
            return Some((connection, self.request_of(connection, wait.task)));
        }
        // What a library's tasks send each other need not be an answer.
        if !has_user_code(self, &self.task(wait.task).chain) {
            return None;
        }
        let between = self.tasks.get(holder.0 as usize);
        let between = between.filter(|task| !has_user_code(self, &task.chain))?;
        let mut waits = self.waits_of(between.index).iter().filter(|wait| wait.is_polled);
        let (Some(only), None) = (waits.next(), waits.next()) else { return None };
        let (_, connection) = self.sender_of(only)?;
        let connection = connection?;
        Some((connection, self.request_of(connection, between.index)))
    }

    /// The task that alone has the sender of what a wait needs, with the place of the connection that
    /// it is in.
    fn sender_of(&self, wait: &Wait) -> Option<(TaskIndex, Option<usize>)> {
        let [only] = self.resource(wait.resource).holders.as_slice() else { return None };
        let task = only.task.filter(|task| *task != wait.task)?;
        if only.access != Access::Send || only.may_be_moved {
            return None;
        }
        let first = self.connections.partition_point(|connection| connection.task < task);
        let found = self.connections_of(task).iter().position(|connection| {
            connection.driven == Driven::Yes
                && connection.frame == only.frame
                && connection.variable == only.variable
        });
        Some((task, found.map(|place| first + place)))
    }

    /// The place of the request that is answered to a task: on a connection with streams its own.
    fn request_of(&self, connection: usize, task: TaskIndex) -> Option<usize> {
        let connection = &self.connections[connection];
        match connection.streams {
            Some(_) => connection.requests.iter().position(|request| request.task == task),
            None => (!connection.requests.is_empty()).then_some(0),
        }
    }

    /// The tasks that wait for what the driver of a connection has: the answers that it owes them.
    #[must_use]
    pub fn waiting_for_connection(&self, connection: &Connection) -> Vec<TaskIndex> {
        // What lies beside one that only its users read is not its.
        if connection.driven == Driven::ByItsUsers {
            return Vec::new();
        }
        let is_in_it = |frame: FrameRef, variable: &Option<Arc<str>>| {
            frame == connection.frame && *variable == connection.variable
        };
        let owed = self.held_by(connection.task).filter(|(_, holder)| {
            holder.access.is_end() && is_in_it(holder.frame, &holder.variable)
        });
        let waits = owed.flat_map(|(resource, _)| &resource.queue).map(|id| self.wait(*id));
        let mut tasks: Vec<TaskIndex> =
            waits.filter(|wait| wait.is_polled).map(|wait| wait.task).collect();
        tasks.sort_unstable();
        tasks.dedup();
        tasks.retain(|task| *task != connection.task || connection.driven == Driven::No);
        tasks
    }
}

/// Whether a frame of a chain is the program's own.
fn has_user_code(report: &Report, chain: &Chain) -> bool {
    chain.frames.iter().any(|frame| report.site(frame.site).user)
        || chain.branches.iter().any(|branch| has_user_code(report, branch))
}
