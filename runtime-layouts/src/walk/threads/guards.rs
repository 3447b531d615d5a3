//! Guards in the variables of threads' stacks.

use std::sync::Arc;

use crate::layout::VariableLocation;
use crate::layout::name::{base_path, is_of_standard_library, plain_path};
use crate::report::{Activity, FrameRef, HoldingThread, ProcessThread, TaskIndex, ThreadRole};
use crate::target::NativeFrame;
use crate::value::{Program, Ty, Value};
use crate::walk::chains::live_values::LiveValues;
use crate::walk::chains::site_table::SiteTable;
use crate::walk::search::search_for::SearchFor;

/// A value that a thread's stack keeps.
pub(crate) struct OnStack {
    pub(crate) value: Value,
    pub(crate) variable: Arc<str>,
    pub(crate) frame: FrameRef,
    pub(crate) task: Option<TaskIndex>,
    pub(crate) thread: HoldingThread,
}

/// The guards in the variables of the threads' stacks, as far as the debug information places
/// them in memory.
pub(crate) fn of_threads(
    program: &Program<'_>,
    sites: &mut SiteTable,
    threads: &[ProcessThread],
) -> Vec<OnStack> {
    let mut live_values = LiveValues::of(SearchFor::Guards, sites.libraries());
    let mut found = Vec::new();
    let natives = program.target().threads();
    let natives = |known: &ProcessThread| natives.iter().find(|it| it.tid == known.thread.tid);
    for known in threads.iter().filter(|known| !is_worker_without_work(known)) {
        let Some(thread) = natives(known) else { continue };
        let is_blocked = known.activity == Activity::Blocked;
        let given_back = gives_lock_back(sites, known);
        for frame in program.stack(thread).iter() {
            let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
            let layouts = program.layouts(module);
            for variable in layouts.variables_at(address).unwrap_or_default() {
                let Some(at) = address_of(program, variable.location, frame) else { continue };
                let value = Value { ty: Ty { module, id: variable.ty }, address: at };
                let mut values = live_values.of_value(program, value);
                if values.is_empty() {
                    continue;
                }
                let calls = layouts.calls_at(address).unwrap_or_default();
                // The standard library's own variables are those of its functions' callers.
                let Some(call) = calls.iter().find(|call| call.function.name == variable.function)
                else {
                    continue;
                };
                // A runtime keeps no lock while it polls a task or runs a closure: what is in its
                // variables then is old (`blocking/pool.rs`, `run_worker`, seen in
                // `tests/fixtures/healthy`, `queue-for-threads`).
                if is_of_standard_library(&call.function.name)
                    || sites.libraries().passes_on(&call.function.name)
                {
                    continue;
                }
                if given_back == Some(frame.pc.get()) {
                    values.retain(|value| !is_guard_of_mutex(program, *value));
                }
                let site = sites.of_call(program, module, call);
                found.extend(values.into_iter().map(|value| OnStack {
                    value,
                    variable: Arc::clone(&variable.name),
                    frame: FrameRef { site, address: frame.pc.get() },
                    task: known.task,
                    thread: HoldingThread { thread: known.thread, is_blocked },
                }));
            }
        }
    }
    found
}

/// The place of the frame whose guard a thread gave to a `Condvar`, which lets go of the lock as long as
/// the thread waits there: the guard of parking_lot stays in its variable, and that of the standard
/// library leaves its bytes. `None` for a thread that waits for something else.
fn gives_lock_back(sites: &SiteTable, thread: &ProcessThread) -> Option<u64> {
    let call = thread.blocked?;
    let function = plain_path(&sites.get(call.call.site).type_name);
    let (of, last) = function.rsplit_once("::")?;
    (of.ends_with("::Condvar") && last.starts_with("wait")).then_some(call.user?.address)
}

fn is_guard_of_mutex(program: &Program<'_>, value: Value) -> bool {
    program.type_of(value.ty).is_ok_and(|layout| base_path(&layout.name).ends_with("::MutexGuard"))
}

/// Whether a worker waits for work, so that none of the user's code is on its stack.
fn is_worker_without_work(thread: &ProcessThread) -> bool {
    let is_worker = matches!(thread.role, ThreadRole::Worker { .. });
    is_worker && thread.activity == Activity::Parked && thread.task.is_none()
}

/// Where a variable lies in memory.
fn address_of(
    program: &Program<'_>,
    location: VariableLocation,
    frame: &NativeFrame,
) -> Option<u64> {
    match location {
        VariableLocation::Memory(from, offset) => {
            Some(frame.base(from)?.wrapping_add_signed(offset))
        }
        VariableLocation::Indirect(from, first, second) => {
            let pointer =
                program.read_pointer(frame.base(from)?.wrapping_add_signed(first)).ok()?;
            Some(pointer.wrapping_add_signed(second))
        }
        VariableLocation::Value(..) => None,
    }
}
