//! Tasks: the heap cell that holds a spawned future.
//!
//! Source: `async-task/src/{header,raw}.rs` (4.0.3 to 4.7.1): a header, the function that schedules the
//! task, and its future or output behind each other. The types are generic arguments of the functions
//! in the task's table.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::expected::{HEADER, STATE};
use super::state::{has_future, has_references, state_of, wakers_of};
use crate::layout::name::plain_path;
use crate::layout::{Function, TypeKind};
use crate::report::{
    Chain, FrameSource, FutureType, SiteId, Task, TaskId, TaskIndex, TaskKind, TaskWakers, Trust,
};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::{Walker, named_future};

/// The function in the table of a task that polls its future.
pub(super) const RUN: &str = "async_task::raw::RawTask::run";

/// What the future of a task is in (async-executor 1.14).
const ON_DROP: &str = "async_executor::AsyncCallOnDrop<";

/// What all tasks with one table have in common.
struct TaskLayout {
    /// Its future and where that is; `None` when the debug information does not tell.
    future: Option<FuturePlace>,
    /// The function that schedules it and where that is.
    schedule: Option<(Ty, u64)>,
    known: FutureType,
    problem: Option<String>,
}

#[derive(Clone, Copy)]
struct FuturePlace {
    ty: Ty,
    /// From the header, in bytes, or from where a box at that place leads to.
    offset: u64,
    /// From the header to the box that it is in: a large one is (`Builder::spawn_unchecked`). `None`
    /// for one that lies in the task itself.
    boxed: Option<u64>,
    /// The site of the user's future, whatever its state; `None` for an object of a trait, whose type is
    /// its own.
    site: Option<SiteId>,
}

/// Reads tasks; keeps what it learns of each table.
#[derive(Default)]
pub(in crate::libraries) struct TaskReader {
    layouts: FxHashMap<u64, Rc<TaskLayout>>,
}

/// A task, and the executor whose queue it goes to.
pub(in crate::libraries) struct Found {
    pub(in crate::libraries) task: Task,
    /// The name of the type of its future, which the function that polls it has as an argument.
    pub(in crate::libraries) future: Option<Ty>,
    /// `State`; `None` for a task of another library.
    pub(super) executor: Option<Value>,
    /// The type of the function that schedules it; `None` when the debug information does not tell.
    schedule: Option<Ty>,
}

impl Found {
    /// Whether a function of that crate schedules it: `blocking::`.
    pub(in crate::libraries) fn is_of(&self, program: &Program<'_>, path: &str) -> bool {
        let layout = self.schedule.and_then(|schedule| program.type_of(schedule).ok());
        layout.is_some_and(|layout| layout.name.starts_with(path))
    }
}

impl TaskReader {
    /// The task with that header. Its sites are the walker's, its id is for the caller to set. An
    /// executor that has it in its list has one waker of it.
    pub(in crate::libraries) fn read(
        &mut self,
        program: &Program<'_>,
        walker: &mut Walker,
        header: Value,
        is_listed: bool,
    ) -> Result<Found, ValueError> {
        let word = header.member(program, "state")?.unsigned(program)?;
        let layout = self.layout_of(program, walker, header)?;
        let mut task = Task {
            id: TaskId(String::new()),
            runtime: None,
            kind: TaskKind::Task,
            state: state_of(word),
            root: layout.future.and_then(|future| future.site),
            address: header.address,
            thread: None,
            spawned_at: None,
            chain: Chain::default(),
            trust: Trust { future: layout.known, ..Trust::of(FrameSource::Nothing) },
            siblings_of_stack: None,
            panic: None,
            wakers: if is_listed { wakers_of(word, 1) } else { TaskWakers::default() },
            index: TaskIndex(0),
            problems: layout.problem.clone().into_iter().collect(),
        };
        if let Some(future) = layout.future.filter(|_| has_future(word)) {
            let start = match future.boxed {
                Some(at) => program.read_pointer(header.address.wrapping_add(at))?,
                None => header.address,
            };
            let address = start.wrapping_add(future.offset);
            task.chain = walker.chain(program, Value { ty: future.ty, address });
            task.root = task.root.or_else(|| task.chain.frames.first().map(|frame| frame.site));
            task.trust.source = FrameSource::StateMachines;
        }
        let at =
            |(ty, offset): (Ty, u64)| Value { ty, address: header.address.wrapping_add(offset) };
        let executor = layout.schedule.map(at).and_then(|schedule| executor_in(program, schedule));
        let schedule = layout.schedule.map(|(schedule, _)| schedule);
        Ok(Found { task, future: layout.future.map(|future| future.ty), executor, schedule })
    }

    fn layout_of(
        &mut self,
        program: &Program<'_>,
        walker: &mut Walker,
        header: Value,
    ) -> Result<Rc<TaskLayout>, ValueError> {
        let table = header.member(program, "vtable")?.pointee(program)?;
        let Some(table) = table else {
            return Err(ValueError::Shape {
                type_name: format!("the task at {:#x}", header.address),
                wanted: "table of functions".to_string(),
            });
        };
        if let Some(known) = self.layouts.get(&table.address) {
            return Ok(Rc::clone(known));
        }
        let layout = Rc::new(task_layout(program, walker, header, table)?);
        self.layouts.insert(table.address, Rc::clone(&layout));
        Ok(layout)
    }
}

/// The executor in the function that schedules a task: an `Arc<State>`, or a reference to a static
/// executor's.
pub(super) fn executor_in(program: &Program<'_>, schedule: Value) -> Option<Value> {
    schedule.find_through_pointers(program, STATE.newest()).ok()?
}

fn task_layout(
    program: &Program<'_>,
    walker: &mut Walker,
    header: Value,
    table: Value,
) -> Result<TaskLayout, ValueError> {
    let run = table.member(program, "run")?.unsigned(program)?;
    let unknown = |problem: String| TaskLayout {
        future: None,
        schedule: None,
        known: FutureType::Unknown,
        problem: Some(problem),
    };
    let Some((module, address)) = program.module_at(run) else {
        return Ok(unknown(format!("the function {run:#x} that runs it is in no known module")));
    };
    let functions: Vec<_> = program
        .layouts(module)
        .functions_at(address)?
        .into_iter()
        .filter(|function| is_run(&function.name))
        .collect();
    let Some(function) = functions.first() else {
        return Ok(unknown(format!(
            "the debug information does not name the function {run:#x} that runs it"
        )));
    };
    let Some(places) = places(program, module, function, header, table)? else {
        return Ok(unknown("the debug information does not describe where its future is".into()));
    };
    let ((outer, at), schedule) = places;
    let (unboxed, is_boxed) = unboxed(program, outer);
    let (ty, within) = inner(program, (unboxed, 0));
    let named = named_future(program, walker.sites.libraries(), ty);
    let is_object = program.type_of(named).is_ok_and(|layout| is_boxed_object(&layout.name));
    let site = (!is_object).then(|| walker.sites.of_any(program, named)).flatten();
    let known = match functions.len() {
        1 => FutureType::Known,
        several => FutureType::OneOf(several),
    };
    let (offset, boxed) = match is_boxed {
        true => (within, Some(at)),
        false => (at.wrapping_add(within), None),
    };
    let future = Some(FuturePlace { ty, offset, boxed, site });
    Ok(TaskLayout { future, schedule: Some(schedule), known, problem: None })
}

/// Whether what lies there can be the head of a task: its table has the function that runs one.
pub(super) fn may_be_task(program: &Program<'_>, header: Value) -> Result<bool, ValueError> {
    let Some(table) = header.member(program, "vtable")?.pointee(program)? else { return Ok(false) };
    let run = table.member(program, "run")?.unsigned(program)?;
    let Some((module, address)) = program.code_at(run) else { return Ok(false) };
    let functions = program.layouts(module).functions_at(address)?;
    Ok(functions.is_empty() || functions.iter().any(|function| is_run(&function.name)))
}

/// Whether that function runs a task.
pub(super) fn is_run(function: &str) -> bool {
    function.starts_with("async_task::raw::RawTask<") && plain_path(function) == RUN
}

/// Whether that function wakes a task: the second in the table of its wakers.
pub(super) fn is_wake(function: &str) -> bool {
    function.starts_with("async_task::raw::RawTask<")
        && plain_path(function) == "async_task::raw::RawTask::wake"
}

/// Whether there can be a task at an address that a waker had: its memory may be freed since, and a
/// waker of it is a reference.
pub(super) fn may_be_alive(program: &Program<'_>, header: Value) -> bool {
    let word = header.member(program, "state").and_then(|state| state.unsigned(program));
    word.is_ok_and(has_references)
}

/// The future of a task and the function that schedules it, with their offsets from the header in
/// bytes.
type Places = ((Ty, u64), (Ty, u64));

fn places(
    program: &Program<'_>,
    module: usize,
    function: &Function,
    header: Value,
    table: Value,
) -> Result<Option<Places>, ValueError> {
    let parameter = |name: &str| {
        let mut known = function.type_parameters.iter();
        known.find(|of| &*of.name == name).map(|of| Ty { module, id: of.ty })
    };
    let (Some(future), Some(output), Some(schedule)) =
        (parameter("F"), parameter("T"), parameter("S"))
    else {
        return Ok(None);
    };
    // Since 4.4 the table says it: in an `Option`, up to 4.5.
    const LAYOUT: &str = "async_task::raw::TaskLayout";
    if let Ok(info) = table.member(program, "layout_info")
        && let Some(info) = info.pointee(program)?
        && let Some(info) = info.find_inline(program, LAYOUT)?
    {
        let offset = |name| info.member(program, name)?.unsigned(program);
        return Ok(Some(((future, offset("offset_f")?), (schedule, offset("offset_s")?))));
    }
    // Else as `RawTask::task_layout` computes it.
    let head = header_of(program, module, function).unwrap_or(header.ty);
    let size = program.type_of(head)?.size;
    let at_schedule = size.next_multiple_of(align(program, schedule)?);
    let end = at_schedule.wrapping_add(program.type_of(schedule)?.size);
    let at_future = end.next_multiple_of(align(program, future)?.max(align(program, output)?));
    Ok(Some(((future, at_future), (schedule, at_schedule))))
}

/// The header type of the tasks that a function runs: it may have metadata.
fn header_of(program: &Program<'_>, module: usize, function: &Function) -> Option<Ty> {
    let mut is_header = |ty: &crate::layout::Type| HEADER.is(ty);
    function.variables.iter().find_map(|variable| {
        let start = Ty { module, id: variable.ty };
        let reach = crate::value::path::Reach::RUNTIME;
        Some(crate::value::path::find(program, start, reach, &mut is_header)?.end)
    })
}

/// The alignment of a type: what the debug information says, or that of the largest of its numbers.
fn align(program: &Program<'_>, ty: Ty) -> Result<u64, ValueError> {
    let layout = program.type_of(ty)?;
    if let Some(align) = layout.align {
        return Ok(align.clamp(1, 1 << 12));
    }
    Ok(match layout.kind {
        TypeKind::Integer { .. }
        | TypeKind::Float
        | TypeKind::Bool
        | TypeKind::Char
        | TypeKind::Pointer { .. } => layout.size.clamp(1, 16),
        _ if layout.size == 0 => 1,
        _ => u64::from(program.pointer_size()),
    })
}

/// What a task has in a box, and whether it is in one.
fn unboxed(program: &Program<'_>, ty: Ty) -> (Ty, bool) {
    let inside = program.type_of(ty).ok().and_then(|layout| {
        let pin = layout.name.strip_prefix("core::pin::Pin<alloc::boxed::Box<")?;
        let pointer = layout.members().first().filter(|_| !pin.starts_with("dyn "))?;
        let pointer = program.type_of(Ty { module: ty.module, id: pointer.ty }).ok()?;
        match pointer.kind {
            TypeKind::Pointer { target } => target,
            _ => None,
        }
    });
    match inside {
        Some(id) => (Ty { module: ty.module, id }, true),
        None => (ty, false),
    }
}

/// Whether that is the type of a box with an object of a trait in it, as `BoxFuture` is.
fn is_boxed_object(name: &str) -> bool {
    let inside = name.strip_prefix("core::pin::Pin<alloc::boxed::Box<");
    inside.is_some_and(|inside| inside.starts_with("dyn ") || inside.starts_with("(dyn "))
}

/// The future within what an executor puts around it.
fn inner(program: &Program<'_>, (ty, offset): (Ty, u64)) -> (Ty, u64) {
    let Ok(layout) = program.type_of(ty) else { return (ty, offset) };
    match layout.member("future") {
        Some(future) if layout.name.starts_with(ON_DROP) => {
            (Ty { module: ty.module, id: future.ty }, offset.wrapping_add(future.offset))
        }
        _ => (ty, offset),
    }
}

/// The type of the head of a task without metadata, in a module.
pub(in crate::libraries) fn header_type(program: &Program<'_>, module: usize) -> Option<Ty> {
    let layouts = program.layouts(module);
    let names = ["async_task::header::Header<()>", "async_task::header::Header"];
    let found = |name: &str| layouts.types_named(name, None).ok()?.first().copied();
    names.into_iter().find_map(found).map(|id| Ty { module, id })
}

/// The future that is polled where the function that runs a task has that argument.
pub(super) fn polled_type(program: &Program<'_>, argument: Ty) -> Ty {
    inner(program, (unboxed(program, argument).0, 0)).0
}
