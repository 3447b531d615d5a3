//! The toy runtime of the tests: an executor of one thread with a list of its tasks, registered by
//! one line.
//!
//! It shows the least that a runtime's folder needs. The program that contains it is among the
//! tests of `process-target`.

use crate::knowledge::{self, KnownLibrary, Libraries, Library};
use crate::layout::{Type, TypeKind};
use crate::report::{
    Driver, Flavor, FrameSource, FutureType, Runtime, Task, TaskId, TaskIndex, TaskKind, TaskState,
    TaskWakers, Trust,
};
use crate::value::path::{self, Reach};
use crate::value::{Ty, Value, ValueError};
use crate::walk::{Inspection, Registry, RegistryEntry};

const CURRENT: &str = "toy::CURRENT";
const EXECUTOR: &str = "toy::Executor";
const TASK: &str = "toy::Task<";
const POLL: &str = "toy::poll";

/// Tasks of one list that are looked at.
const MAX_TASKS: usize = 1000;

/// What is known of it.
const LIBRARY: Library = Library {
    runtime: Some(knowledge::Runtime {
        root: Some(CURRENT),
        text: b"toy",
        task_polls: &[POLL],
        pool_loops: &[],
    }),
    ..Library::named("toy")
};

const ENTRIES: &[RegistryEntry] = &[RegistryEntry::runtime(&LIBRARY, discover)];

static ALL: [KnownLibrary; ENTRIES.len()] = RegistryEntry::libraries(ENTRIES);

/// The toy runtime, and nothing else.
pub const REGISTRY: Registry = Registry { entries: ENTRIES, libraries: Libraries::of(&ALL) };

fn discover(inspection: &mut Inspection<'_>) {
    for (index, current) in inspection.thread_locals(0, CURRENT) {
        if let Err(error) = add(inspection, current) {
            let number = inspection.program.target().threads()[index].number;
            inspection.problem(format!("thread {number}: {error}"));
        }
    }
}

/// Adds the executor that a thread is inside of, and its tasks.
fn add(inspection: &mut Inspection<'_>, current: Value) -> Result<(), ValueError> {
    let program = inspection.program;
    let Some(executor) = current.find_through_pointers(program, EXECUTOR)? else { return Ok(()) };
    let runtime = inspection.runtimes.len();
    let mut list = executor.member(program, "first")?;
    let mut tasks = Vec::new();
    while let Some(header) = behind_pointer(inspection, list)? {
        if tasks.len() == MAX_TASKS || inspection.interrupted() {
            break;
        }
        tasks.push(header);
        list = header.member(program, "next")?;
    }
    inspection.runtimes.push(Runtime {
        id: runtime,
        library: LIBRARY.name,
        version: None,
        object: None,
        flavor: Flavor::CURRENT_THREAD,
        address: executor.address,
        workers: Vec::new(),
        driver: Driver::Unknown,
        injected: None,
        queues: Vec::new(),
        shutdown: None,
        blocking: None,
        counted_tasks: None,
        listed_tasks: tasks.len() as u64,
        incomplete: Vec::new(),
    });
    for header in tasks {
        let task = task(inspection, header, runtime)?;
        inspection.tasks.push(task);
    }
    Ok(())
}

/// What a pointer somewhere in a value points to; `None` for a null pointer.
fn behind_pointer(inspection: &Inspection<'_>, value: Value) -> Result<Option<Value>, ValueError> {
    let program = inspection.program;
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { target: Some(_) });
    let Some(path) = path::find(program, value.ty, Reach::INLINE, &mut is_pointer) else {
        return Ok(None);
    };
    match path.follow(program, value)? {
        Some(pointer) => pointer.pointee(program),
        None => Ok(None),
    }
}

fn task(
    inspection: &mut Inspection<'_>,
    header: Value,
    runtime: usize,
) -> Result<Task, ValueError> {
    let program = inspection.program;
    let id = header.member(program, "id")?.unsigned(program)?;
    let is_woken = header.member(program, "woken")?.unsigned(program)? != 0;
    let future = future(inspection, header)?;
    Ok(Task {
        id: TaskId(id.to_string()),
        runtime: Some(runtime),
        kind: TaskKind::Task,
        state: if is_woken { TaskState::Scheduled } else { TaskState::Idle },
        root: future.and_then(|future| inspection.site_of_type(future.ty)),
        address: header.address,
        thread: None,
        spawned_at: None,
        chain: future.map(|future| inspection.chain(future)).unwrap_or_default(),
        trust: match future {
            Some(_) => Trust::of(FrameSource::StateMachines),
            None => Trust { future: FutureType::Unknown, ..Trust::of(FrameSource::Nothing) },
        },
        siblings_of_stack: None,
        panic: None,
        wakers: TaskWakers::default(),
        index: TaskIndex(0),
        problems: match future {
            Some(_) => Vec::new(),
            None => vec!["its future's type is not known".to_string()],
        },
    })
}

/// The future of a task: `poll<F>`, whose address its header has, has a variable of type
/// `&Task<F>`.
fn future(inspection: &Inspection<'_>, header: Value) -> Result<Option<Value>, ValueError> {
    let program = inspection.program;
    let poll = header.member(program, "poll")?.unsigned(program)?;
    let Some((module, address)) = program.code_at(poll) else { return Ok(None) };
    let functions = program.layouts(module).functions_at(address)?;
    let mut variables = functions.iter().flat_map(|function| &function.variables);
    let mut is_task = |ty: &Type| ty.name.starts_with(TASK);
    let task = variables.find_map(|variable| {
        path::find(program, Ty { module, id: variable.ty }, Reach::RUNTIME, &mut is_task)
    });
    let Some(task) = task else { return Ok(None) };
    let task = Value { ty: task.end, address: header.address };
    // In an `UnsafeCell`.
    task.member(program, "future")?.member(program, "value").map(Some)
}
