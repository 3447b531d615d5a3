//! Cores: the way to each of them, and the thread that drives it.
//!
//! Source: `zruntime/src/{runtime,driver,mode}.rs` (0.2.2).

use super::NAME;
use super::expected::{CORE, TASK_WAKER};
use crate::knowledge::naming::version_in_path;
use crate::report::{Driver, Flavor, Pollers, Runtime, TaskId, ThreadRef, Worker, WorkerState};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::stacks::stack_future;

/// `SHARED` in `driver.rs`: what connections share that have no core of their own. Before Rust 1.85
/// mutexes were in `std::sync::mutex`.
pub(super) const STATICS: [&str; 2] = [
    "std::sync::poison::mutex::Mutex<alloc::sync::Weak<zruntime::runtime::Core<zruntime::mode::Shared>, \
     alloc::alloc::Global>>",
    "std::sync::mutex::Mutex<alloc::sync::Weak<zruntime::runtime::Core<zruntime::mode::Shared>, \
     alloc::alloc::Global>>",
];

/// One thread at a time drives it.
const ONE: Flavor = Flavor::new("one_thread", Pollers::One).without_pool();

/// What counts a core's owners, where several threads share it and where one has it.
const COUNTED: [&str; 3] = [
    "alloc::sync::ArcInner<zruntime::runtime::Core<",
    "alloc::rc::RcInner<zruntime::runtime::Core<",
    "alloc::rc::RcBox<zruntime::runtime::Core<",
];

/// A core, and the thread that drives it.
pub(super) struct Core {
    pub(super) value: Value,
    pub(super) thread: Option<ThreadRef>,
}

/// The cores that there are, each once.
pub(super) fn find(inspection: &mut Inspection<'_>) -> Vec<Core> {
    let mut found: Vec<Core> = Vec::new();
    for module in 0..inspection.program.modules().len() {
        if !has_type(inspection.program, module) {
            continue;
        }
        inspection.knows_a_runtime = true;
        let root = super::LIBRARY.runtime.as_ref().and_then(|runtime| runtime.root);
        for (index, driven) in
            root.map_or_else(Vec::new, |root| inspection.thread_locals(module, root))
        {
            let thread = &inspection.program.target().threads()[index];
            let thread = ThreadRef { number: thread.number, tid: thread.tid };
            add(&mut found, core_of(inspection.program, driven), Some(thread));
        }
        for name in STATICS {
            for shared in inspection.static_variables(module, name) {
                add(&mut found, core_of(inspection.program, shared), None);
            }
        }
    }
    on_stacks(inspection, &mut found);
    found
}

fn has_type(program: &Program<'_>, module: usize) -> bool {
    let known = program.layouts(module).types_named(TASK_WAKER.newest(), None);
    known.is_ok_and(|known| !known.is_empty())
}

fn add(found: &mut Vec<Core>, core: Option<Value>, thread: Option<ThreadRef>) {
    let Some(value) = core else { return };
    match found.iter_mut().find(|known| known.value.address == value.address) {
        Some(known) => known.thread = known.thread.or(thread),
        None => found.push(Core { value, thread }),
    }
}

/// The core that a value leads to by a pointer that counts; `None` for one that was dropped, and for a
/// `Weak` of none.
fn core_of(program: &Program<'_>, value: Value) -> Option<Value> {
    let counted =
        COUNTED.iter().find_map(|name| value.find_through_pointers(program, name).ok()?)?;
    let owners = counted.member(program, "strong").ok()?.unsigned(program).ok()?;
    // A dangling pointer wraps around.
    let is_sound = (1..1 << 32).contains(&owners) && counted.address.checked_add(1 << 12).is_some();
    let core = counted.find_inline(program, CORE.newest()).ok()??;
    is_sound.then_some(core)
}

/// Adds those that a thread drives which has one of its own: `this` of `Core::block_on`, and what the
/// functions of a runtime refer to.
fn on_stacks(inspection: &Inspection<'_>, found: &mut Vec<Core>) {
    let program = inspection.program;
    for thread in program.target().threads() {
        if program.is_interrupted() {
            return;
        }
        let reference = ThreadRef { number: thread.number, tid: thread.tid };
        for frame in program.stack(thread).iter() {
            let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
            if !has_type(program, module) {
                continue;
            }
            for variable in program.layouts(module).variables_at(address).unwrap_or_default() {
                let ty = Ty { module, id: variable.ty };
                let is_counted = program.type_of(ty).is_ok_and(|layout| {
                    let name = &layout.name;
                    name.contains("::Rc<zruntime::runtime::Core<")
                        || name.contains("::Arc<zruntime::runtime::Core<")
                });
                if !is_counted || !variable.function.starts_with("zruntime::runtime::Core<") {
                    continue;
                }
                let place = stack_future::place(program, module, &variable, frame);
                let core = place.and_then(|(_, value)| core_of(program, value));
                add(found, core, Some(reference));
            }
        }
    }
}

/// A core as a runtime of the report.
pub(super) fn runtime(
    inspection: &Inspection<'_>,
    core: &Core,
    id: usize,
    ready: u64,
    running: Option<TaskId>,
) -> Runtime {
    let module = core.value.ty.module;
    let version = inspection.source_files(module).find_map(version_in);
    let worker = |thread| Worker {
        index: 0,
        thread: Some(thread),
        state: if running.is_some() { WorkerState::Running } else { WorkerState::Parked },
        task: running.clone(),
        queued: None,
    };
    Runtime {
        id,
        library: NAME,
        version,
        object: (module > 0).then(|| inspection.program.layouts(module).provenance().path),
        flavor: ONE,
        address: core.value.address,
        workers: core.thread.map(worker).into_iter().collect(),
        driver: Driver::Unknown,
        injected: Some(ready),
        queues: Vec::new(),
        shutdown: None,
        blocking: None,
        counted_tasks: None,
        listed_tasks: 0,
        incomplete: Vec::new(),
    }
}

/// The version in the path of one of its files: `…/zruntime-0.2.2/src/lib.rs`.
fn version_in(file: &str) -> Option<String> {
    version_in_path(file, "zruntime")
}
