//! `Shared`: a future that several tasks poll.
//!
//! Source: `futures-util/src/future/future/shared.rs` (0.3.34).

use crate::knowledge::children::{Children, Types};
use crate::knowledge::{CollectionType, ObservedResource, Reading, WakingType};
use crate::layout::TypeId;
use crate::report::ResourceKind;
use crate::value::{Program, Ty, Value, ValueError};

pub(super) const SHARED: &str = "futures_util::future::future::shared::Shared";
const INNER: &str = "futures_util::future::future::shared::Inner<";
const NOTIFIER: &str = "futures_util::future::future::shared::Notifier";
const FUTURE_OR_OUTPUT: &str = "futures_util::future::future::shared::FutureOrOutput<";
/// States of its notifier (`IDLE`, `POLLING`, `POISONED`).
const IDLE: u64 = 0;
const POLLING: u64 = 1;
const POISONED: u64 = 3;

/// What is in one is woken by a waker that leads to its notifier, and that wakes all who wait.
pub(super) const WAKING: WakingType = WakingType {
    path: SHARED,
    read: |program, shared| {
        let notifier = shared.find_through_pointers(program, NOTIFIER)?;
        Ok(notifier.into_iter().map(|notifier| notifier.address).collect())
    },
};

/// Its future, which each of those that wait for it polls when that was woken.
pub(super) const COLLECTIONS: &[CollectionType] = &[CollectionType {
    types: Types::Of(SHARED),
    children: |_, ty, layout| {
        let of = |id: TypeId| Ty { module: ty.module, id };
        let future = layout.type_parameter("Fut").map(of);
        Ok(future.map(|future| Children::SharedFuture { future, read: future_of }))
    },
}];

/// The future, unless somebody polls it now or it has ended.
fn future_of(program: &Program<'_>, shared: Value) -> Result<Option<Value>, ValueError> {
    let Some(inner) = shared.find_through_pointers(program, INNER)? else { return Ok(None) };
    if state_of(program, inner)? != Some(IDLE) {
        return Ok(None);
    }
    let Some(kept) = inner.find_inline(program, FUTURE_OR_OUTPUT)? else { return Ok(None) };
    kept.payload_of(program, "Future")
}

fn state_of(program: &Program<'_>, inner: Value) -> Result<Option<u64>, ValueError> {
    let notifier = inner.find_through_pointers(program, NOTIFIER)?;
    notifier.map_or(Ok(None), |notifier| notifier.find_number(program, "state"))
}

/// `Shared`, where what it waits for itself is not seen.
pub(super) fn shared(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    if reading.leaf != value {
        return Ok(None);
    }
    let Some(inner) = value.find_through_pointers(reading.program, INNER)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Shared, inner);
    seen.state = match state_of(reading.program, inner)? {
        Some(POLLING) => Some("being polled".to_string()),
        Some(POISONED) => Some("panicked".to_string()),
        _ => None,
    };
    Ok(Some(seen))
}
