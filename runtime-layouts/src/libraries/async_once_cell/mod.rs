//! The cells of async-once-cell, which one of many initializes.
//!
//! Source: `async-once-cell/src/lib.rs` (0.5.4).

use crate::knowledge::{GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: &[ResourceType::of("async_once_cell::QueueWaiter", cell)],
    guards: &[guard("async_once_cell::QueueHead"), guard("async_once_cell::QuickInitGuard")],
    ..Library::named("async-once-cell")
};

/// What of a cell is not its value.
const INNER: &str = "async_once_cell::Inner";

/// Who initializes a cell has such a guard: the first one that quick one, and whoever comes after one
/// that gave up the other.
const fn guard(path: &'static str) -> GuardType {
    GuardType::lock(path, ResourceKind::OnceCell, Access::Exclusive, INNER)
}

/// What others wait for while one initializes it.
fn cell(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(inner) = value.find_through_pointers(reading.program, INNER)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::OnceCell, inner);
    seen.name = Some("OnceCell".into());
    Ok(Some(seen))
}
