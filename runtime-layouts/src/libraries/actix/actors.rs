//! Actors of actix: their mailboxes, and what they wait for themselves.
//!
//! Source: `actix/src/{context_impl,context_items,mailbox}.rs`, `address/{channel,queue,envelope}.rs`,
//! `fut/future/mod.rs` (0.13.5).

use crate::knowledge::children::{Children, Polls, ReadElements, Types};
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{
    CollectionType, GuardType, ObservedResource, Reading, ResourceType, StreamingTrait,
};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::libraries::smallvec;
use crate::report::{Access, ResourceKind};
use crate::value::find_by_name::is_named;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// What an actor's mailbox and its addresses share.
const INNER: &str = "actix::address::channel::Inner<";
const QUEUE: &str = "actix::address::queue::Queue<";
const NODE: &str = "actix::address::queue::Node<";

/// The next message of a mailbox.
pub(super) const MAILBOX: ResourceType =
    ResourceType::of("actix::address::channel::AddressReceiver", message);

/// Addresses of actors.
pub(super) const ADDRESS: GuardType = GuardType::end(
    "actix::address::channel::AddressSender",
    ResourceKind::Mpsc,
    Access::Send,
    INNER,
);
pub(super) const MAILBOX_END: GuardType = GuardType::end(
    "actix::address::channel::AddressReceiver",
    ResourceKind::Mpsc,
    Access::Receive,
    INNER,
);

/// What an actor polls is given the actor as well.
pub(super) const FUTURES: StreamingTrait =
    StreamingTrait { path: "actix::fut::future::ActorFuture", polls: &[], keeps_its_own: true };

/// An actor with its mailbox, and the messages in that.
pub(super) const COLLECTIONS: &[CollectionType] = &[
    CollectionType { types: Types::Of("actix::context_impl::ContextFut"), children: polled },
    CollectionType {
        types: Types::Of("actix::address::channel::AddressReceiver"),
        children: queue,
    },
];

fn message(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(inner) = value.find_through_pointers(program, INNER)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, inner);
    let senders = inner.find_number(program, "num_senders")?.unwrap_or(0);
    let state = inner.find_number(program, "state")?.unwrap_or(0);
    // The highest bit says that the mailbox is open.
    let queued = state & !(1 << (8 * u32::from(program.pointer_size()) - 1));
    seen.name = Some(generic_name("mailbox", inner, program)?);
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    // An actor makes addresses of itself, and who has a weak one may make one.
    seen.is_reachable = true;
    seen.is_granted = queued > 0;
    seen.state = Some(format!("{queued} queued, {}", count(senders, "address")));
    Ok(Some(seen))
}

/// What an actor polls as it stands: the last of the futures for which it lets its messages wait, and
/// where there is none its mailbox and all others.
fn polled(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let Some(wait) = layout.member("wait") else { return Ok(None) };
    let wait = Ty { module: ty.module, id: wait.ty };
    let element = smallvec::element(program, wait, program.type_of(wait)?)?;
    let read = ReadElements::Written(|program, actor, most| {
        let waits = smallvec::elements(program, actor.member(program, "wait")?, most)?;
        if let Some(last) = waits.last() {
            return Ok(vec![*last]);
        }
        let mut found = vec![actor.member(program, "mailbox")?];
        found.extend(smallvec::elements(program, actor.member(program, "items")?, most)?);
        Ok(found)
    });
    Ok(element.map(|element| Children::Elements { element, read, polls: Polls::Only }))
}

/// The messages in a mailbox, first come first.
fn queue(program: &Program<'_>, ty: Ty, _: &Type) -> Result<Option<Children>, LayoutError> {
    let mut is_queue = |ty: &Type| is_named(ty, QUEUE);
    let Some(queue) = path::find(program, ty, Reach::RUNTIME, &mut is_queue) else {
        return Ok(None);
    };
    let element = program.type_of(queue.end)?.type_parameter("T");
    let read = ReadElements::Written(queued);
    Ok(element.map(|id| {
        let element = Ty { module: queue.end.module, id };
        Children::Elements { element, read, polls: Polls::No }
    }))
}

/// `Queue { head, tail }` with nodes from the tail on, of which the first one is empty.
fn queued(program: &Program<'_>, receiver: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let mut found = Vec::new();
    let Some(inner) = receiver.find_through_pointers(program, INNER)? else { return Ok(found) };
    let tail = inner.member(program, "message_queue")?.member(program, "tail")?;
    let Some(mut node) = node_at(program, tail)? else { return Ok(found) };
    while found.len() < most {
        let Some(next) = node_at(program, node.member(program, "next")?)? else { break };
        found.push(next.member(program, "value")?);
        node = next;
    }
    Ok(found)
}

/// The node that a cell or an atomic points to; `None` for no node.
fn node_at(program: &Program<'_>, pointer: Value) -> Result<Option<Value>, ValueError> {
    pointer.find_through_pointers(program, NODE)
}
