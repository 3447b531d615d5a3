//! Channels, pipes, watched values and signals.

use super::named;
use crate::knowledge::naming::count;
use crate::knowledge::{ObservedResource, Reading};
use crate::layout::{Type, TypeKind};
use crate::report::{Access, ResourceKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Value, ValueError};

pub(super) const CHANNEL: &str = "embassy_sync::channel::Channel<";
/// What a sender or receiver leads to that does not know the sort of its channel: the same address.
pub(super) const DYN_CHANNEL: &str = "dyn embassy_sync::channel::DynamicChannel<";
pub(super) const DYN_PIPE: &str = "dyn embassy_sync::pipe::DynamicPipe";
pub(super) const DYN_PUBSUB: &str = "dyn embassy_sync::pubsub::PubSubBehavior<";
pub(super) const DYN_WATCH: &str = "dyn embassy_sync::watch::WatchBehavior<";
pub(super) const PRIORITY_CHANNEL: &str = "embassy_sync::priority_channel::PriorityChannel<";
pub(super) const PIPE: &str = "embassy_sync::pipe::Pipe<";
pub(super) const PUBSUB: &str = "embassy_sync::pubsub::PubSubChannel<";
pub(super) const WATCH: &str = "embassy_sync::watch::Watch<";
const SIGNAL: &str = "embassy_sync::signal::Signal<";
const SIGNAL_STATE: &str = "embassy_sync::signal::State<";

type Found = Result<Option<ObservedResource>, ValueError>;

/// The futures of `Channel::receive` and of what is like it.
pub(super) fn receive(reading: &Reading<'_>, value: Value) -> Found {
    channel(reading, value, Access::Receive)
}

/// The futures of `Channel::send` and of what is like it.
pub(super) fn send(reading: &Reading<'_>, value: Value) -> Found {
    channel(reading, value, Access::Send)
}

fn channel(reading: &Reading<'_>, value: Value, access: Access) -> Found {
    let program = reading.program;
    let kinds = [("Channel", CHANNEL), ("PriorityChannel", PRIORITY_CHANNEL)];
    for (name, type_name) in kinds {
        if let Some(channel) = shared(program, value, "channel", type_name)? {
            let mut seen = end(ResourceKind::Mpsc, channel, access);
            seen.name = Some(named(name, channel, program)?);
            let inner = channel.member(program, "inner")?;
            seen.state = queued(program, inner)?.map(|(length, capacity)| match capacity {
                Some(capacity) => format!("{length} of {capacity} queued"),
                None => format!("{length} queued"),
            });
            return Ok(Some(seen));
        }
    }
    Ok(unnamed(program, value, ("channel", "Channel"), ResourceKind::Mpsc, access))
}

/// The futures of `Pipe::read` and `Pipe::fill_buf`.
pub(super) fn read(reading: &Reading<'_>, value: Value) -> Found {
    pipe(reading, value, Access::Receive)
}

/// The future of `Pipe::write`.
pub(super) fn write(reading: &Reading<'_>, value: Value) -> Found {
    pipe(reading, value, Access::Send)
}

fn pipe(reading: &Reading<'_>, value: Value, access: Access) -> Found {
    let program = reading.program;
    let Some(pipe) = shared(program, value, "pipe", PIPE)? else {
        return Ok(unnamed(program, value, ("pipe", "Pipe"), ResourceKind::Mpsc, access));
    };
    let mut seen = end(ResourceKind::Mpsc, pipe, access);
    seen.name = Some(named("Pipe", pipe, program)?);
    let capacity = capacity(program, pipe.member(program, "buf")?);
    let inner = pipe.member(program, "inner")?;
    if let Some(capacity) = capacity
        && let Some(length) = length(program, inner, ("start", "end"), capacity)?
    {
        seen.state = Some(format!("{length} of {} queued", count(capacity, "byte")));
    }
    Ok(Some(seen))
}

/// The future of a subscriber of a `PubSubChannel`.
pub(super) fn subscribe(reading: &Reading<'_>, value: Value) -> Found {
    pubsub(reading, value, Access::Receive)
}

/// The future of a publisher of one.
pub(super) fn publish(reading: &Reading<'_>, value: Value) -> Found {
    pubsub(reading, value, Access::Send)
}

fn pubsub(reading: &Reading<'_>, value: Value, access: Access) -> Found {
    let program = reading.program;
    let member = if access == Access::Receive { "subscriber" } else { "publisher" };
    let Some(user) = value.member(program, member)?.pointee(program)? else { return Ok(None) };
    let Some(channel) = shared(program, user, "channel", PUBSUB)? else {
        let names = ("channel", "PubSubChannel");
        return Ok(unnamed(program, user, names, ResourceKind::Broadcast, access));
    };
    let mut seen = end(ResourceKind::Broadcast, channel, access);
    seen.name = Some(named("PubSubChannel", channel, program)?);
    let inner = channel.member(program, "inner")?;
    let subscribers = inner.find_number(program, "subscriber_count")?;
    let publishers = inner.find_number(program, "publisher_count")?;
    let queued = queued(program, inner)?;
    if let (Some(subscribers), Some(publishers)) = (subscribers, publishers) {
        let queued = queued.map(|(length, _)| format!("{length} queued, ")).unwrap_or_default();
        let (subscribers, publishers) =
            (count(subscribers, "subscriber"), count(publishers, "publisher"));
        seen.state = Some(format!("{queued}{subscribers}, {publishers}"));
    }
    Ok(Some(seen))
}

/// `Rcv`, which the closures in the functions of a receiver of a `Watch` refer to.
pub(super) fn watch(reading: &Reading<'_>, value: Value) -> Found {
    let program = reading.program;
    let Some(watch) = shared(program, value, "watch", WATCH)? else {
        let names = ("watch", "Watch");
        return Ok(unnamed(program, value, names, ResourceKind::Watch, Access::Receive));
    };
    let mut seen = end(ResourceKind::Watch, watch, Access::Receive);
    seen.name = Some(named("Watch", watch, program)?);
    Ok(Some(seen))
}

/// `Signal`, which the closure in `wait` refers to.
pub(super) fn signal(reading: &Reading<'_>, value: Value) -> Found {
    let program = reading.program;
    let Some(signal) = value.find_through_pointers(program, SIGNAL)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Notify, signal);
    seen.name = Some(named("Signal", signal, program)?);
    seen.is_reachable = true;
    if let Some(state) = signal.find_inline(program, SIGNAL_STATE)? {
        let (active, _) = state.active_variant(program)?;
        let TypeKind::Enum { variants, .. } = &state.layout(program)?.kind else {
            return Ok(Some(seen));
        };
        let name = variants.get(active).map(|variant| &*variant.name);
        seen.is_granted = name == Some("Signaled");
        seen.state = Some(if seen.is_granted { "set" } else { "not set" }.to_string());
    }
    Ok(Some(seen))
}

/// An end of something that is shared by references, which nothing counts.
fn end(kind: ResourceKind, value: Value, access: Access) -> ObservedResource {
    let mut seen = ObservedResource::new(kind, value);
    seen.access = Some(access);
    seen.is_reachable = true;
    seen
}

/// What a reference in a member refers to, if it is of that type.
fn shared(
    program: &Program<'_>,
    value: Value,
    member: &str,
    type_name: &'static str,
) -> Result<Option<Value>, ValueError> {
    value.member(program, member)?.find_through_pointers(program, type_name)
}

/// What a reference to a `dyn Trait` in a member refers to, without its type.
fn unnamed(
    program: &Program<'_>,
    value: Value,
    (member, name): (&str, &'static str),
    kind: ResourceKind,
    access: Access,
) -> Option<ObservedResource> {
    let pointer = value.member(program, member).ok()?.member(program, "pointer").ok()?;
    let address = program.read_pointer(pointer.address).ok().filter(|address| *address != 0)?;
    let mut seen = end(kind, Value { ty: value.ty, address }, access);
    seen.name = Some(name.into());
    Some(seen)
}

/// How many values are in the `Deque` in something, and how many there is room for.
fn queued(program: &Program<'_>, inner: Value) -> Result<Option<(u64, Option<u64>)>, ValueError> {
    let Some(queue) = inner.find_member(program, "queue")? else { return Ok(None) };
    let Some(capacity) = capacity(program, queue) else { return Ok(None) };
    let length = length(program, queue, ("front", "back"), capacity)?;
    Ok(length.map(|length| (length, Some(capacity))))
}

/// The elements of the nearest array in something.
fn capacity(program: &Program<'_>, value: Value) -> Option<u64> {
    let mut is_array = |ty: &Type| matches!(ty.kind, TypeKind::Array { .. });
    let array = path::find(program, value.ty, Reach::INLINE, &mut is_array)?.end;
    match program.type_of(array).ok()?.kind {
        TypeKind::Array { count, .. } => count.filter(|count| *count > 0),
        _ => None,
    }
}

/// How much is in a ring: between two places in it, which are the same when it is empty or full.
fn length(
    program: &Program<'_>,
    ring: Value,
    (start, end): (&'static str, &'static str),
    capacity: u64,
) -> Result<Option<u64>, ValueError> {
    let start = ring.find_number(program, start)?.filter(|place| *place < capacity);
    let end = ring.find_number(program, end)?.filter(|place| *place < capacity);
    let full = ring.find_number(program, "full")?;
    let (Some(start), Some(end), Some(full)) = (start, end, full) else { return Ok(None) };
    Ok(Some(match full != 0 {
        true => capacity,
        false => (end + capacity - start) % capacity,
    }))
}
