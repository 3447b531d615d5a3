//! What a wait depends on in place of a task that cannot run before something else does: the keeper of
//! a `LocalSet` that nobody polls, or the closures that have the threads of a full blocking pool.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::dependencies::{Dependency, Group};
use crate::report::{
    Cause, FrameKind, LocalSet, Report, Runtime, SetPlace, Task, TaskIndex, TaskKind, TaskState,
};

/// What must go on before a task can.
struct Substitute {
    /// Any of these. All the closures that queue for a pool share one list.
    instead: Rc<[Dependency]>,
    /// Why the task does not go on before.
    cause: Cause,
}

/// The substitutes of the tasks that have one.
pub(super) struct Substitutes {
    of: FxHashMap<TaskIndex, Substitute>,
}

impl Substitutes {
    /// Those of a report.
    pub(super) fn of(report: &Report) -> Self {
        let mut substitutes = Self { of: FxHashMap::default() };
        for set in &report.local_sets {
            substitutes.add_set(report, set);
        }
        for runtime in &report.runtimes {
            substitutes.add_pool(report, runtime);
        }
        substitutes
    }

    /// The tasks of a set that nobody polls go on when what keeps the set does, and then polls it.
    fn add_set(&mut self, report: &Report, set: &LocalSet) {
        let Some(keeper) = set.kept.as_ref().filter(|_| set.is_polled != Some(true)) else {
            return;
        };
        let Some(instead) = keeper_of(report, keeper) else { return };
        for task in &set.tasks {
            let cause = Cause::SetNotPolled(*task);
            self.of.insert(*task, Substitute { instead: Rc::from([instead]), cause });
        }
    }

    /// The closures that queue for a full pool go on when one of those that have its threads ends.
    fn add_pool(&mut self, report: &Report, runtime: &Runtime) {
        let Some(pool) = runtime.blocking.filter(|pool| pool.is_full()) else { return };
        let closures = |state| {
            let is = move |task: &&Task| {
                task.kind == TaskKind::Blocking
                    && task.runtime == Some(runtime.id)
                    && task.state == state
            };
            report.tasks.iter().filter(is).map(|task| task.index)
        };
        let running: Vec<TaskIndex> = closures(TaskState::Running).collect();
        // One that was not found may end at any time.
        if running.len() as u64 != pool.threads {
            return;
        }
        let instead: Rc<[Dependency]> = running.into_iter().map(Dependency::Task).collect();
        for queued in closures(TaskState::Scheduled) {
            let instead = Rc::clone(&instead);
            self.of.insert(queued, Substitute { instead, cause: Cause::NoThread(queued) });
        }
    }

    /// Puts the substitutes of tasks in their places.
    pub(super) fn put_into(&self, group: &mut Group) {
        if !group.iter().any(|(dependency, _)| self.of.contains_key(&dependency.task())) {
            return;
        }
        let old = std::mem::take(group);
        for (dependency, cause) in old {
            let Some(substitute) = self.of.get(&dependency.task()) else {
                group.push((dependency, cause));
                continue;
            };
            // Who holds something is told in any case; that a task has not ended is told by why it
            // cannot.
            let cause = match cause {
                Cause::NotEnded(_) => substitute.cause,
                other => other,
            };
            group.extend(substitute.instead.iter().map(|instead| (*instead, cause)));
        }
    }
}

/// What has to go on before a set can be polled: the frame that keeps it, or what the thread blocks
/// on that keeps it outside of all futures. `None` where that is not known, or where the thread
/// runs.
fn keeper_of(report: &Report, keeper: &SetPlace) -> Option<Dependency> {
    let task = keeper.task?;
    match report.site(keeper.frame.site).kind {
        FrameKind::Native => Some(Dependency::Task(task)),
        _ => Some(Dependency::Frame(task, keeper.frame)),
    }
}
