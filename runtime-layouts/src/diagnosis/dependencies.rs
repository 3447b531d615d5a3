//! What waits depend on: tasks and frames of tasks, by number.

use super::dense::Lists;
use crate::report::{Cause, FrameRef, TaskIndex};

/// Something that goes on or does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Dependency {
    /// A whole task: it goes on when one of its leaves does.
    Task(TaskIndex),
    /// A frame of a task: it goes on when one of the leaves below it does.
    Frame(TaskIndex, FrameRef),
}

impl Dependency {
    /// Its task.
    pub(super) fn task(self) -> TaskIndex {
        match self {
            Self::Task(task) | Self::Frame(task, _) => task,
        }
    }
}

/// Things of which one is enough, each with the reason for which a wait does not end before. An empty
/// group never comes.
pub(super) type Group = Vec<(Dependency, Cause)>;

/// The number of a [`Dependency`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct DependencyId(pub(super) u32);

/// All that something depends on.
pub(super) struct Dependencies {
    all: Vec<Dependency>,
    /// The numbers of those of each task: one or two, mostly.
    of_tasks: Lists<DependencyId>,
}

impl Dependencies {
    /// What is in some groups, of a report with so many tasks.
    pub(super) fn of(groups: &[Group], tasks: usize) -> Self {
        let mut all: Vec<Dependency> = groups.iter().flatten().map(|(it, _)| *it).collect();
        all.sort_unstable_by_key(|it| (it.task(), *it));
        all.dedup();
        let of_tasks =
            Lists::of(tasks, || (0..).zip(&all).map(|(id, it)| (it.task().0, DependencyId(id))));
        Self { all, of_tasks }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, id: DependencyId) -> Dependency {
        self.all[id.0 as usize]
    }

    /// The tasks with something that something depends on.
    pub(super) fn tasks(&self) -> impl Iterator<Item = TaskIndex> + '_ {
        let mut last = None;
        let tasks = self.all.iter().map(|it| it.task());
        tasks.filter(move |task| last.replace(*task) != Some(*task))
    }

    /// The number of a task, if anything depends on it.
    pub(super) fn task(&self, task: TaskIndex) -> Option<DependencyId> {
        self.find(task, |it| matches!(it, Dependency::Task(_)))
    }

    /// The number of a frame, if anything depends on it.
    pub(super) fn frame(&self, task: TaskIndex, frame: FrameRef) -> Option<DependencyId> {
        self.find(task, |it| it == Dependency::Frame(task, frame))
    }

    fn find(&self, task: TaskIndex, is: impl Fn(Dependency) -> bool) -> Option<DependencyId> {
        self.of_tasks.get(task.0).iter().copied().find(|id| is(self.get(*id)))
    }

    /// A group by numbers.
    pub(super) fn numbered(&self, group: &Group) -> Vec<(DependencyId, Cause)> {
        let number = |it: &Dependency| match *it {
            Dependency::Task(task) => self.task(task),
            Dependency::Frame(task, frame) => self.frame(task, frame),
        };
        group.iter().filter_map(|(it, cause)| Some((number(it)?, *cause))).collect()
    }
}
