//! What blocks a thread, as those who find it tell it.

use crate::knowledge::{BlockingCall, ObservedResource};
use crate::layout::name::{last_segment, path_segments};
use crate::report::{Frame, FrameRef};
use crate::walk::chains::site_table::SiteTable;

/// What blocks a thread.
pub(crate) struct Blocked {
    /// The lock, the channel or the pool; where that is not known, nothing.
    pub(crate) seen: ObservedResource,
    /// Its name, if it has none of its own.
    pub(crate) name: String,
    /// The call.
    pub(crate) frame: FrameRef,
    /// Whether it polls a future.
    pub(crate) polls: bool,
    /// The size of the lock with what it guards, in bytes; `None` when that is not known.
    pub(crate) size: Option<u64>,
    /// Whether the thread runs, and asks for the lock again and again.
    pub(crate) spins: bool,
}

impl Blocked {
    /// What a call in that frame waits for, in the kernel.
    pub(super) fn of(
        seen: ObservedResource,
        name: String,
        frame: &Frame,
        call: &BlockingCall,
    ) -> Self {
        let frame = FrameRef::of(frame);
        Self { seen, name, frame, polls: call.polls, size: None, spins: false }
    }
}

/// The name of the lock whose function was called.
pub(super) fn lock_name(sites: &SiteTable, call: &Frame) -> String {
    let site = sites.get(call.site);
    let path = path_segments(&site.name.short);
    let lock = path.len().checked_sub(2).map(|at| path[at].text.to_string());
    let owner = path_segments(&site.type_name);
    let full = owner.len().checked_sub(2).map(|at| last_segment(&owner[at].whole()));
    sites.libraries().spelled(&full.or(lock).unwrap_or_default())
}
