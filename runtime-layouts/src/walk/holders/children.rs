//! Child processes that would end a wait, and wait for this process themselves.
//!
//! One that reads its input to the end waits until whoever has the other end closes it, one whose
//! output is full until it is read. The system says for which file of this process a child waits, and
//! who has that file is found by its number.

#[cfg(test)]
mod tests;

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::knowledge::OfSystem;
use crate::report::{Access, BlockedChild, FileKeeper, ResourceId, Task, WaitId};
use crate::target::host::BlockedProcess;
use crate::value::Program;
use crate::walk::chains::live_values::{LiveValue, LiveValues};
use crate::walk::chains::sites::Sites;
use crate::walk::search::end_types::EndTypes;
use crate::walk::waits::Waits;

/// Tasks whose frames are searched, at most: of more nobody is said to have a file.
const MOST_TASKS: usize = 100_000;

/// Adds the children to what is waited for: their ends, and the pipes that they write to or read.
pub(super) fn add(program: &Program<'_>, sites: &Sites, tasks: &[Task], waits: &mut Waits) {
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
    let mut keepers = ended.iter().map(|(process, _)| (process.fd, Keepers::default())).collect();
    find_keepers(program, sites, tasks, &mut keepers);
    for (process, ended) in ended {
        let child = BlockedChild {
            pid: process.pid,
            child: process.child,
            name: process.name,
            reads: process.reads,
            fd: process.fd,
            keeper: keepers.get(&process.fd).and_then(Keepers::only).cloned(),
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

/// Who has an open file, as far as variables say.
#[derive(Default)]
struct Keepers {
    certain: Vec<FileKeeper>,
    /// Variables that may have been moved away, and have left their bytes.
    perhaps: Vec<FileKeeper>,
}

impl Keepers {
    /// The one that has it; `None` where none was found, or where which of several is not known.
    fn only(&self) -> Option<&FileKeeper> {
        self.certain.first().or(match self.perhaps.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }
}

/// Finds who has the open files of these numbers.
fn find_keepers(
    program: &Program<'_>,
    sites: &Sites,
    tasks: &[Task],
    keepers: &mut FxHashMap<u64, Keepers>,
) {
    if tasks.len() > MOST_TASKS {
        return;
    }
    let libraries = sites.libraries();
    let types = libraries.all().flat_map(|library| library.descriptors).copied();
    let mut live_values = LiveValues::of_ends(Rc::new(EndTypes::named(types)), libraries);
    let mut kept = Vec::new();
    for task in tasks.iter().take_while(|_| !program.is_interrupted()) {
        live_values.of_chain(program, sites, &task.chain, &mut kept);
        for LiveValue { value, frame, variable, may_be_moved, .. } in kept.drain(..) {
            let Ok(fd) = value.unsigned(program) else { continue };
            let Some(known) = keepers.get_mut(&fd) else { continue };
            let list = if may_be_moved { &mut known.perhaps } else { &mut known.certain };
            list.push(FileKeeper { task: task.index, frame, variable });
        }
    }
}
