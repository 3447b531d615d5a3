//! The buffers and limits of tower, by what waits until they are ready.
//!
//! Source: `tower/src/util/{ready,oneshot}.rs`, `buffer/{service,worker}.rs`, `limit/concurrency/service.rs`
//! `util/boxed_clone{,_sync}.rs` (0.5.3; the same in 0.4.13). Their places are a channel's and a semaphore's of tokio, in
//! tokio-util's `PollSender` and `PollSemaphore`: the channel and the semaphore tell the rest.

use crate::knowledge::children::{Children, Turns, Types};
use crate::knowledge::expectation::{Expectation, Kind, newest};
use crate::knowledge::naming::generic_name;
use crate::knowledge::{
    CollectionType, Library, ObservedResource, Reading, ResourceType, StreamingTrait,
};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::libraries::tokio::sync::{mpsc, semaphore};
use crate::report::ResourceKind;
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[
        ("tower::buffer::service::", "tower::buffer::"),
        ("tower::limit::concurrency::service::", "tower::limit::concurrency::"),
        ("tower::util::ready::", "tower::util::"),
        ("tower::util::oneshot::", "tower::util::"),
    ],
    expectations: EXPECTATIONS,
    collections: &[&[CollectionType { types: Types::Of(WORKER), children: worker }]],
    resources: RESOURCES,
    streaming: &[
        service("tower_service::Service"),
        service("tower::util::boxed_clone::CloneService"),
        service("tower::util::boxed_clone_sync::CloneService"),
    ],
    ..Library::named("tower")
};

/// A trait of boxed services: while one is not ready, the future is in it that it waits with.
const fn service(path: &'static str) -> StreamingTrait {
    StreamingTrait { path, polls: &[], keeps_its_own: false }
}

const BUFFER: &str = "tower::buffer::service::Buffer<";
const LIMIT: &str = "tower::limit::concurrency::service::ConcurrencyLimit<";

const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        what: "buffers",
        kind: Kind::Type,
        spellings: &[newest(BUFFER, "0.4.13")],
        source: "tower/src/buffer/service.rs",
        optional: true,
        instead: None,
    },
    Expectation {
        what: "concurrency limits",
        kind: Kind::Type,
        spellings: &[newest(LIMIT, "0.4.13")],
        source: "tower/src/limit/concurrency/service.rs",
        optional: true,
        instead: None,
    },
];

/// What polls a service until it is ready.
const RESOURCES: &[ResourceType] = &[
    ResourceType::of("tower::util::ready::ReadyOneshot", ready),
    ResourceType::of("tower::util::oneshot::Oneshot", ready),
    // It asks for the next request of a `Buffer`.
    ResourceType::of(WORKER, ready),
];

const WORKER: &str = "tower::buffer::worker::Worker";

/// The request that is to be given to the service once that is ready is not polled, and while there is
/// none, the service is not asked whether it is ready.
fn worker(_: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let turns = Turns::of(ty, layout, "current_message", "current_message");
    Ok(turns.and_then(|turns| turns.meanwhile(layout, "service")).map(Children::Turns))
}

/// The buffer or limit in a service whose places the leaf asks for.
fn ready(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(asked) = semaphore::asked_for(reading)? else { return Ok(None) };
    if let Some(buffer) = value.find_through_pointers(program, BUFFER)?
        && mpsc::room(program, buffer)?.is_some_and(|room| room.address == asked.address)
        && let Some(mut seen) = mpsc::sender(reading, buffer)?
    {
        seen.name = Some(generic_name("Buffer", buffer, program)?);
        return Ok(Some(seen));
    }
    // It may be in a boxed service.
    for part in [value].into_iter().chain(value.objects(program)) {
        if let Some(limit) = part.find_through_pointers(program, LIMIT)?
            && let Some(inner) = limit.find_through_pointers(program, semaphore::SEMAPHORE)?
            && inner.address == asked.address
        {
            let mut seen = semaphore::of_inner(reading, ResourceKind::Semaphore, inner, inner)?;
            seen.name = Some("ConcurrencyLimit".into());
            return Ok(Some(seen));
        }
    }
    Ok(None)
}
