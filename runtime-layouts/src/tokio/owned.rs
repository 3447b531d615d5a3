//! Owned lists: the intrusive lists that every spawned task is in until it is done.
//!
//! Source: `tokio/src/runtime/task/list.rs`, `tokio/src/util/{sharded_list,linked_list}.rs` (tokio
//! 1.54.1).

use std::collections::HashSet;

use super::task::{HEADER, Links};
use crate::layout::Type;
use crate::value::path::{self, Reach};
use crate::value::{Program, Value};
use crate::walk::Inspection;

const LINKED_LIST: &str = "tokio::util::linked_list::LinkedList<";

/// The tasks of an owned list.
pub(super) struct Owned {
    /// Their headers, newest first within a shard.
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
    for list in lists {
        follow(inspection, list, &mut seen, &mut found);
    }
    found
}

fn follow(
    inspection: &mut Inspection<'_>,
    list: Value,
    seen: &mut HashSet<u64>,
    found: &mut Owned,
) {
    let head = match list.member(&inspection.program, "head") {
        Ok(head) => head,
        Err(error) => return found.incomplete.push(error.to_string()),
    };
    let mut is_header = |ty: &Type| &*ty.name == HEADER;
    let Some(to_header) = path::find(&inspection.program, head.ty, Reach::RUNTIME, &mut is_header)
    else {
        return found.incomplete.push("the debug information does not describe a task".into());
    };
    let mut links = match Links::new(&inspection.program, to_header.end) {
        Ok(links) => links,
        Err(error) => return found.incomplete.push(error.to_string()),
    };
    let mut next = inspection.program.read_pointer(head.address);
    loop {
        let address = match next {
            Ok(0) => return,
            Ok(address) => address,
            Err(error) => {
                return found.incomplete.push(format!("the task list breaks off: {error}"));
            }
        };
        if !seen.insert(address) {
            return found
                .incomplete
                .push(format!("the task list is torn: it comes back to {address:#x}"));
        }
        found.headers.push(Value { ty: to_header.end, address });
        if found.headers.len().is_multiple_of(1024) && inspection.interrupted() {
            return found.incomplete.push("interrupted".into());
        }
        next = links.next(&inspection.program, address);
    }
}
