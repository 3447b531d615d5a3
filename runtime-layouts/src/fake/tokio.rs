//! A miniature tokio: one current-thread runtime with a list of tasks, each `async fn wait()`
//! awaiting a `Box<dyn Future>` of `async fn inner()`, which awaits a leaf.

use super::{FakeLayouts, FakeMemory};
use crate::layout::TypeId;

/// The thread pointer of the one thread.
pub const THREAD_POINTER: u64 = 0x7000_0000;
/// The address of the thread-local context.
pub const CONTEXT: u64 = THREAD_POINTER - 0x1000;
/// The address of the scheduler's handle.
pub const HANDLE: u64 = 0x10_0000;
/// The vtable of every task.
pub const TASK_VTABLE: u64 = 0x20_0000;
/// The poll function of every task.
pub const TASK_POLL: u64 = 0x20_1000;
/// The vtable of the boxed future.
pub const FUTURE_VTABLE: u64 = 0x20_2000;

/// From a task's header, in bytes.
pub const STATE: u64 = 0;
/// From a task's header to its `async fn`'s state byte.
pub const OUTER_STATE: u64 = 56;
/// From a task's header to the box's data pointer; the vtable pointer follows.
pub const BOXED: u64 = 40;
/// From a task's header to the next task.
pub const NEXT: u64 = 72;
/// From the boxed future to its own state byte.
pub const INNER_STATE: u64 = 8;

/// The layouts of the miniature.
#[must_use]
pub fn layouts() -> FakeLayouts {
    let mut fake = FakeLayouts::new();
    let word = fake.integer(8);
    let wait = futures(&mut fake, word);
    let header = task_cell(&mut fake, word, wait);
    runtime(&mut fake, header, word);
    fake
}

/// The futures of a task: `wait()`, a `Box<dyn Future>`, `inner()`, `leaf::Leaf`. Returns the first.
fn futures(fake: &mut FakeLayouts, word: TypeId) -> TypeId {
    let leaf = fake.structure("leaf::Leaf", 8, &[("waiter", 0, word)]);
    fake.implement_future(leaf);
    let inner = fake.async_fn("shop::inner", leaf, 20);
    fake.vtable(FUTURE_VTABLE, inner);
    let boxed = fake.boxed_dyn_future();
    let pinned =
        fake.structure("core::pin::Pin<alloc::boxed::Box<dyn F>>", 16, &[("pointer", 0, boxed)]);
    fake.async_fn("shop::wait", pinned, 10)
}

/// A task with that future: the header at 0, the core at 32, the trailer at 64. Returns the type of
/// the pointer to a header.
fn task_cell(fake: &mut FakeLayouts, word: TypeId, wait: TypeId) -> TypeId {
    let header = fake.pointer("*mut Header", None);
    let vtable = fake.structure(
        "tokio::runtime::task::raw::Vtable",
        24,
        &[("poll", 0, word), ("trailer_offset", 8, word), ("id_offset", 16, word)],
    );
    let vtable = fake.pointer("&Vtable", Some(vtable));
    let header_type = fake.structure(
        "tokio::runtime::task::core::Header",
        32,
        &[("state", STATE, word), ("queue_next", 8, header), ("vtable", 16, vtable)],
    );
    fake.point(header, header_type);
    let running = fake.structure("Stage::Running", 24, &[("__0", 0, wait)]);
    let finished = fake.structure("Stage::Finished", 24, &[]);
    let stage = fake.enumeration(
        "tokio::runtime::task::core::Stage<wait>",
        24,
        Some((16, 1)),
        // The niche of the state machine's byte: 4 and 5 are no state of it.
        &[
            ("Running", None, running, None),
            ("Finished", Some(vec![4]), finished, None),
            ("Consumed", Some(vec![5]), finished, None),
        ],
    );
    let links = fake.structure("PointersInner", 16, &[("prev", 0, header), ("next", 8, header)]);
    let trailer = fake.structure("tokio::runtime::task::core::Trailer", 16, &[("owned", 0, links)]);
    let cell = fake.structure(
        "tokio::runtime::task::core::Cell<wait, S>",
        80,
        &[
            ("header", 0, header_type),
            ("id", 32, word),
            ("stage", 40, stage),
            ("trailer", 64, trailer),
        ],
    );
    let cell = fake.pointer("*mut Cell", Some(cell));
    fake.function(
        TASK_POLL,
        "tokio::runtime::task::raw::poll<wait, S>",
        &[("T", wait)],
        &[("harness", cell)],
    );
    header
}

/// The way from the thread's context to the owned list.
pub(super) fn runtime(fake: &mut FakeLayouts, header: TypeId, word: TypeId) {
    let list = fake.structure(
        "tokio::util::linked_list::LinkedList<tokio::runtime::task::Task<S>, tokio::runtime::task::core::Header>",
        16,
        &[("head", 0, header), ("tail", 8, header)],
    );
    let owned = fake.structure(
        "tokio::runtime::task::list::OwnedTasks<S>",
        24,
        &[("list", 0, list), ("count", 16, word)],
    );
    let handle = fake.pointer("*const Handle", Some(owned));
    let some = fake.structure("Handle::CurrentThread", 8, &[("__0", 0, handle)]);
    let scheduler = fake.enumeration(
        "tokio::runtime::scheduler::Handle",
        8,
        None,
        &[("CurrentThread", None, some, None)],
    );
    let none = fake.structure("Option::None", 8, &[]);
    let some = fake.structure("Option::Some", 8, &[("__0", 0, scheduler)]);
    let option = fake.enumeration(
        "core::option::Option<Handle>",
        8,
        Some((0, 8)),
        &[("None", Some(vec![0]), none, None), ("Some", None, some, None)],
    );
    let enter = fake.enumeration(
        "tokio::runtime::context::runtime::EnterRuntime",
        1,
        Some((0, 1)),
        &[("Entered", None, none, None), ("NotEntered", Some(vec![2]), none, None)],
    );
    let context = fake.structure(
        "tokio::runtime::context::Context",
        16,
        &[("current", 0, option), ("runtime", 8, enter)],
    );
    fake.thread_local("tokio::runtime::context::CONTEXT", context, 0);
}

/// The address of the task of that number, counted from 1.
#[must_use]
pub fn task(number: u64) -> u64 {
    0x30_0000 + number * 0x1000
}

/// The address of the boxed future of the task of that number.
#[must_use]
pub fn boxed(number: u64) -> u64 {
    task(number) + 0x800
}

/// Memory with so many tasks, all of them waiting for the leaf.
#[must_use]
pub fn memory(tasks: u64) -> FakeMemory {
    let mut memory = FakeMemory::new();
    memory.put(CONTEXT, [0; 0x1000]);
    memory.put_u64(CONTEXT, HANDLE);
    memory.put(CONTEXT + 8, [2]);
    memory.put(HANDLE, [0; 24]);
    memory.put_u64(HANDLE, if tasks == 0 { 0 } else { task(1) });
    memory.put_u64(HANDLE + 16, tasks);
    memory.put_u64(TASK_VTABLE, TASK_POLL);
    memory.put_u64(TASK_VTABLE + 8, 64);
    memory.put_u64(TASK_VTABLE + 16, 32);
    for number in 1..=tasks {
        let at = task(number);
        memory.put(at, [0; 80]);
        memory.put_u64(at + 16, TASK_VTABLE);
        memory.put_u64(at + 32, number);
        memory.put_u64(at + BOXED, boxed(number));
        memory.put_u64(at + BOXED + 8, FUTURE_VTABLE);
        memory.put(at + OUTER_STATE, [3]);
        memory.put_u64(at + NEXT, if number == tasks { 0 } else { task(number + 1) });
        memory.put(boxed(number), [0; 16]);
        memory.put(boxed(number) + INNER_STATE, [3]);
    }
    memory
}
