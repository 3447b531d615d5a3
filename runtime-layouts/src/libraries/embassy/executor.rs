//! Executors: what polls the tasks that were spawned in it, on one thread or in one interrupt.
//!
//! Source: `embassy-executor/src/raw/mod.rs`, `src/arch/{std,cortex_m}.rs` (0.5.1 to 0.9.1),
//! `src/platform/` (0.10.0).

use super::NAME;
use super::expected::{EXECUTOR, INTERRUPT, SIGNALER};
use crate::knowledge::expectation::Expectation;
use crate::report::{Driver, Flavor, Pollers, Runtime};
use crate::value::{Program, Value, ValueError};
use crate::walk::Inspection;

const THREAD: Flavor = Flavor::new("thread", Pollers::One).without_pool();
const IN_INTERRUPT: Flavor = Flavor::new("interrupt", Pollers::One).without_pool();
/// With a function of the program's own that is told of work.
const RAW: Flavor = Flavor::new("raw", Pollers::One).without_pool();

/// More interrupts than any processor has are not believed.
const MAX_INTERRUPTS: u64 = 1 << 10;

/// The number of the executor that a task was spawned in, added when it is first seen. `None` for a
/// task that was made and not spawned yet.
pub(super) fn of_task(
    inspection: &mut Inspection<'_>,
    header: Value,
    first: usize,
) -> Result<Option<usize>, ValueError> {
    let program = inspection.program;
    let pointer = header.member(program, "executor")?;
    let address = program.read_pointer(pointer.address)?;
    if address == 0 {
        return Ok(None);
    }
    let known = inspection.runtimes[first..].iter().find(|known| known.address == address);
    if let Some(known) = known {
        return Ok(Some(known.id));
    }
    let id = inspection.runtimes.len();
    let flavor = flavor(program, pointer).unwrap_or(Flavor::UNKNOWN);
    let module = header.ty.module;
    inspection.runtimes.push(Runtime {
        id,
        library: NAME,
        version: None,
        object: (module > 0).then(|| program.layouts(module).provenance().path),
        flavor,
        address,
        workers: Vec::new(),
        driver: Driver::Unknown,
        injected: None,
        queues: Vec::new(),
        blocking: None,
        shutdown: None,
        counted_tasks: None,
        listed_tasks: 0,
        incomplete: Vec::new(),
    });
    Ok(Some(id))
}

/// What runs an executor, by what its `__pender` is given: all ones for the thread, or the number of
/// an interrupt. `None` where the debug information does not describe it.
fn flavor(program: &Program<'_>, pointer: Value) -> Option<Flavor> {
    let executor = pointer.find_through_pointers(program, EXECUTOR.newest()).ok()??;
    let pender = executor.member(program, "pender").ok()?.unsigned(program).ok()?;
    let largest = u64::MAX >> (64 - 8 * u32::from(program.pointer_size()).clamp(1, 8));
    let layouts = program.layouts(pointer.ty.module);
    let has = |expected: &Expectation| {
        let is_there = |name| layouts.types_named(name, None).is_ok_and(|found| !found.is_empty());
        expected.names().any(is_there)
    };
    Some(match pender {
        _ if pender == largest => THREAD,
        1..MAX_INTERRUPTS => IN_INTERRUPT,
        0 if has(&INTERRUPT) => IN_INTERRUPT,
        0 => THREAD,
        _ if has(&SIGNALER) => THREAD,
        _ => RAW,
    })
}
