//! The channels of postage, whose futures borrow their ends.
//!
//! Source: `postage/src/{stream,sink,sync}.rs`, `sync/{ref_count,transfer}.rs`,
//! `channels/{barrier,broadcast,dispatch,mpsc,oneshot,watch}.rs` (0.5.0).

use crate::knowledge::naming::count;
use crate::knowledge::{GuardType, Library, ObservedResource, Reading, ResourceType};
use crate::layout::name::{last_segment, path_segments};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("postage::channels::", "postage::")],
    resources: RESOURCES,
    guards: GUARDS,
    ..Library::named("postage")
};

const RESOURCES: &[ResourceType] = &[
    ResourceType::of("postage::stream::RecvFuture", receive),
    ResourceType::of("postage::sink::SendFuture", send),
    ResourceType::of("postage::channels::broadcast::Receiver", receive),
    ResourceType::of("postage::channels::dispatch::Receiver", receive),
    ResourceType::of("postage::channels::mpsc::Receiver", receive),
    ResourceType::of("postage::channels::oneshot::Receiver", receive),
    ResourceType::of("postage::channels::watch::Receiver", receive),
];

const GUARDS: &[GuardType] = &[
    end("postage::channels::broadcast::Sender", ResourceKind::Broadcast, Access::Send),
    end("postage::channels::broadcast::Receiver", ResourceKind::Broadcast, Access::Receive),
    end("postage::channels::dispatch::Sender", ResourceKind::Mpsc, Access::Send),
    end("postage::channels::dispatch::Receiver", ResourceKind::Mpsc, Access::Receive),
    end("postage::channels::mpsc::Sender", ResourceKind::Mpsc, Access::Send),
    end("postage::channels::mpsc::Receiver", ResourceKind::Mpsc, Access::Receive),
    end("postage::channels::watch::Sender", ResourceKind::Watch, Access::Send),
    GuardType::end(
        "postage::channels::oneshot::Sender",
        ResourceKind::Oneshot,
        Access::Send,
        TRANSFER,
    ),
];

const fn end(path: &'static str, kind: ResourceKind, access: Access) -> GuardType {
    GuardType::end(path, kind, access, SHARED)
}

/// What all ends of a channel share, and both of one for a single value.
const SHARED: &str = "postage::sync::Shared<";
const TRANSFER: &str = "postage::sync::transfer::Transfer<";

fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some((kind, name)) = of_end(program, value)? else { return Ok(None) };
    let shared = if kind == ResourceKind::Oneshot { TRANSFER } else { SHARED };
    let Some(shared) = value.find_through_pointers(program, shared)? else { return Ok(None) };
    let mut seen = ObservedResource::new(kind, shared);
    (seen.name, seen.access) = (Some(name.into()), Some(Access::Receive));
    if kind == ResourceKind::Oneshot {
        // A sender that is gone wakes who waits.
        seen.parties = Some(1);
    } else {
        let senders = shared.member(program, "sender_count")?.unsigned(program)?;
        seen.parties = Some(senders);
        seen.state = Some(count(senders, "sender"));
    }
    Ok(Some(seen))
}

fn send(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some((kind, name)) = of_end(program, value)? else { return Ok(None) };
    let Some(shared) = value.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let mut seen = ObservedResource::new(kind, shared);
    (seen.name, seen.access) = (Some(name.into()), Some(Access::Send));
    let receivers = shared.member(program, "receiver_count")?.unsigned(program)?;
    seen.parties = Some(receivers);
    // A sender of broadcast and of watch can make receivers (`subscribe`).
    seen.is_reachable = kind != ResourceKind::Mpsc;
    seen.state = Some(count(receivers, "receiver"));
    Ok(Some(seen))
}

/// The kind and the name of the channel that a value is an end of, or a future that borrows one; `None`
/// for those of other streams and sinks.
fn of_end(
    program: &Program<'_>,
    value: Value,
) -> Result<Option<(ResourceKind, String)>, ValueError> {
    let layout = value.layout(program)?;
    let end = match layout.type_parameter("S") {
        Some(id) => program.type_of(Ty { module: value.ty.module, id })?,
        None => layout,
    };
    let path = path_segments(&end.name);
    let ["postage", "channels", module, _] =
        *path.iter().map(|segment| segment.text).collect::<Vec<_>>()
    else {
        return Ok(None);
    };
    let kind = match module {
        "broadcast" => ResourceKind::Broadcast,
        "dispatch" | "mpsc" => ResourceKind::Mpsc,
        "oneshot" => ResourceKind::Oneshot,
        "watch" => ResourceKind::Watch,
        _ => return Ok(None),
    };
    let last = last_segment(&end.name);
    let arguments = last.find('<').map_or("", |start| &last[start..]);
    Ok(Some((kind, format!("{module}{arguments}"))))
}
