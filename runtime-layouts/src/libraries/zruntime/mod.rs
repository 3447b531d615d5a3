//! zruntime, the runtime of zbus since 6.0: a core with a table of tasks, which one thread at a time
//! drives.
//!
//! Source: `zruntime/src/{runtime,scheduler,driver,mode}.rs` (0.2.2).

mod cores;
mod expected;
mod join;
mod resources;
mod task;
mod waits;

use self::cores::Core;
use crate::knowledge::{Library, Runtime};
use crate::report::TaskId;
use crate::walk::Inspection;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    runtime: Some(Runtime {
        // `SHARED_DRIVEN` in `mode.rs`: the core that a thread drives.
        root: Some("zruntime::mode::sealed::SHARED_DRIVEN"),
        // In messages of panics and in paths.
        text: b"zruntime",
        task_polls: &[task::RUN],
        pool_loops: &[],
    }),
    statics: &cores::STATICS,
    expectations: expected::EXPECTATIONS,
    named_types: expected::NAMED_TYPES,
    defining_crates: &["zruntime"],
    passing_on: &["zruntime::"],
    resources: resources::RESOURCES,
    guards: resources::GUARDS,
    public_paths: &[
        ("zruntime::lock::mutex::", "zruntime::lock::"),
        ("zruntime::lock::semaphore::", "zruntime::lock::"),
        ("zruntime::lock::rwlock::", "zruntime::lock::"),
        ("zruntime::lock::barrier::", "zruntime::lock::"),
        ("zruntime::event::", "zruntime::"),
    ],
    ..Library::named(NAME)
};

const NAME: &str = "zruntime";

/// Finds the cores that threads drive and the one that is shared, and their tasks.
pub(super) fn discover(inspection: &mut Inspection<'_>) {
    let cores = cores::find(inspection);
    // Its tasks are numbered from 0, as tokio's are, and each core has its own.
    let is_alone = cores.len() == 1 && !inspection.has_spawned_tasks();
    for (number, core) in cores.iter().enumerate() {
        if inspection.interrupted() {
            return;
        }
        let prefix = match (is_alone, number) {
            (true, _) => String::new(),
            (false, 0) => "z".to_string(),
            (false, _) => format!("z{}.", number + 1),
        };
        add(inspection, core, &prefix);
    }
}

/// Adds a core and its tasks.
fn add(inspection: &mut Inspection<'_>, core: &Core, prefix: &str) {
    let id = inspection.runtimes.len();
    let listed = task::slots(inspection.program, core.value);
    let (slots, mut incomplete) = match listed {
        Ok((slots, count)) if count > slots.len() as u64 => {
            (slots, vec!["its table has more tasks than unhang reads".to_string()])
        }
        Ok((slots, _)) => (slots, Vec::new()),
        Err(error) => (Vec::new(), vec![format!("the table of its tasks: {error}")]),
    };
    let ready = task::ready(inspection.program, core.value).unwrap_or_default();
    let mut running = None;
    let mut listed = 0;
    for slot in slots {
        if inspection.interrupted() {
            incomplete.push("interrupted".into());
            break;
        }
        match task::read(inspection, core, slot, &ready) {
            Ok(mut task) => {
                task.id = TaskId(format!("{prefix}{}", task.id.0));
                task.runtime = Some(id);
                if task.thread.is_some() {
                    running = Some(task.id.clone());
                }
                inspection.tasks.push(task);
                listed += 1;
            }
            Err(error) => incomplete.push(format!("a task: {error}")),
        }
    }
    let runtime = cores::runtime(inspection, core, id, ready.len() as u64, running);
    inspection.runtimes.push(crate::report::Runtime {
        listed_tasks: listed,
        incomplete,
        ..runtime
    });
}
