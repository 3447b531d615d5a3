//! The requests on connections: which frame has which, and over which connection it came or goes.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{ConnectionBatch, FoundConnections};
use crate::knowledge::Libraries;
use crate::knowledge::connection::{ObservedConnection, ObservedRequest};
use crate::report::{
    Chain, Connection, FrameRef, Phase, Polled, Report, Request, Role, Task, TaskIndex,
};
use crate::walk::chains::live_values::LiveValue;
use crate::walk::chains::site_table::SiteTable;

/// A connection or a stream with its place in the chain.
pub(super) struct Place {
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

/// The connections, streams and requests that the frames of one task have.
pub(super) struct OfTask<'t> {
    pub(super) task: &'t Task,
    pub(super) chain: &'t Chain,
    /// The first of its connections in the batch.
    pub(super) first: usize,
    pub(super) places: Vec<Place>,
    pub(super) requests: Vec<Kept>,
}

impl OfTask<'_> {
    /// Whether a connection was not seen in this task before: what a variable was moved from leads to
    /// the same one.
    pub(super) fn is_new(&self, seen: &ObservedConnection, found: &ConnectionBatch) -> bool {
        let mut others = found.connections[self.first..].iter();
        seen.key == 0 || others.all(|(key, _)| *key != seen.key)
    }

    pub(super) fn add_connection(
        &mut self,
        live: &LiveValue,
        seen: &ObservedConnection,
        connection: Connection,
        found: &mut ConnectionBatch,
    ) {
        let (of, buffer) = (Of::Connection(found.connections.len()), seen.buffer);
        self.places.push(Place { frame: live.frame, of, buffer });
        found.connections.push((seen.key, connection));
    }

    pub(super) fn add_stream(
        &mut self,
        live: &LiveValue,
        (of, phase): (u64, Phase),
        found: &mut ConnectionBatch,
    ) {
        let place = Of::Stream(found.streams.len());
        self.places.push(Place { frame: live.frame, of: place, buffer: None });
        let request = Request { task: self.task.index, phase, method: None, path: None };
        found.streams.push((of, request));
    }

    pub(super) fn add_request(
        &mut self,
        live: &LiveValue,
        request: ObservedRequest,
        found: &mut ConnectionBatch,
    ) {
        let may_be_moved = live.may_be_moved;
        let kept = Kept { frame: live.frame, request, may_be_moved };
        match kept.request.is_sent {
            true if may_be_moved => {}
            true => found.sent.push((self.task.index, kept)),
            false => self.requests.push(kept),
        }
    }

    /// Gives the requests that came to the connections and streams on which they came.
    pub(super) fn name_requests(
        mut self,
        sites: &SiteTable,
        libraries: Libraries,
        found: &mut ConnectionBatch,
    ) {
        if self.places.is_empty() || self.requests.is_empty() {
            return;
        }
        let mut around = Around { places: &self.places, by_frame: FxHashMap::default() };
        around.chain(self.chain, None, &mut 0);
        self.requests.retain(|kept| {
            let site = sites.get(kept.frame.site);
            !libraries.sends_requests(&site.type_name)
        });
        name_requests(&around, self.requests, found);
    }
}

/// A request that a frame has.
pub(crate) struct Kept {
    frame: FrameRef,
    request: ObservedRequest,
    may_be_moved: bool,
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
