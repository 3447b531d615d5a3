//! Owned lists: the intrusive lists that every spawned task is in until it is done.
//!
//! Source: `tokio/src/runtime/task/list.rs`, `tokio/src/util/{sharded_list,linked_list}.rs` (tokio
//! 1.54.1).

use std::collections::HashSet;

use super::task::{HEADER, Links};
use crate::layout::Type;
use crate::memory::ReadError;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;

const LINKED_LIST: &str = "tokio::util::linked_list::LinkedList<";

/// The tasks of an owned list.
pub(super) struct Owned {
    /// Their headers, by address.
    pub(super) headers: Vec<Value>,
    /// Why some may be missing; empty when none is.
    pub(super) incomplete: Vec<String>,
}

/// How many tasks the list itself says that it has; `None` when it does not keep count.
pub(super) fn count(program: &Program<'_>, owned: Value) -> Option<u64> {
    let mut has_count = |ty: &Type| ty.member("count").is_some();
    let path = path::find(program, owned.ty, Reach::INLINE, &mut has_count)?;
    let list = path.follow(program, owned).ok()??;
    list.member(program, "count").ok()?.unsigned(program).ok()
}

/// The headers of all tasks in all shards. A list that is torn or runs in a circle is followed as
/// far as it goes.
pub(super) fn headers(inspection: &mut Inspection<'_>, owned: Value) -> Owned {
    let mut found = Owned { headers: Vec::new(), incomplete: Vec::new() };
    let mut seen = HashSet::new();
    let mut lists = Vec::new();
    let mut is_list = |ty: &Type| ty.name.starts_with(LINKED_LIST);
    let Some(to_list) = path::find(&inspection.program, owned.ty, Reach::RUNTIME, &mut is_list)
    else {
        found.incomplete.push("the debug information does not describe the task list".into());
        return found;
    };
    if let Err(error) = to_list.each(&inspection.program, owned, &mut |list| lists.push(list)) {
        found.incomplete.push(format!("a shard of the task list: {error}"));
    }
    let mut shards: Vec<Shard> =
        lists.into_iter().filter_map(|list| shard(inspection, list, &mut found)).collect();
    // In turn: neighbours in memory are in different shards, and each page is to be read once.
    while !shards.is_empty() {
        shards.retain_mut(|shard| step(inspection, shard, &mut seen, &mut found));
        if found.headers.len() % 1024 < shards.len() && inspection.interrupted() {
            found.incomplete.push("interrupted".into());
            break;
        }
    }
    found.headers.sort_unstable_by_key(|header| header.address);
    found
}

/// One list that is being followed.
struct Shard {
    links: Links,
    header: Ty,
    next: Result<u64, ReadError>,
}

fn shard(inspection: &Inspection<'_>, list: Value, found: &mut Owned) -> Option<Shard> {
    let program = &inspection.program;
    let mut fail = |reason: String| {
        found.incomplete.push(reason);
        None
    };
    let head = match list.member(program, "head") {
        Ok(head) => head,
        Err(error) => return fail(error.to_string()),
    };
    let mut is_header = |ty: &Type| &*ty.name == HEADER;
    let Some(to_header) = path::find(program, head.ty, Reach::RUNTIME, &mut is_header) else {
        return fail("the debug information does not describe a task".into());
    };
    match Links::new(program, to_header.end) {
        Ok(links) => {
            let next = program.read_pointer(head.address);
            Some(Shard { links, header: to_header.end, next })
        }
        Err(error) => fail(error.to_string()),
    }
}

/// Takes one task from a list; `false` when there is no more.
fn step(
    inspection: &Inspection<'_>,
    shard: &mut Shard,
    seen: &mut HashSet<u64>,
    found: &mut Owned,
) -> bool {
    let address = match &shard.next {
        Ok(0) => return false,
        Ok(address) => *address,
        Err(error) => {
            found.incomplete.push(format!("the task list breaks off: {error}"));
            return false;
        }
    };
    if !seen.insert(address) {
        let reason = format!("the task list is torn: it comes back to {address:#x}");
        found.incomplete.push(reason);
        return false;
    }
    found.headers.push(Value { ty: shard.header, address });
    shard.next = shard.links.next(&inspection.program, address);
    true
}
