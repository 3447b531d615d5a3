//! Waits: what the leaf of every chain waits for.
//!
//! The innermost frames of a chain are a library's: from the leaf outwards they are looked through
//! for something that is known to be waited for, in the future itself or as the `self` of an async
//! fn. The outermost such thing is what the user named: a semaphore's permit is what a future
//! asks for, the `Mutex` around it what the user locked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::blocked;
use super::registry::{self, ResourceType};
use super::sites::Sites;
use super::wakers;
use crate::layout::name::{base_path, last_segment};
use crate::layout::{Type, TypeKind};
use crate::report::{
    Access, Chain, Frame, FrameRef, Holder, Polled, Resource, ResourceId, ResourceKind, SiteId,
    Task, TaskId, TaskIndex, TaskKind, TaskState, Wait, WaitId,
};
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// Pointers between a variable and what it refers to, at most.
const DEEPEST_REFERENCE: usize = 6;
/// Different things in a library's future that may keep the task's waker, at most.
const MOST_POLLED: usize = 16;

/// What a leaf is read with.
pub(crate) struct Reading<'r> {
    /// The target.
    pub(crate) program: &'r Program<'r>,
    /// The innermost future of the chain.
    pub(crate) leaf: Value,
    /// The tasks that others may wait for.
    pub(crate) tasks: &'r Tasks,
    /// The header of the task whose leaf it is; 0 for a future that a thread blocks on.
    pub(crate) header: u64,
}

impl Reading<'_> {
    /// Whether a waker with that data pointer wakes the task whose leaf is read.
    pub(crate) fn is_own(&self, waker: u64) -> bool {
        match self.header {
            // The waker of a future that a thread blocks on is the thread's, not a task's.
            0 => waker != 0 && self.tasks.at(waker).is_none(),
            header => waker == header,
        }
    }
}

/// The tasks that were found, to be looked up.
#[derive(Default)]
pub(crate) struct Tasks {
    by_header: FxHashMap<u64, TaskIndex>,
    /// The closures that run on threads: they have no header that is known.
    closures: FxHashMap<TaskId, TaskIndex>,
}

impl Tasks {
    fn of(tasks: &[Task]) -> Self {
        let mut found = Self::default();
        for (index, task) in tasks.iter().enumerate() {
            if task.address != 0 {
                found.by_header.insert(task.address, index_of(index));
            } else if task.kind == TaskKind::Blocking {
                found.closures.insert(task.id.clone(), index_of(index));
            }
        }
        found
    }

    /// The task whose header is there.
    pub(crate) fn at(&self, header: u64) -> Option<TaskIndex> {
        self.by_header.get(&header).copied()
    }

    /// The closure with that id that a thread runs.
    pub(crate) fn closure(&self, id: &TaskId) -> Option<TaskIndex> {
        self.closures.get(id).copied()
    }
}

/// What was read.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// What it is.
    pub(crate) kind: ResourceKind,
    /// What tells it from others of its kind: an address.
    pub(crate) key: u64,
    /// The address of what the user knows.
    pub(crate) address: u64,
    /// Its name; `None` for the type's.
    pub(crate) name: Option<String>,
    /// See [`Resource::state`].
    pub(crate) state: Option<String>,
    /// See [`Resource::overdue`].
    pub(crate) overdue: Option<Duration>,
    /// See [`Resource::is_taken`].
    pub(crate) is_taken: Option<bool>,
    /// See [`Resource::parties`].
    pub(crate) parties: Option<u64>,
    /// See [`Wait::access`].
    pub(crate) access: Option<Access>,
    /// See [`Wait::is_granted`].
    pub(crate) is_granted: bool,
    /// See [`Wait::note`].
    pub(crate) note: Option<String>,
    /// How to read its queue, and from what. It is read once, however many wait.
    pub(crate) order: Option<(ReadOrder, Value)>,
    /// See [`Resource::tasks`].
    pub(crate) tasks: Vec<TaskIndex>,
    /// See [`Resource::needs_all`].
    pub(crate) needs_all: bool,
}

impl Seen {
    /// Something of which nothing more is known than what and where it is.
    pub(crate) fn new(kind: ResourceKind, value: Value) -> Self {
        Self { key: value.address, address: value.address, ..Self::nowhere(kind) }
    }

    /// Something whose place is not known.
    pub(crate) fn nowhere(kind: ResourceKind) -> Self {
        Self {
            kind,
            key: 0,
            address: 0,
            name: None,
            state: None,
            overdue: None,
            is_taken: None,
            parties: None,
            access: None,
            is_granted: false,
            note: None,
            order: None,
            tasks: Vec::new(),
            needs_all: false,
        }
    }
}

/// Reads the addresses of what waits for something, in its own order: each lies in a leaf.
pub(crate) type ReadOrder = fn(&Program<'_>, Value) -> Result<Vec<u64>, ValueError>;

/// What tells a resource from others: its identity, its kind and, of a channel, the end that is
/// asked for. Small, since there may be millions.
type Key = (u64, ResourceKind, Option<End>);

/// An end of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Send,
    Receive,
}

fn key(kind: ResourceKind, key: u64, access: Option<Access>) -> Key {
    let end = match access {
        Some(Access::Send) => Some(End::Send),
        Some(Access::Receive) => Some(End::Receive),
        _ => None,
    };
    (key, kind, end)
}

/// The waits and resources that were found so far.
#[derive(Default)]
pub(crate) struct Waits {
    pub(crate) waits: Vec<Wait>,
    pub(crate) resources: Vec<Resource>,
    known: FxHashMap<Key, ResourceId>,
    orders: FxHashMap<ResourceId, (ReadOrder, Value)>,
    /// What a type is known as, with its name as the source spells it.
    types: FxHashMap<Ty, (Option<&'static ResourceType>, Arc<str>)>,
    /// What of each leaf's type can keep a waker.
    polled: FxHashMap<Ty, Arc<Vec<(Path, &'static ResourceType)>>>,
    /// Where leaves of a type that is not known keep wakers.
    wakers: FxHashMap<Ty, Vec<Path>>,
    /// Whether frames of a type are a library's own way to what is waited for.
    inner: FxHashMap<SiteId, bool>,
}

impl Waits {
    /// Finds what every task waits for.
    pub(crate) fn find(&mut self, program: &Program<'_>, sites: &Sites, tasks: &mut [Task]) {
        let known = Tasks::of(tasks);
        for (index, task) in tasks.iter_mut().enumerate() {
            task.index = index_of(index);
            let mut run = Vec::new();
            let mut walk = Leaves {
                waits: self,
                program,
                sites,
                tasks: &known,
                task: task.index,
                header: if task.kind == TaskKind::BlockOn { 0 } else { task.address },
            };
            if task.state == TaskState::Running {
                walk.blocked(task);
            }
            walk.chain(&task.chain, None, 0, &mut run);
        }
        self.order(program, sites);
    }

    /// The resource of that kind and identity, made when it is first seen.
    pub(crate) fn resource(&mut self, seen: &Seen, name: &Arc<str>) -> ResourceId {
        let key = key(seen.kind, seen.key, seen.access);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let id = ResourceId(count(&self.resources));
        self.resources.push(Resource {
            kind: seen.kind,
            address: seen.address,
            name: seen.name.as_deref().map_or_else(|| Arc::clone(name), Arc::from),
            state: seen.state.clone(),
            overdue: seen.overdue,
            holders: Vec::new(),
            is_taken: seen.is_taken,
            parties: seen.parties,
            queue: Vec::new(),
            given: None,
            tasks: seen.tasks.clone(),
            needs_all: seen.needs_all,
        });
        self.known.insert(key, id);
        if let Some(order) = seen.order {
            self.orders.insert(id, order);
        }
        id
    }

    /// The resource of that kind and identity, if something waits for it; of a channel, for that
    /// end.
    pub(crate) fn known(
        &self,
        kind: ResourceKind,
        key: u64,
        end: Option<Access>,
    ) -> Option<ResourceId> {
        self.known.get(&self::key(kind, key, end)).copied()
    }

    /// Adds who has a resource.
    pub(crate) fn held(&mut self, id: ResourceId, holder: Holder) {
        let holders = &mut self.resources[id.0 as usize].holders;
        if holders.is_empty() {
            // Most have one.
            holders.reserve_exact(1);
        }
        // Of channels all ends count, and there may be very many.
        if holder.access.is_end() {
            return holders.push(holder);
        }
        let is_beside = |known: &Holder| (known.task, known.frame) == (holder.task, holder.frame);
        // What an expression returns is moved into a variable with a name.
        let is_temporary = |known: &Holder| {
            let name = known.variable.as_ref().and_then(|name| name.strip_prefix("__"));
            name.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        if !is_temporary(&holder) {
            holders.retain(|known| !(is_beside(known) && is_temporary(known)));
        }
        // So may a captured guard have been.
        let may_be_old = holder.may_be_moved || is_temporary(&holder);
        if !(may_be_old && holders.iter().any(is_beside)) {
            holders.push(holder);
        }
    }

    /// Sorts the queues into their own order, what was given it already first.
    fn order(&mut self, program: &Program<'_>, sites: &Sites) {
        for (index, wait) in self.waits.iter().enumerate() {
            let queue = &mut self.resources[wait.resource.0 as usize].queue;
            if queue.is_empty() {
                queue.reserve_exact(1);
            }
            queue.push(WaitId(u32::try_from(index).unwrap_or(u32::MAX)));
        }
        let waits = &self.waits;
        for (id, (read, value)) in &self.orders {
            let queue = &mut self.resources[id.0 as usize].queue;
            if queue.len() < 2 {
                continue;
            }
            let order = read(program, *value).unwrap_or_default();
            let places: BTreeMap<u64, usize> =
                order.into_iter().enumerate().map(|(place, address)| (address, place)).collect();
            queue.sort_by_cached_key(|wait| {
                let wait = &waits[wait.0 as usize];
                let leaf = sites.type_of(wait.leaf.site).and_then(|ty| program.type_of(ty).ok());
                let size = leaf.map_or(0, |layout| layout.size).max(1);
                let end = wait.leaf.address.saturating_add(size);
                let mut within = places.range(wait.leaf.address..end);
                (!wait.is_granted, within.next().map_or(usize::MAX, |(_, place)| *place))
            });
        }
        for resource in &mut self.resources {
            let is_given = |id: &WaitId| waits[id.0 as usize].is_granted;
            resource.given = resource.queue.iter().copied().find(is_given);
        }
    }

    /// What a type is known as, if it is, and its name.
    fn type_known(
        &mut self,
        program: &Program<'_>,
        ty: Ty,
    ) -> (Option<&'static ResourceType>, Arc<str>) {
        let known = self.types.entry(ty).or_insert_with(|| match program.type_of(ty) {
            Ok(layout) => {
                let known = registry::resource(base_path(&layout.name));
                (known, last_segment(&layout.name).into())
            }
            Err(_) => (None, "".into()),
        });
        (known.0, Arc::clone(&known.1))
    }

    fn polled(&mut self, program: &Program<'_>, ty: Ty) -> Arc<Vec<(Path, &'static ResourceType)>> {
        let paths = self.polled.entry(ty).or_insert_with(|| {
            let keeps_wakers = |ty: &Type| {
                registry::resource(base_path(&ty.name)).filter(|known| known.wakers.is_some())
            };
            let mut wanted = |ty: &Type| keeps_wakers(ty).is_some();
            let found = path::find_all(program, ty, Reach::RUNTIME, MOST_POLLED, &mut wanted);
            let with_type = found.into_iter().filter_map(|path| {
                let known = keeps_wakers(program.type_of(path.end).ok()?)?;
                Some((path, known))
            });
            Arc::new(with_type.collect())
        });
        Arc::clone(paths)
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

pub(crate) fn index_of(index: usize) -> TaskIndex {
    TaskIndex(u32::try_from(index).unwrap_or(u32::MAX))
}

/// The walk over one task's leaves.
struct Leaves<'w, 'p> {
    waits: &'w mut Waits,
    program: &'p Program<'p>,
    sites: &'p Sites,
    tasks: &'p Tasks,
    task: TaskIndex,
    header: u64,
}

impl Leaves<'_, '_> {
    /// Looks at every leaf of a chain. `run` holds the frames above it, outermost first, of which
    /// those from `branch` on are of this branch alone, and `keeper` is the frame that holds it if
    /// it is not polled.
    fn chain<'c>(
        &mut self,
        chain: &'c Chain,
        keeper: Option<FrameRef>,
        branch: usize,
        run: &mut Vec<&'c Frame>,
    ) {
        let above = run.len();
        run.extend(&chain.frames);
        let mut branches = chain.branches.iter().peekable();
        let holds_only = chain.branches.iter().all(|branch| branch.polled == Polled::No);
        if branches.peek().is_none() || holds_only {
            self.leaf(run, branch, keeper);
        }
        // What a frame awaits besides other things is not what it is.
        let from = if chain.branches.len() > 1 { run.len() } else { branch };
        for branch in branches.filter(|branch| branch.polled != Polled::Ended) {
            let holder = run.last().map(|frame| FrameRef::of(frame));
            let keeper = keeper.or(holder.filter(|_| branch.polled != Polled::Yes));
            self.chain(branch, keeper, from, run);
        }
        run.truncate(above);
    }

    /// What blocks the thread that polls the task.
    fn blocked(&mut self, task: &Task) {
        let Some(blocked) = blocked::of_task(self.program, self.sites, task) else { return };
        let seen = Seen {
            // Where the lock is not known, nobody else waits for the same.
            key: blocked.address.unwrap_or(u64::from(self.task.0)),
            address: blocked.address.unwrap_or(0),
            is_taken: (blocked.kind == ResourceKind::ThreadLock).then_some(true),
            access: blocked.access,
            ..Seen::nowhere(blocked.kind)
        };
        let resource = self.waits.resource(&seen, &blocked.name.as_str().into());
        let users = task.chain.frames.iter().rev().find(|frame| self.sites.is_users(frame.site));
        self.waits.waits.push(Wait {
            task: self.task,
            resource,
            access: seen.access,
            is_granted: false,
            note: None,
            is_polled: true,
            keeper: None,
            leaf: blocked.frame,
            user: users.map(FrameRef::of),
        });
    }

    fn leaf(&mut self, run: &[&Frame], branch: usize, keeper: Option<FrameRef>) {
        let Some(leaf) = run.last().and_then(|frame| self.value(frame)) else { return };
        let Some(leaf_ref) = run.last().map(|frame| FrameRef::of(frame)) else { return };
        let user = run.iter().rev().find(|frame| self.sites.is_users(frame.site));
        let user = user.map(|frame| FrameRef::of(frame));
        for (seen, name) in self.seen(&run[branch..], leaf) {
            let resource = self.waits.resource(&seen, &name);
            self.waits.waits.push(Wait {
                task: self.task,
                resource,
                access: seen.access,
                is_granted: seen.is_granted,
                note: seen.note,
                is_polled: keeper.is_none(),
                keeper,
                leaf: leaf_ref,
                user,
            });
        }
    }

    /// What the leaf of a run waits for: mostly one thing, for a library's own future perhaps
    /// several.
    fn seen(&mut self, run: &[&Frame], leaf: Value) -> Vec<(Seen, Arc<str>)> {
        let reading =
            Reading { program: self.program, leaf, tasks: self.tasks, header: self.header };
        let mut found = None;
        for (depth, frame) in run.iter().rev().enumerate() {
            if depth > 0 && !self.is_inner(frame.site) {
                break;
            }
            let Some(value) = self.value(frame) else { continue };
            for subject in subjects(self.program, value) {
                let (Some(known), name) = self.waits.type_known(self.program, subject.ty) else {
                    continue;
                };
                if let Ok(Some(seen)) = (known.read)(&reading, subject) {
                    found = Some((seen, name));
                    break;
                }
            }
        }
        match found {
            Some(found) => vec![found],
            None => {
                let kept = self.kept_wakers(&reading);
                if kept.is_empty() { self.unknown(leaf).into_iter().collect() } else { kept }
            }
        }
    }

    /// A leaf of which nothing is known but that it stored this task's waker.
    fn unknown(&mut self, leaf: Value) -> Option<(Seen, Arc<str>)> {
        if self.header == 0 {
            return None;
        }
        let program = self.program;
        let paths = self.waits.wakers.entry(leaf.ty);
        let paths = paths.or_insert_with(|| wakers::paths(program, leaf.ty));
        wakers::wake(program, leaf, paths, self.header).then(|| {
            let note = Some("which has this task's waker".to_string());
            let (_, name) = self.waits.type_known(program, leaf.ty);
            (Seen { note, ..Seen::new(ResourceKind::Other, leaf) }, name)
        })
    }

    /// Things in a leaf that keep this task's waker.
    fn kept_wakers(&mut self, reading: &Reading<'_>) -> Vec<(Seen, Arc<str>)> {
        let mut found = Vec::new();
        for (path, known) in &*self.waits.polled(self.program, reading.leaf.ty) {
            let mut values = Vec::new();
            let _ = path.each(self.program, reading.leaf, &mut |value| values.push(value));
            for value in values {
                let wakers = known.wakers.map(|wakers| wakers(self.program, value));
                if !matches!(wakers, Some(Ok(wakers)) if wakers.iter().any(|waker| reading.is_own(*waker)))
                {
                    continue;
                }
                if let Ok(Some(seen)) = (known.read)(reading, value)
                    && !found.iter().any(|(other, _): &(Seen, Arc<str>)| other.key == seen.key)
                {
                    found.push((seen, self.waits.type_known(self.program, value.ty).1));
                }
            }
        }
        found
    }

    /// Whether a frame is of the library that its leaf is of: code of others names what it waits
    /// for differently.
    fn is_inner(&mut self, site: SiteId) -> bool {
        let sites = self.sites;
        *self.waits.inner.entry(site).or_insert_with(|| {
            !sites.is_users(site) && registry::is_of_known_crate(&sites.get(site).type_name)
        })
    }

    fn value(&self, frame: &Frame) -> Option<Value> {
        let ty = self.sites.type_of(frame.site).filter(|_| frame.address != 0)?;
        Some(Value { ty, address: frame.address })
    }
}

/// What a frame may be waiting for: the future itself, and what the `self` of an async fn or of a
/// closure refers to.
fn subjects(program: &Program<'_>, frame: Value) -> Vec<Value> {
    let mut found = vec![frame];
    let mut at = frame;
    for _ in 0..3 {
        let Ok(layout) = program.type_of(at.ty) else { break };
        let fields = match &layout.kind {
            TypeKind::Enum { .. } => match at.active_variant(program) {
                Ok((_, fields)) => fields,
                Err(_) => break,
            },
            _ => at,
        };
        let Ok(layout) = program.type_of(fields.ty) else { break };
        for member in layout.members() {
            let name = member.name.strip_prefix("_ref__").unwrap_or(&member.name);
            if name == "self" || name == "me" || name.starts_with("self__") {
                let value = fields.member(program, &member.name);
                found.extend(value.and_then(|value| referent(program, value)).ok());
            }
        }
        // `PollFn` and the like hold the closure that has the variables.
        match layout.members() {
            [only] if found.len() == 1 => match fields.member(program, &only.name) {
                Ok(value) => at = value,
                Err(_) => break,
            },
            _ => break,
        }
    }
    found
}

/// What a variable refers to, behind references, boxes and pins.
pub(crate) fn referent(program: &Program<'_>, value: Value) -> Result<Value, ValueError> {
    let mut at = value;
    for _ in 0..DEEPEST_REFERENCE {
        let layout = program.type_of(at.ty)?;
        at = match &layout.kind {
            TypeKind::Pointer { target: Some(_) } => match at.pointee(program)? {
                Some(target) => target,
                None => break,
            },
            TypeKind::Struct { members }
                if members.len() == 1 && layout.name.starts_with("core::pin::Pin<") =>
            {
                at.member(program, &members[0].name)?
            }
            _ => break,
        };
    }
    Ok(at)
}
