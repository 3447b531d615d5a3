//! blocking: the pool of threads on which smol, async-std, async-fs and others run what blocks.
//!
//! The pool is a static variable. A closure is a task of async-task: one that waits for a thread is in
//! the pool's queue, one that runs is on its thread's stack, and nothing else has it.
//!
//! Source: `blocking/src/lib.rs` (1.3.0, 1.6.1 and 1.7.0), `piper/src/lib.rs` (0.2.5).

mod closures;
mod expected;
mod pool;
mod unblock;

use self::pool::Pool;
use crate::knowledge::{Library, ResourceType};
use crate::libraries::async_executor::POOL;
use crate::walk::Inspection;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: expected::EXPECTATIONS,
    named_types: expected::NAMED_TYPES,
    statics: &pool::STATICS,
    defining_crates: &["blocking"],
    passing_on: &[POOL],
    resources: &[ResourceType {
        wakers: Some(unblock::wakers),
        ..ResourceType::of("blocking::Unblock", unblock::unblock)
    }],
    ..Library::named("blocking")
};

/// Finds the pool, the closures that its threads run, and those that wait for one.
pub(super) fn discover(inspection: &mut Inspection<'_>) {
    let program = inspection.program;
    let mut pools: Vec<Pool> = Vec::new();
    for module in 0..program.modules().len() {
        for name in pool::STATICS {
            let statics = inspection.static_variables(module, name);
            for found in statics.into_iter().filter_map(|it| Pool::read(program, it).ok().flatten())
            {
                if !pools.iter().any(|known| known.address == found.address) {
                    pools.push(found);
                }
            }
        }
    }
    pools.retain(Pool::is_used);
    if pools.is_empty() {
        return;
    }
    inspection.knows_a_runtime = true;
    let first = inspection.tasks.len();
    let polled = closures::polled(inspection);
    closures::add(inspection, &pools, &polled);
    for pool in &pools {
        // Of several in one module it may be any that has a thread.
        let is_only = pools.iter().filter(|other| other.module == pool.module).count() == 1;
        pool::add_runtime(inspection, pool, first, is_only);
    }
    closures::number(inspection, first);
}
