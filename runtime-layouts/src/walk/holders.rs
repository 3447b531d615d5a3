//! Holders: the guards in the variables of every suspended frame.
//!
//! `tokio::sync::Mutex` and its kin record no owner. The owner is found from the other side: a
//! guard that lives in some frame and points to the lock.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::find::Node;
use super::keeps::{Keeps, Kept};
use super::plan::Wanted;
use super::registry::{self, GuardType};
use super::sites::Sites;
use super::waits::{Reading, Seen, Waits, index_of};
use crate::layout::Type;
use crate::layout::name::{base_path, last_segment};
use crate::report::{Access, Holder, ResourceKind, Task, TaskIndex};
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// How to get from a guard to what it keeps.
struct GuardShape {
    known: &'static GuardType,
    key: Path,
    object: Option<Path>,
    /// `Mutex<Inventory>`.
    resource: String,
    /// `MutexGuard<Inventory>`.
    guard: Arc<str>,
}

/// Finds guards; keeps what it learns about types.
pub(crate) struct Holders {
    keeps: Keeps,
    shapes: HashMap<Ty, Option<Rc<GuardShape>>>,
    seen: HashSet<Node>,
}

impl Default for Holders {
    fn default() -> Self {
        Self { keeps: Keeps::of(Wanted::Guards), shapes: HashMap::new(), seen: HashSet::new() }
    }
}

impl Holders {
    /// Finds every guard that a task's frames keep, and adds its holder to the resource.
    pub(crate) fn find(
        &mut self,
        program: &Program<'_>,
        sites: &Sites,
        tasks: &[Task],
        waits: &mut Waits,
    ) {
        for (index, task) in tasks.iter().enumerate() {
            let mut kept = Vec::new();
            self.keeps.of_chain(program, sites, &task.chain, &mut kept);
            for kept in kept {
                // A guard that cannot be read is none.
                let _ = self.guard(program, index_of(index), &kept, waits);
            }
        }
        for resource in &mut waits.resources {
            // What may be old bytes does not count beside what is not.
            if resource.holders.iter().any(|holder| !holder.may_be_moved) {
                resource.holders.retain(|holder| !holder.may_be_moved);
            }
            if resource.is_taken == Some(false) {
                resource.holders.clear();
            }
        }
    }

    fn guard(
        &mut self,
        program: &Program<'_>,
        task: TaskIndex,
        kept: &Kept,
        waits: &mut Waits,
    ) -> Result<(), ValueError> {
        let node = kept.node;
        let sized = program.type_of(node.ty).is_ok_and(|layout| layout.size > 0);
        if sized && !self.seen.insert(node) {
            return Ok(());
        }
        let shape = match self.shapes.get(&node.ty) {
            Some(shape) => shape.clone(),
            None => {
                let shape = shape_of(program, node.ty).map(Rc::new);
                self.shapes.insert(node.ty, shape.clone());
                shape
            }
        };
        let Some(shape) = shape else { return Ok(()) };
        let value = Value { ty: node.ty, address: node.address };
        // An `Option` in the guard that is empty: it keeps nothing any more.
        let Some(key) = shape.key.follow(program, value)? else { return Ok(()) };
        let object = match &shape.object {
            Some(path) => path.follow(program, value)?.unwrap_or(key),
            None => key,
        };
        let kind = shape.known.kind;
        let access = match shape.known.access {
            Access::Permits(least) => match value.member(program, "permits") {
                Ok(permits) => Access::Permits(permits.unsigned(program)?),
                Err(_) => Access::Permits(least),
            },
            access => access,
        };
        let mut seen = state_of(program, object).unwrap_or_else(|| Seen::new(kind, object));
        (seen.kind, seen.key, seen.access) = (kind, key.address, None);
        let id = waits.resource(&seen, &shape.resource);
        let guard = Arc::clone(&shape.guard);
        let holder = Holder {
            task,
            frame: kept.frame,
            variable: kept.variable.clone(),
            guard,
            access,
            may_be_moved: kept.may_be_moved,
            thread: None,
        };
        let holders = &mut waits.resources[id.0 as usize].holders;
        // A captured guard may have been moved into a variable of the same frame.
        if !holders.iter().any(|known| {
            (known.task, known.frame) == (holder.task, holder.frame) && holder.may_be_moved
        }) {
            holders.push(holder);
        }
        Ok(())
    }
}

/// What a resource says of itself.
fn state_of(program: &Program<'_>, object: Value) -> Option<Seen> {
    let layout = program.type_of(object.ty).ok()?;
    let known = registry::resource(base_path(&layout.name))?;
    let reading = Reading { program, leaf: object, tasks: &HashMap::new() };
    (known.read)(&reading, object).ok().flatten()
}

fn shape_of(program: &Program<'_>, ty: Ty) -> Option<GuardShape> {
    let layout = program.type_of(ty).ok()?;
    let known = registry::guard(base_path(&layout.name))?;
    let to = |prefix: &'static str| {
        let mut wanted = |ty: &Type| ty.name.starts_with(prefix);
        path::find(program, ty, Reach::RUNTIME, &mut wanted)
    };
    let key = to(known.key)?;
    let object = to(known.object);
    let resource = match &object {
        Some(path) if known.object != known.key => {
            last_segment(&program.type_of(path.end).ok()?.name)
        }
        _ => {
            let argument = layout.type_parameters.first();
            let argument = argument.and_then(|parameter| {
                let ty = Ty { module: ty.module, id: parameter.ty };
                Some(last_segment(&program.type_of(ty).ok()?.name))
            });
            match argument {
                Some(argument) => format!("{}<{argument}>", kind_name(known.kind)),
                None => kind_name(known.kind).to_string(),
            }
        }
    };
    let guard = last_segment(&layout.name).into();
    Some(GuardShape { known, key, object, resource, guard })
}

/// The type that the user knows, where the guard does not lead to it.
fn kind_name(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Mutex => "Mutex",
        ResourceKind::RwLock => "RwLock",
        ResourceKind::Semaphore => "Semaphore",
        ResourceKind::Mpsc => "mpsc channel",
        ResourceKind::Oneshot => "oneshot channel",
        ResourceKind::Watch => "watch channel",
        ResourceKind::Broadcast => "broadcast channel",
        _ => "lock",
    }
}
