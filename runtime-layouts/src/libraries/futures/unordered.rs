//! `FuturesUnordered`: a set of futures, polled in the order in which they wake.

use crate::knowledge::children::{Children, Part, Types};
use crate::knowledge::{CollectionType, FutureSet, FutureSetType, WakingType, waker};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::search::shared::is_arc_inner;

const FUTURES_UNORDERED: &str = "futures_util::stream::futures_unordered::FuturesUnordered";
/// What is woken when one of its futures was.
const READY_QUEUE: &str =
    "futures_util::stream::futures_unordered::ready_to_run_queue::ReadyToRunQueue<";
/// What the queue lies in, and what the set and its nodes have pointers to.
const COUNTED: &str = "alloc::sync::ArcInner<";
const ATOMIC_WAKER: &str = "futures_core::task::__internal::atomic_waker::AtomicWaker";

/// Futures of one set that are looked at, at most.
const MAX_FUTURES: usize = 1 << 16;

pub(super) const COLLECTIONS: &[CollectionType] =
    &[CollectionType { types: Types::Of(FUTURES_UNORDERED), children: futures_unordered }];

pub(super) const FUTURE_SETS: &[FutureSetType] =
    &[FutureSetType { path: FUTURES_UNORDERED, read: future_set, is_alive }];

pub(super) const WAKING: WakingType = WakingType { path: FUTURES_UNORDERED, read: wakers };

/// `futures-util/src/stream/futures_unordered/{mod,task,ready_to_run_queue}.rs`,
/// `futures-core/src/task/__internal/atomic_waker.rs` (0.3.34): each future lies in an
/// `Arc<Task<Fut>>`, of which the set has one reference and each waker of the future another. One
/// that was woken is `queued`.
fn future_set(program: &Program<'_>, value: Value) -> Result<Option<FutureSet>, ValueError> {
    let Some(queue) = value.find_through_pointers(program, READY_QUEUE)? else { return Ok(None) };
    let Some(keeper) = queue.find_inline(program, ATOMIC_WAKER)? else { return Ok(None) };
    // Otherwise some thread registers or takes the waker now (`WAITING` is 0).
    if keeper.member(program, "state")?.unsigned(program)? != 0 {
        return Ok(None);
    }
    let [waker] = waker::stored(program, keeper)?[..] else { return Ok(None) };
    let can_be_woken = !are_all_dead(program, value, queue)?;
    Ok(Some(FutureSet { key: queue.address, waker, can_be_woken }))
}

/// Whether the set alone has its queue, as `FuturesUnordered::drop` leaves it to nobody, and every node
/// knows that queue. An allocator writes over both counts of what it took back.
fn is_alive(program: &Program<'_>, set: Value) -> Result<bool, ValueError> {
    let Some(queue) = set.find_through_pointers(program, READY_QUEUE)? else { return Ok(false) };
    let Some(nodes) = nodes(program, set, queue)? else { return Ok(false) };
    let queue = set.member(program, "ready_to_run_queue")?;
    let Some(counted) = queue.find_through_pointers(program, COUNTED)? else { return Ok(false) };
    if counted.member(program, "strong")?.unsigned(program)? != 1 {
        return Ok(false);
    }
    for (shared, node) in nodes {
        let known = node.member(program, "ready_to_run_queue")?.find_number(program, "pointer")?;
        let owners = shared.member(program, "strong")?.unsigned(program)?;
        if owners == 0 || known != Some(counted.address) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether no future of a set was woken, and no waker of any of them exists.
fn are_all_dead(program: &Program<'_>, set: Value, queue: Value) -> Result<bool, ValueError> {
    let Some(nodes) = nodes(program, set, queue)? else { return Ok(false) };
    for (shared, node) in nodes {
        let is_alone = shared.member(program, "strong")?.unsigned(program)? == 1;
        if !is_alone || node.member(program, "queued")?.unsigned(program)? != 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The data pointers of the wakers of its futures: those are the `Arc`s in which they lie.
fn wakers(program: &Program<'_>, set: Value) -> Result<Vec<u64>, ValueError> {
    let Some(queue) = set.find_through_pointers(program, READY_QUEUE)? else {
        return Ok(Vec::new());
    };
    let nodes = nodes(program, set, queue)?.unwrap_or_default();
    Ok(nodes.into_iter().map(|(_, node)| node.address).collect())
}

/// The nodes with its futures, each with the counts around it; `None` where they are not known, or
/// there are too many.
fn nodes(
    program: &Program<'_>,
    set: Value,
    queue: Value,
) -> Result<Option<Vec<(Value, Value)>>, ValueError> {
    // `stub`, a node without a future, shows how the nodes lie in their `Arc`s.
    let stub = queue.member(program, "stub")?;
    let Some(to_counted) = path::find(program, stub.ty, Reach::RUNTIME, &mut is_arc_inner) else {
        return Ok(None);
    };
    let counted = to_counted.end;
    let layout = program.type_of(counted)?;
    let Some(data) = layout.member("data") else { return Ok(None) };
    let (offset, node) = (data.offset, Ty { module: counted.module, id: data.ty });
    let mut next = set.member(program, "head_all")?.unsigned(program)?;
    let mut found = Vec::new();
    while next != 0 {
        if found.len() >= MAX_FUTURES || program.is_interrupted() {
            return Ok(None);
        }
        let shared = Value { ty: counted, address: next.wrapping_sub(offset) };
        let node = Value { ty: node, address: next };
        found.push((shared, node));
        next = node.member(program, "next_all")?.unsigned(program)?;
    }
    Ok(Some(found))
}

/// `futures-util/src/stream/futures_unordered/{mod,task}.rs` (0.3.34): `head_all` points to the
/// newest `Task<Fut>`, whose `next_all` points to the next older one.
fn futures_unordered(
    program: &Program<'_>,
    ty: Ty,
    layout: &Type,
) -> Result<Option<Children>, LayoutError> {
    let of = |id: TypeId| Ty { module: ty.module, id };
    let Some(head) = layout.member("head_all") else { return Ok(None) };
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let Some(pointer) = path::find(program, of(head.ty), Reach::INLINE, &mut is_pointer) else {
        return Ok(None);
    };
    let TypeKind::Pointer { target: Some(task) } = program.type_of(pointer.end)?.kind else {
        return Ok(None);
    };
    let task = program.type_of(of(task))?;
    let (Some(next), Some(future)) = (task.member("next_all"), task.member("future")) else {
        return Ok(None);
    };
    Ok(Some(Children::List {
        head: head.offset,
        next: next.offset,
        item: Part { offset: future.offset, ty: of(future.ty) },
    }))
}
