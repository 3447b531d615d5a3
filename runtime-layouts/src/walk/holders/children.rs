//! Child processes that would end a wait, and wait for this process themselves.
//!
//! One that reads its input to the end waits until whoever has the other end closes it, one whose
//! output is full until it is read. The system says for which file of this process a child waits, and
//! who has that file is found by its number.

use std::rc::Rc;

use crate::knowledge::OfSystem;
use crate::report::{Access, BlockedChild, FileKeeper, ResourceId, Task, WaitId};
use crate::target::host::BlockedProcess;
use crate::value::{Program, Value};
use crate::walk::chains::live_values::LiveValues;
use crate::walk::chains::sites::Sites;
use crate::walk::search::end_types::EndTypes;
use crate::walk::waits::Waits;

/// Adds the children to what is waited for: their ends, and the pipes that they write to or read.
pub(super) fn add(program: &Program<'_>, sites: &Sites, tasks: &[Task], waits: &mut Waits) {
    if waits.of_system.is_empty() {
        return;
    }
    let blocked = program.target().host().map(|host| host.blocked_processes()).unwrap_or_default();
    for process in blocked {
        // Somebody does what it waits for, or is about to.
        if waits.of_system.contains_key(&OfSystem::File(process.fd)) {
            continue;
        }
        let ended = ended_by(&process, waits);
        if ended.is_empty() {
            continue;
        }
        let keeper = keeper(program, sites, tasks, process.fd);
        let child = BlockedChild {
            pid: process.pid,
            child: process.child,
            name: process.name,
            reads: process.reads,
            fd: process.fd,
            keeper,
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

/// Who has an open file of that number.
fn keeper(program: &Program<'_>, sites: &Sites, tasks: &[Task], fd: u64) -> Option<FileKeeper> {
    let libraries = sites.libraries();
    let types = libraries.all().flat_map(|library| library.descriptors).copied();
    let mut live_values = LiveValues::of_ends(Rc::new(EndTypes::files(types)), libraries);
    let mut kept = Vec::new();
    for task in tasks.iter().take_while(|_| !program.is_interrupted()) {
        live_values.of_chain(program, sites, &task.chain, &mut kept);
        let is_it = |value: Value| value.unsigned(program).is_ok_and(|number| number == fd);
        if let Some(it) = kept.drain(..).find(|kept| is_it(kept.value)) {
            return Some(FileKeeper { task: task.index, frame: it.frame, variable: it.variable });
        }
    }
    None
}
