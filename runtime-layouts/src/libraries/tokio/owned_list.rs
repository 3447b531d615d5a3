//! The owned lists: the intrusive lists of all spawned tasks that have not ended; before 1.9, of
//! those polled at least once.
//!
//! Source: `tokio/src/runtime/task/list.rs`, `tokio/src/util/{sharded_list,linked_list}.rs` (tokio
//! 1.54.1).

use rustc_hash::FxHashSet;

use super::context::ThreadContext;
use super::expected::{HEADER, OWNED_TASKS, TASK_LIST};
use super::scheduler::Scheduler;
use super::task_links::Links;
use super::worker_threads;
use crate::layout::Type;
use crate::memory::ReadError;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;

/// The tasks of an owned list.
pub(super) struct Owned {
    /// Their headers, by address.
    pub(super) headers: Vec<Value>,
    /// Their addresses in the order of the lists, oldest first: new tasks are pushed to the front.
    pub(super) order: Vec<u64>,
    /// Why some may be missing; empty when none is.
    pub(super) incomplete: Vec<String>,
}

/// How many tasks the list itself says that it has; `None` when it does not keep count.
pub(super) fn count(program: &Program<'_>, owned: Value) -> Option<u64> {
    let mut has_count = |ty: &Type| ty.member("count").is_some();
    let path = path::find(program, owned.ty, Reach::INLINE, &mut has_count)?;
    let list = path.follow(program, owned).ok()??;
    list.member(program, "count").ok()?.unsigned(program).ok()
}

/// What holds the lists of a scheduler's tasks, and why some of it may be missing: one value, or
/// one a worker before 1.9, where `Core::tasks` (`thread_pool/worker.rs`) or `Tasks::owned`
/// (`basic_scheduler.rs`) are reached from the worker's context (tokio 1.4.0).
pub(super) fn lists(
    inspection: &Inspection<'_>,
    scheduler: &Scheduler,
    contexts: &[ThreadContext],
) -> (Vec<Value>, Vec<String>) {
    let program = &inspection.program;
    if program.type_of(scheduler.identity.ty).is_ok_and(|layout| OWNED_TASKS.is(layout)) {
        return (vec![scheduler.identity], Vec::new());
    }
    let (mut lists, mut missing) = (Vec::new(), Vec::new());
    for thread in worker_threads(contexts, scheduler.address) {
        let Some(worker) = &thread.worker else { continue };
        let context = worker.context;
        let holder = context.member(program, "core").or_else(|_| context.member(program, "tasks"));
        let list = holder.and_then(|holder| {
            match path::find(program, holder.ty, Reach::RUNTIME, &mut |ty| TASK_LIST.is(ty)) {
                Some(path) => path.follow(program, holder),
                None => Ok(None),
            }
        });
        match list {
            Ok(Some(list)) => lists.push((worker.index, list)),
            // It is on the stack of the thread between two tasks, or another thread has it.
            Ok(None) => missing.push(worker.index),
            Err(error) => {
                let reason = format!("the task list of worker {}: {error}", worker.index);
                return (lists.into_iter().map(|(_, list)| list).collect(), vec![reason]);
            }
        }
    }
    missing.retain(|index| !lists.iter().any(|(known, _)| known == index));
    lists.sort_by_key(|(index, _)| *index);
    let mut reasons: Vec<String> = missing
        .iter()
        .map(|index| format!("worker {index} keeps its task list on its stack now"))
        .collect();
    if lists.is_empty() && reasons.is_empty() {
        reasons.push("no thread runs this scheduler now, and its workers keep the tasks".into());
    }
    (lists.into_iter().map(|(_, list)| list).collect(), reasons)
}

/// The headers of all tasks in all lists and their shards. A list that is torn or runs in a circle
/// is followed as far as it goes.
pub(super) fn headers(inspection: &mut Inspection<'_>, holders: &[Value]) -> Owned {
    let mut found = Owned { headers: Vec::new(), order: Vec::new(), incomplete: Vec::new() };
    let mut lists = Vec::new();
    for holder in holders {
        let program = &inspection.program;
        let to_list = path::find(program, holder.ty, Reach::RUNTIME, &mut |ty| TASK_LIST.is(ty));
        let Some(to_list) = to_list else {
            found.incomplete.push("the debug information does not describe the task list".into());
            continue;
        };
        if let Err(error) = to_list.each(program, *holder, &mut |list| lists.push(list)) {
            found.incomplete.push(format!("a shard of the task list: {error}"));
        }
    }
    let shards: Vec<Shard> =
        lists.into_iter().filter_map(|list| shard(inspection, list, &mut found)).collect();
    if let Some(headers) = whole(inspection.program, &shards) {
        (found.headers, found.order) = sorted(headers);
        let is_apart = |pair: &[Value]| pair[0].address != pair[1].address;
        if found.headers.windows(2).all(is_apart) {
            return found;
        }
        found.headers.clear();
    }
    step_by_step(inspection, shards, &mut found);
    (found.headers, found.order) = sorted(found.headers);
    found
}

/// Headers by address, and their addresses in the order of the lists.
fn sorted(mut headers: Vec<Value>) -> (Vec<Value>, Vec<u64>) {
    let order = headers.iter().rev().map(|header| header.address).collect();
    headers.sort_unstable_by_key(|header| header.address);
    (headers, order)
}

/// Follows lists to their ends. `None` when one of them is torn, as far as that is seen from one
/// list.
///
/// One step of each in turn: neighbours in memory are in different shards, so that each page is
/// fetched once. Several threads would only wait for each other's pages.
fn whole(program: &Program<'_>, shards: &[Shard]) -> Option<Vec<Value>> {
    let mut lists: Vec<List> = shards.iter().map(List::of).collect();
    while lists.iter().any(|list| !list.has_ended()) {
        for _ in 0..1024 {
            let mut under_way = lists.iter_mut().filter(|list| !list.has_ended());
            if !under_way.all(|list| list.step(program)) {
                return None;
            }
        }
        if program.target().interrupted() {
            return None;
        }
    }
    let longest = lists.iter().map(|list| list.headers.len()).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|place| {
        let lists = lists.iter().zip(shards);
        lists.filter_map(move |(list, shard)| {
            let address = list.headers.get(place)?;
            Some(Value { ty: shard.header, address: *address })
        })
    });
    Some(in_turn.collect())
}

/// A list that is followed to its end.
struct List {
    links: Links,
    headers: Vec<u64>,
    next: Result<u64, ReadError>,
    /// One of its headers, further on whenever the list proves to be twice as long: a list that
    /// comes back to one of its headers comes to this one in the end (Brent's algorithm).
    mark: u64,
}

impl List {
    fn of(shard: &Shard) -> Self {
        Self { links: shard.links.clone(), headers: Vec::new(), next: shard.next, mark: 0 }
    }

    fn has_ended(&self) -> bool {
        self.next == Ok(0)
    }

    /// Takes one task; `false` when the list is torn here.
    fn step(&mut self, program: &Program<'_>) -> bool {
        let Ok(address) = self.next else { return false };
        if address == self.mark {
            return false;
        }
        self.headers.push(address);
        if self.headers.len().is_power_of_two() {
            self.mark = address;
        }
        self.next = self.links.next(program, address);
        true
    }
}

/// Follows lists of which one is torn: as far as each goes.
fn step_by_step(inspection: &mut Inspection<'_>, mut shards: Vec<Shard>, found: &mut Owned) {
    let mut seen = FxHashSet::default();
    while !shards.is_empty() {
        shards.retain_mut(|shard| step(inspection, shard, &mut seen, found));
        if found.headers.len() % 1024 < shards.len() && inspection.interrupted() {
            found.incomplete.push("interrupted".into());
            break;
        }
    }
}

/// One list that is being followed.
struct Shard {
    links: Links,
    header: Ty,
    next: Result<u64, ReadError>,
}

fn shard(inspection: &Inspection<'_>, list: Value, found: &mut Owned) -> Option<Shard> {
    let program = &inspection.program;
    let mut fail = |reason: String| {
        found.incomplete.push(reason);
        None
    };
    let head = match list.member(program, "head") {
        Ok(head) => head,
        Err(error) => return fail(error.to_string()),
    };
    let mut is_header = |ty: &Type| HEADER.is(ty);
    let Some(to_header) = path::find(program, head.ty, Reach::RUNTIME, &mut is_header) else {
        return fail("the debug information does not describe a task".into());
    };
    match Links::new(program, to_header.end) {
        Ok(links) => {
            let next = program.read_pointer(head.address);
            Some(Shard { links, header: to_header.end, next })
        }
        Err(error) => fail(error.to_string()),
    }
}

/// Takes one task from a list; `false` when there is no more.
fn step(
    inspection: &Inspection<'_>,
    shard: &mut Shard,
    seen: &mut FxHashSet<u64>,
    found: &mut Owned,
) -> bool {
    let address = match &shard.next {
        Ok(0) => return false,
        Ok(address) => *address,
        Err(error) => {
            found.incomplete.push(format!("the task list ends early: {error}"));
            return false;
        }
    };
    if !seen.insert(address) {
        let reason = format!("the task list is torn: it loops back to {address:#x}");
        found.incomplete.push(reason);
        return false;
    }
    found.headers.push(Value { ty: shard.header, address });
    shard.next = shard.links.next(inspection.program, address);
    true
}
