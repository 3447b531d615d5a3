//! Resource types: what a library's futures wait for, and how to read one from memory.

use std::borrow::Cow;
use std::sync::OnceLock;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::declared::DeclaredWait;
use crate::report::{
    Access, ReservedPlaces, ResourceKind, Task, TaskId, TaskIndex, TaskKind, ThreadRef, Timer,
};
use crate::value::{Program, Value, ValueError};

/// A type whose values are waited for: a future, or what an async fn's `self` is.
pub struct ResourceType {
    /// Its path, without generic arguments.
    pub(crate) path: &'static str,
    /// Reads such a value. `None` when it is not waited for after all.
    pub(crate) read: Read,
    /// Whether a user declared it: then it is one in frames of the user's own code too.
    pub(crate) is_declared_by_user: bool,
    /// The data pointers of the wakers that such a value keeps, for one that can be polled without
    /// a future of its own; `None` for one that cannot.
    pub(crate) wakers: Option<Wakers>,
    /// Whether such a value stands in a queue as soon as it is there, so that what others wait for may
    /// be given to it though nothing polls it.
    pub(crate) is_queued: bool,
    /// Whether it is made of simpler resources, and waited for only where what the frames further in
    /// wait for is one of its parts: a pool, by the semaphore in it.
    pub(crate) is_around: bool,
}

impl ResourceType {
    /// A type that is read by that function.
    pub(crate) const fn of(path: &'static str, read: ReadValue) -> Self {
        Self {
            path,
            read: Read::Written(read),
            is_declared_by_user: false,
            wakers: None,
            is_queued: false,
            is_around: false,
        }
    }

    /// A type that is declared.
    pub(crate) const fn declared(
        path: &'static str,
        wait: &'static DeclaredWait,
        is_around: bool,
        is_declared_by_user: bool,
    ) -> Self {
        let read = Read::Declared(wait);
        Self { path, read, is_declared_by_user, wakers: None, is_queued: false, is_around }
    }

    /// The type that was declared; `None` for what was not.
    pub(crate) fn declared_type(&self) -> Option<&'static str> {
        match self.read {
            Read::Written(_) => None,
            Read::Declared(wait) => Some(wait.declared_type()),
        }
    }

    /// A type whose crate is known, and nothing else of it.
    pub(crate) const fn nothing(path: &'static str) -> Self {
        Self::of(path, |_, _| Ok(None))
    }

    /// Reads such a value. `None` when it is not waited for after all.
    pub(crate) fn read(
        &self,
        reading: &Reading<'_>,
        value: Value,
    ) -> Result<Option<ObservedResource>, ValueError> {
        match self.read {
            Read::Written(read) => read(reading, value),
            Read::Declared(wait) => wait.read(reading, value),
        }
    }

    /// The same, of which each value stands in a queue.
    pub(crate) const fn queued(path: &'static str, read: ReadValue) -> Self {
        Self { is_queued: true, ..Self::of(path, read) }
    }

    /// The same, of which each value is made of simpler resources.
    pub(crate) const fn around(path: &'static str, read: ReadValue) -> Self {
        Self { is_around: true, ..Self::of(path, read) }
    }
}

/// How what is waited for is read.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// By a function.
    Written(ReadValue),
    /// As it was declared.
    Declared(&'static DeclaredWait),
}

/// Reads what is waited for.
pub(crate) type ReadValue = fn(&Reading<'_>, Value) -> Result<Option<ObservedResource>, ValueError>;

/// Reads the data pointers of the wakers that a value keeps.
pub(crate) type Wakers = fn(&Program<'_>, Value) -> Result<Vec<u64>, ValueError>;

/// What a leaf is read with.
pub(crate) struct Reading<'r> {
    /// The target.
    pub(crate) program: &'r Program<'r>,
    /// The innermost future of the chain.
    pub(crate) leaf: Value,
    /// The tasks that others may wait for.
    pub(crate) tasks: &'r Tasks<'r>,
    /// The data pointer of the wakers of the task whose leaf it is; 0 when that is not known.
    pub(crate) waker: u64,
    /// The data pointers of wakers that futures between that task and its leaf give to what they poll,
    /// and that wake the same task.
    pub(crate) passed_on: &'r FxHashSet<u64>,
    /// What the frames further in were found to wait for; `None` for nothing known, and where a
    /// value is read that nobody waits for.
    pub(crate) inside: Option<&'r ObservedResource>,
}

impl<'r> Reading<'r> {
    /// A value that is read for what it says of itself, whoever waits for it.
    pub(crate) fn alone(program: &'r Program<'r>, leaf: Value) -> Self {
        static TASKS: Tasks<'static> = Tasks { all: &[], places: OnceLock::new() };
        static WAKERS: FxHashSet<u64> = FxHashSet::with_hasher(FxBuildHasher);
        Self { program, leaf, tasks: &TASKS, waker: 0, passed_on: &WAKERS, inside: None }
    }

    /// Whether a waker with that data pointer wakes the task whose leaf is read.
    pub(crate) fn is_own(&self, waker: u64) -> bool {
        if waker != 0 && self.passed_on.contains(&waker) {
            return true;
        }
        match self.waker {
            // The waker of a future that a thread blocks on is the thread's, not a task's.
            0 => waker != 0 && self.tasks.at(waker).is_none(),
            own => waker == own,
        }
    }
}

/// The tasks that were found, to be looked up.
pub(crate) struct Tasks<'t> {
    all: &'t [Task],
    /// Made when the first of them is looked up: few leaves wait for tasks.
    places: OnceLock<Places>,
}

/// Where the tasks are among all of them.
#[derive(Default)]
struct Places {
    by_header: FxHashMap<u64, TaskIndex>,
    /// The closures that run on threads: they have no header that is known.
    closures: FxHashMap<TaskId, TaskIndex>,
}

impl<'t> Tasks<'t> {
    /// All that were found.
    pub(crate) fn of(all: &'t [Task]) -> Self {
        Self { all, places: OnceLock::new() }
    }

    fn places(&self) -> &Places {
        self.places.get_or_init(|| {
            let mut found = Places::default();
            for task in self.all {
                if task.address != 0 {
                    found.by_header.insert(task.address, task.index);
                } else if task.kind == TaskKind::Blocking {
                    found.closures.insert(task.id.clone(), task.index);
                }
            }
            found
        })
    }

    /// The task whose header is there.
    pub(crate) fn at(&self, header: u64) -> Option<TaskIndex> {
        self.places().by_header.get(&header).copied()
    }

    /// The closure with that id that a thread runs.
    pub(crate) fn closure(&self, id: &TaskId) -> Option<TaskIndex> {
        self.places().closures.get(id).copied()
    }
}

/// A resource as it was read from one of its values, before resources that are the same become one.
#[derive(Clone, Debug)]
pub(crate) struct ObservedResource {
    /// What it is.
    pub(crate) kind: ResourceKind,
    /// What tells it from others of its kind: an address.
    pub(crate) key: u64,
    /// The address of what the user knows.
    pub(crate) address: u64,
    /// Its name; `None` for the type's.
    pub(crate) name: Option<Cow<'static, str>>,
    /// See [`crate::report::Resource::state`].
    pub(crate) state: Option<String>,
    /// See [`crate::report::Resource::timer`].
    pub(crate) timer: Option<Timer>,
    /// See [`crate::report::Resource::is_taken`].
    pub(crate) is_taken: Option<bool>,
    /// See [`crate::report::Resource::parties`].
    pub(crate) parties: Option<u64>,
    /// See [`crate::report::Resource::reserved`].
    pub(crate) reserved: Option<ReservedPlaces>,
    /// See [`crate::report::Resource::is_reachable`].
    pub(crate) is_reachable: bool,
    /// See [`crate::report::Wait::access`].
    pub(crate) access: Option<Access>,
    /// See [`crate::report::Wait::is_granted`].
    pub(crate) is_granted: bool,
    /// See [`crate::report::Wait::note`].
    pub(crate) note: Option<String>,
    /// How to read its queue, and from what. It is read once, however many wait.
    pub(crate) order: Option<(ReadOrder, Value)>,
    /// See [`crate::report::Resource::tasks`].
    pub(crate) tasks: Vec<TaskIndex>,
    /// See [`crate::report::Resource::needs_all`].
    pub(crate) needs_all: bool,
    /// The semaphore that it is made of, by its kind and key: who has a permit of that has one of this.
    pub(crate) made_of: Option<(ResourceKind, u64)>,
    /// The key of the pool whose frames it was found in, of what is no object of that: beside a wait
    /// for one it only ends that.
    pub(crate) limit_of: Option<u64>,
    /// The near and the far end of a socket that is connected.
    pub(crate) ends: Option<(String, String)>,
    /// What it is for the system; `None` for what that knows nothing of.
    pub(crate) of_system: Option<OfSystem>,
    /// The threads whose ends are waited for: of each where `needs_all` says so, else of one of them, and
    /// it is not known of which. The first is [`crate::report::Resource::thread`].
    pub(crate) threads: Vec<ThreadRef>,
    /// See [`crate::report::Resource::declared_in`].
    pub(crate) declared_in: Option<&'static str>,
}

/// What the system has of its own, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum OfSystem {
    /// An open file of the process.
    File(u64),
    /// A child process.
    Child(u64),
    /// The lock of what an open file of the process is.
    Lock(u64),
}

impl ObservedResource {
    /// Something of which nothing more is known than what and where it is.
    pub(crate) fn new(kind: ResourceKind, value: Value) -> Self {
        Self { key: value.address, address: value.address, ..Self::without_address(kind) }
    }

    /// Something whose place is not known.
    pub(crate) fn without_address(kind: ResourceKind) -> Self {
        Self {
            kind,
            key: 0,
            address: 0,
            name: None,
            state: None,
            timer: None,
            is_taken: None,
            parties: None,
            reserved: None,
            is_reachable: false,
            access: None,
            is_granted: false,
            note: None,
            order: None,
            tasks: Vec::new(),
            needs_all: false,
            made_of: None,
            limit_of: None,
            ends: None,
            of_system: None,
            threads: Vec::new(),
            declared_in: None,
        }
    }
}

/// Reads the addresses of what waits for something, in its own order: each lies in a leaf.
pub(crate) type ReadOrder = fn(&Program<'_>, Value) -> Result<Vec<u64>, ValueError>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::value::Ty;

    /// Whether a waker with that data pointer is the own one of a task with another one, below a future
    /// that gives what it polls a waker of its own.
    fn is_own(task: u64, waker: u64) -> bool {
        let mut layouts = FakeLayouts::new();
        let ty = Ty { module: 0, id: layouts.integer(8) };
        let target = FakeTarget::new(layouts, FakeMemory::new(), 0);
        let program = Program::new(&target);
        let passed_on = FxHashSet::from_iter([0x30, 0]);
        let alone = Reading::alone(&program, Value { ty, address: 0x1000 });
        Reading { waker: task, passed_on: &passed_on, ..alone }.is_own(waker)
    }

    #[test]
    fn a_task_is_woken_by_its_waker_and_by_those_that_its_futures_pass_on() {
        assert!(is_own(0x10, 0x10));
        assert!(is_own(0x10, 0x30), "`FuturesUnordered` gives it to what it polls");
        assert!(!is_own(0x10, 0x20), "another task's");
        assert!(is_own(0, 0x20), "a thread blocks on it, and no task has that waker");
        assert!(!is_own(0, 0), "no waker at all");
    }
}
