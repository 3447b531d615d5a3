//! EXPECTATIONS: the names of tokio's own that the reading of its runtimes rests on, each declared
//! once, with every spelling that it had.
//!
//! Nothing here asks for a version: whatever spelling a program has is the one that is used. The
//! versions say where the knowledge is from; `docs/versions.md` has the ones that were tried.

use crate::layout::Type;
use crate::value::parts::is_named;

/// What kind of thing a name is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A type; of a generic one the name up to `<`, included, or up to a `::` in its arguments.
    Type,
    /// A thread-local variable.
    ThreadLocal,
    /// A generic function, its name up to `<`, included.
    Function,
}

/// One spelling of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spelling {
    /// The full path, as rustc writes it into DWARF.
    pub name: &'static str,
    /// The first version of tokio that it was seen in, of those in `docs/versions.md`.
    pub since: &'static str,
    /// The first version that no longer has it, of those; `None` while the newest does.
    pub until: Option<&'static str>,
    /// Members that it must have; empty when none is asked for by name.
    pub members: &'static [&'static str],
}

/// One thing that is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expectation {
    /// What it is for.
    pub what: &'static str,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Its spellings, newest first.
    pub spellings: &'static [Spelling],
    /// The folder or file below `tokio/src` that the newest spelling is from.
    pub source: &'static str,
    /// Whether a program may do without: it does not use that part of tokio, or the linker and
    /// the optimizer left nothing of it.
    pub optional: bool,
}

impl Expectation {
    /// Whether that is the type.
    pub(super) fn is(&self, ty: &Type) -> bool {
        self.spellings.iter().any(|spelling| match spelling.name.ends_with("::") {
            true => ty.name.starts_with(spelling.name),
            false => is_named(ty, spelling.name),
        })
    }

    /// Its newest spelling.
    pub(super) const fn newest(&self) -> &'static str {
        self.spellings[0].name
    }

    /// Its spellings' names, newest first.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.spellings.iter().map(|spelling| spelling.name)
    }
}

const fn newest(name: &'static str, since: &'static str) -> Spelling {
    Spelling { name, since, until: None, members: &[] }
}

const fn was(name: &'static str, since: &'static str, until: &'static str) -> Spelling {
    Spelling { name, since, until: Some(until), members: &[] }
}

const fn with(spelling: Spelling, members: &'static [&'static str]) -> Spelling {
    Spelling { members, ..spelling }
}

const fn ty(
    what: &'static str,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind: Kind::Type, spellings, source, optional: false }
}

const fn local(
    what: &'static str,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind: Kind::ThreadLocal, spellings, source, optional: false }
}

const fn optional(expectation: Expectation) -> Expectation {
    Expectation { optional: true, ..expectation }
}

/// Before 1.22 it held the handle and nothing else.
pub(super) const CONTEXT: Expectation = local(
    "the runtime that a thread is inside of",
    "runtime/context.rs",
    &[newest("tokio::runtime::context::CONTEXT", "1.0")],
);

/// Before it there was the bare handle.
pub(super) const CONTEXT_TYPE: Expectation = optional(ty(
    "what a thread knows of its runtime",
    "runtime/context.rs",
    &[with(newest("tokio::runtime::context::Context", "1.22"), &["current_task_id", "runtime"])],
));

/// Whether a thread drives a runtime: a member of `Context` since 1.22.
pub(super) const ENTERED: Expectation = optional(local(
    "whether a thread drives a runtime",
    "runtime/enter.rs",
    &[was("tokio::runtime::enter::ENTERED", "1.0", "1.22")],
));

pub(super) const PARKER: Expectation = optional(local(
    "the parker of threads that block on a future outside a scheduler",
    "runtime/park.rs",
    &[
        newest("tokio::runtime::park::CURRENT_PARKER", "1.22"),
        was("tokio::park::thread::CURRENT_PARKER", "1.0", "1.22"),
    ],
));

pub(super) const PARK_INNER: Expectation = optional(ty(
    "whether such a thread sleeps",
    "runtime/park.rs",
    &[
        // The same path was a worker's parker before: there it has no thread-local to it.
        with(newest("tokio::runtime::park::Inner", "1.22"), &["state"]),
        with(was("tokio::park::thread::Inner", "1.0", "1.22"), &["state"]),
    ],
));

pub(super) const HANDLE: Expectation = ty(
    "the scheduler of a runtime",
    "runtime/scheduler/mod.rs",
    &[
        newest("tokio::runtime::scheduler::Handle", "1.22"),
        was("tokio::runtime::spawner::Spawner", "1.0", "1.22"),
    ],
);

/// A member of `Context` since 1.30: before, a thread-local untyped pointer
/// (`macros/scoped_tls.rs`) to a value of the type that stands at the same place in
/// [`SCOPED_CONTEXTS`].
pub(super) const SCOPED: Expectation = optional(local(
    "the worker that a thread is, beside its context",
    "runtime/scheduler/{multi_thread/worker,current_thread}.rs",
    &[
        was("tokio::runtime::scheduler::multi_thread::worker::CURRENT", "1.21", "1.30"),
        was("tokio::runtime::scheduler::current_thread::CURRENT", "1.21", "1.30"),
        was("tokio::runtime::thread_pool::worker::CURRENT", "1.0", "1.21"),
        was("tokio::runtime::basic_scheduler::CURRENT", "1.0", "1.21"),
    ],
));

pub(super) const SCOPED_CONTEXTS: Expectation = optional(ty(
    "a worker's own context",
    "runtime/scheduler/{multi_thread/worker,current_thread}.rs",
    &[
        newest("tokio::runtime::scheduler::multi_thread::worker::Context", "1.21"),
        newest("tokio::runtime::scheduler::current_thread::Context", "1.21"),
        was("tokio::runtime::thread_pool::worker::Context", "1.0", "1.21"),
        was("tokio::runtime::basic_scheduler::Context", "1.0", "1.21"),
    ],
));

pub(super) const SCHEDULER_CONTEXT: Expectation = optional(ty(
    "the worker that a thread is",
    "runtime/scheduler/mod.rs",
    &[newest("tokio::runtime::scheduler::Context", "1.30")],
));

pub(super) const WORKER: Expectation = optional(ty(
    "a worker's number",
    "runtime/scheduler/multi_thread/worker.rs",
    &[
        with(newest("tokio::runtime::scheduler::multi_thread::worker::Worker", "1.21"), &["index"]),
        with(was("tokio::runtime::thread_pool::worker::Worker", "1.0", "1.21"), &["index"]),
    ],
));

/// Before 1.9 the lists were the workers' own: see [`OLD_SHARED`].
pub(super) const OWNED_TASKS: Expectation = optional(ty(
    "the list of a scheduler's tasks",
    "runtime/task/list.rs",
    &[newest("tokio::runtime::task::list::OwnedTasks<", "1.9")],
));

/// What tells one scheduler from another where it has no list of its tasks.
pub(super) const OLD_SHARED: Expectation = optional(ty(
    "a scheduler whose workers keep the lists of tasks",
    "runtime/{basic_scheduler,thread_pool/worker}.rs",
    &[
        was("tokio::runtime::basic_scheduler::Shared", "1.0", "1.21"),
        was("tokio::runtime::thread_pool::worker::Shared", "1.0", "1.21"),
    ],
));

pub(super) const TASK_LIST: Expectation = ty(
    "a list of tasks",
    "util/linked_list.rs",
    &[with(
        newest("tokio::util::linked_list::LinkedList<tokio::runtime::task::", "1.0"),
        &["head"],
    )],
);

pub(super) const LOCAL_OWNED: Expectation = optional(ty(
    "the list of a local set's tasks",
    "runtime/task/list.rs",
    &[
        newest("tokio::runtime::task::list::LocalOwnedTasks<", "1.9"),
        was("tokio::util::linked_list::LinkedList<tokio::runtime::task::", "1.0", "1.9"),
    ],
));

pub(super) const MULTI_THREAD_SHARED: Expectation = optional(ty(
    "what the workers of a multi-threaded scheduler share",
    "runtime/scheduler/multi_thread/worker.rs",
    &[
        with(
            newest("tokio::runtime::scheduler::multi_thread::worker::Shared", "1.21"),
            &["remotes"],
        ),
        with(was("tokio::runtime::thread_pool::worker::Shared", "1.0", "1.21"), &["remotes"]),
    ],
));

pub(super) const REMOTE: Expectation = optional(ty(
    "one of its workers",
    "runtime/scheduler/multi_thread/worker.rs",
    &[
        newest("tokio::runtime::scheduler::multi_thread::worker::Remote", "1.21"),
        was("tokio::runtime::thread_pool::worker::Remote", "1.0", "1.21"),
    ],
));

pub(super) const WORKER_PARK: Expectation = optional(ty(
    "whether a worker sleeps",
    "runtime/scheduler/multi_thread/park.rs",
    &[
        with(newest("tokio::runtime::scheduler::multi_thread::park::Inner", "1.21"), &["state"]),
        with(was("tokio::runtime::thread_pool::park::Inner", "1.18", "1.21"), &["state"]),
        with(was("tokio::runtime::park::Inner", "1.0", "1.18"), &["state"]),
    ],
));

pub(super) const QUEUE_INNER: Expectation = optional(ty(
    "a worker's queue",
    "runtime/scheduler/multi_thread/queue.rs",
    &[
        with(
            newest("tokio::runtime::scheduler::multi_thread::queue::Inner<", "1.21"),
            &["head", "tail"],
        ),
        with(was("tokio::runtime::thread_pool::queue::Inner<", "1.18", "1.21"), &["head", "tail"]),
        with(was("tokio::runtime::queue::Inner<", "1.0", "1.18"), &["head", "tail"]),
    ],
));

pub(super) const CURRENT_THREAD_CORE: Expectation = optional(ty(
    "whether a current-thread scheduler sleeps",
    "runtime/scheduler/current_thread/mod.rs",
    &[
        with(newest("tokio::runtime::scheduler::current_thread::Core", "1.21"), &["driver"]),
        with(was("tokio::runtime::basic_scheduler::Core", "1.18", "1.21"), &["driver"]),
    ],
));

/// What a task's scheduler leads to.
pub(super) const TASK_SCHEDULER: Expectation = ty(
    "the scheduler that a task belongs to",
    "runtime/scheduler",
    &[
        newest("tokio::runtime::scheduler::current_thread::Handle", "1.22"),
        newest("tokio::runtime::scheduler::multi_thread::handle::Handle", "1.22"),
        was("tokio::runtime::scheduler::current_thread::Shared", "1.21", "1.22"),
        newest("tokio::runtime::scheduler::multi_thread::worker::Shared", "1.21"),
        was("tokio::runtime::basic_scheduler::Shared", "1.0", "1.21"),
        was("tokio::runtime::thread_pool::worker::Shared", "1.0", "1.21"),
    ],
);

/// The part of a task that does not depend on its future.
pub(super) const HEADER: Expectation = ty(
    "a task",
    "runtime/task/core.rs",
    &[with(newest("tokio::runtime::task::core::Header", "1.0"), &["state", "vtable"])],
);

pub(super) const VTABLE: Expectation = ty(
    "what tasks of one type have in common",
    "runtime/task/raw.rs",
    &[
        // 1.22 has the trailer's alone; before, all follow from `Cell`.
        with(
            newest("tokio::runtime::task::raw::Vtable", "1.23"),
            &["poll", "trailer_offset", "id_offset"],
        ),
        with(was("tokio::runtime::task::raw::Vtable", "1.22", "1.23"), &["poll", "trailer_offset"]),
        with(was("tokio::runtime::task::raw::Vtable", "1.0", "1.22"), &["poll"]),
    ],
);

pub(super) const CELL: Expectation = ty(
    "a task with its future",
    "runtime/task/core.rs",
    &[newest("tokio::runtime::task::core::Cell<", "1.0")],
);

/// `task_id` came in 1.18.
pub(super) const CORE: Expectation = ty(
    "a task's scheduler and id",
    "runtime/task/core.rs",
    &[with(newest("tokio::runtime::task::core::Core<", "1.0"), &["scheduler"])],
);

pub(super) const STAGE: Expectation = ty(
    "a task's future, or what it returned",
    "runtime/task/core.rs",
    &[newest("tokio::runtime::task::core::Stage<", "1.0")],
);

/// The list's pointers are in it since 1.22, and were in the header before.
pub(super) const TRAILER: Expectation = ty(
    "a task's place in its list",
    "runtime/task/core.rs",
    &[newest("tokio::runtime::task::core::Trailer", "1.0")],
);

pub(super) const TASK_ID: Expectation = optional(ty(
    "a task's id",
    "runtime/task/id.rs",
    &[
        newest("tokio::runtime::task::id::Id", "1.24"),
        was("tokio::runtime::task::Id", "1.18", "1.24"),
    ],
));

pub(super) const POLL: Expectation = Expectation {
    what: "the function that polls a task, which names its future",
    kind: Kind::Function,
    spellings: &[newest("tokio::runtime::task::raw::poll<", "1.0")],
    source: "runtime/task/raw.rs",
    optional: false,
};

/// Everything above.
pub const EXPECTATIONS: &[Expectation] = &[
    CONTEXT,
    CONTEXT_TYPE,
    ENTERED,
    PARKER,
    PARK_INNER,
    HANDLE,
    SCHEDULER_CONTEXT,
    SCOPED,
    SCOPED_CONTEXTS,
    WORKER,
    OWNED_TASKS,
    OLD_SHARED,
    TASK_LIST,
    LOCAL_OWNED,
    MULTI_THREAD_SHARED,
    REMOTE,
    WORKER_PARK,
    QUEUE_INNER,
    CURRENT_THREAD_CORE,
    TASK_SCHEDULER,
    HEADER,
    VTABLE,
    CELL,
    CORE,
    STAGE,
    TRAILER,
    TASK_ID,
    POLL,
];
