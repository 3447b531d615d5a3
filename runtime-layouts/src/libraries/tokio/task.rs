//! Tasks: the heap cell that holds a spawned future.
//!
//! Source: `tokio/src/runtime/task/{core,raw,state}.rs` (tokio 1.54.1).

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::expected::{self, CELL, CORE, STAGE, TASK_SCHEDULER};
use super::scheduler::{Scheduler, identity_of};
use super::spawn::{self, SpawnPlaces};
use super::state::{has_completed, own_references, state_of, wakers_of};
use super::task_id;
use crate::layout::{Function, Type, TypeKind};
use crate::report::{
    Chain, Flavor, FrameSource, FutureType, SiteId, Task, TaskId, TaskIndex, TaskKind, TaskState,
    Trust,
};
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::{Inspection, Walker};

/// The part of a task that does not depend on its future.
pub(super) const HEADER: &str = expected::HEADER.newest();
pub(super) const POLL: &str = expected::POLL.newest();

/// What all tasks with one vtable have in common.
struct TaskLayout {
    /// `task::Cell<T, S>`; `None` when the debug information does not have it.
    cell: Option<CellLayout>,
    /// From the header to the task's id, in bytes; `None` before 1.18, where tasks have none.
    id_offset: Option<u64>,
    /// References to an idle one, besides those of its handles and wakers.
    own_references: u64,
    /// Whether the type of their future is known.
    future: FutureType,
    /// What to say of every such task; `None` for nothing.
    problem: Option<String>,
}

struct CellLayout {
    /// Its type.
    cell: Ty,
    /// From the cell, which starts where its header does, to its stage.
    stage: StageLayout,
    /// The site of its future, whatever the state.
    site: Option<SiteId>,
    /// From the cell to the pointer to where it was spawned; `None` when that is not recorded.
    spawned_at: Option<Path>,
}

/// `Stage<T>`.
struct StageLayout {
    /// From the cell to it.
    path: Path,
    /// The number of its variant `Running`.
    running: usize,
    /// From the stage to the future in that variant, in bytes.
    offset: u64,
    /// The type of the future.
    future: Ty,
}

/// Reads tasks; keeps what it learns of each vtable.
#[derive(Default)]
pub(super) struct TaskReader {
    layouts: FxHashMap<u64, Rc<TaskLayout>>,
    places: SpawnPlaces,
    /// tokio's version, as the path of its sources shows it.
    pub(super) version: Option<String>,
}

/// The vtable of the task with that header.
pub(super) fn vtable_of(program: &Program<'_>, header: Value) -> Result<Value, ValueError> {
    let pointer = header.member(program, "vtable")?;
    pointer.pointee(program)?.ok_or_else(|| ValueError::Shape {
        type_name: format!("the task at {:#x}", header.address),
        wanted: "vtable".to_string(),
    })
}

impl TaskReader {
    /// The task with that header, and its number, which is its id already. `None` for one that has
    /// no number: its id is for the caller to set ([`super::number`]). So is its thread.
    pub(super) fn task(
        &mut self,
        inspection: &mut Inspection<'_>,
        header: Value,
        runtime: Option<usize>,
        kind: TaskKind,
    ) -> Result<(Option<u64>, Task), ValueError> {
        let (program, walker) = (inspection.program, &mut inspection.walker);
        let found = self.read(program, walker, header, runtime, kind);
        inspection.take_in_sites();
        found.map(|(id, mut task)| {
            inspection.numbers.apply_to_task(&mut task);
            (id, task)
        })
    }

    /// The same, with the sites as a walker numbers them: always the same one.
    pub(super) fn read(
        &mut self,
        program: &Program<'_>,
        walker: &mut Walker,
        header: Value,
        runtime: Option<usize>,
        kind: TaskKind,
    ) -> Result<(Option<u64>, Task), ValueError> {
        let vtable = vtable_of(program, header)?;
        let layout = self.layout_of(program, walker, header, vtable)?;
        let id = match layout.id_offset {
            Some(offset) => Some(program.read_pointer(header.address.wrapping_add(offset))?),
            None => None,
        };
        let word = header.member(program, "state")?.unsigned(program)?;
        let state = state_of(word);
        let mut task = Task {
            id: id.map_or_else(|| TaskId(String::new()), task_id),
            runtime,
            kind,
            state,
            root: layout.cell.as_ref().and_then(|cell| cell.site),
            address: header.address,
            thread: None,
            spawned_at: None,
            chain: Chain::default(),
            trust: Trust { future: layout.future, ..Trust::of(FrameSource::Nothing) },
            siblings_of_stack: None,
            panic: None,
            wakers: wakers_of(word, layout.own_references),
            index: TaskIndex(0),
            problems: layout.problem.clone().into_iter().collect(),
        };
        if let Some(cell) = &layout.cell {
            self.read_cell(program, walker, cell, &mut task);
        }
        Ok((id, task))
    }

    /// The layout of the tasks with a vtable, worked out once.
    fn layout_of(
        &mut self,
        program: &Program<'_>,
        walker: &mut Walker,
        header: Value,
        vtable: Value,
    ) -> Result<Rc<TaskLayout>, ValueError> {
        if let Some(known) = self.layouts.get(&vtable.address) {
            return Ok(Rc::clone(known));
        }
        let layout = Rc::new(self.task_layout(program, walker, header, vtable)?);
        self.layouts.insert(vtable.address, Rc::clone(&layout));
        Ok(layout)
    }

    /// Reads what a task's cell holds: where it was spawned, and its future's await chain, or that
    /// the future has ended.
    fn read_cell(
        &mut self,
        program: &Program<'_>,
        walker: &mut Walker,
        cell: &CellLayout,
        task: &mut Task,
    ) {
        let value = Value { ty: cell.cell, address: task.address };
        if let Some(path) = &cell.spawned_at {
            match self.places.read(program, path, value) {
                Ok(place) => task.spawned_at = place,
                Err(error) => task.problems.push(format!("where it was spawned: {error}")),
            }
        }
        match cell.stage.read(program, value) {
            Ok(Stage::Running(future)) => {
                task.chain = walker.chain(program, future);
                task.trust =
                    Trust { future: task.trust.future, ..Trust::of(FrameSource::StateMachines) };
            }
            Ok(Stage::Finished) if task.state == TaskState::Cancelled => {}
            Ok(Stage::Finished) => task.state = TaskState::Complete,
            Err(error) => task.problems.push(error.to_string()),
        }
    }

    /// The scheduler that a task belongs to; `None` for one that is in no owned list.
    pub(super) fn scheduler(&self, program: &Program<'_>, header: Value) -> Option<Scheduler> {
        let mut is_handle = |ty: &Type| TASK_SCHEDULER.is(ty);
        let scheduler = scheduler_in(program, header)?;
        let path = path::find(program, scheduler.ty, Reach::RUNTIME, &mut is_handle)?;
        let handle = path.follow(program, scheduler).ok()??;
        let name = &handle.layout(program).ok()?.name;
        let is_current =
            name.contains("::current_thread::") || name.contains("::basic_scheduler::");
        let flavor = if is_current { Flavor::CURRENT_THREAD } else { Flavor::MULTI_THREAD };
        let identity = identity_of(program, handle).ok()??;
        Some(Scheduler { address: identity.address, flavor, handle, identity })
    }

    fn task_layout(
        &mut self,
        program: &Program<'_>,
        walker: &mut Walker,
        header: Value,
        vtable: Value,
    ) -> Result<TaskLayout, ValueError> {
        let poll = vtable.member(program, "poll")?.unsigned(program)?;
        let id_offset = match vtable.member(program, "id_offset") {
            Ok(offset) => Some(offset.unsigned(program)?),
            Err(_) => None,
        };
        let own_references = own_references(header.layout(program)?);
        let unknown = |problem: String| TaskLayout {
            cell: None,
            id_offset,
            own_references,
            future: FutureType::Unknown,
            problem: Some(problem),
        };
        let Some((module, address)) = program.code_at(poll) else {
            return Ok(unknown(format!("its poll function {poll:#x} is in no known module")));
        };
        let functions: Vec<_> = program
            .layouts(module)
            .functions_at(address)?
            .into_iter()
            .filter(|function| function.name.starts_with(POLL))
            .collect();
        let Some(function) = functions.first() else {
            return Ok(unknown(format!(
                "the debug information does not name its poll function {poll:#x}"
            )));
        };
        self.version = self.version.take().or_else(|| {
            function.declared.as_ref().and_then(|declared| super::version_in(&declared.file.path))
        });
        let Some(cell) = cell_of(program, module, function)? else {
            return Ok(unknown(format!(
                "the debug information does not describe the task of {}",
                function.name
            )));
        };
        let Some(stage) = stage_of(program, cell)? else {
            return Ok(unknown("the debug information does not describe its stage".into()));
        };
        let id_offset = id_offset.or_else(|| id_in_core(program, cell));
        let site = walker.sites.of_any(program, stage.future);
        let spawned_at = spawn::path(program, cell);
        let future = match functions.len() {
            1 => FutureType::Known,
            several => FutureType::OneOf(several),
        };
        let cell = Some(CellLayout { cell, stage, site, spawned_at });
        Ok(TaskLayout { cell, id_offset, own_references, future, problem: None })
    }
}

/// What a task has to be scheduled by, as its cell stores it: a pointer to a scheduler's handle or to
/// a local set, or nothing for a closure of the blocking pool. `None` where the debug information
/// does not describe the task.
pub(super) fn scheduler_in(program: &Program<'_>, header: Value) -> Option<Value> {
    let cell = cell_at(program, header).ok()??;
    // Not what the future itself has a handle of.
    let mut is_core = |ty: &Type| CORE.is(ty);
    let core = path::find(program, cell.ty, Reach::INLINE, &mut is_core)?;
    let core = core.follow(program, cell).ok()??;
    core.member(program, "scheduler").ok()
}

/// The id of the task with that header; `None` before 1.23, where its vtable does not lead to it.
pub(super) fn id(program: &Program<'_>, header: Value) -> Result<Option<u64>, ValueError> {
    let Ok(offset) = vtable_of(program, header)?.member(program, "id_offset") else {
        return Ok(None);
    };
    let offset = offset.unsigned(program)?;
    Ok(Some(program.read_pointer(header.address.wrapping_add(offset))?))
}

/// Whether the task with that header has ended.
pub(super) fn has_ended(program: &Program<'_>, header: Value) -> Result<bool, ValueError> {
    Ok(has_completed(header.member(program, "state")?.unsigned(program)?))
}

/// What the future of the task with that header returned; `None` where it has not ended, was cancelled
/// or panicked, or where the output was taken.
pub(super) fn output(program: &Program<'_>, header: Value) -> Result<Option<Value>, ValueError> {
    result(program, header)?.map_or(Ok(None), |result| result.payload_of(program, "Ok"))
}

/// How the task with that header ended, `Result<T, JoinError>`; `None` where it has not, or where who
/// has its handle was told.
pub(super) fn result(program: &Program<'_>, header: Value) -> Result<Option<Value>, ValueError> {
    if !has_ended(program, header)? {
        return Ok(None);
    }
    let Some(cell) = cell_at(program, header)? else { return Ok(None) };
    let path = path::find(program, cell.ty, Reach::INLINE, &mut |ty| STAGE.is(ty));
    let Some(stage) = path.map_or(Ok(None), |path| path.follow(program, cell))? else {
        return Ok(None);
    };
    stage.payload_of(program, "Finished")
}

/// The task with that header, as its poll function has it; `None` where the debug information does not
/// tell.
fn cell_at(program: &Program<'_>, header: Value) -> Result<Option<Value>, ValueError> {
    let poll = vtable_of(program, header)?.member(program, "poll")?.unsigned(program)?;
    let Some((module, address)) = program.code_at(poll) else { return Ok(None) };
    let functions = program.layouts(module).functions_at(address)?;
    let function = functions.iter().find(|function| function.name.starts_with(POLL));
    let ty = function.map_or(Ok(None), |function| cell_of(program, module, function))?;
    Ok(ty.map(|ty| Value { ty, address: header.address }))
}

/// A task's stage.
enum Stage {
    /// It has not ended; its future.
    Running(Value),
    /// It has ended.
    Finished,
}

impl StageLayout {
    fn read(&self, program: &Program<'_>, cell: Value) -> Result<Stage, ValueError> {
        let stage = self.path.follow(program, cell)?.ok_or_else(|| ValueError::Shape {
            type_name: STAGE.newest().to_string(),
            wanted: "fixed place in its task".to_string(),
        })?;
        let (active, _) = stage.active_variant(program)?;
        if active != self.running {
            return Ok(Stage::Finished);
        }
        let address = stage.address.wrapping_add(self.offset);
        Ok(Stage::Running(Value { ty: self.future, address }))
    }
}

/// `task::Cell<T, S>` of a `raw::poll<T, S>`: through its local variable `harness`, or by name.
fn cell_of(
    program: &Program<'_>,
    module: usize,
    function: &Function,
) -> Result<Option<Ty>, ValueError> {
    let mut is_cell = |ty: &Type| CELL.is(ty);
    for variable in &function.variables {
        let start = Ty { module, id: variable.ty };
        if let Some(path) = path::find(program, start, Reach::RUNTIME, &mut is_cell) {
            return Ok(Some(path.end));
        }
    }
    let mut arguments = Vec::new();
    for parameter in &function.type_parameters {
        arguments.push(program.type_of(Ty { module, id: parameter.ty })?.name.to_string());
    }
    let name = format!("{}{}>", CELL.newest(), arguments.join(", "));
    let near = function.type_parameters.first().map(|parameter| parameter.ty);
    let types = program.layouts(module).types_named(&name, near)?;
    Ok(types.first().map(|id| Ty { module, id: *id }))
}

/// From a cell to its task's id, in bytes: a member of `Core`, from 1.18 on. The vtable says it too
/// since 1.23.
fn id_in_core(program: &Program<'_>, cell: Ty) -> Option<u64> {
    let to_core = path::find(program, cell, Reach::INLINE, &mut |ty| CORE.is(ty))?;
    let core = program.type_of(to_core.end).ok()?;
    Some(to_core.offset()?.wrapping_add(core.member("task_id")?.offset))
}

/// The stage of the task in a cell; `None` when the debug information does not describe it.
fn stage_of(program: &Program<'_>, cell: Ty) -> Result<Option<StageLayout>, ValueError> {
    let mut is_stage = |ty: &Type| STAGE.is(ty);
    let Some(path) = path::find(program, cell, Reach::INLINE, &mut is_stage) else {
        return Ok(None);
    };
    let stage = program.type_of(path.end)?;
    let TypeKind::Enum { variants, .. } = &stage.kind else { return Ok(None) };
    let Some(running) = variants.iter().position(|variant| &*variant.name == "Running") else {
        return Ok(None);
    };
    let variant = &variants[running];
    let fields = program.type_of(Ty { module: cell.module, id: variant.ty })?;
    Ok(fields.member("__0").map(|member| StageLayout {
        path,
        running,
        offset: variant.offset.wrapping_add(member.offset),
        future: Ty { module: cell.module, id: member.ty },
    }))
}
