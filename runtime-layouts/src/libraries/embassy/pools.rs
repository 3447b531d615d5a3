//! The places of tasks: in static variables, in an arena, or where the user made them.
//!
//! What a static variable holds, its type does not say: it is bytes, or a pointer. The header of a
//! task that was spawned points to `TaskStorage<F>::poll`, whose debug information names the type of
//! the future, as a vtable does elsewhere; and with that the size of each place in the pool is
//! known.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::expected::{self, ARENA, TASK_POOL, TASK_POOL_HOLDER, TASK_POOL_REF, TASK_STORAGE};
use crate::layout::name::path_segments;
use crate::layout::{Function, Type};
use crate::report::FutureType;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::Inspection;

/// Bytes of one pool that are looked at.
const LARGEST_POOL: u64 = 16 << 20;

/// A place in which a task may be.
pub(super) struct Slot {
    /// Its header.
    pub(super) header: Value,
    /// Its future; `None` where the debug information does not describe it.
    pub(super) future: Option<Value>,
    /// Whether the type of the future is known.
    pub(super) future_type: FutureType,
}

impl Slot {
    /// The name of its future's type, which begins with the path of the function.
    fn name(&self, program: &Program<'_>) -> Option<String> {
        Some(program.type_of(self.future?.ty).ok()?.name.to_string())
    }
}

/// `TaskStorage<F>`, by the function that polls it.
#[derive(Clone)]
pub(super) struct Storage {
    /// Its type.
    pub(super) ty: Ty,
    /// Bytes.
    size: u64,
    /// From it to the pointer to the function that polls it, in bytes.
    poll: u64,
}

/// The functions that poll tasks, as they were found.
#[derive(Default)]
pub(super) struct PollFunctions {
    known: FxHashMap<u64, Vec<Storage>>,
    file: Option<String>,
}

impl PollFunctions {
    /// A file of the library's.
    pub(super) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// What is polled by the function that a word may point to, in a folded one each that may be;
    /// empty for a word that points to none.
    pub(super) fn polled_by(&mut self, program: &Program<'_>, word: u64) -> Vec<Storage> {
        if let Some(known) = self.known.get(&word) {
            return known.clone();
        }
        let found = self.storages(program, word).unwrap_or_default();
        self.known.insert(word, found.clone());
        found
    }

    fn storages(&mut self, program: &Program<'_>, word: u64) -> Result<Vec<Storage>, ValueError> {
        let Some((module, address)) = program.code_at(word) else { return Ok(Vec::new()) };
        let functions = program.layouts(module).functions_at(address)?;
        let polls = functions.iter().filter(|function| is_poll(&function.name));
        let mut found = Vec::new();
        for function in polls {
            let declared = function.declared.as_ref();
            let file = || declared.map(|declared| declared.file.path.to_string());
            self.file = self.file.take().or_else(file);
            if let Some(ty) = storage_of(program, module, function)? {
                found.extend(Storage::of(program, ty)?);
            }
        }
        Ok(found)
    }
}

/// Whether that function polls a task.
pub(super) fn is_poll(function: &str) -> bool {
    let segments = path_segments(function);
    expected::POLL.split("::").eq(segments.iter().map(|segment| segment.text))
}

/// `TaskStorage<F>` of `TaskStorage<F>::poll`: what its local variable `this` refers to, or by name.
fn storage_of(
    program: &Program<'_>,
    module: usize,
    function: &Function,
) -> Result<Option<Ty>, ValueError> {
    let mut is_storage = |ty: &Type| ty.name.starts_with(TASK_STORAGE);
    for variable in &function.variables {
        let start = Ty { module, id: variable.ty };
        if let Some(path) = path::find(program, start, Reach::RUNTIME, &mut is_storage) {
            return Ok(Some(path.end));
        }
    }
    let Some(parameter) = function.type_parameters.first() else { return Ok(None) };
    let future = program.type_of(Ty { module, id: parameter.ty })?;
    let name = format!("{TASK_STORAGE}{}>", future.name);
    let types = program.layouts(module).types_named(&name, Some(parameter.ty))?;
    Ok(types.first().map(|id| Ty { module, id: *id }))
}

impl Storage {
    fn of(program: &Program<'_>, ty: Ty) -> Result<Option<Self>, ValueError> {
        let start = Value { ty, address: 0 };
        let header = start.member(program, "raw")?;
        let poll = header.member(program, "poll_fn")?;
        let size = program.type_of(ty)?.size;
        Ok((size > 0).then_some(Self { ty, size, poll: poll.address }))
    }

    /// The future in such a place, which is there while a task is.
    fn future(&self, program: &Program<'_>, at: u64) -> Option<Value> {
        let storage = Value { ty: self.ty, address: at };
        let layout = program.type_of(self.ty).ok()?;
        let parameter = layout.type_parameters.first()?;
        let future = Ty { module: self.ty.module, id: parameter.ty };
        let cell = storage.member(program, "future").ok()?;
        // `UninitCell<F>(MaybeUninit<UnsafeCell<F>>)`, transparent both, starts where `F` does.
        Some(Value { ty: future, address: cell.address })
    }
}

/// Every place in which a task was spawned, whether it is there still or not, in the order of the
/// names of their functions: where the linker puts a static variable depends on the path that a
/// program was built in. Places of one name are in the order of their addresses.
pub(super) fn slots(
    inspection: &mut Inspection<'_>,
    module: usize,
    functions: &mut PollFunctions,
) -> Vec<Slot> {
    let mut found = Vec::new();
    for pool in pools(inspection, module) {
        if inspection.interrupted() {
            break;
        }
        if pool.end - pool.start > LARGEST_POOL {
            inspection.problem(format!(
                "the tasks in the static variable at {:#x} are not shown: it has more than \
                 {LARGEST_POOL} bytes",
                pool.start
            ));
            continue;
        }
        slots_in(inspection.program, functions, pool, &mut found);
    }
    found.sort_by_cached_key(|slot| slot.name(inspection.program));
    found
}

/// The pools of a module, by address.
fn pools(inspection: &mut Inspection<'_>, module: usize) -> Vec<Range<u64>> {
    let program = inspection.program;
    let mut found: Vec<Range<u64>> = Vec::new();
    let mut knows_a_runtime = false;
    for name in [TASK_POOL_HOLDER, TASK_POOL, TASK_STORAGE] {
        for variable in inspection.static_variables(module, name) {
            knows_a_runtime = true;
            let size = program.type_of(variable.ty).map_or(0, |layout| layout.size);
            found.push(variable.address..variable.address.saturating_add(size));
        }
    }
    // Pools in an arena end where the next one begins, and the last where the arena's free part does.
    let references = inspection.static_variables(module, TASK_POOL_REF);
    knows_a_runtime |= !references.is_empty();
    let pointer = |variable: Value| variable.find_number(program, "ptr");
    let mut in_arena: Vec<u64> = Vec::new();
    for reference in references {
        match pointer(reference) {
            Ok(pool) => in_arena.extend(pool.filter(|pool| *pool != 0)),
            Err(error) => inspection.problem(format!("a pool of tasks: {error}")),
        }
    }
    in_arena.sort_unstable();
    in_arena.dedup();
    let mut ends = in_arena.clone();
    for arena in inspection.static_variables(module, ARENA) {
        ends.extend(pointer(arena).ok().flatten());
    }
    for start in in_arena {
        let end = ends.iter().copied().filter(|end| *end > start).min();
        found.push(start..end.unwrap_or(start));
    }
    inspection.knows_a_runtime |= knows_a_runtime;
    found.sort_unstable_by_key(|pool| pool.start);
    found
}

/// The places in one pool: the first word in it that points to a function which polls tasks tells
/// the size of all.
fn slots_in(
    program: &Program<'_>,
    functions: &mut PollFunctions,
    pool: Range<u64>,
    found: &mut Vec<Slot>,
) {
    let word = u64::from(program.pointer_size());
    let mut at = pool.start;
    while at.saturating_add(word) <= pool.end && !program.is_interrupted() {
        let storages = match program.read_pointer(at) {
            Ok(value) if value != 0 => functions.polled_by(program, value),
            _ => Vec::new(),
        };
        // Where the linker folded functions, some of the types do not fit into the pool.
        let fits = |storage: &&Storage| {
            let into = at.checked_sub(storage.poll).and_then(|start| start.checked_sub(pool.start));
            into.is_some_and(|into| into.is_multiple_of(storage.size))
                && at - storage.poll + storage.size <= pool.end
        };
        let fitting: Vec<&Storage> = storages.iter().filter(fits).collect();
        if let Some(storage) = fitting.first() {
            let future_type = match fitting.len() {
                1 => FutureType::Known,
                several => FutureType::OneOf(several),
            };
            return add_slots(program, storage, future_type, pool, found);
        }
        at += word;
    }
}

fn add_slots(
    program: &Program<'_>,
    storage: &Storage,
    future_type: FutureType,
    pool: Range<u64>,
    found: &mut Vec<Slot>,
) {
    let mut at = pool.start;
    while at.saturating_add(storage.size) <= pool.end && !program.is_interrupted() {
        let place = Value { ty: storage.ty, address: at };
        let header = place.member(program, "raw");
        let poll = program.read_pointer(at.wrapping_add(storage.poll));
        if let (Ok(header), Ok(poll)) = (header, poll)
            && poll != 0
        {
            let future = storage.future(program, at);
            found.push(Slot { header, future, future_type });
        }
        at += storage.size;
    }
}
