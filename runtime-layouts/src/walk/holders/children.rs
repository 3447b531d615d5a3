//! Child processes that would end a wait, and wait for this process themselves.
//!
//! One that reads its input to the end waits until whoever has the other end closes it, one whose
//! output is full until it is read. The system says for which file of this process a child waits, and
//! who has that file is found by its number.

#[cfg(test)]
mod tests;

use super::open_files::Keepers;
use crate::knowledge::OfSystem;
use crate::report::{Access, BlockedChild, ResourceId, Task, WaitId};
use crate::target::host::BlockedProcess;
use crate::value::Program;
use crate::walk::chains::site_table::SiteTable;
use crate::walk::waits::Waits;

/// Adds the children to what is waited for: their ends, and the pipes that they write to or read.
pub(super) fn add(program: &Program<'_>, sites: &SiteTable, tasks: &[Task], waits: &mut Waits) {
    if waits.of_system.is_empty() {
        return;
    }
    let blocked = program.target().host().map(|host| host.blocked_processes()).unwrap_or_default();
    let ended = blocked.into_iter().filter_map(|process| {
        // Somebody may do what it waits for, or be about to.
        let is_used = waits.of_system.contains_key(&OfSystem::File(process.fd));
        let ended = ended_by(&process, waits);
        (!is_used && !ended.is_empty()).then_some((process, ended))
    });
    let ended: Vec<(BlockedProcess, Vec<ResourceId>)> = ended.collect();
    if ended.is_empty() {
        return;
    }
    let files = ended.iter().map(|(process, _)| process.fd);
    let keepers = Keepers::of(program, sites, tasks, files);
    for (process, ended) in ended {
        let child = BlockedChild {
            pid: process.pid,
            child: process.child,
            name: process.name,
            reads: process.reads,
            fd: process.fd,
            keeper: keepers
                .get(&process.fd)
                .and_then(Keepers::only)
                .map(|(keeper, _)| keeper.clone()),
        };
        for id in ended {
            waits.resources[id.0 as usize].child = Some(Box::new(child.clone()));
        }
    }
}

/// What a process would end: its own end or that of the child that began it, and what it writes to
/// pipes, or reads from them.
fn ended_by(process: &BlockedProcess, waits: &Waits) -> Vec<ResourceId> {
    let own = [process.pid, process.child].map(OfSystem::Child).into_iter();
    let own = own.filter_map(|child| waits.of_system.get(&child).copied());
    let files = process.others.iter().map(|fd| OfSystem::File(*fd));
    let files = files.filter_map(|file| waits.of_system.get(&file).copied());
    let mut ended: Vec<ResourceId> =
        own.chain(files.filter(|id| is_waited_for(waits, *id))).collect();
    ended.dedup();
    ended
}

/// Whether somebody waits for one side of a file, and not for both.
fn is_waited_for(waits: &Waits, id: ResourceId) -> bool {
    let queue = &waits.resources[id.0 as usize].queue;
    let one_side = |wait: &WaitId| {
        matches!(waits.waits[wait.0 as usize].access, Some(Access::Receive | Access::Send))
    };
    queue.iter().any(one_side)
}
