//! Schedulers: the way from a runtime handle to what tells one from others.
//!
//! Source: `tokio/src/runtime/scheduler/{mod,current_thread/mod,multi_thread/handle}.rs` (tokio
//! 1.54.1).

use super::expected::{OLD_SHARED, OWNED_TASKS};
use crate::layout::TypeKind;
use crate::report::Flavor;
use crate::value::path::{self, Reach};
use crate::value::{Program, Value, ValueError};
use crate::walk::search::shared;

/// One scheduler.
pub(super) struct Scheduler {
    /// The address of its identity.
    pub(super) address: u64,
    /// How it schedules.
    pub(super) flavor: Flavor,
    /// `scheduler::Handle`.
    pub(super) handle: Value,
    /// Its list of tasks, or what its workers share where each of them has a list.
    pub(super) identity: Value,
}

impl Scheduler {
    /// Whether it can be one that lives, by the counts of those who own it. `None` where that cannot
    /// be read.
    pub(super) fn may_live(&self, program: &Program<'_>) -> Option<bool> {
        let path = path::find(program, self.handle.ty, Reach::RUNTIME, &mut shared::is_arc_inner)?;
        shared::may_live(program, path.follow(program, self.handle).ok()??)
    }
}

/// The scheduler of a `scheduler::Handle`.
pub(super) fn of_handle(
    program: &Program<'_>,
    handle: Value,
) -> Result<Option<Scheduler>, ValueError> {
    let layout = handle.layout(program)?;
    let TypeKind::Enum { variants, .. } = &layout.kind else { return Ok(None) };
    let (active, fields) = handle.active_variant(program)?;
    let flavor = match &*variants[active].name {
        // The second spellings were those of `Spawner`, until 1.21.
        "CurrentThread" | "Basic" => Flavor::CURRENT_THREAD,
        "MultiThread" | "ThreadPool" => Flavor::MULTI_THREAD,
        _ => Flavor::UNKNOWN,
    };
    let identity = identity_of(program, fields)?;
    Ok(identity.map(|identity| {
        let address = identity.address;
        Scheduler { address, flavor, handle: fields, identity }
    }))
}

/// What tells a scheduler from others, reached from a value: a handle or a scheduler context. Its
/// list of tasks, and before 1.9, where there is none, what its workers share.
pub(super) fn identity_of(program: &Program<'_>, from: Value) -> Result<Option<Value>, ValueError> {
    for wanted in [OWNED_TASKS, OLD_SHARED] {
        if let Some(path) = path::find(program, from.ty, Reach::RUNTIME, &mut |ty| wanted.is(ty)) {
            return path.follow(program, from);
        }
    }
    Ok(None)
}
