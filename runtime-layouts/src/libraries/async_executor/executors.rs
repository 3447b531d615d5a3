//! Executors: the way from one to the tasks that it has.
//!
//! Source: `async-executor/src/lib.rs` (1.5.0 and 1.14.1): `State` has a slab with one waker of each
//! task that has not ended, whose data pointer is the task's header. An executor that was made to be
//! static keeps no such list (`static_executors.rs`).

use std::collections::HashMap;

use rustc_hash::FxHashSet;

use super::expected::ACTIVE;
use super::queues;
use super::task::{Found, TaskReader, header_type};
use crate::knowledge::naming::version_in_path;
use crate::layout::{Type, TypeKind};
use crate::report::{
    Driver, Flavor, Pollers, Runtime, Task, TaskIndex, ThreadRef, Worker, WorkerState,
};
use crate::value::path::{self, Reach};
use crate::value::slices::SliceLayout;
use crate::value::{Program, Ty, Value, ValueError, select_variant};
use crate::walk::chains::read_tasks::{HandOver, ReadTasks};
use crate::walk::{Inspection, Walker};

/// `blocking/src/lib.rs` (1.6); smol calls it `smol::unblock`.
const UNBLOCK: &str = "blocking::unblock";

/// One thread runs it, several do, or it is not known.
const LOCAL: Flavor = Flavor::new("one_thread", Pollers::One).with_offload(UNBLOCK);
const SHARED: Flavor = Flavor::new("several_threads", Pollers::Several).with_offload(UNBLOCK);
const UNKNOWN: Flavor = Flavor::UNKNOWN;

/// What is said of an executor that keeps no list: `static_executors.rs` (1.14.1).
const NO_LIST: &str = "it is static and keeps no list of its tasks: shown are those that are queued, \
                       and those of which a handle or a waker was found in memory";

/// More tasks of one executor than this are not looked at.
const MAX_TASKS: u64 = 1 << 22;

/// An executor.
pub(super) struct Executor {
    /// `State`.
    pub(super) state: Value,
    /// The threads that run it.
    pub(super) threads: Vec<Runs>,
    is_read: bool,
    /// Whether it was made to be static, and keeps no list of its tasks.
    pub(super) is_static: bool,
    /// The headers of its tasks, by their places in its list, counted from 1.
    listed: Vec<(u64, usize)>,
    /// Those that are in no list.
    unlisted: Vec<u64>,
    /// Places in the list, taken or not.
    places: usize,
    incomplete: Vec<String>,
}

/// A thread that runs an executor.
pub(super) struct Runs {
    pub(super) thread: ThreadRef,
    /// The header of the task that it polls; `None` when it polls none of this executor.
    pub(super) task: Option<u64>,
    /// The address of the queue of its own; `None` where that was not found.
    pub(super) queue: Option<u64>,
}

/// Those that were found, and what was learned of their tasks.
#[derive(Default)]
pub(super) struct Executors {
    pub(super) all: Vec<Executor>,
    pub(super) reader: TaskReader,
    /// The types of the futures of tasks, by their headers.
    pub(super) futures: HashMap<u64, Ty>,
}

impl Executors {
    /// The place of an executor among them.
    pub(super) fn add(&mut self, state: Value) -> usize {
        let known = self.all.iter().position(|known| known.state.address == state.address);
        known.unwrap_or_else(|| {
            self.all.push(Executor {
                state,
                threads: Vec::new(),
                is_read: false,
                is_static: false,
                listed: Vec::new(),
                unlisted: Vec::new(),
                places: 0,
                incomplete: Vec::new(),
            });
            self.all.len() - 1
        })
    }

    /// Says that a thread runs an executor; gives what is known of that.
    pub(super) fn add_thread(&mut self, state: Value, thread: ThreadRef) -> &mut Runs {
        let at = self.add(state);
        let threads = &mut self.all[at].threads;
        let known = threads.iter().position(|known| known.thread == thread);
        let known = known.unwrap_or_else(|| {
            threads.push(Runs { thread, task: None, queue: None });
            threads.len() - 1
        });
        &mut threads[known]
    }

    /// Takes note that an executor keeps no list.
    pub(super) fn set_static(&mut self, state: Value) {
        let at = self.add(state);
        self.all[at].is_static = true;
    }

    /// Whether one of them keeps no list.
    pub(super) fn have_static(&self) -> bool {
        self.all.iter().any(|executor| executor.is_static)
    }

    pub(super) fn is_read(&self, at: usize) -> bool {
        self.all[at].is_read
    }

    /// Whether the lists of all of them were read.
    pub(super) fn are_read(&self) -> bool {
        self.all.iter().all(|executor| executor.is_read)
    }

    /// Takes note of a task that is in no list.
    pub(super) fn add_task(&mut self, executor: Option<usize>, future: Option<Ty>, task: &Task) {
        self.futures.extend(future.map(|future| (task.address, future)));
        if let Some(at) = executor {
            self.all[at].unlisted.push(task.address);
        }
    }

    /// The executor of the task with that header.
    pub(super) fn of_task(&self, header: u64) -> Option<usize> {
        let has = |executor: &Executor| {
            executor.listed.binary_search_by_key(&header, |(task, _)| *task).is_ok()
                || executor.unlisted.contains(&header)
        };
        self.all.iter().position(has)
    }
}

/// Reads the tasks in the lists of executors that were not read yet.
pub(super) fn read_new(
    inspection: &mut Inspection<'_>,
    found: &mut Executors,
    seen: &mut FxHashSet<u64>,
) {
    for at in 0..found.all.len() {
        if found.all[at].is_read {
            continue;
        }
        found.all[at].is_read = true;
        let state = found.all[at].state;
        let (headers, places) = match listed(inspection.program, state) {
            Ok(listed) => listed,
            Err(error) => {
                found.all[at].incomplete.push(format!("the list of its tasks: {error}"));
                continue;
            }
        };
        if is_locked(inspection.program, state) {
            found.all[at].incomplete.push("a thread is changing the list of its tasks".into());
        }
        found.all[at].places = places;
        let values: Vec<Value> = headers.iter().map(|(header, _)| *header).collect();
        let mut incomplete = Vec::new();
        read_all(inspection, &values, &mut |inspection, header, read| match read {
            Ok(one) => {
                if seen.insert(header.address) {
                    found.futures.extend(one.future.map(|future| (header.address, future)));
                    inspection.tasks.push(one.task);
                }
            }
            Err(error) => incomplete.push(format!("the task at {:#x}: {error}", header.address)),
        });
        if inspection.interrupted() {
            incomplete.push("interrupted".into());
        }
        let executor = &mut found.all[at];
        executor.incomplete.extend(incomplete);
        executor.listed = headers.iter().map(|(header, place)| (header.address, *place)).collect();
        executor.listed.sort_unstable();
    }
}

/// Reads tasks, by several threads where there are many.
fn read_all<'t>(
    inspection: &mut Inspection<'t>,
    headers: &[Value],
    hand_over: HandOver<'_, 't, Result<Found, ValueError>>,
) {
    let read = |program: &Program<'_>,
                walker: &mut Walker,
                reader: &mut TaskReader,
                header: Value| { reader.read(program, walker, header, true) };
    let job = ReadTasks {
        begin: &TaskReader::default,
        read: &read,
        task: |found: &mut Result<Found, ValueError>| {
            found.as_mut().ok().map(|found| &mut found.task)
        },
    };
    job.run(inspection, headers, hand_over);
}

/// The headers of the tasks in an executor's list with their places, counted from 1, and how many
/// places it has.
fn listed(program: &Program<'_>, state: Value) -> Result<(Vec<(Value, usize)>, usize), ValueError> {
    let missing = |wanted: &str| ValueError::Shape {
        type_name: "the list of tasks".to_string(),
        wanted: wanted.to_string(),
    };
    let active = state.member(program, "active")?;
    let mut is_slab = |ty: &Type| ACTIVE.is(ty);
    let slab = path::find(program, active.ty, Reach::INLINE, &mut is_slab)
        .ok_or_else(|| missing("slab"))?;
    let slab = slab.follow(program, active)?.ok_or_else(|| missing("slab"))?;
    let entries = slab.member(program, "entries")?;
    let vector = SliceLayout::of_vec(program, entries.ty, entries.layout(program)?)?;
    let vector = vector.ok_or_else(|| missing("entries"))?.read(program, entries)?;
    let layout = program.type_of(vector.element)?;
    let TypeKind::Enum { discriminant: Some(discriminant), variants } = &layout.kind else {
        return Err(missing("vacant and occupied entries"));
    };
    let occupied = variants
        .iter()
        .position(|variant| &*variant.name == "Occupied")
        .ok_or_else(|| missing("occupied entries"))?;
    let fields = Ty { module: vector.element.module, id: variants[occupied].ty };
    let mut has_data = |ty: &Type| ty.member("data").is_some();
    let data = path::find(program, fields, Reach::INLINE, &mut has_data);
    let data = data.ok_or_else(|| missing("wakers"))?;
    let member = program.type_of(data.end)?.member("data").map_or(0, |member| member.offset);
    let data = data.offset().unwrap_or(0).wrapping_add(member);
    let data = variants[occupied].offset.wrapping_add(data);
    let header = header_type(program, state.ty.module).ok_or_else(|| missing("head of a task"))?;
    let count = vector.count.min(MAX_TASKS);
    let mut found = Vec::new();
    for index in 0..count {
        if program.is_interrupted() {
            break;
        }
        let entry = vector.start.wrapping_add(index.wrapping_mul(vector.size));
        let tag = entry.wrapping_add(discriminant.offset);
        let tag = program.read_unsigned(tag, discriminant.size)?;
        if select_variant(variants, tag) != Some(occupied) {
            continue;
        }
        let address = program.read_pointer(entry.wrapping_add(data))?;
        let place = usize::try_from(index).unwrap_or(usize::MAX).saturating_add(1);
        found.push((Value { ty: header, address }, place));
    }
    Ok((found, usize::try_from(count).unwrap_or(usize::MAX)))
}

/// Whether a thread has the lock of an executor's list of tasks now (`std::sync::Mutex` on a futex).
fn is_locked(program: &Program<'_>, state: Value) -> bool {
    let active = state.member(program, "active");
    let word = active.and_then(|active| active.find_number(program, "futex"));
    matches!(word, Ok(Some(word)) if word != 0)
}

impl Executor {
    pub(super) fn has_tasks(&self) -> bool {
        !self.listed.is_empty() || !self.unlisted.is_empty()
    }

    /// Its tasks by their headers, with their numbers: those in no list behind the others.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (u64, usize)> {
        let mut unlisted = self.unlisted.clone();
        unlisted.sort_unstable();
        let behind = (self.places + 1..).zip(unlisted).map(|(number, task)| (task, number));
        self.listed.iter().copied().chain(behind)
    }

    /// It as a runtime of the report.
    pub(super) fn runtime(
        &self,
        inspection: &Inspection<'_>,
        id: usize,
        tasks: &HashMap<u64, TaskIndex>,
    ) -> Runtime {
        let program = inspection.program;
        let listed = self.listed.len() + self.unlisted.len();
        let local = queues::local(program, self.state).unwrap_or_default();
        let own: Vec<Option<u64>> = self.threads.iter().map(|runs| runs.queue).collect();
        let (queues, injected) = queues::of(program, self.state, (&local, &own), tasks);
        let module = self.state.ty.module;
        let version = inspection.source_files(module).find_map(version_in);
        Runtime {
            id,
            library: super::LIBRARY.name,
            version,
            object: (module > 0).then(|| program.layouts(module).provenance().path),
            flavor: match self.threads.len().max(local.len()) {
                0 => UNKNOWN,
                1 => LOCAL,
                _ => SHARED,
            },
            address: self.state.address,
            workers: self.workers(inspection, tasks),
            driver: Driver::Unknown,
            injected,
            queues,
            shutdown: None,
            blocking: None,
            counted_tasks: None,
            listed_tasks: listed as u64,
            incomplete: {
                let no_list = self.is_static.then(|| NO_LIST.to_string());
                self.incomplete.iter().cloned().chain(no_list).collect()
            },
        }
    }

    fn workers(&self, inspection: &Inspection<'_>, tasks: &HashMap<u64, TaskIndex>) -> Vec<Worker> {
        let worker = |(index, runs): (usize, &Runs)| {
            let task = runs.task.and_then(|header| tasks.get(&header));
            let task = task.map(|index| inspection.tasks[index.0 as usize].id.clone());
            Worker {
                index,
                thread: Some(runs.thread),
                state: match task {
                    Some(_) => WorkerState::Running,
                    None => WorkerState::Parked,
                },
                task,
                queued: None,
            }
        };
        self.threads.iter().enumerate().map(worker).collect()
    }
}

/// The version in the path of one of its files: `…/async-executor-1.14.1/src/lib.rs`.
fn version_in(file: &str) -> Option<String> {
    version_in_path(file, "async-executor")
}
