//! Which threads have the addresses of locks that tasks wait for by blocking their threads, and of what
//! only variables are known to have that may have been moved away.
//!
//! The guard of such a lock may be a temporary, and an optimized build forgets where variables are.
//! But who holds a guard has the lock's address on its stack or in a register. So what has it not
//! holds no guard, unless the lock is in a static variable, whose address is in the code; and of a
//! thread that waits for a lock which only that thread can have, the frame further out that has the
//! address is the likeliest to have the guard.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::layout::Call;
use crate::layout::name::plain_path;
use crate::report::{
    Access, Activity, FrameKind, FrameRef, Holder, HoldingThread, ProcessThread, ResourceId,
    ResourceKind, Task, ThreadRole,
};
use crate::target::{NativeFrame, Thread};
use crate::value::Program;
use crate::walk::chains::site_table::SiteTable;
use crate::walk::stacks::native_stack::{self, NativeCall};
use crate::walk::stacks::words;
use crate::walk::waits::Waits;

/// The size of a lock whose type is not known: a guard points to the lock's word or to the beginning
/// of the value that this is in, and so does whoever is to make one.
const LARGEST_VALUE: u64 = 4096;
/// From the beginning of a lock to its word, less than: what a guard points to. Before the lock are the
/// counts of an `Arc` around it, two words, to which a mere handle points.
const GUARD_REACH: u64 = 16;

/// Frames of a thread that just begins, at most: `clone` and what that calls first.
const FRAMES_OF_BEGINNING: usize = 2;

/// How far before something an `Arc` around it points: to the counts, which are as far from it as it is
/// aligned (`ArcInner`, `library/alloc/src/sync.rs`, Rust 1.95).
const BEFORE: [u64; 5] = [16, 32, 64, 128, 256];

/// The size of a lock for readers and writers without what it guards, at most.
const OF_READERS: u64 = 64;

/// Says of each thread which of those locks it has the address of. Of a thread that sleeps until what
/// it blocks on ends, what called `block_on` has a guard of it: the guards in the future are known, and
/// it runs nothing that could make one.
pub(crate) fn mark(
    program: &Program<'_>,
    sites: &SiteTable,
    (threads, tasks): (&mut [ProcessThread], &[Task]),
    waits: &Waits,
) {
    let locks: Vec<(ResourceId, u64)> = wanted(waits).collect();
    let of_tasks: Vec<(ResourceId, u64, u64)> = wanted_of_tasks(waits).collect();
    let doubtful: Vec<(ResourceId, u64, u64)> = doubtful(waits).collect();
    if locks.is_empty() && of_tasks.is_empty() && doubtful.is_empty() {
        return;
    }
    let size = |lock: &ResourceId| waits.lock_sizes.get(lock).copied().unwrap_or(LARGEST_VALUE);
    let is_of_interest = |thread: &&mut ProcessThread| {
        let is_worker = matches!(thread.role, ThreadRole::Worker { .. });
        !(is_worker && thread.activity == Activity::Parked)
    };
    for thread in threads.iter_mut().filter(is_of_interest) {
        let Some(native) = native(program, thread) else { continue };
        let task = thread.task.and_then(|task| tasks.get(task.0 as usize));
        let future = task.filter(|_| thread.activity == Activity::Parked);
        let words = match future.and_then(|future| end_of(program, sites, future)) {
            Some(end) => words::above(program, native, end),
            None => words::of_stack(program, native, FxHashSet::default()),
        };
        let has = |size: u64, lock: u64| {
            let near = |word: &u64| lock.wrapping_sub(*word) < size;
            words.as_ref().is_none_or(|words| words.iter().any(near))
        };
        // Code has the address of a static variable in itself, so that what runs may use it without
        // a trace.
        let runs = thread.activity == Activity::Running;
        let is_static = |address: u64| program.module_at(address).is_some();
        let reach = |lock: &ResourceId| match future {
            Some(_) => GUARD_REACH.min(size(lock)),
            None => size(lock),
        };
        let found = locks
            .iter()
            .filter(|(id, address)| has(reach(id), *address) || runs && is_static(*address));
        let found = found.map(|(id, _)| *id);
        thread.refers_to.extend(found);
        if thread.activity != Activity::Parked {
            let has = |address: u64, reach: u64| {
                let mut after = (0..reach).map(|distance| address.wrapping_add(distance));
                let mut before = BEFORE.iter().map(|distance| address.wrapping_sub(*distance));
                words.as_ref().is_none_or(|words| {
                    after.any(|at| words.contains(&at)) || before.any(|at| words.contains(&at))
                })
            };
            let begins = begins(program, native);
            let found =
                doubtful.iter().filter(|(_, address, reach)| begins || has(*address, *reach));
            thread.refers_to.extend(found.map(|(id, ..)| *id));
        }
        if thread.activity == Activity::Blocked {
            let has = |first: u64, size: u64| {
                let is_within = |word: &u64| word.wrapping_sub(first) < size;
                words.as_ref().is_some_and(|words| words.iter().any(is_within))
            };
            let found = of_tasks.iter().filter(|(_, address, size)| has(*address, *size));
            thread.refers_to.extend(found.map(|(id, ..)| *id));
        }
        thread.refers_to.sort_unstable();
        thread.refers_to.dedup();
    }
}

/// Whether a thread just begins, so that what it was given is not on its stack yet: that shows no code but
/// the C library's, or the standard library's before it calls the thread's closure, which `spawn` has boxed
/// (`library/std/src/thread/lifecycle.rs`, `library/std/src/sys/thread/unix.rs`, Rust 1.95).
pub(super) fn begins(program: &Program<'_>, thread: &Thread) -> bool {
    let frames = program.stack(thread);
    let is_outside = |frame: &NativeFrame| program.module_at(frame.pc.lookup()).is_none();
    if frames.iter().all(is_outside) {
        return !frames.is_empty() && frames.len() <= FRAMES_OF_BEGINNING;
    }
    let calls = native_stack::calls(program, &frames);
    let is_called = |wanted: &str| {
        calls.iter().any(|call| match call {
            NativeCall::Known { call, .. } => call.function.name.contains(wanted),
            NativeCall::Unknown { .. } => false,
        })
    };
    is_called(STARTS_THREAD) && !is_called(CALLS_CLOSURE)
}

/// The standard library's function that a thread of its own begins with, and the one that calls what the
/// thread is for.
const STARTS_THREAD: &str = "::thread_start";
const CALLS_CLOSURE: &str = "::__rust_begin_short_backtrace";

/// The end of a future in memory; `None` where its place is not known.
fn end_of(program: &Program<'_>, sites: &SiteTable, future: &Task) -> Option<u64> {
    let ty = sites.type_of(future.root?)?;
    let size = program.type_of(ty).ok()?.size;
    future.address.checked_add(size).filter(|_| future.address != 0)
}

/// The locks that block threads, and their addresses.
fn wanted(waits: &Waits) -> impl Iterator<Item = (ResourceId, u64)> + '_ {
    let ids = (0..).map(ResourceId).zip(&waits.resources);
    ids.filter(|(_, resource)| resource.kind == ResourceKind::ThreadLock && resource.address != 0)
        .map(|(id, resource)| (id, resource.address))
}

/// The locks of tasks that are taken while no guard of theirs was found, their addresses, and how far
/// from there a guard may point: to the lock, of one for readers to the permits in it
/// (`tokio/src/sync/{mutex,rwlock}.rs`, 1.54.1).
fn wanted_of_tasks(waits: &Waits) -> impl Iterator<Item = (ResourceId, u64, u64)> + '_ {
    let ids = (0..).map(ResourceId).zip(&waits.resources);
    ids.filter_map(|(id, resource)| {
        let reach = match resource.kind {
            ResourceKind::Mutex => 1,
            ResourceKind::RwLock => OF_READERS,
            _ => return None,
        };
        let is_missing = resource.is_taken == Some(true) && resource.holders.is_empty();
        (is_missing && resource.address != 0).then_some((id, resource.address, reach))
    })
}

/// What only variables are known to have that may have been moved away, so that a thread may have it,
/// and semaphores, whose permits nobody counts; with their addresses, and how far from there a guard may
/// point.
fn doubtful(waits: &Waits) -> impl Iterator<Item = (ResourceId, u64, u64)> + '_ {
    let ids = (0..).map(ResourceId).zip(&waits.resources);
    ids.filter(|(_, resource)| {
        let is_kind = resource.kind.is_channel() || resource.kind.is_lock();
        is_kind
            && resource.kind != ResourceKind::ThreadLock
            && resource.address != 0
            && resource.is_in_doubt()
    })
    .map(|(id, resource)| {
        let reach = if resource.kind == ResourceKind::RwLock { OF_READERS } else { 1 };
        (id, resource.address, reach)
    })
}

fn native<'p>(program: &Program<'p>, thread: &ProcessThread) -> Option<&'p Thread> {
    program.target().threads().iter().find(|known| known.tid == thread.thread.tid)
}

/// Adds as a holder, with doubt, where no guard of a lock was found: the one thread that is blocked in a
/// call on what the lock protects, and the frame of a thread's own that has the address of the lock
/// that the thread waits for, where no other thread can have it.
pub(crate) fn add_holders(
    program: &Program<'_>,
    sites: &SiteTable,
    (threads, tasks): (&[ProcessThread], &[Task]),
    waits: &mut Waits,
) {
    let locks: Vec<(ResourceId, u64)> = wanted(waits).collect();
    for (lock, address) in locks {
        if waits.resources[lock.0 as usize].holders.is_empty() {
            let found = initializer(program, sites, threads, address)
                .or_else(|| in_its_data(program, sites, threads, (lock, address), waits));
            if let Some(holder) = found {
                waits.held(lock, holder);
                continue;
            }
        }
        let may_hold = |thread: &&ProcessThread| thread.may_hold_locks() && thread.refers_to(lock);
        let waiting = |thread: &ProcessThread| {
            thread.blocked.is_some_and(|call| call.resource == lock) && thread.task.is_some()
        };
        let mut able = threads.iter().filter(may_hold);
        let (Some(thread), None) = (able.next(), able.next()) else { continue };
        if !waits.resources[lock.0 as usize].holders.is_empty() || !waiting(thread) {
            continue;
        }
        let Some(task) = thread.task.and_then(|task| tasks.get(task.0 as usize)) else { continue };
        if let Some(frame) = frame_with(program, sites, thread, task, address) {
            let guard = guard_of(lock, waits);
            waits.held(lock, Holder { guard, ..holder_in(thread, frame) });
        }
    }
}

/// How a guard is called that no variable shows.
fn guard_of(lock: ResourceId, waits: &Waits) -> Arc<str> {
    format!("guard of {}", waits.resources[lock.0 as usize].name).into()
}

/// The one thread that is blocked in a call on what a lock protects, as in
/// `receiver.lock().unwrap().recv()`: nobody gets there but by a guard, which lives until the call has
/// ended. The frames of the call have an address in the value that is protected, or of optimized code
/// the line that makes it takes a lock as well and its frame has the address of this one. `None` where
/// another thread may have the guard.
fn in_its_data(
    program: &Program<'_>,
    sites: &SiteTable,
    threads: &[ProcessThread],
    (lock, address): (ResourceId, u64),
    known: &Waits,
) -> Option<Holder> {
    let size = *known.lock_sizes.get(&lock)?;
    let is_within = |word: u64| (1..size).contains(&word.wrapping_sub(address));
    let is_of_lock =
        |word: u64| word.wrapping_sub(address.wrapping_sub(GUARD_REACH)) <= GUARD_REACH;
    let has = |thread: &&ProcessThread| {
        let Some((call, user)) = thread.blocked.and_then(|call| Some((call, call.user?))) else {
            return false;
        };
        let Some(native) = native(program, thread).filter(|_| call.resource != lock) else {
            return false;
        };
        let frames = program.stack(native);
        let Some(caller) = frames.iter().position(|frame| frame.pc.get() == user.address) else {
            return false;
        };
        (1..caller).any(|at| has_word(program, &frames, at, &is_within))
            || has_word(program, &frames, caller, &is_of_lock)
                && takes_a_lock_before(program, sites, user, frames[caller].pc.lookup())
    };
    let mut found = threads.iter().filter(has);
    let (Some(thread), None) = (found.next(), found.next()) else { return None };
    let waits = |other: &ProcessThread| other.blocked.is_some_and(|call| call.resource == lock);
    let may_have =
        |other: &&ProcessThread| other.may_hold_locks() && other.refers_to(lock) && !waits(other);
    if threads.iter().filter(may_have).any(|other| other.thread != thread.thread) {
        return None;
    }
    let frame = thread.blocked?.user?;
    Some(Holder { guard: guard_of(lock, known), ..holder_in(thread, frame) })
}

/// A thread as a holder, as far as its stack shows.
fn holder_in(thread: &ProcessThread, frame: FrameRef) -> Holder {
    Holder {
        is_static: false,
        task: thread.task,
        frame,
        variable: None,
        guard: Arc::default(),
        access: Access::Exclusive,
        may_be_moved: true,
        shared_end: None,
        within: None,
        holding_frame: None,
        thread: Some(HoldingThread {
            thread: thread.thread,
            is_blocked: thread.activity == Activity::Blocked,
        }),
    }
}

/// The thread that runs the initializer of what others wait for, and the innermost frame of the user's
/// in it: a frame further out than that is of a function that runs one, and has the address.
fn initializer(
    program: &Program<'_>,
    sites: &SiteTable,
    threads: &[ProcessThread],
    address: u64,
) -> Option<Holder> {
    threads.iter().find_map(|thread| {
        let user = thread.blocked?.user?;
        let frames = program.stack(native(program, thread)?);
        let first = frames.iter().position(|frame| frame.pc.get() == user.address)?;
        let runs = |at: &usize| {
            let Some((module, place)) = program.module_at(frames[*at].pc.lookup()) else {
                return false;
            };
            let calls = program.layouts(module).calls_at(place).unwrap_or_default();
            let mut paths = calls.iter().map(|call| plain_path(&call.function.name));
            paths.any(|path| sites.libraries().initializes(&path))
        };
        let mut outer = (first + 1..frames.len()).filter(runs);
        let has = outer.any(|at| has_word(program, &frames, at, &|word| word == address));
        has.then(|| Holder {
            guard: "initializer".into(),
            access: Access::Initializer,
            ..holder_in(thread, user)
        })
    })
}

/// The frame of the user's whose statement may hold the guard, further out than the one that makes
/// the call that blocks: one that has the lock's address, or of inlined code, one whose line takes a
/// lock as well.
///
/// No further out than the body of the state machine that runs: what another one keeps while it
/// awaits is in its own memory, and found there.
fn frame_with(
    program: &Program<'_>,
    sites: &SiteTable,
    thread: &ProcessThread,
    task: &Task,
    address: u64,
) -> Option<FrameRef> {
    let caller = thread.blocked?.user?;
    let frames = program.stack(native(program, thread)?);
    let chain = &task.chain.frames;
    let at = chain.iter().rposition(|frame| FrameRef::of(frame) == caller)?;
    if is_body(sites, caller) {
        return None;
    }
    let outer = chain[..at].iter().rev().map(FrameRef::of);
    let end = outer.clone().position(|frame| is_body(sites, frame)).map_or(0, |end| end + 1);
    let mut users = outer.take(end).filter(|frame| sites.is_user_code(frame.site));
    users.find(|user| {
        let Some(at) = frames.iter().position(|frame| frame.pc.get() == user.address) else {
            return false;
        };
        match user.address == caller.address {
            true => takes_a_lock_before(program, sites, *user, frames[at].pc.lookup()),
            false => has_word(program, &frames, at, &|word| word == address),
        }
    })
}

/// Whether a frame is the body of an async fn, block or closure.
fn is_body(sites: &SiteTable, frame: FrameRef) -> bool {
    let kind = sites.get(frame.site).kind;
    matches!(kind, FrameKind::AsyncFn | FrameKind::AsyncBlock | FrameKind::AsyncClosure)
}

/// Whether a frame has a word that is wanted on its stack or in a register.
fn has_word(
    program: &Program<'_>,
    frames: &[NativeFrame],
    at: usize,
    is_wanted: &impl Fn(u64) -> bool,
) -> bool {
    let begin = at.checked_sub(1).and_then(|inner| frames[inner].frame_address);
    let (Some(begin), Some(end)) = (begin, frames[at].frame_address) else { return false };
    let end = end.min(begin.saturating_add(LARGEST_FRAME));
    let mut words = (begin..end).step_by(usize::from(program.pointer_size()));
    frames[at].registers.iter().any(|(_, value)| is_wanted(*value))
        || words.any(|at| program.read_pointer(at).is_ok_and(is_wanted))
}

/// Whether the code before that place, of the line at which a frame stands, has a function inlined
/// that takes a lock.
fn takes_a_lock_before(
    program: &Program<'_>,
    sites: &SiteTable,
    user: FrameRef,
    place: u64,
) -> bool {
    let site = sites.get(user.site);
    let is_frame =
        |call: &Call| *call.function.name == *site.type_name && call.location == site.location;
    let takes = |call: &Call| {
        let known = sites.libraries().blocking(&plain_path(&call.function.name));
        known.is_some_and(|known| known.lock.is_some())
    };
    (1..=FARTHEST_CODE).any(|before| {
        let Some((module, at)) = program.module_at(place.wrapping_sub(before)) else {
            return false;
        };
        let calls = program.layouts(module).calls_at(at).unwrap_or_default();
        let outer = calls.iter().position(is_frame);
        // The next one inside of it: the user's own code calls the lock's function.
        outer.is_some_and(|outer| calls[..outer].last().is_some_and(takes))
    })
}

/// Bytes of one frame that are looked at.
const LARGEST_FRAME: u64 = 64 << 10;
/// Bytes of code that are looked at, at most.
const FARTHEST_CODE: u64 = 2 << 10;
