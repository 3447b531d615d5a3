//! What is polled, but is no future: objects that stream, and sockets beside what is awaited.

use crate::value::{Program, Value, ValueError};

/// A trait whose objects are no part of an await chain, but may have futures in them that are polled
/// as they are: bodies that stream.
pub struct StreamingTrait {
    /// Its path, without generic arguments.
    pub path: &'static str,
    /// Its functions that stand first in vtables, by versions: they tell the type behind a vtable that
    /// nothing else describes. Empty where what stands first does not poll.
    pub polls: &'static [&'static str],
    /// Whether its objects are futures in all but name: who has one has what is in it. What bodies and
    /// services have in them is mostly shared with others of their kind.
    pub keeps_its_own: bool,
}

/// A future that waits for something of its own beside the futures that it polls, so that it goes on
/// when either comes.
pub struct BesideType {
    /// Its path, without generic arguments.
    pub(crate) path: &'static str,
    /// The part of it in which what it waits for beside keeps the task's waker; `None` while it waits
    /// for nothing beside.
    pub(crate) part: fn(&Program<'_>, Value) -> Result<Option<Value>, ValueError>,
}
