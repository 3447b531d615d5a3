//! Locks of files, as `flock` makes them: the task that has the open file which has the lock.
//!
//! The lock is given back when its file is closed, as that of a guard when the guard is dropped.

use super::open_files::Keepers;
use crate::knowledge::OfSystem;
use crate::report::{Access, Holder, ResourceId, Task};
use crate::value::Program;
use crate::walk::chains::site_table::SiteTable;
use crate::walk::waits::Waits;

/// Adds the tasks that have the locks of files which threads wait for.
pub(super) fn add(program: &Program<'_>, sites: &SiteTable, tasks: &[Task], waits: &mut Waits) {
    let Some(host) = program.target().host() else { return };
    let locks = waits.of_system.iter().filter_map(|(of_system, id)| match of_system {
        OfSystem::Lock(fd) => Some((*id, host.file_lock(*fd)?.own)),
        OfSystem::File(_) | OfSystem::Child(_) => None,
    });
    let mut locks: Vec<(ResourceId, Vec<u64>)> = locks.collect();
    if locks.is_empty() {
        return;
    }
    locks.sort_unstable_by_key(|(id, _)| *id);
    let files = locks.iter().flat_map(|(_, files)| files).copied();
    let keepers = Keepers::of(program, sites, tasks, files);
    for (id, files) in locks {
        let keepers = files.iter().filter_map(|fd| keepers.get(fd)?.only());
        for (keeper, may_be_moved) in keepers {
            waits.held(
                id,
                Holder {
                    is_static: false,
                    task: Some(keeper.task),
                    frame: keeper.frame,
                    variable: keeper.variable.clone(),
                    guard: "File".into(),
                    access: Access::Exclusive,
                    may_be_moved,
                    shared_end: None,
                    thread: None,
                    within: None,
                    holding_frame: None,
                },
            );
        }
    }
}
