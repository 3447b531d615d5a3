//! Expectations: the names that unhang looks for in tokio, each declared once with every spelling
//! that it ever had.
//!
//! Nothing here depends on tokio's version: the spelling that the program has counts. The versions
//! document the origin of the knowledge; `docs/versions.md` lists those that were tried.

use crate::knowledge::expectation::{Expectation, Kind, NamedTypes, Spelling, newest, was, with};

const fn ty(
    what: &'static str,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind: Kind::Type, spellings, source, optional: false, instead: None }
}

const fn local(
    what: &'static str,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind: Kind::ThreadLocal, spellings, source, optional: false, instead: None }
}

const fn optional(expectation: Expectation) -> Expectation {
    Expectation { optional: true, ..expectation }
}

/// One of two that stand for each other: a program must have one of them.
const fn or(expectation: Expectation, other: &'static str) -> Expectation {
    Expectation { optional: true, instead: Some(other), ..expectation }
}

const IN_CONTEXT: &str = "what a thread knows of its runtime";
const IN_ENTERED: &str = "whether a thread drives a runtime";
const IN_SCHEDULER: &str = "the worker that a thread is";
const IN_SCOPED: &str = "the worker that a thread is, beside its context";
const IN_OWNED: &str = "the list of a scheduler's tasks";
const IN_WORKERS: &str = "a scheduler whose workers keep the lists of tasks";

/// Before 1.22 it held the handle and nothing else.
pub(super) const CONTEXT: Expectation = local(
    "the runtime that a thread is inside of",
    "tokio/src/runtime/context.rs",
    &[newest("tokio::runtime::context::CONTEXT", "1.0")],
);

/// Before it there was the bare handle.
pub(super) const CONTEXT_TYPE: Expectation = or(
    ty(
        IN_CONTEXT,
        "tokio/src/runtime/context.rs",
        &[with(
            newest("tokio::runtime::context::Context", "1.22"),
            &["current_task_id", "runtime"],
        )],
    ),
    IN_ENTERED,
);

/// Whether a thread drives a runtime: a member of `Context` since 1.22.
pub(super) const ENTERED: Expectation = or(
    local(
        IN_ENTERED,
        "tokio/src/runtime/enter.rs",
        &[was("tokio::runtime::enter::ENTERED", "1.0", "1.22")],
    ),
    IN_CONTEXT,
);

pub(super) const PARKER: Expectation = optional(local(
    "the parker of threads that block on a future outside a scheduler",
    "tokio/src/runtime/park.rs",
    &[
        newest("tokio::runtime::park::CURRENT_PARKER", "1.22"),
        was("tokio::park::thread::CURRENT_PARKER", "1.0", "1.22"),
    ],
));

pub(super) const PARK_INNER: Expectation = optional(ty(
    "whether such a thread sleeps",
    "tokio/src/runtime/park.rs",
    &[
        // The same path was a worker's parker before: there it has no thread-local to it.
        with(newest("tokio::runtime::park::Inner", "1.22"), &["state"]),
        with(was("tokio::park::thread::Inner", "1.0", "1.22"), &["state"]),
    ],
));

pub(super) const HANDLE: Expectation = ty(
    "the scheduler of a runtime",
    "tokio/src/runtime/scheduler/mod.rs",
    &[
        newest("tokio::runtime::scheduler::Handle", "1.22"),
        was("tokio::runtime::spawner::Spawner", "1.0", "1.22"),
    ],
);

/// A member of `Context` since 1.30: before, a thread-local untyped pointer
/// (`macros/scoped_tls.rs`) to a value of the type that stands at the same place in
/// [`SCOPED_CONTEXTS`].
pub(super) const SCOPED: Expectation = or(
    local(
        IN_SCOPED,
        "tokio/src/runtime/scheduler/{multi_thread/worker,current_thread}.rs",
        &[
            was("tokio::runtime::scheduler::multi_thread::worker::CURRENT", "1.21", "1.30"),
            was("tokio::runtime::scheduler::current_thread::CURRENT", "1.21", "1.30"),
            was("tokio::runtime::thread_pool::worker::CURRENT", "1.0", "1.21"),
            was("tokio::runtime::basic_scheduler::CURRENT", "1.0", "1.21"),
        ],
    ),
    IN_SCHEDULER,
);

pub(super) const SCOPED_CONTEXTS: Expectation = optional(ty(
    "a worker's own context",
    "tokio/src/runtime/scheduler/{multi_thread/worker,current_thread}.rs",
    &[
        newest("tokio::runtime::scheduler::multi_thread::worker::Context", "1.21"),
        newest("tokio::runtime::scheduler::current_thread::Context", "1.21"),
        was("tokio::runtime::thread_pool::worker::Context", "1.0", "1.21"),
        was("tokio::runtime::basic_scheduler::Context", "1.0", "1.21"),
    ],
));

pub(super) const SCHEDULER_CONTEXT: Expectation = or(
    ty(
        IN_SCHEDULER,
        "tokio/src/runtime/scheduler/mod.rs",
        &[newest("tokio::runtime::scheduler::Context", "1.30")],
    ),
    IN_SCOPED,
);

pub(super) const WORKER: Expectation = optional(ty(
    "a worker's number",
    "tokio/src/runtime/scheduler/multi_thread/worker.rs",
    &[
        with(newest("tokio::runtime::scheduler::multi_thread::worker::Worker", "1.21"), &["index"]),
        with(was("tokio::runtime::thread_pool::worker::Worker", "1.0", "1.21"), &["index"]),
    ],
));

/// Before 1.9 the lists were the workers' own: see [`OLD_SHARED`].
pub(super) const OWNED_TASKS: Expectation = or(
    ty(
        IN_OWNED,
        "tokio/src/runtime/task/list.rs",
        &[newest("tokio::runtime::task::list::OwnedTasks<", "1.9")],
    ),
    IN_WORKERS,
);

/// What tells one scheduler from another where it has no list of its tasks.
pub(super) const OLD_SHARED: Expectation = or(
    ty(
        IN_WORKERS,
        "tokio/src/runtime/{basic_scheduler,thread_pool/worker}.rs",
        &[
            was("tokio::runtime::basic_scheduler::Shared", "1.0", "1.21"),
            was("tokio::runtime::thread_pool::worker::Shared", "1.0", "1.21"),
        ],
    ),
    IN_OWNED,
);

pub(super) const TASK_LIST: Expectation = ty(
    "a list of tasks",
    "tokio/src/util/linked_list.rs",
    &[with(
        newest("tokio::util::linked_list::LinkedList<tokio::runtime::task::", "1.0"),
        &["head"],
    )],
);

pub(super) const LOCAL_OWNED: Expectation = optional(ty(
    "the list of a local set's tasks",
    "tokio/src/runtime/task/list.rs",
    &[
        newest("tokio::runtime::task::list::LocalOwnedTasks<", "1.9"),
        was("tokio::util::linked_list::LinkedList<tokio::runtime::task::", "1.0", "1.9"),
    ],
));

/// What its owners share; its tasks lead to it too.
pub(super) const LOCAL_SHARED: Expectation = optional(ty(
    "a local set",
    "tokio/src/task/local.rs",
    &[with(newest("tokio::task::local::Shared", "1.0"), &["queue", "waker"])],
));

/// Until 1.26 it has the list.
pub(super) const LOCAL_CONTEXT: Expectation = optional(ty(
    "a local set as its own thread has it",
    "tokio/src/task/local.rs",
    &[with(newest("tokio::task::local::Context", "1.0"), &["shared"])],
));

pub(super) const LOCAL_CURRENT: Expectation = optional(local(
    "the local set that a thread polls",
    "tokio/src/task/local.rs",
    &[newest("tokio::task::local::CURRENT", "1.0")],
));

pub(super) const MULTI_THREAD_SHARED: Expectation = optional(ty(
    "what the workers of a multi-threaded scheduler share",
    "tokio/src/runtime/scheduler/multi_thread/worker.rs",
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
    "tokio/src/runtime/scheduler/multi_thread/worker.rs",
    &[
        newest("tokio::runtime::scheduler::multi_thread::worker::Remote", "1.21"),
        was("tokio::runtime::thread_pool::worker::Remote", "1.0", "1.21"),
    ],
));

pub(super) const WORKER_PARK: Expectation = optional(ty(
    "whether a worker sleeps",
    "tokio/src/runtime/scheduler/multi_thread/park.rs",
    &[
        with(newest("tokio::runtime::scheduler::multi_thread::park::Inner", "1.21"), &["state"]),
        with(was("tokio::runtime::thread_pool::park::Inner", "1.18", "1.21"), &["state"]),
        with(was("tokio::runtime::park::Inner", "1.0", "1.18"), &["state"]),
    ],
));

pub(super) const QUEUE_INNER: Expectation = optional(ty(
    "a worker's queue",
    "tokio/src/runtime/scheduler/multi_thread/queue.rs",
    &[
        with(
            newest("tokio::runtime::scheduler::multi_thread::queue::Inner<", "1.21"),
            &["head", "tail"],
        ),
        with(was("tokio::runtime::thread_pool::queue::Inner<", "1.18", "1.21"), &["head", "tail"]),
        with(was("tokio::runtime::queue::Inner<", "1.0", "1.18"), &["head", "tail"]),
    ],
));

/// A thread has it while it polls a task or sleeps.
pub(super) const MULTI_THREAD_CORE: Expectation = optional(ty(
    "a worker's next task",
    "tokio/src/runtime/scheduler/multi_thread/worker.rs",
    &[
        with(
            newest("tokio::runtime::scheduler::multi_thread::worker::Core", "1.21"),
            &["lifo_slot"],
        ),
        with(was("tokio::runtime::thread_pool::worker::Core", "1.0", "1.21"), &["lifo_slot"]),
    ],
));

pub(super) const INJECTED: Expectation = optional(ty(
    "the queue that all workers take from",
    "tokio/src/runtime/scheduler/inject/synced.rs",
    &[
        with(
            newest("tokio::runtime::scheduler::inject::synced::Synced", "1.32"),
            &["is_closed", "head"],
        ),
        with(was("tokio::runtime::task::inject::Pointers", "1.9", "1.32"), &["is_closed", "head"]),
        with(was("tokio::runtime::queue::Pointers", "1.0", "1.9"), &["is_closed", "head"]),
    ],
));

/// Its metrics have the rest since 1.23.
pub(super) const POOL: Expectation = optional(ty(
    "the threads for blocking work",
    "tokio/src/runtime/blocking/pool.rs",
    &[with(newest("tokio::runtime::blocking::pool::Inner", "1.0"), &["thread_cap"])],
));

pub(super) const POOL_STATE: Expectation = optional(ty(
    "whether the threads for blocking work end",
    "tokio/src/runtime/blocking/pool.rs",
    &[
        with(
            newest("tokio::runtime::blocking::pool::ThreadManagementState", "1.53"),
            &["shutdown"],
        ),
        with(was("tokio::runtime::blocking::pool::Shared", "1.0", "1.53"), &["shutdown"]),
    ],
));

pub(super) const CURRENT_THREAD_CORE: Expectation = optional(ty(
    "whether a current-thread scheduler sleeps",
    "tokio/src/runtime/scheduler/current_thread/mod.rs",
    &[
        with(newest("tokio::runtime::scheduler::current_thread::Core", "1.21"), &["driver"]),
        with(was("tokio::runtime::basic_scheduler::Core", "1.18", "1.21"), &["driver"]),
    ],
));

/// What a task's scheduler leads to.
pub(super) const TASK_SCHEDULER: Expectation = ty(
    "the scheduler that a task belongs to",
    "tokio/src/runtime/scheduler",
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
    "tokio/src/runtime/task/core.rs",
    &[with(newest("tokio::runtime::task::core::Header", "1.0"), &["state", "vtable"])],
);

pub(super) const VTABLE: Expectation = ty(
    "what tasks of one type have in common",
    "tokio/src/runtime/task/raw.rs",
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
    "tokio/src/runtime/task/core.rs",
    &[newest("tokio::runtime::task::core::Cell<", "1.0")],
);

/// `task_id` came in 1.18.
pub(super) const CORE: Expectation = ty(
    "a task's scheduler and id",
    "tokio/src/runtime/task/core.rs",
    &[with(newest("tokio::runtime::task::core::Core<", "1.0"), &["scheduler"])],
);

pub(super) const STAGE: Expectation = ty(
    "a task's future, or what it returned",
    "tokio/src/runtime/task/core.rs",
    &[newest("tokio::runtime::task::core::Stage<", "1.0")],
);

/// The list's pointers are in it since 1.22, and were in the header before.
pub(super) const TRAILER: Expectation = ty(
    "a task's place in its list",
    "tokio/src/runtime/task/core.rs",
    &[newest("tokio::runtime::task::core::Trailer", "1.0")],
);

pub(super) const TASK_ID: Expectation = optional(ty(
    "a task's id",
    "tokio/src/runtime/task/id.rs",
    &[
        newest("tokio::runtime::task::id::Id", "1.24"),
        was("tokio::runtime::task::Id", "1.18", "1.24"),
    ],
));

pub(super) const POLL: Expectation = Expectation {
    what: "the function that polls a task, which names its future",
    kind: Kind::Function,
    spellings: &[newest("tokio::runtime::task::raw::poll<", "1.0")],
    source: "tokio/src/runtime/task/raw.rs",
    optional: false,
    instead: None,
};

/// A program without sockets has none.
pub(super) const SCHEDULED_IO: Expectation = optional(ty(
    "whether a socket is ready, and the wakers of who waits for it",
    "tokio/src/runtime/io/scheduled_io.rs",
    &[
        newest("tokio::runtime::io::scheduled_io::ScheduledIo", "1.21"),
        // Seen in 1.0.3, 1.8.5 and 1.20.6.
        was("tokio::io::driver::scheduled_io::ScheduledIo", "1.0", "1.21"),
    ],
));

pub(super) const INTEREST: Expectation = optional(ty(
    "whether a socket is waited for to read or to write",
    "tokio/src/io/interest.rs",
    &[
        newest("tokio::io::interest::Interest", "1.21"),
        was("tokio::io::driver::interest::Interest", "1.0", "1.21"),
    ],
));

/// Everything above.
pub(super) const EXPECTATIONS: &[Expectation] = &[
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
    LOCAL_SHARED,
    LOCAL_CONTEXT,
    LOCAL_CURRENT,
    MULTI_THREAD_SHARED,
    REMOTE,
    WORKER_PARK,
    QUEUE_INNER,
    MULTI_THREAD_CORE,
    INJECTED,
    POOL,
    POOL_STATE,
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
    SCHEDULED_IO,
    INTEREST,
];

/// What is not reached from a task, a thread-local variable or a frame.
pub(super) const NAMED_TYPES: &[NamedTypes] = &[
    NamedTypes::of(&CELL),
    NamedTypes::of(&TRAILER),
    NamedTypes { types: &SCOPED_CONTEXTS, behind: Some(&SCOPED) },
    NamedTypes { types: &LOCAL_CONTEXT, behind: Some(&LOCAL_CURRENT) },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_there_and_are_each_others() {
        for expectation in EXPECTATIONS {
            let Some(other) = expectation.instead else { continue };
            let other = EXPECTATIONS.iter().find(|known| known.what == other);
            let other = other.unwrap_or_else(|| panic!("{} has none", expectation.what));
            assert_eq!(other.instead, Some(expectation.what));
        }
    }

    #[test]
    fn spellings_are_newest_first() {
        for expectation in EXPECTATIONS {
            let is_old: Vec<bool> =
                expectation.spellings.iter().map(|spelling| spelling.until.is_some()).collect();
            let is_of_one_kind = expectation.what == TASK_SCHEDULER.what;
            assert!(is_old.is_sorted() || is_of_one_kind, "{}", expectation.what);
        }
    }
}
