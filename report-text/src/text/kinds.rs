//! What texts make of the kind of a thing.

use runtime_layouts::report::{Resource, ResourceKind};

/// Whether others can be kept from it, so that its identity matters.
pub(super) fn is_lock(kind: ResourceKind) -> bool {
    kind.is_lock() || kind == ResourceKind::ThreadLock
}

/// Whether two of a kind are told apart by their addresses.
pub(super) fn has_identity(kind: ResourceKind) -> bool {
    is_lock(kind)
        || kind.is_channel()
        || matches!(
            kind,
            ResourceKind::Notify
                | ResourceKind::Barrier
                | ResourceKind::Cancellation
                | ResourceKind::Shared
                | ResourceKind::OtherEnd
        )
}

/// What tells a resource from others: its name, and its address where it has one.
pub(super) fn with_address(resource: &Resource) -> String {
    match resource.address {
        0 => resource.name.to_string(),
        address => format!("{} {address:#x}", resource.name),
    }
}

/// Whether those who wait for it are worth a list: they get it one after the other.
pub(super) fn has_queue(kind: ResourceKind) -> bool {
    is_lock(kind) || matches!(kind, ResourceKind::Notify | ResourceKind::Mpsc)
}
