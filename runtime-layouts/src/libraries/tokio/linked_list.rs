//! tokio's intrusive linked lists.
//!
//! Source: `tokio/src/util/linked_list.rs` (tokio 1.54.1).

use rustc_hash::FxHashSet;

use crate::layout::{Type, TypeKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// A list with links of its own type parameter.
pub(super) const LINKED_LIST: &str = "tokio::util::linked_list::LinkedList<";
/// More nodes than this are not followed.
const MAX_NODES: usize = 1 << 20;

/// Where to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// With the newest: nodes are pushed to the front.
    Head,
    /// With the oldest, which is served first.
    Tail,
}

/// The nodes of a list, each once. One that is torn or runs in a circle is followed as far as it goes,
/// or to the limit.
pub(super) fn nodes(
    program: &Program<'_>,
    list: Value,
    start: End,
) -> Result<Vec<Value>, ValueError> {
    let (first, link) = match start {
        End::Head => (list.member(program, "head")?, "next"),
        End::Tail => (list.member(program, "tail")?, "prev"),
    };
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { target: Some(_) });
    let Some(to_node) = path::find(program, first.ty, Reach::INLINE, &mut is_pointer) else {
        return Ok(Vec::new());
    };
    let TypeKind::Pointer { target: Some(node) } = program.type_of(to_node.end)?.kind else {
        return Ok(Vec::new());
    };
    let node = Ty { module: list.ty.module, id: node };
    let mut has_links = |ty: &Type| ty.member("next").is_some() && ty.member("prev").is_some();
    let Some(links) = path::find(program, node, Reach::INLINE, &mut has_links) else {
        return Ok(Vec::new());
    };
    let link = program.type_of(links.end)?.member(link).map(|member| member.offset);
    let Some(link) = links.offset().zip(link).map(|(start, member)| start.wrapping_add(member))
    else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    // A list that comes back comes to this node in the end (Brent's algorithm).
    let mut mark = 0;
    let mut at = program.read_pointer(first.address)?;
    while at != 0 && at != mark && found.len() < MAX_NODES && !program.is_interrupted() {
        found.push(Value { ty: node, address: at });
        if found.len().is_power_of_two() {
            mark = at;
        }
        at = program.read_pointer(at.wrapping_add(link))?;
    }
    if at != 0 {
        let mut seen = FxHashSet::default();
        found.retain(|node| seen.insert(node.address));
    }
    Ok(found)
}

/// The addresses of those that wait in the list inside of something, first come first.
pub(super) fn waiters(program: &Program<'_>, object: Value) -> Result<Vec<u64>, ValueError> {
    let Some(list) = object.find_inline(program, LINKED_LIST)? else { return Ok(Vec::new()) };
    Ok(nodes(program, list, End::Tail)?.into_iter().map(|node| node.address).collect())
}
