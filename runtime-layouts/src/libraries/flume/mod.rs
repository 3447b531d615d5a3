//! The channels of flume.
//!
//! Source: `flume/src/{lib,signal}.rs` (0.11.1), of what blocks threads; the rest is in `flume.toml`.

use std::sync::LazyLock;

use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::declared::built_in;
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{BlockingCall, Library, ObservedResource};
use crate::layout::Type;
use crate::libraries::rust_std::collections::in_deque;
use crate::report::{Access, ResourceKind};
use crate::value::find_by_name::is_named;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) static LIBRARY: LazyLock<Library> =
    LazyLock::new(|| Library { blocking: BLOCKING, ..built_in(include_str!("flume.toml")) });

const BLOCKING: &[BlockingCall] = &[
    BlockingCall::of("flume::Receiver::recv", message),
    BlockingCall::of("flume::Sender::send", room),
];

/// What all ends share, and what of it lies behind a lock.
const COUNTED: &str = "alloc::sync::ArcInner<flume::Shared<";
const CHAN: &str = "flume::Chan<";

/// Threads and futures in the list of one channel that are looked at, at most.
const MAX_WAITING: usize = 1 << 10;
/// More ends than this are not believed.
const MAX_ENDS: u64 = 1 << 24;
/// Words of one entry of such a list, in which the `Thread` is; a large message may lie before it.
const LARGEST_HOOK: u64 = 64;
/// Bytes that all handles of a thread share.
const LARGEST_THREAD: u64 = 128;

/// The channel of a thread that waits for a message.
fn message(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    waited_for(thread, Access::Receive)
}

/// The channel of a thread that waits for room.
fn room(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    waited_for(thread, Access::Send)
}

/// The channel in whose list of those who wait for that a thread is: something that leads to it lies on
/// the thread's stack.
fn waited_for(thread: &BlockedThread<'_>, access: Access) -> Option<ObservedResource> {
    let program = thread.program;
    let end = thread.owner()?;
    let mut wanted = |ty: &Type| is_named(ty, COUNTED);
    let ty = path::find(program, end, Reach::RUNTIME, &mut wanted)?.end;
    let data = program.type_of(ty).ok()?.member("data")?;
    let shared = Ty { module: ty.module, id: data.ty };
    let words = (thread.words)();
    // What all ends share, or the counts before it.
    let mut found = words.iter().filter(|word| **word != 0).flat_map(|word| {
        [*word, word.wrapping_add(data.offset)].map(|address| Value { ty: shared, address })
    });
    let shared = found.find(|shared| {
        !program.is_interrupted() && waits(thread, *shared, access).unwrap_or(false)
    })?;
    let counted = Value { ty, address: shared.address.wrapping_sub(data.offset) };
    seen(program, Value { ty: end, address: 0 }, counted, access).ok()
}

/// Whether a thread is in the list of those who wait for that: each entry keeps the `Thread`, whose word
/// it waits on.
fn waits(thread: &BlockedThread<'_>, shared: Value, access: Access) -> Result<bool, ValueError> {
    let program = thread.program;
    let ends = |name| shared.member(program, name)?.unsigned(program);
    let is_believable = |ends: u64| (1..MAX_ENDS).contains(&ends);
    if !is_believable(ends("sender_count")?) || !is_believable(ends("receiver_count")?) {
        return Ok(false);
    }
    let Some(chan) = shared.find_inline(program, CHAN)? else { return Ok(false) };
    let list = match access {
        Access::Send => {
            let (_, sending) = chan.member(program, "sending")?.active_variant(program)?;
            sending.member(program, "__0")?.member(program, "__1")?
        }
        _ => chan.member(program, "waiting")?,
    };
    let word = u64::from(program.pointer_size());
    for entry in in_deque(program, list, MAX_WAITING)? {
        let hook = program.read_pointer(entry.address)?;
        let mut parts = (0..LARGEST_HOOK).filter_map(|number| {
            program.read_pointer(hook.wrapping_add(number.wrapping_mul(word))).ok()
        });
        if parts.any(|part| part != 0 && thread.word.wrapping_sub(part) < LARGEST_THREAD) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a channel says of itself, by one of its ends' type and what all ends share.
fn seen(
    program: &Program<'_>,
    end: Value,
    counted: Value,
    access: Access,
) -> Result<ObservedResource, ValueError> {
    let shared = counted.member(program, "data")?;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, shared);
    seen.name = Some(generic_name("channel", end, program)?);
    seen.access = Some(access);
    // A `WeakSender` may become a sender: it is a weak pointer to what all ends share. Those that own
    // that count as one together.
    seen.is_reachable = counted.find_number(program, "weak")? != Some(1);
    let others = match access {
        Access::Send => "receiver_count",
        _ => "sender_count",
    };
    let others = shared.member(program, others)?.unsigned(program)?;
    seen.parties = Some(others);
    seen.state = match (access, filling(program, shared)?) {
        (Access::Send, Some((queued, Some(capacity)))) => {
            let full = if queued >= capacity { "full: " } else { "" };
            Some(format!("{full}{queued} of {capacity} queued"))
        }
        (Access::Send, _) => None,
        (_, Some((queued, Some(capacity)))) => {
            Some(format!("{queued} of {capacity} queued, {}", count(others, "sender")))
        }
        (_, Some((queued, None))) => Some(format!("{queued} queued, {}", count(others, "sender"))),
        (_, None) => Some(count(others, "sender")),
    };
    Ok(seen)
}

/// How many messages are in a channel, and how many can be; the latter is `None` for an unbounded
/// one, and all of it if the layout is not as expected.
fn filling(program: &Program<'_>, shared: Value) -> Result<Option<(u64, Option<u64>)>, ValueError> {
    let Some(chan) = shared.find_inline(program, CHAN)? else { return Ok(None) };
    let Some(queued) = chan.member(program, "queue")?.find_number(program, "len")? else {
        return Ok(None);
    };
    // `Option<(usize, VecDeque<…>)>`
    let (_, sending) = chan.member(program, "sending")?.active_variant(program)?;
    let pair = sending.member(program, "__0");
    let capacity = pair.and_then(|pair| pair.member(program, "__0")?.unsigned(program)).ok();
    Ok(Some((queued, capacity)))
}
