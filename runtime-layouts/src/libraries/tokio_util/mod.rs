//! The cancellation tokens and task sets of tokio-util.
//!
//! Source: `tokio-util/src/sync/cancellation_token.rs`, `cancellation_token/tree_node.rs`,
//! `tokio-util/src/task/{join_map,task_tracker}.rs` (0.7.20).

mod public_paths;

use crate::knowledge::ConnectionType;
use crate::knowledge::connection::{Observed, ObservedBuffer};
use crate::knowledge::naming::count;
use crate::knowledge::{GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::tokio::join;
use crate::libraries::tokio::sync::notify;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: public_paths::PUBLIC_PATHS,
    resources: RESOURCES,
    guards: GUARDS,
    connections: &[ConnectionType::used(FRAMED, framed)],
    ..Library::named("tokio-util")
};

const RESOURCES: &[ResourceType] = &[
    ResourceType::of(
        "tokio_util::sync::cancellation_token::WaitForCancellationFuture",
        cancellation,
    ),
    ResourceType::of(
        "tokio_util::sync::cancellation_token::WaitForCancellationFutureOwned",
        cancellation,
    ),
    ResourceType::of("tokio_util::task::join_map::JoinMap", join_map),
    ResourceType::of("tokio_util::task::task_tracker::TaskTrackerWaitFuture", tracker),
];

const GUARDS: &[GuardType] = &[
    // What every tracked task keeps until it ends.
    GuardType::lock(
        "tokio_util::task::task_tracker::TaskTrackerToken",
        ResourceKind::JoinSet,
        Access::Shared,
        TRACKER,
    ),
    GuardType::end(
        "tokio_util::sync::cancellation_token::CancellationToken",
        ResourceKind::Cancellation,
        Access::Handle,
        TREE_NODE,
    ),
];

/// What `Framed` and `FramedWrite` are around.
const FRAMED: &str = "tokio_util::codec::framed_impl::FramedImpl";
const READ_FRAME: &str = "tokio_util::codec::framed_impl::ReadFrame";
const WRITE_FRAME: &str = "tokio_util::codec::framed_impl::WriteFrame";
const TREE_NODE: &str = "tokio_util::sync::cancellation_token::tree_node::TreeNode";
const JOIN_SET: &str = "tokio::task::join_set::JoinSet<";
const TRACKER: &str = "tokio_util::task::task_tracker::TaskTrackerInner";

/// `CancellationToken::cancelled`, `cancelled_owned`.
fn cancellation(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(node) = value.find_through_pointers(reading.program, TREE_NODE)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Cancellation, node);
    seen.name = Some("CancellationToken".into());
    let is_cancelled = node.find_number(reading.program, "is_cancelled")?.is_some_and(|is| is != 0);
    let handles = node.find_number(reading.program, "num_handles")?;
    seen.state = match handles {
        _ if is_cancelled => Some("cancelled".to_string()),
        Some(handles) => Some(format!("not cancelled, {}", count(handles, "handle"))),
        None => None,
    };
    seen.is_granted = is_cancelled || notify::is_granted(reading)?;
    // Whoever has a token above it cancels it too.
    let parent = node.find_member(reading.program, "parent")?;
    let is_root = match parent {
        Some(parent) => !parent.is_some(reading.program)?,
        None => false,
    };
    seen.is_reachable = !is_root;
    seen.parties = handles.filter(|_| is_root);
    Ok(Some(seen))
}

/// `JoinMap::join_next`: a `JoinSet` with keys.
fn join_map(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(set) = value.find_inline(reading.program, JOIN_SET)? else { return Ok(None) };
    let seen = join::set(reading, set)?;
    Ok(seen.map(|seen| ObservedResource { name: Some("JoinMap".into()), ..seen }))
}

/// `TaskTracker::wait`: the end of all its tasks, and its closing. The lowest bit of its state says
/// that it is closed, the others count the tasks.
fn tracker(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(inner) = value.find_through_pointers(reading.program, TRACKER)? else {
        return Ok(None);
    };
    let Some(state) = inner.find_number(reading.program, "state")? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::JoinSet, inner);
    seen.name = Some("TaskTracker".into());
    let tasks = count(state >> 1, "task");
    seen.state = Some(match state & 1 {
        0 => format!("{tasks}, not closed"),
        _ => tasks,
    });
    seen.needs_all = true;
    seen.parties = Some(state >> 1);
    seen.is_granted = notify::is_granted(reading)?;
    Ok(Some(seen))
}

/// `FramedImpl { inner, state, codec }`, whose state has a `WriteFrame { buffer, … }` if it writes:
/// `tokio-util/src/codec/framed_impl.rs` (0.7.20).
fn framed(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let Some(frame) = value.member(program, "state")?.find_inline(program, WRITE_FRAME)? else {
        return Ok(None);
    };
    let bytes = frame.member(program, "buffer")?.member(program, "len")?.unsigned(program)?;
    let reads = value.member(program, "state")?.find_inline(program, READ_FRAME)?.is_some();
    let name = Some(if reads { "Framed" } else { "FramedWrite" });
    let io = value.member(program, "inner")?;
    Ok(Some(Observed::Buffer(ObservedBuffer { bytes, io, name })))
}
