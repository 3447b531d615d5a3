//! Pools: what lends its objects, and how many of them are out.

use super::naming::generic_name;
use super::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What a pool says of itself.
pub(crate) struct Lent {
    /// Objects that someone has, or a place for one; `None` where the pool does not say.
    pub(crate) out: Option<u64>,
    /// Objects that there may be.
    pub(crate) most: u64,
    /// Whether nothing is left to be lent, and nothing more will be made.
    pub(crate) is_exhausted: bool,
    /// What of the pool its users wait for; `None` where that is not there.
    pub(crate) part: Option<Value>,
}

/// A pool, by what all who use it share. Of one that is waited for `None` where what is waited for is
/// no part of it, as while an object is made.
pub(crate) fn lending(
    reading: &Reading<'_>,
    shared: Value,
    lent: &Lent,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let mut seen = ObservedResource::new(ResourceKind::Pool, shared);
    if let Some(inside) = reading.inside {
        let Some(part) = lent.part else { return Ok(None) };
        let end = part.address.saturating_add(part.layout(program)?.size);
        let is_asked = matches!(inside.kind, ResourceKind::Semaphore | ResourceKind::Notify)
            && (part.address..end).contains(&inside.key);
        if !is_asked {
            return Ok(None);
        }
        // A handle of a notification is no object.
        let is_permits = inside.kind == ResourceKind::Semaphore;
        seen.made_of = is_permits.then_some((inside.kind, inside.key));
        (seen.order, seen.is_granted) = (inside.order, inside.is_granted);
        // Who closes a pool waits for all of them.
        seen.access = inside.access.filter(|access| matches!(access, Access::Permits(2..)));
    }
    seen.name = Some(generic_name("Pool", shared, program)?);
    seen.parties = lent.out;
    seen.is_taken = lent.is_exhausted.then_some(true);
    seen.is_reachable = !lent.is_exhausted;
    seen.state = lent
        .out
        .map(|out| format!("{out} of {} {} out", lent.most, if out == 1 { "is" } else { "are" }));
    Ok(Some(seen))
}
