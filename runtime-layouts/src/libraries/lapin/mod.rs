//! Connections to AMQP brokers, the answers that they owe, and what is waited for on them.
//!
//! Source: `lapin/src/{channels,channel,frames,acknowledgement,promise,consumer,internal_rpc,io_loop,
//! connection_status,shared}.rs` (4.12.3). A thread of the connection's own reads and writes its
//! socket. Beside it a task, `InternalRPC::run`, gives it what the handles ask for: that one keeps
//! `Channels`, with the channels of the connection and all answers that are owed, and stands for the
//! connection here. The handles share the answers that are owed too, but nobody answers by those.

mod thread;

use crate::knowledge::children::{Children, Polls, ReadElements, Types};
use crate::knowledge::connection::{Observed, ObservedConnection, some, variant};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::naming::generic_name;
use crate::knowledge::{
    CollectionType, ConnectionType, GuardType, Library, ObservedResource, Reading, ResourceType,
};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::libraries::rust_std::collections::{in_deque, in_map};
use crate::report::{Access, Phase, Protocol, ResourceKind, Role};
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[ConnectionType::kept(CHANNELS, connection)],
    resources: &[
        ResourceType::around("lapin::internal_rpc::InternalRPC", commands),
        ResourceType::of("lapin::promise::Promise", promise),
        ResourceType::of("lapin::consumer::Consumer", delivery),
    ],
    guards: &[
        GuardType::end(
            "lapin::promise::PromiseResolver",
            ResourceKind::Oneshot,
            Access::Send,
            PROMISED,
        ),
        GuardType::end(INNER, ResourceKind::Mpsc, Access::Send, EVENTS),
    ],
    collections: &[&[
        CollectionType { types: Types::Of(CHANNELS), children: answers },
        // What the handles have of a connection, and what they ask of it.
        CollectionType {
            types: Types::Of("lapin::internal_rpc::InternalRPCHandle"),
            children: nothing,
        },
        CollectionType { types: Types::Of("lapin::frames::Frames"), children: nothing },
        CollectionType {
            types: Types::Of("lapin::acknowledgement::Acknowledgements"),
            children: nothing,
        },
    ]],
    ..Library::named("lapin")
};

/// What a connection's task has of it.
const CHANNELS: &str = "lapin::channels::Channels";
/// What all copies of that share.
const INNER: &str = "lapin::channels::Inner";
/// What a promise and who keeps it share.
const PROMISED: &str = "lapin::promise::Shared<";
/// What tells a connection's thread that there is something to do: all handles lead there, and to that
/// of no other connection.
const EVENTS: &str = "flume::Chan<lapin::socket_state::SocketEvent>";

const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        what: "connections of AMQP",
        kind: Kind::Type,
        spellings: &[with(newest(CHANNELS, "4.12.3"), &["inner", "frames", "connection_status"])],
        source: "lapin/src/channels.rs",
        optional: true,
        instead: None,
    },
    Expectation {
        what: "answers that a connection of AMQP owes",
        kind: Kind::Type,
        spellings: &[with(
            newest("lapin::frames::Inner", "4.12.3"),
            &["expected_replies", "frames", "publish_frames"],
        )],
        source: "lapin/src/frames.rs",
        optional: true,
        instead: None,
    },
];

/// Channels and answers that are looked at, at most.
const MAX: usize = 1 << 12;

/// `Channels { inner, frames, connection_status, … }`.
fn connection(program: &Program<'_>, channels: Value) -> Result<Option<Observed>, ValueError> {
    let Some(events) = channels.find_through_pointers(program, EVENTS)? else { return Ok(None) };
    let status = channels.member(program, "connection_status")?;
    let status = status.find_through_pointers(program, "lapin::connection_status::StateInner")?;
    let Some(status) = status else { return Ok(None) };
    let owed = replies(program, channels)?.len() + confirms(program, channels)?.len();
    // A broker that is short of memory or of room on its disk.
    let is_held_up = status.member(program, "blocked")?.unsigned(program)? != 0;
    let phase = match &*variant(program, status.member(program, "state")?)? {
        "Initial" | "Connecting" | "Reconnecting" => Phase::Handshaking,
        "Connected" if is_held_up => Phase::HeldUp,
        "Connected" if owed == 0 => Phase::Idle,
        "Connected" => Phase::Awaiting,
        _ => Phase::Closing,
    };
    Ok(Some(Observed::Connection(ObservedConnection {
        key: events.address,
        io: thread::socket(program, events),
        owed: Some(owed as u64),
        ..ObservedConnection::new(Protocol::Amqp, Some(Role::Client), phase)
    })))
}

fn inner_of(program: &Program<'_>, channels: Value) -> Result<Option<Value>, ValueError> {
    channels.member(program, "inner")?.find_through_pointers(program, INNER)
}

/// The channels of a connection.
fn channels_of(program: &Program<'_>, channels: Value) -> Result<Vec<Value>, ValueError> {
    let Some(inner) = inner_of(program, channels)? else { return Ok(Vec::new()) };
    in_map(program, inner.member(program, "channels")?, MAX)
}

/// What waits for answers to methods, of all channels.
fn replies(program: &Program<'_>, channels: Value) -> Result<Vec<Value>, ValueError> {
    let Some(frames) = frames_of(program, channels)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for replies in in_map(program, frames.member(program, "expected_replies")?, MAX)? {
        found.extend(in_deque(program, replies, MAX)?);
    }
    // What is told of a failure beside is the same one.
    found.into_iter().map(|reply| reply.member(program, "__0")).collect()
}

/// What waits until a frame was sent.
fn unsent(program: &Program<'_>, channels: Value) -> Result<Vec<Value>, ValueError> {
    let Some(frames) = frames_of(program, channels)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for queue in ["publish_frames", "retry_frames", "frames", "low_prio_frames"] {
        for frame in in_deque(program, frames.member(program, queue)?, MAX)? {
            let sending = frame.member(program, "sending")?;
            found.extend(some(program, sending.member(program, "resolver")?)?);
        }
    }
    Ok(found)
}

fn frames_of(program: &Program<'_>, channels: Value) -> Result<Option<Value>, ValueError> {
    let frames = channels.member(program, "frames")?;
    frames.find_through_pointers(program, "lapin::frames::Inner")
}

/// What waits until the broker has taken over what was published, of all channels.
fn confirms(program: &Program<'_>, channels: Value) -> Result<Vec<Value>, ValueError> {
    let mut found = Vec::new();
    for channel in channels_of(program, channels)? {
        let acknowledgements = channel.member(program, "acknowledgements")?;
        let inner =
            acknowledgements.find_through_pointers(program, "lapin::acknowledgement::Inner")?;
        let Some(inner) = inner else { continue };
        for pair in in_map(program, inner.member(program, "pending")?, MAX)? {
            found.push(pair.member(program, "__0")?);
        }
    }
    Ok(found)
}

/// `Channels`: the connection, and all that it owes.
fn answers(program: &Program<'_>, ty: Ty, _: &Type) -> Result<Option<Children>, LayoutError> {
    let read = |program: &Program<'_>, channels: Value, most: usize| {
        let mut found = Vec::from_iter(inner_of(program, channels)?);
        found.extend(replies(program, channels)?);
        found.extend(confirms(program, channels)?);
        found.extend(unsent(program, channels)?);
        found.truncate(most);
        Ok(found)
    };
    // Of many types: this is the one that is always there.
    let types = program.layouts(ty.module).types_named(INNER, Some(ty.id))?;
    let read = ReadElements::Written(read);
    Ok(types.first().map(|id| {
        let element = Ty { module: ty.module, id: *id };
        Children::Elements { element, read, polls: Polls::No }
    }))
}

fn nothing(_: &Program<'_>, _: Ty, _: &Type) -> Result<Option<Children>, LayoutError> {
    Ok(Some(Children::None))
}

/// `InternalRPC::run`: what the handles of a connection ask for, and its thread.
fn commands(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    if reading.inside.is_none() {
        return Ok(None);
    }
    let mut seen = ObservedResource::new(ResourceKind::Io, value);
    seen.name = Some("what is asked of an AMQP connection".into());
    Ok(Some(seen))
}

/// `Promise`: an answer, the confirmation of what was published, or that something was sent.
fn promise(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(shared) = value.find_through_pointers(program, PROMISED)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Oneshot, shared);
    seen.name = Some(generic_name("Promise", value, program)?);
    seen.access = Some(Access::Receive);
    let data = shared.member(program, "data")?.find_member(program, "data")?;
    let has_come = match data {
        Some(data) => data.find_inline(program, "core::option::Option<")?,
        None => None,
    };
    seen.is_granted = has_come.map_or(Ok(false), |data| data.is_some(program))?;
    seen.parties = Some(u64::from(!seen.is_granted));
    Ok(Some(seen))
}

/// `Consumer`: the next message of a queue.
fn delivery(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(events) = value.find_through_pointers(reading.program, EVENTS)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, events);
    seen.name = Some("AMQP connection".into());
    seen.access = Some(Access::Receive);
    seen.parties = Some(1);
    Ok(Some(seen))
}
