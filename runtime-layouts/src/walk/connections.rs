//! Connections in the futures of tasks, and the requests on them.
//!
//! A library says which types are connections and how one is read. Where a frame polls one, it is
//! driven; one in a variable that nothing polls stands still. A request that came is looked for in
//! what the frames of its handler surely keep: one that may have been moved away is not read.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::chains::live_values::{LiveValue, LiveValues};
use super::chains::sites::Sites;
use super::search::search_for::SearchFor;
use super::unflushed::FoundBuffer;
use crate::knowledge::connection::{Driver, Observed, ObservedConnection, ObservedRequest};
use crate::knowledge::{ConnectionType, Libraries};
use crate::layout::name::base_path;
use crate::report::{
    Chain, Connection, Driven, Frame, FrameRef, Phase, Polled, Report, Request, Role, Task,
    TaskIndex, TaskState,
};
use crate::value::{Program, Ty, Value};

/// Words of a frame that are looked at for a pointer to a connection, at most.
const MOST_WORDS: u64 = 1 << 14;

/// What the futures of some tasks have.
#[derive(Default)]
pub(crate) struct ConnectionBatch {
    connections: Vec<(u64, Connection)>,
    streams: Vec<(u64, Request)>,
    /// Requests that tasks have sent, by the frames that keep them.
    sent: Vec<(TaskIndex, Kept)>,
    buffers: Vec<FoundBuffer>,
}

impl ConnectionBatch {
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
}

/// Reads connections; keeps what it learns about types.
pub(crate) struct ConnectionReader {
    live_values: LiveValues,
    libraries: Libraries,
    types: FxHashMap<Ty, Option<&'static ConnectionType>>,
}

/// A connection or a stream with its place in the chain.
struct Place {
    /// The frame that is or has it.
    frame: FrameRef,
    of: Of,
    /// See [`ObservedConnection::buffer`].
    buffer: Option<u64>,
}

/// Which of them it is, by its place in the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Connection(usize),
    Stream(usize),
}

/// A request that a frame has.
pub(crate) struct Kept {
    frame: FrameRef,
    request: ObservedRequest,
    may_be_moved: bool,
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
        sites: &Sites,
        task: &Task,
        found: &mut ConnectionBatch,
    ) {
        // What memory keeps of a future whose thread is blocked in it.
        let beside = task.beside_stack.as_deref().filter(|beside| !beside.is_ambiguous);
        let chain = beside.map_or(&task.chain, |beside| &beside.chain);
        let mut kept = Vec::new();
        self.live_values.of_chain(program, sites, chain, &mut kept);
        if kept.is_empty() {
            return;
        }
        let (mut places, mut requests, mut streams) = (Vec::new(), Vec::new(), Vec::new());
        let first = found.connections.len();
        for live in &kept {
            let Some(known) = self.known(program, live.value.ty) else { continue };
            let is_again = |(_, known): &(u64, Connection)| known.address == live.value.address;
            if found.connections[first..].iter().any(is_again) {
                continue;
            }
            // One that cannot be read is none.
            match (known.read)(program, live.value) {
                Ok(Some(Observed::Connection(seen))) => {
                    // What a variable was moved from leads to the same one.
                    let mut others = found.connections[first..].iter();
                    if seen.key != 0 && others.any(|(key, _)| *key == seen.key) {
                        continue;
                    }
                    let driven = self.driven(program, sites, (task, chain), live, known);
                    let Some(driven) = driven else { continue };
                    let connection = self.connection(program, (task.index, driven), live, &seen);
                    let (of, buffer) = (Of::Connection(found.connections.len()), seen.buffer);
                    places.push(Place { frame: live.frame, of, buffer });
                    found.connections.push((seen.key, connection));
                }
                Ok(Some(Observed::Stream { of, phase }))
                    if is_polled(live)
                        && !live.may_be_moved
                        && !streams.contains(&live.value.address) =>
                {
                    streams.push(live.value.address);
                    let place = Of::Stream(found.streams.len());
                    places.push(Place { frame: live.frame, of: place, buffer: None });
                    let request = Request { task: task.index, phase, method: None, path: None };
                    found.streams.push((of, request));
                }
                Ok(Some(Observed::Request(request))) if is_polled(live) => {
                    let may_be_moved = live.may_be_moved;
                    let kept = Kept { frame: live.frame, request, may_be_moved };
                    match kept.request.is_sent {
                        true if may_be_moved => {}
                        true => found.sent.push((task.index, kept)),
                        false => requests.push(kept),
                    }
                }
                Ok(Some(Observed::Buffer(buffer))) if is_polled(live) && buffer.bytes > 0 => {
                    found.buffers.push(FoundBuffer {
                        task: task.index,
                        frame: live.frame,
                        variable: live.variable.clone(),
                        may_be_moved: live.may_be_moved,
                        value: live.value,
                        name: buffer.name,
                        bytes: buffer.bytes,
                        descriptor: self.descriptor(program, &streams_of(program, buffer.io)),
                    });
                }
                _ => {}
            }
        }
        if !places.is_empty() && !requests.is_empty() {
            let mut around = Around { places: &places, by_frame: FxHashMap::default() };
            around.chain(chain, None, &mut 0);
            requests.retain(|kept| {
                let site = sites.get(kept.frame.site);
                !self.libraries.sends_requests(&site.type_name)
            });
            name_requests(&around, requests, found);
        }
    }

    fn known(&mut self, program: &Program<'_>, ty: Ty) -> Option<&'static ConnectionType> {
        let libraries = self.libraries;
        *self.types.entry(ty).or_insert_with(|| {
            let layout = program.type_of(ty).ok()?;
            libraries.connection(base_path(&layout.name))
        })
    }

    /// Whether something polls a connection; `None` for what may be old bytes.
    fn driven(
        &self,
        program: &Program<'_>,
        sites: &Sites,
        (task, chain): (&Task, &Chain),
        live: &LiveValue,
        known: &ConnectionType,
    ) -> Option<Driven> {
        let range = range_of(program, live.value)?;
        let is_part = has_polled(program, sites, chain, &range);
        if live.may_be_moved && !is_part {
            return None;
        }
        match known.driver {
            Driver::Users => return Some(Driven::ByItsUsers),
            Driver::Keeper if is_polled(live) => return Some(Driven::Yes),
            Driver::Keeper | Driver::Poll => {}
        }
        let of_frame = live.variable.is_none() && is_polled(live);
        if is_part || of_frame {
            return Some(Driven::Yes);
        }
        let is_sure = task.state == TaskState::Idle
            && live.shared.is_empty()
            && live.within.is_none()
            && !has_problem(chain)
            && !may_point_to(program, sites, chain, &range);
        Some(if is_sure { Driven::No } else { Driven::Unknown })
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

/// Whether a value is in a frame that is polled.
fn is_polled(live: &LiveValue) -> bool {
    live.holding_frame.is_none()
}

fn range_of(program: &Program<'_>, value: Value) -> Option<Range<u64>> {
    let size = program.type_of(value.ty).ok()?.size.max(1);
    Some(value.address..value.address.saturating_add(size))
}

fn polled_frames<'c>(chain: &'c Chain, visit: &mut dyn FnMut(&'c Frame) -> bool) -> bool {
    chain.frames.iter().any(&mut *visit)
        || chain.polled_branches().any(|branch| polled_frames(branch, visit))
}

/// Whether a frame that is polled is that value or a part of it.
fn has_polled(program: &Program<'_>, sites: &Sites, chain: &Chain, range: &Range<u64>) -> bool {
    polled_frames(chain, &mut |frame| {
        // One that has it may begin with it.
        let ends_in_it = || {
            let value = Value { ty: sites.type_of(frame.site)?, address: frame.address };
            Some(range_of(program, value)?.end <= range.end)
        };
        range.contains(&frame.address) && ends_in_it() == Some(true)
    })
}

/// Whether something of a chain could not be read.
fn has_problem(chain: &Chain) -> bool {
    chain.frames.iter().any(|frame| frame.problem.is_some())
        || chain.branches.iter().any(has_problem)
}

/// Whether a frame has a pointer to that value outside of it: who has one may poll it.
fn may_point_to(program: &Program<'_>, sites: &Sites, chain: &Chain, value: &Range<u64>) -> bool {
    let word = u64::from(program.pointer_size());
    polled_frames(chain, &mut |frame| {
        let Some(ty) = sites.type_of(frame.site) else { return true };
        let Some(range) = range_of(program, Value { ty, address: frame.address }) else {
            return true;
        };
        let words = (range.end - range.start) / word;
        words > MOST_WORDS
            || (0..words).map(|number| frame.address.wrapping_add(number * word)).any(|at| {
                let leads_there = |to: u64| value.contains(&to) && !value.contains(&at);
                program.is_interrupted() || program.read_pointer(at).map_or(true, leads_there)
            })
    })
}

/// Which connection or stream each frame of a chain is further in than.
struct Around<'p> {
    places: &'p [Place],
    /// By frame: its depth, and the connection or stream around it.
    by_frame: FxHashMap<FrameRef, (usize, Option<Of>)>,
}

impl Around<'_> {
    fn chain(&mut self, chain: &Chain, around: Option<Of>, depth: &mut usize) {
        let mut around = around;
        for frame in chain.frames.iter().map(FrameRef::of) {
            *depth += 1;
            self.by_frame.insert(frame, (*depth, around));
            if let Some(place) = self.places.iter().find(|place| place.frame == frame) {
                around = Some(place.of);
                // A frame that has a connection in it may have its request too.
                self.by_frame.insert(frame, (*depth, around));
            }
        }
        for branch in chain.branches.iter().filter(|branch| branch.polled == Polled::Yes) {
            self.chain(branch, around, depth);
        }
    }
}

/// Gives the requests that came to the connections and streams on which they came: the one that the
/// outermost frame has, which is as it came. One that may have been moved away counts where its text is
/// still in the memory into which the connection reads.
fn name_requests(around: &Around<'_>, requests: Vec<Kept>, found: &mut ConnectionBatch) {
    let place_of = |kept: &Kept| around.by_frame.get(&kept.frame).copied();
    let mut placed: Vec<(usize, Of, ObservedRequest)> = requests
        .into_iter()
        .filter_map(|kept| {
            let (depth, of) = place_of(&kept)?;
            let of = of?;
            let place = around.places.iter().find(|place| place.of == of);
            let buffer = place.and_then(|place| place.buffer);
            let is_there = !kept.may_be_moved || buffer.is_some() && kept.request.buffer == buffer;
            is_there.then_some((depth, of, kept.request))
        })
        .collect();
    placed.sort_by_key(|(depth, ..)| *depth);
    for (_, of, kept) in placed {
        let (request, names_server) = match of {
            Of::Connection(number) => {
                let connection = &mut found.connections[number].1;
                if connection.role != Some(Role::Server) {
                    continue;
                }
                if let (None, Some(peer)) = (&connection.peer, &kept.peer) {
                    connection.peer = Some(peer.as_str().into());
                }
                let Some(request) = connection.requests.first_mut() else { continue };
                (request, false)
            }
            Of::Stream(number) => (&mut found.streams[number].1, true),
        };
        let is_other = |known: &Arc<str>| kept.method.as_deref().is_some_and(|it| it != &**known);
        let is_sent = kept.names_server && !names_server;
        let is_it = !is_sent && !request.method.as_ref().is_some_and(is_other);
        if is_it {
            request.method = request.method.take().or(kept.method.as_deref().map(Into::into));
            let path = kept.path.filter(|_| kept.came);
            request.path = request.path.take().or(path.map(Into::into));
        }
    }
}

impl FoundConnections {
    /// Gives the connections over which requests are sent the paths that the tasks keep that wait for
    /// the answers.
    pub(crate) fn name_sent(sent: &[(TaskIndex, Kept)], report: &mut Report) {
        let mut named: Vec<(usize, usize, Request)> = Vec::new();
        for tasks in sent.chunk_by(|one, next| one.0 == next.0) {
            let Some(task) = report.tasks.get(tasks[0].0.0 as usize) else { continue };
            for wait in report.waits_of(task.index) {
                let place = report.answer_owed_at(wait);
                let Some((connection, Some(request))) = place else { continue };
                if report.connections[connection].role != Some(Role::Client) {
                    continue;
                }
                let Some(kept) = innermost(&task.chain, wait.leaf, tasks) else { continue };
                let known = &report.connections[connection].requests[request];
                let method = kept.method.as_deref().map(Into::into);
                if known.method.is_none() || known.method == method {
                    let path = kept.path.as_deref().map(Into::into);
                    named.push((connection, request, Request { method, path, ..known.clone() }));
                }
            }
        }
        for (connection, request, named) in named {
            report.connections[connection].requests[request] = named;
        }
    }
}

/// The request of the innermost frame around a leaf that keeps one.
fn innermost<'k>(
    chain: &Chain,
    leaf: FrameRef,
    sent: &'k [(TaskIndex, Kept)],
) -> Option<&'k ObservedRequest> {
    let has_it = chain.frames.iter().any(|frame| FrameRef::of(frame) == leaf);
    let below = chain.branches.iter().find(|branch| has_frame(branch, leaf));
    if let Some(found) = below.and_then(|branch| innermost(branch, leaf, sent)) {
        return Some(found);
    }
    if !has_it && below.is_none() {
        return None;
    }
    let frames = chain.frames.iter().rev().map(FrameRef::of);
    let mut kept = frames.filter_map(|frame| sent.iter().find(|(_, kept)| kept.frame == frame));
    kept.next().map(|(_, kept)| &kept.request)
}

fn has_frame(chain: &Chain, wanted: FrameRef) -> bool {
    chain.frames.iter().any(|frame| FrameRef::of(frame) == wanted)
        || chain.branches.iter().any(|branch| has_frame(branch, wanted))
}

/// All that was found, in the order of tasks: the connections with the requests on them, and which
/// task serves which.
pub(crate) fn collect(batches: Vec<ConnectionBatch>) -> FoundConnections {
    let (mut connections, mut streams, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    let mut buffers = Vec::new();
    for batch in batches {
        connections.extend(batch.connections);
        streams.extend(batch.streams);
        sent.extend(batch.sent);
        buffers.extend(batch.buffers);
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
    FoundConnections { connections, serving, sent, buffers }
}

fn is_served(request: &Request) -> bool {
    // A method alone tells no request from others.
    request.phase != Phase::Discarding && request.path.is_some()
}
