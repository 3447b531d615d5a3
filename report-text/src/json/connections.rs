//! Connections and requests in JSON.

use serde::{Serialize, Serializer};

use super::{PlaceJson, hexadecimal};
use runtime_layouts::report::{Connection, Protocol, Report, Request, Role};

/// All connections, made one after the other.
pub(super) struct ConnectionsJson<'r> {
    pub(super) report: &'r Report,
}

impl Serialize for ConnectionsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = self.report.connections.iter();
        serializer.collect_seq(all.map(|it| ConnectionJson::new(self.report, it)))
    }
}

#[derive(Serialize)]
struct ConnectionJson<'r> {
    protocol: &'static str,
    role: Option<&'static str>,
    phase: &'static str,
    last_request: bool,
    secure: bool,
    address: String,
    task: &'r str,
    function: &'r str,
    place: Option<PlaceJson<'r>>,
    variable: Option<&'r str>,
    driven: &'static str,
    descriptor: Option<u64>,
    local: Option<&'r str>,
    peer: Option<&'r str>,
    streams: Option<u64>,
    streams_without_window: Option<u64>,
    unsent: Option<u64>,
    owed: Option<u64>,
    requests: Vec<RequestJson<'r>>,
    waited_for_by: Vec<&'r str>,
}

#[derive(Serialize)]
struct RequestJson<'r> {
    task: &'r str,
    phase: &'static str,
    method: Option<&'r str>,
    path: Option<&'r str>,
}

impl<'r> ConnectionJson<'r> {
    fn new(report: &'r Report, connection: &'r Connection) -> Self {
        let site = report.site(connection.frame.site);
        let id = |task| report.task(task).id.0.as_str();
        let request = |request: &'r Request| RequestJson {
            task: id(request.task),
            phase: request.phase.word(),
            method: request.method.as_deref(),
            path: request.path.as_deref(),
        };
        Self {
            protocol: protocol_word(connection.protocol),
            role: connection.role.map(Role::word),
            phase: connection.phase.word(),
            last_request: connection.is_last,
            secure: connection.is_secure,
            address: hexadecimal(connection.address),
            task: id(connection.task),
            function: &site.name.full,
            place: site.location.as_ref().map(PlaceJson::new),
            variable: connection.variable.as_deref(),
            driven: connection.driven.word(),
            descriptor: connection.descriptor,
            local: connection.local.as_deref(),
            peer: connection.peer.as_deref(),
            streams: connection.streams,
            streams_without_window: connection.stalled,
            unsent: connection.unsent,
            owed: connection.owed,
            requests: connection.requests.iter().map(request).collect(),
            waited_for_by: report.waiting_for_connection(connection).into_iter().map(id).collect(),
        }
    }
}

fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "http",
        Protocol::Http1 => "http1",
        Protocol::Http2 => "http2",
        Protocol::WebSocket => "websocket",
        Protocol::Redis => "redis",
        Protocol::Mqtt => "mqtt",
        Protocol::Amqp => "amqp",
        Protocol::MongoDb => "mongodb",
        Protocol::Postgres => "postgres",
        Protocol::Tls => "tls",
        Protocol::Quic => "quic",
    }
}
