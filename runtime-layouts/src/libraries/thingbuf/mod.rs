//! The asynchronous channels of thingbuf, whose futures refer into what the ends share.
//!
//! Source: `thingbuf/src/mpsc.rs`, `mpsc/async_impl.rs` (0.1.6).

use crate::knowledge::naming::count;
use crate::knowledge::{GuardType, Library, ObservedResource, Reading, ResourceType};
use crate::layout::name::last_segment;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("thingbuf::mpsc::async_impl::", "thingbuf::mpsc::")],
    resources: &[
        ResourceType::of("thingbuf::mpsc::async_impl::RecvFuture", receive),
        ResourceType::of("thingbuf::mpsc::async_impl::RecvRefFuture", receive),
        ResourceType::of("thingbuf::mpsc::async_impl::SendRefFuture", send),
    ],
    guards: &[
        end("thingbuf::mpsc::async_impl::Sender", Access::Send),
        end("thingbuf::mpsc::async_impl::StaticSender", Access::Send),
        end("thingbuf::mpsc::async_impl::Receiver", Access::Receive),
        end("thingbuf::mpsc::async_impl::StaticReceiver", Access::Receive),
    ],
    ..Library::named("thingbuf")
};

const fn end(path: &'static str, access: Access) -> GuardType {
    GuardType::end(path, ResourceKind::Mpsc, access, CORE)
}

/// What all ends of a channel share.
const CORE: &str = "thingbuf::mpsc::ChannelCore<";

fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(core) = value.find_through_pointers(program, CORE)? else { return Ok(None) };
    let senders = core.member(program, "tx_count")?.unsigned(program)?;
    let mut seen = channel(program, value, core)?;
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    seen.state = Some(count(senders, "sender"));
    Ok(Some(seen))
}

fn send(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(core) = value.find_through_pointers(program, CORE)? else { return Ok(None) };
    let capacity = core.member(program, "core")?.find_number(program, "capacity")?;
    let mut seen = channel(program, value, core)?;
    seen.access = Some(Access::Send);
    // A receiver that goes closes the channel, and who waits is woken.
    seen.parties = Some(1);
    seen.state = capacity.map(|capacity| format!("full: {capacity} of {capacity} queued"));
    Ok(Some(seen))
}

fn channel(
    program: &Program<'_>,
    value: Value,
    core: Value,
) -> Result<ObservedResource, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, core);
    let message = value.layout(program)?.type_parameter("T");
    let message = message.map(|id| Ty { module: value.ty.module, id });
    let message = message.map(|ty| program.type_of(ty)).transpose()?;
    seen.name = Some(match message {
        Some(message) => format!("mpsc<{}>", last_segment(&message.name)).into(),
        None => "mpsc".into(),
    });
    Ok(seen)
}
