//! Sets of futures: what polls several futures, each with a waker of the set's own.

use crate::value::{Program, Value, ValueError};

/// A type that gives the futures in it wakers of its own, and keeps the waker of what polls it to
/// pass on that one of its futures was woken.
pub struct FutureSetType {
    /// Its path, without generic arguments.
    pub(crate) path: &'static str,
    /// Reads one.
    pub(crate) read: ReadFutureSet,
    /// Whether what such a value leads to is there still: `false` for one that was dropped, of which
    /// old bytes are left. One that was moved lives elsewhere.
    pub(crate) is_alive: fn(&Program<'_>, Value) -> Result<bool, ValueError>,
}

/// Reads a set of futures; `None` for one that cannot be told apart now, or that keeps no waker.
pub(crate) type ReadFutureSet = fn(&Program<'_>, Value) -> Result<Option<FutureSet>, ValueError>;

/// A set of futures as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FutureSet {
    /// What tells it from others: an address.
    pub(crate) key: u64,
    /// The data pointer of the waker that it keeps.
    pub(crate) waker: u64,
    /// Whether one of its futures was woken, or can be: whether a waker of one of them exists.
    pub(crate) can_be_woken: bool,
}

/// A future or stream that gives what it polls wakers of its own, which wake the task that polls it.
pub struct WakingType {
    /// Its path, without generic arguments.
    pub(crate) path: &'static str,
    /// Reads the data pointers of these wakers.
    pub(crate) read: fn(&Program<'_>, Value) -> Result<Vec<u64>, ValueError>,
}
