//! Connections in the futures of tasks, and the requests on them.
//!
//! A library says which types are connections and how one is read. Where a frame polls one, it is
//! driven; one in a variable that nothing polls stands still. A request that came is looked for in
//! what the frames of its handler surely keep: one that may have been moved away is not read.

mod driver;
mod requests;

use rustc_hash::FxHashMap;

use self::driver::is_polled;
use self::requests::{Kept, OfTask};
use crate::knowledge::connection::{Observed, ObservedConnection};
use crate::knowledge::{ConnectionType, Libraries};
use crate::layout::name::base_path;
use crate::report::{Connection, Driven, Phase, Request, Role, Task, TaskIndex};
use crate::value::{Program, Ty, Value};
use crate::walk::chains::live_values::{LiveValue, LiveValues};
use crate::walk::chains::site_table::SiteTable;
use crate::walk::search::search_for::SearchFor;
use crate::walk::unaccepted::FoundSocket;
use crate::walk::unflushed::FoundBuffer;

/// What the futures of some tasks have.
#[derive(Default)]
pub(crate) struct ConnectionBatch {
    connections: Vec<(u64, Connection)>,
    streams: Vec<(u64, Request)>,
    /// Requests that tasks have sent, by the frames that keep them.
    sent: Vec<(TaskIndex, Kept)>,
    buffers: Vec<FoundBuffer>,
    sockets: Vec<FoundSocket>,
}

impl ConnectionBatch {
    /// The sockets, in the order of their tasks.
    pub(crate) fn sockets(&self) -> &[FoundSocket] {
        &self.sockets
    }

    /// The connections, in the order of their tasks.
    pub(crate) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.iter().map(|(_, connection)| connection)
    }
}

/// All that was found of connections.
pub(crate) struct FoundConnections {
    /// In the order of their tasks.
    pub(crate) connections: Vec<Connection>,
    /// See [`Report::serving`].
    pub(crate) serving: Vec<(TaskIndex, u32, u32)>,
    /// See [`FoundConnections::name_sent`].
    pub(crate) sent: Vec<(TaskIndex, Kept)>,
    /// Buffers with bytes that nobody flushed, in the order of their tasks.
    pub(crate) buffers: Vec<FoundBuffer>,
    /// Sockets, in the order of their tasks.
    pub(crate) sockets: Vec<FoundSocket>,
}

/// Reads connections; keeps what it learns about types.
pub(crate) struct ConnectionReader {
    live_values: LiveValues,
    libraries: Libraries,
    types: FxHashMap<Ty, Option<&'static ConnectionType>>,
}

impl ConnectionReader {
    /// A reader of these libraries' connections.
    pub(crate) fn of(libraries: Libraries) -> Self {
        Self {
            live_values: LiveValues::of(SearchFor::Connections, libraries),
            libraries,
            types: FxHashMap::default(),
        }
    }

    /// Adds the connections that a task's frames have.
    pub(crate) fn of_task(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        task: &Task,
        found: &mut ConnectionBatch,
    ) {
        // What memory keeps of a future whose thread is blocked in it.
        let beside = task.siblings_of_stack.as_deref().filter(|beside| !beside.is_ambiguous);
        let chain = beside.map_or(&task.chain, |beside| &beside.chain);
        let mut kept = Vec::new();
        self.live_values.of_chain(program, sites, chain, &mut kept);
        if kept.is_empty() {
            return;
        }
        let first = found.connections.len();
        let mut of_task = OfTask { task, chain, first, places: Vec::new(), requests: Vec::new() };
        let mut streams = Vec::new();
        for live in &kept {
            let Some(known) = self.known(program, live.value.ty) else { continue };
            let is_again = |(_, known): &(u64, Connection)| known.address == live.value.address;
            if found.connections[first..].iter().any(is_again) {
                continue;
            }
            // One that cannot be read is none.
            let Ok(Some(seen)) = (known.read)(program, live.value) else { continue };
            match seen {
                Observed::Connection(seen) => {
                    let driven = || self.driven(program, sites, (task, chain), live, known);
                    let is_new = of_task.is_new(&seen, found);
                    let Some(driven) = is_new.then(driven).flatten() else { continue };
                    let connection = self.connection(program, (task.index, driven), live, &seen);
                    of_task.add_connection(live, &seen, connection, found);
                }
                Observed::Socket => {
                    let streams = streams_of(program, live.value);
                    let descriptor = self.descriptor(program, &streams);
                    let socket = descriptor.map(|fd| FoundSocket::of(task.index, live, fd));
                    found.sockets.extend(socket);
                }
                _ if !is_polled(live) => {}
                Observed::Stream { of, phase } => {
                    if !live.may_be_moved && !streams.contains(&live.value.address) {
                        streams.push(live.value.address);
                        of_task.add_stream(live, (of, phase), found);
                    }
                }
                Observed::Request(request) => of_task.add_request(live, request, found),
                Observed::Buffer(buffer) if buffer.bytes > 0 => {
                    let streams = streams_of(program, buffer.io);
                    let descriptor = self.descriptor(program, &streams);
                    found.buffers.push(FoundBuffer::of(task.index, live, &buffer, descriptor));
                }
                Observed::Buffer(_) => {}
            }
        }
        of_task.name_requests(sites, self.libraries, found);
    }

    fn known(&mut self, program: &Program<'_>, ty: Ty) -> Option<&'static ConnectionType> {
        let libraries = self.libraries;
        *self.types.entry(ty).or_insert_with(|| {
            let layout = program.type_of(ty).ok()?;
            libraries.connection(base_path(&layout.name))
        })
    }

    /// The number of the open file below streams; `None` where there is none.
    fn descriptor(&self, program: &Program<'_>, streams: &[Value]) -> Option<u64> {
        let names = || self.libraries.all().flat_map(|library| library.descriptors).copied();
        streams.iter().find_map(|io| {
            names().find_map(|name| {
                let inline = io.find_inline(program, name).ok().flatten();
                let found = inline.or_else(|| io.find_through_pointers(program, name).ok()?);
                found?.unsigned(program).ok()
            })
        })
    }

    fn connection(
        &self,
        program: &Program<'_>,
        (task, driven): (TaskIndex, Driven),
        live: &LiveValue,
        seen: &ObservedConnection,
    ) -> Connection {
        let streams = seen.io.map(|io| streams_of(program, io)).unwrap_or_default();
        let is_secure = streams.iter().any(|io| {
            let mut secure = self.libraries.all().flat_map(|library| library.secure_streams);
            secure.any(|name| matches!(io.find_inline(program, name), Ok(Some(_))))
        });
        let descriptor = self.descriptor(program, &streams);
        let host = program.target().host();
        let known = descriptor.and_then(|fd| host?.descriptor(fd));
        let (local, peer) = known.and_then(|known| known.ends).unzip();
        // One that many share counts what they asked.
        let has_one = seen.phase.has_request() && seen.owed.is_none();
        let requests = has_one.then(|| Request {
            task,
            phase: seen.phase,
            method: seen.method.as_deref().map(Into::into),
            path: None,
        });
        Connection {
            protocol: seen.protocol,
            role: seen.role,
            phase: seen.phase,
            is_last: seen.is_last,
            is_secure,
            address: live.value.address,
            task,
            frame: live.frame,
            variable: live.variable.clone(),
            driven,
            descriptor,
            local: local.map(Into::into),
            peer: peer.or_else(|| seen.peer.clone()).map(Into::into),
            streams: seen.streams,
            stalled: seen.stalled,
            unsent: seen.unsent,
            owed: seen.owed,
            requests: requests.into_iter().collect(),
        }
    }
}

/// A stream of bytes, and the objects in it: a client's is one of many types, mostly.
fn streams_of(program: &Program<'_>, io: Value) -> Vec<Value> {
    [vec![io], io.objects(program)].concat()
}

/// All that was found, in the order of tasks: the connections with the requests on them, and which
/// task serves which.
pub(crate) fn collect(batches: Vec<ConnectionBatch>) -> FoundConnections {
    let (mut connections, mut streams, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    let (mut buffers, mut sockets) = (Vec::new(), Vec::new());
    for batch in batches {
        connections.extend(batch.connections);
        streams.extend(batch.streams);
        sent.extend(batch.sent);
        buffers.extend(batch.buffers);
        sockets.extend(batch.sockets);
    }
    // What several tasks share is one connection.
    let mut seen: FxHashMap<u64, usize> = FxHashMap::default();
    let mut kept: Vec<(u64, Connection)> = Vec::with_capacity(connections.len());
    for (key, connection) in connections {
        match seen.get(&connection.address) {
            Some(place) if connection.driven == Driven::Yes => {
                let known = &mut kept[*place];
                if known.1.driven != Driven::Yes {
                    *known = (key, connection);
                }
            }
            Some(_) => {}
            None => {
                seen.insert(connection.address, kept.len());
                kept.push((key, connection));
            }
        }
    }
    kept.sort_by_key(|(_, connection)| connection.task);
    let by_key: FxHashMap<u64, usize> =
        kept.iter().enumerate().filter(|(_, it)| it.0 != 0).map(|(at, it)| (it.0, at)).collect();
    for (key, request) in streams {
        if let Some(place) = by_key.get(&key) {
            kept[*place].1.requests.push(request);
        }
    }
    let connections: Vec<Connection> = kept.into_iter().map(|(_, connection)| connection).collect();
    let mut serving: Vec<(TaskIndex, u32, u32)> = (0..)
        .zip(&connections)
        .filter(|(_, connection)| connection.role == Some(Role::Server))
        .flat_map(|(number, connection)| {
            let served = (0..).zip(&connection.requests);
            served
                .filter(|(_, request)| is_served(request))
                .map(move |(place, request)| (request.task, number, place))
        })
        .collect();
    serving.sort_unstable();
    serving.dedup_by_key(|serving| serving.0);
    FoundConnections { connections, serving, sent, buffers, sockets }
}

fn is_served(request: &Request) -> bool {
    // A method alone tells no request from others.
    request.phase != Phase::Discarding && request.path.is_some()
}
