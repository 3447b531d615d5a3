//! The libraries that are known: one line each.

use super::Inspection;
use super::waits::{Reading, Seen};
use crate::layout::name::base_path;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What a library's folder offers.
pub(crate) struct Knowledge {
    /// Finds its runtimes and tasks in the target and adds them to the inspection; `None` for a
    /// library that runs no tasks.
    pub(crate) discover: Option<fn(&mut Inspection<'_>)>,
    /// Private paths of the library and the public ones that export the same items.
    pub(crate) public_paths: &'static [(&'static str, &'static str)],
    /// What its futures wait for.
    pub(crate) resources: &'static [ResourceType],
    /// What keeps it from others.
    pub(crate) guards: &'static [GuardType],
    /// The paths of types that lead to its runtimes and tasks, without generic arguments.
    pub(crate) handles: &'static [&'static str],
    /// Its functions that block the thread that calls them.
    pub(crate) blocking: &'static [BlockingCall],
}

/// A type whose values are waited for: a future, or what an async fn's `self` is.
pub(crate) struct ResourceType {
    /// Its path, without generic arguments.
    pub(crate) path: &'static str,
    /// Reads such a value. `None` when it is not waited for after all.
    pub(crate) read: Read,
    /// The data pointers of the wakers that such a value keeps, for one that can be polled without
    /// a future of its own; `None` for one that cannot.
    pub(crate) wakers: Option<Wakers>,
}

/// Reads what is waited for.
pub(crate) type Read = fn(&Reading<'_>, Value) -> Result<Option<Seen>, ValueError>;

/// Reads the data pointers of the wakers that a value keeps.
pub(crate) type Wakers = fn(&Program<'_>, Value) -> Result<Vec<u64>, ValueError>;

/// A type whose values keep a resource from others.
pub(crate) struct GuardType {
    /// Its path, without generic arguments; where the first of these matters, with that.
    pub(crate) path: &'static str,
    /// What it keeps.
    pub(crate) kind: ResourceKind,
    /// How. Of `Permits` the number is that in its member `permits`, or without one this.
    pub(crate) access: Access,
    /// The name of the type whose address is the resource's identity; of a generic one up to `<`,
    /// included.
    pub(crate) key: &'static str,
    /// The name of the type that the user knows, in the same way; the same as `key` where the guard
    /// does not lead to that.
    pub(crate) object: &'static str,
}

/// A function that blocks the thread that calls it until something else lets it go on.
pub(crate) struct BlockingCall {
    /// Its path, without generic arguments.
    pub(crate) function: &'static str,
    /// How it takes a lock; `None` when it waits for something else.
    pub(crate) lock: Option<TakesLock>,
}

/// How a function takes a lock.
#[derive(Clone, Copy)]
pub(crate) struct TakesLock {
    /// For one alone, or for several.
    pub(crate) access: Access,
    /// The address of the lock, by that of the word that the thread waits on; `None` when it
    /// cannot be told.
    pub(crate) of_word: fn(&Program<'_>, u64) -> Option<u64>,
}

impl ResourceType {
    /// A type that is read by that function.
    pub(crate) const fn of(path: &'static str, read: Read) -> Self {
        Self { path, read, wakers: None }
    }
}

impl GuardType {
    /// A guard that leads to the lock itself.
    pub(crate) const fn lock(
        path: &'static str,
        kind: ResourceKind,
        access: Access,
        lock: &'static str,
    ) -> Self {
        Self { path, kind, access, key: lock, object: lock }
    }

    /// An end of a channel, by the name of what all its ends share.
    pub(crate) const fn end(
        path: &'static str,
        kind: ResourceKind,
        access: Access,
        shared: &'static str,
    ) -> Self {
        Self { path, kind, access, key: shared, object: shared }
    }
}

/// Every library that is known.
pub(crate) const LIBRARIES: &[Knowledge] = &[
    crate::standard::KNOWLEDGE,
    crate::tokio::KNOWLEDGE,
    crate::tokio_util::KNOWLEDGE,
    crate::futures::KNOWLEDGE,
    crate::async_lock::KNOWLEDGE,
    crate::async_channel::KNOWLEDGE,
    crate::flume::KNOWLEDGE,
];

/// The public paths of all of them.
pub(crate) fn public_paths() -> Vec<(&'static str, &'static str)> {
    LIBRARIES.iter().flat_map(|library| library.public_paths).copied().collect()
}

/// The resource of that path.
pub(crate) fn resource(path: &str) -> Option<&'static ResourceType> {
    LIBRARIES.iter().flat_map(|library| library.resources).find(|known| known.path == path)
}

/// The guard that a type of that name is.
pub(crate) fn guard(name: &str) -> Option<&'static GuardType> {
    let path = base_path(name);
    LIBRARIES.iter().flat_map(|library| library.guards).find(|known| {
        known.path == path
            || known.path.contains('<')
                && name.strip_prefix(known.path).is_some_and(|rest| rest.starts_with([',', '>']))
    })
}

/// Whether a type is of a crate whose futures and async fns are known: its frames are looked
/// through for what they wait for.
pub(crate) fn is_of_known_crate(type_name: &str) -> bool {
    let of = |path: &'_ str| path.split("::").next().map(str::to_string);
    LIBRARIES
        .iter()
        .flat_map(|library| library.resources)
        .any(|known| of(known.path) == of(type_name))
}

/// Whether the type of that path leads to a runtime or a task.
pub(crate) fn is_handle(path: &str) -> bool {
    LIBRARIES.iter().any(|library| library.handles.contains(&path))
}

/// The blocking function of that path.
pub(crate) fn blocking(path: &str) -> Option<&'static BlockingCall> {
    LIBRARIES.iter().flat_map(|library| library.blocking).find(|known| known.function == path)
}
