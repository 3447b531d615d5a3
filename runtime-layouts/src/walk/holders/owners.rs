//! Owners of what lies behind pointers that several share: whether all of them were found.
//!
//! An `Arc` counts those that own it together. Where as many were found in the variables of tasks,
//! and there is no weak one, nobody else has what lies behind it.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::report::{Access, Resource, ResourceId, ResourceKind, Task, TaskIndex, TaskKind, Wait};
use crate::value::{Program, Value};
use crate::walk::search::shared::{Counts, SharedPointer};

/// The pointers to what is waited for that were found.
#[derive(Default)]
pub(crate) struct Owners {
    /// By the address of the counts: one of the pointers, and all of them by where they are.
    found: FxHashMap<u64, (SharedPointer, FxHashMap<u64, Handle>)>,
    /// The addresses of the counts around each.
    around: FxHashMap<ResourceId, FxHashSet<u64>>,
}

/// A pointer that was found.
#[derive(Clone, Copy)]
struct Handle {
    /// The task that has it.
    task: TaskIndex,
    /// Whether it may have been moved away.
    may_be_moved: bool,
    /// Whether all that is known of it is a word on a thread's stack.
    is_on_stack: bool,
}

/// Whether all owners of something were found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Found {
    /// They were.
    All,
    /// They were, if no variable that may have been moved away was.
    Perhaps,
    /// There may be others.
    Some,
}

impl Owners {
    /// Adds the pointers on one way to what is waited for.
    pub(crate) fn add(
        &mut self,
        id: ResourceId,
        shared: &[SharedPointer],
        task: TaskIndex,
        may_be_moved: bool,
    ) {
        for pointer in shared {
            let counts = pointer.counted.address;
            let (_, handles) =
                self.found.entry(counts).or_insert_with(|| (*pointer, FxHashMap::default()));
            let handle = handles.entry(pointer.handle.address);
            let handle = handle.or_insert(Handle { task, may_be_moved, is_on_stack: false });
            handle.may_be_moved &= may_be_moved;
            self.around.entry(id).or_default().insert(counts);
        }
    }

    /// The addresses of the counts around something.
    pub(crate) fn around(&self, id: ResourceId) -> Vec<u64> {
        self.around.get(&id).into_iter().flatten().copied().collect()
    }

    /// Whether more pointers were found than there are.
    pub(crate) fn are_too_many(&self, program: &Program<'_>, id: ResourceId) -> bool {
        let around = self.around.get(&id).into_iter().flatten();
        let mut found = around.filter_map(|counts| self.found.get(counts));
        found.any(|(pointer, handles)| {
            let counts = pointer.counts(program);
            counts.is_some_and(|counts| counts.strong < handles.len() as u64)
        })
    }

    /// Drops the pointers of these tasks that may have been moved away.
    pub(crate) fn drop_moved(&mut self, id: ResourceId, tasks: &FxHashSet<TaskIndex>) {
        for counts in self.around.get(&id).into_iter().flatten() {
            if let Some((_, handles)) = self.found.get_mut(counts) {
                handles.retain(|_, it| !(it.may_be_moved && tasks.contains(&it.task)));
            }
        }
    }

    /// Adds a pointer to each of these on the stack of a thread, which runs that task.
    pub(crate) fn add_on_stack(&mut self, id: ResourceId, tid: u64, task: TaskIndex) {
        for counts in self.around.get(&id).into_iter().flatten() {
            if let Some((_, handles)) = self.found.get_mut(counts) {
                // No pointer lies where the id of a thread would be its address.
                handles.insert(tid, Handle { task, may_be_moved: true, is_on_stack: true });
            }
        }
    }

    /// Takes in that a spawned task waits for something: only its own pointers keep that alive, so
    /// where it has but one, that was not moved away. What a thread blocks on may borrow from that
    /// thread, and what is on a stack may be read from a static variable.
    pub(crate) fn keep_alive(
        &mut self,
        all: &[Task],
        waits: &[Wait],
        id: ResourceId,
        resource: &mut Resource,
    ) {
        if !resource.holders.iter().any(|holder| holder.access == Access::Handle) {
            return;
        }
        let tasks = resource.queue.iter().map(|wait| waits[wait.0 as usize].task);
        let is_spawned = |task: &TaskIndex| all[task.0 as usize].kind != TaskKind::BlockOn;
        for task in tasks.filter(is_spawned) {
            let mut own = resource.holders.iter_mut().filter(|holder| holder.task == Some(task));
            if let (Some(only), None) = (own.next(), own.next())
                && self.has_one(id, task)
            {
                only.may_be_moved = false;
            }
        }
    }

    /// Makes sure of the pointers of a task around something, where it has but one to each; whether
    /// it has.
    fn has_one(&mut self, id: ResourceId, task: TaskIndex) -> bool {
        let mut has_one = true;
        for counts in self.around.get(&id).into_iter().flatten() {
            let Some((_, handles)) = self.found.get_mut(counts) else { continue };
            let mut own = handles.values_mut().filter(|handle| handle.task == task);
            match (own.next(), own.next()) {
                (Some(only), None) if !only.is_on_stack => only.may_be_moved = false,
                _ => has_one = false,
            }
        }
        has_one
    }

    /// Decides, when all were added, whether anyone else can get at a resource, and which of its
    /// holders count.
    pub(crate) fn finish(&self, program: &Program<'_>, id: ResourceId, resource: &mut Resource) {
        let around = self.around.get(&id).into_iter().flatten();
        match around.map(|counts| self.of(program, *counts)).max() {
            // Of what is known by rules only nobody is an owner perhaps.
            Some(Found::Perhaps) if resource.kind == ResourceKind::OtherEnd => {
                resource.is_reachable = true;
            }
            Some(Found::All) if resource.kind == ResourceKind::OtherEnd => {
                resource.holders.retain(|it| !it.may_be_moved);
            }
            None | Some(Found::Perhaps) => {}
            // What may have been moved away was: all owners are known without it.
            Some(Found::All) => {
                resource.holders.retain(|it| it.shared_end.is_none() || !it.may_be_moved);
            }
            Some(Found::Some) => resource.is_reachable = true,
        }
    }

    fn of(&self, program: &Program<'_>, counts: u64) -> Found {
        let Some((pointer, handles)) = self.found.get(&counts) else { return Found::Some };
        let Some(Counts { strong, weak: 0 }) = pointer.counts(program) else { return Found::Some };
        let sure = handles.values().filter(|handle| !handle.may_be_moved).count() as u64;
        match strong {
            strong if strong == sure => Found::All,
            strong if strong == handles.len() as u64 => Found::Perhaps,
            _ => Found::Some,
        }
    }

    /// Where everything lies that shares its pointers with what is waited for: a reference to any
    /// part of that may lead there.
    pub(crate) fn allocations(
        &self,
        program: &Program<'_>,
    ) -> FxHashMap<ResourceId, Vec<Range<u64>>> {
        let allocation = |counts: &u64| {
            let (pointer, _) = self.found.get(counts)?;
            let Value { ty, address } = pointer.counted;
            let size = program.type_of(ty).ok()?.size;
            Some(address..address.saturating_add(size))
        };
        let all = self.around.iter();
        all.map(|(id, counts)| (*id, counts.iter().filter_map(allocation).collect())).collect()
    }
}
