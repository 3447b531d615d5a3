//! Names of resources.

use std::borrow::Cow;

use crate::layout::name::last_segment;
use crate::report::ResourceKind;
use crate::value::{Program, Ty, Value, ValueError};

/// `1 sender`, `2 senders`.
pub(crate) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A type as the source spells it, without its path: `Mutex<Inventory>`. `None` when it is not
/// described.
pub(crate) fn of_type(program: &Program<'_>, ty: Ty) -> Option<String> {
    program.type_of(ty).ok().map(|layout| last_segment(&layout.name))
}

/// The same of something whose own type is not at hand, from what it guards: `Mutex<Inventory>`,
/// or `Mutex` where that is not known either.
pub(crate) fn of_kind(kind: ResourceKind, guarded: Option<&str>) -> String {
    let name = match kind {
        ResourceKind::Mutex => "Mutex",
        ResourceKind::RwLock => "RwLock",
        ResourceKind::Semaphore => "Semaphore",
        ResourceKind::Pool => "Pool",
        ResourceKind::Mpsc => "mpsc channel",
        ResourceKind::Oneshot => "oneshot channel",
        ResourceKind::Watch => "watch channel",
        ResourceKind::Broadcast => "broadcast channel",
        _ => "lock",
    };
    guarded.map_or_else(|| name.to_string(), |guarded| format!("{name}<{guarded}>"))
}

/// `mpsc<Order>` from an end of type `Receiver<Order>`.
pub(crate) fn generic_name(
    word: &'static str,
    end: Value,
    program: &Program<'_>,
) -> Result<Cow<'static, str>, ValueError> {
    let arguments = program.arguments_of(end.ty)?;
    Ok(if arguments.is_empty() { word.into() } else { [word, arguments].concat().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guarded_is_part_of_the_name() {
        assert_eq!(of_kind(ResourceKind::RwLock, Some("Vec<u8>")), "RwLock<Vec<u8>>");
        assert_eq!(of_kind(ResourceKind::Semaphore, None), "Semaphore");
        assert_eq!(of_kind(ResourceKind::ThreadLock, None), "lock");
    }
}
