//! The channels of kanal.
//!
//! Source: `kanal/src/{lib,future,internal,signal}.rs` (0.1.1).

use crate::knowledge::children::{Types, elements};
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{BlockingCall, CollectionType, GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::rust_std::collections::in_deque;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("kanal::future::", "kanal::")],
    resources: RESOURCES,
    guards: GUARDS,
    collections: &[COLLECTIONS],
    blocking: &[
        BlockingCall::call("kanal::Sender::send"),
        BlockingCall::call("kanal::Receiver::recv"),
    ],
    ..Library::named("kanal")
};

const RESOURCES: &[ResourceType] = &[
    ResourceType::of("kanal::future::ReceiveFuture", receive),
    ResourceType::of("kanal::future::ReceiveStream", receive),
    ResourceType::of("kanal::future::SendFuture", send),
];

const GUARDS: &[GuardType] = &[
    end("kanal::Sender", Access::Send),
    end("kanal::AsyncSender", Access::Send),
    end("kanal::Receiver", Access::Receive),
    end("kanal::AsyncReceiver", Access::Receive),
];

const COLLECTIONS: &[CollectionType] = &[
    CollectionType {
        types: Types::Of("kanal::Receiver"),
        children: |_, ty, layout| elements(ty, layout, "T", queued),
    },
    CollectionType {
        types: Types::Of("kanal::AsyncReceiver"),
        children: |_, ty, layout| elements(ty, layout, "T", queued),
    },
];

const fn end(path: &'static str, access: Access) -> GuardType {
    GuardType::end(path, ResourceKind::Mpsc, access, INTERNAL)
}

/// What all ends share, behind a lock.
const INTERNAL: &str = "kanal::internal::ChannelInternal<";
/// What a future waits with.
const SIGNAL: &str = "kanal::signal::Signal<";

/// The capacity of a channel without a limit has all bits set.
const UNBOUNDED: u64 = u64::MAX;
/// The state of a signal whose value was taken or brought (`UNLOCKED`); `TERMINATED` is 1, and what
/// waits has more.
const LOCKED: u64 = 2;

fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some((mut seen, internal)) = channel(reading, value)? else { return Ok(None) };
    let senders = internal.member(program, "send_count")?.unsigned(program)?;
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    let senders = count(senders, "sender");
    seen.state = Some(match filling(program, internal)? {
        (queued, Some(capacity)) => format!("{queued} of {capacity} queued, {senders}"),
        (queued, None) => format!("{queued} queued, {senders}"),
    });
    Ok(Some(seen))
}

fn send(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some((mut seen, internal)) = channel(reading, value)? else { return Ok(None) };
    seen.access = Some(Access::Send);
    seen.parties = Some(internal.member(program, "recv_count")?.unsigned(program)?);
    if let (queued, Some(capacity)) = filling(program, internal)? {
        let full = if queued >= capacity { "full: " } else { "" };
        seen.state = Some(format!("{full}{queued} of {capacity} queued"));
    }
    Ok(Some(seen))
}

/// The channel that a future is of.
fn channel(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<(ObservedResource, Value)>, ValueError> {
    let program = reading.program;
    let Some(internal) = value.find_through_pointers(program, INTERNAL)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, internal);
    seen.name = Some(generic_name("channel", value, program)?);
    if let Some(signal) = value.find_through_pointers(program, SIGNAL)? {
        let state = signal.member(program, "state")?.unsigned(program)?;
        seen.is_granted = state < LOCKED;
    }
    Ok(Some((seen, internal)))
}

/// How many messages are in a channel, and how many can be; the latter is `None` for an unbounded one.
fn filling(program: &Program<'_>, internal: Value) -> Result<(u64, Option<u64>), ValueError> {
    let queue = internal.member(program, "queue")?;
    let queued = queue.find_number(program, "len")?.unwrap_or(0);
    let capacity = internal.member(program, "capacity")?.unsigned(program)?;
    Ok((queued, Some(capacity).filter(|capacity| *capacity != UNBOUNDED)))
}

/// The messages that the only receiver did not take out so far. Of several receivers any may take each.
fn queued(program: &Program<'_>, receiver: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let Some(internal) = receiver.find_through_pointers(program, INTERNAL)? else {
        return Ok(Vec::new());
    };
    match internal.member(program, "recv_count")?.unsigned(program)? {
        1 => in_deque(program, internal.member(program, "queue")?, most),
        _ => Ok(Vec::new()),
    }
}
