//! Channels of threads: the standard library's, and crossbeam's, which it has them from.
//!
//! Source: `library/std/src/sync/{mpsc,mpmc/{mod,counter,waker,context,array,list,zero}}.rs` (Rust 1.95;
//! since 1.67), and of the same names in `crossbeam-channel/src` (0.5.17).
//!
//! A thread that waits sleeps on a word of its own. That it is in the channel's list of those who wait
//! says which channel it is, whatever the compiler left of the variables: something that leads to the
//! channel lies on its stack, since the thread is to leave that list again.

use crate::knowledge::ObservedResource;
use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::naming::{count, generic_name};
use crate::libraries::concurrent_queue;
use crate::report::{Access, ResourceKind};
use crate::value::find_by_name::is_named;
use crate::value::path::{self, Reach};
use crate::value::slices::SliceLayout;
use crate::value::{Program, Ty, Value, ValueError};

/// What all ends of a channel share.
pub(crate) const COUNTER: &str = "std::sync::mpmc::counter::Counter<";

/// The types that the ends of a sort of channels share.
pub(crate) struct ChannelTypes {
    /// The counts of both ends and the channel.
    pub(crate) counter: &'static str,
    /// A channel with room for any number of messages.
    pub(crate) list: &'static str,
    /// A part of the queue of that.
    pub(crate) block: &'static str,
    /// A channel with room for some.
    pub(crate) array: &'static str,
}

const STD: ChannelTypes = ChannelTypes {
    counter: COUNTER,
    list: "std::sync::mpmc::list::Channel<",
    block: "std::sync::mpmc::list::Block<",
    array: "std::sync::mpmc::array::Channel<",
};

/// The sorts of channels: with room for some messages, for any number, for none.
const MAX_SORTS: usize = 3;
/// Threads in the list of one channel that are looked at, at most.
const MAX_WAITING: u64 = 1 << 10;
/// More ends than this are not believed.
const MAX_ENDS: u64 = 1 << 24;
const COUNTED: &str = "alloc::sync::ArcInner<";

/// The channel of a thread that waits for a message.
pub(crate) fn message(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    waited_for(thread, COUNTER, Access::Receive)
}

/// The channel of a thread that waits for room.
pub(crate) fn room(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    waited_for(thread, COUNTER, Access::Send)
}

/// The channel in whose list of those who wait for that a thread is, of a kind whose ends share what
/// has that name.
pub(crate) fn waited_for(
    thread: &BlockedThread<'_>,
    counter: &'static str,
    access: Access,
) -> Option<ObservedResource> {
    let program = thread.program;
    let end = thread.owner()?;
    let mut wanted = |ty: &crate::layout::Type| is_named(ty, counter);
    let sorts = path::find_all(program, end, Reach::RUNTIME, MAX_SORTS, &mut wanted);
    let sorts: Vec<(Ty, u64)> = sorts
        .iter()
        .filter_map(|path| Some((path.end, program.type_of(path.end).ok()?.member("chan")?.offset)))
        .collect();
    // A word near a channel may look like the beginning of one of another sort, with the same list of
    // those who wait: the functions on the stack tell of which sort it is.
    let is_called = |(ty, _): &&(Ty, u64)| {
        let counter = Value { ty: *ty, address: 0 };
        let channel = counter.member(program, "chan").and_then(|chan| chan.layout(program));
        let module = channel.ok().and_then(|chan| chan.name.split("Channel<").next());
        module.is_some_and(|module| (thread.calls)(module))
    };
    let called: Vec<(Ty, u64)> = sorts.iter().filter(is_called).copied().collect();
    let sorts = if called.is_empty() { sorts } else { called };
    let places = (thread.words)();
    let align = u64::from(program.pointer_size());
    let likely = places.iter().filter(|word| **word != 0 && **word % align == 0);
    let found = likely.flat_map(|word| {
        // The channel itself or what it is in.
        let of = |(ty, offset): &(Ty, u64)| {
            [*word, word.wrapping_sub(*offset)].map(|address| Value { ty: *ty, address })
        };
        sorts.iter().flat_map(of)
    });
    let mut found = found.filter(|counter| {
        !program.is_interrupted() && waits(thread, *counter, access).unwrap_or(false)
    });
    seen(program, end, found.next()?, access).ok()
}

/// The messages of a channel of the standard library's, by its receiver.
pub(crate) fn messages(
    program: &Program<'_>,
    receiver: Value,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    messages_of(&STD, program, receiver, most)
}

/// The messages in the queue of a channel that a value is the only receiver of, in the order in which
/// they come out; none of one that others could take them from.
pub(crate) fn messages_of(
    types: &ChannelTypes,
    program: &Program<'_>,
    receiver: Value,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    let none = || Ok(Vec::new());
    let Some(counter) = receiver.find_through_pointers(program, types.counter)? else {
        return none();
    };
    if counter.member(program, "receivers")?.unsigned(program)? != 1 {
        return none();
    }
    let channel = counter.member(program, "chan")?;
    let layout = channel.layout(program)?;
    let Some(message) = layout.type_parameter("T") else { return none() };
    let message = Ty { module: channel.ty.module, id: message };
    match &*layout.name {
        name if name.starts_with(types.list) => {
            concurrent_queue::in_blocks(program, channel, (types.block, "msg"), message, most)
        }
        name if name.starts_with(types.array) => {
            concurrent_queue::in_array(program, channel, "msg", message, most)
        }
        _ => none(),
    }
}

/// Whether a thread is in the list of those who wait for that. Most words lead to no channel at all.
fn waits(thread: &BlockedThread<'_>, counter: Value, access: Access) -> Result<bool, ValueError> {
    let program = thread.program;
    let ends = |name| counter.member(program, name)?.unsigned(program);
    let is_end = |ends: u64| (1..MAX_ENDS).contains(&ends);
    let (own, others, list) = match access {
        Access::Send => (ends("senders")?, ends("receivers")?, "senders"),
        _ => (ends("receivers")?, ends("senders")?, "receivers"),
    };
    // Where there are no others, the thread is woken.
    if !is_end(own) || !is_end(others) {
        return Ok(false);
    }
    let Some(list) = counter.member(program, "chan")?.find_member(program, list)? else {
        return Ok(false);
    };
    let Some(waiting) = list.find_member(program, "selectors")? else { return Ok(false) };
    let Some(slice) = SliceLayout::of_vec(program, waiting.ty, waiting.layout(program)?)? else {
        return Ok(false);
    };
    for entry in slice.read(program, waiting)?.elements(MAX_WAITING) {
        if wakes(program, entry, thread.word)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an entry of such a list is of the thread that waits on that word, which is in what its
/// `Thread` shares.
fn wakes(program: &Program<'_>, entry: Value, word: u64) -> Result<bool, ValueError> {
    let context = entry.member(program, "cx")?.find_through_pointers(program, COUNTED)?;
    let Some(context) = context else { return Ok(false) };
    let Some(thread) = context.find_member(program, "thread")? else { return Ok(false) };
    let Some(shared) = thread.find_through_pointers(program, COUNTED)? else { return Ok(false) };
    let size = shared.layout(program)?.size;
    Ok(word.wrapping_sub(shared.address) < size)
}

/// What a channel says of itself.
fn seen(
    program: &Program<'_>,
    end: Ty,
    counter: Value,
    access: Access,
) -> Result<ObservedResource, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, counter);
    seen.name = Some(generic_name("channel", Value { ty: end, address: 0 }, program)?);
    seen.access = Some(access);
    let chan = counter.member(program, "chan")?;
    // Of those with room for some only, and for none.
    let capacity = chan.member(program, "cap").and_then(|cap| cap.unsigned(program)).ok();
    let others = match access {
        Access::Send => "receivers",
        _ => "senders",
    };
    let others = counter.member(program, others)?.unsigned(program)?;
    seen.parties = Some(others);
    seen.state = match (access, capacity) {
        (Access::Send, Some(capacity)) => Some(format!("full: {capacity} of {capacity} queued")),
        (Access::Send, None) => Some(count(others, "receiver")),
        _ => Some(format!("0 queued, {}", count(others, "sender"))),
    };
    Ok(seen)
}
