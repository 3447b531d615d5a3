//! The waits of leaves: which resource the innermost futures of a task wait for.
//!
//! The innermost frames of a chain belong to a library. From the leaf outwards the search looks for
//! a known resource, in the future itself or behind the `self` of an async fn. The outermost one is
//! the one that the user knows: the future of a lock asks for a semaphore's permit, but the user
//! locked the `Mutex` around it.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::shared_wakers::SharedWakers;
use crate::knowledge::{
    BesideType, Libraries, ObservedResource, Reading, ResourceType, Tasks, WakingType, waker,
};
use crate::layout::name::base_path;
use crate::layout::{Type, TypeKind};
use crate::report::{
    Chain, Frame, FrameRef, FutureState, Polled, ResourceId, ResourceKind, SiteId, Task, TaskIndex,
    TaskState, Wait, WakerPlace,
};
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty, Value};
use crate::walk::chains::site_table::SiteTable;
use crate::walk::search::shared::SharedPointer;

/// Pointers between a variable and what it refers to, at most.
const DEEPEST_REFERENCE: usize = 6;
/// Different things in a library's future that may keep the task's waker, at most.
const MAX_POLLED: usize = 16;

/// A wait that was found.
pub(crate) struct FoundWait {
    /// What is waited for.
    pub(crate) seen: ObservedResource,
    /// The type that it has its name from, if it has none of its own.
    pub(crate) named: Ty,
    /// The wait itself, but for the number of the resource.
    pub(crate) wait: Wait,
    /// What a leaf that is not known shares with others, and keeps the task's waker in.
    pub(crate) shared: Option<SharedPointer>,
}

/// Ways from a type to what can keep a waker.
type WakerPaths = Vec<(Path, &'static ResourceType)>;

/// Reads leaves; keeps what it learns about types.
pub(crate) struct LeafReader {
    libraries: Libraries,
    /// What a type is known as.
    types: FxHashMap<Ty, Option<&'static ResourceType>>,
    /// What of each leaf's type can keep a waker.
    polled: FxHashMap<Ty, Rc<WakerPaths>>,
    /// Where leaves of a type that is not known keep wakers.
    wakers: FxHashMap<Ty, Vec<Path>>,
    /// What leaves of types that are not known share with others.
    shared: SharedWakers,
    /// Whether frames of a type are a library's own way to what is waited for.
    inner: FxHashMap<SiteId, bool>,
    /// What frames of a type wait for beside what they poll.
    beside: FxHashMap<SiteId, Option<&'static BesideType>>,
    /// What frames of a type are that give what they poll wakers of their own.
    waking: FxHashMap<SiteId, Option<&'static WakingType>>,
}

impl LeafReader {
    /// A reader of what these libraries' futures wait for.
    pub(crate) fn of(libraries: Libraries) -> Self {
        Self {
            libraries,
            types: FxHashMap::default(),
            polled: FxHashMap::default(),
            wakers: FxHashMap::default(),
            shared: SharedWakers::of(libraries),
            inner: FxHashMap::default(),
            beside: FxHashMap::default(),
            waking: FxHashMap::default(),
        }
    }

    /// Adds what a task waits for, except for what blocks its thread.
    pub(crate) fn of_task(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        tasks: &Tasks<'_>,
        task: &Task,
        found: &mut Vec<FoundWait>,
    ) {
        let first = found.len();
        let passed_on = Rc::default();
        let mut walk = LeafWalk { leaves: self, program, sites, tasks, task, passed_on, found };
        walk.chain(&task.chain, None, 0, &mut Vec::new());
        mark_limits(&mut found[first..]);
    }

    /// What a type is known as, if it is.
    fn type_known(&mut self, program: &Program<'_>, ty: Ty) -> Option<&'static ResourceType> {
        let libraries = self.libraries;
        *self.types.entry(ty).or_insert_with(|| {
            program.type_of(ty).ok().and_then(|layout| libraries.resource(&layout.name))
        })
    }

    fn polled(&mut self, program: &Program<'_>, ty: Ty) -> Rc<WakerPaths> {
        let libraries = self.libraries;
        let paths = self.polled.entry(ty).or_insert_with(|| {
            let keeps_wakers =
                |ty: &Type| libraries.resource(&ty.name).filter(|known| known.wakers.is_some());
            let mut wanted = |ty: &Type| keeps_wakers(ty).is_some();
            let found = path::find_each(program, ty, Reach::RUNTIME, MAX_POLLED, &mut wanted);
            let with_type = found.into_iter().filter_map(|path| {
                let known = keeps_wakers(program.type_of(path.end).ok()?)?;
                Some((path, known))
            });
            Rc::new(with_type.collect())
        });
        Rc::clone(paths)
    }
}

/// The walk over one task's leaves.
struct LeafWalk<'w> {
    leaves: &'w mut LeafReader,
    program: &'w Program<'w>,
    sites: &'w SiteTable,
    tasks: &'w Tasks<'w>,
    task: &'w Task,
    /// The wakers that the frames above give to what they poll.
    passed_on: Rc<FxHashSet<u64>>,
    found: &'w mut Vec<FoundWait>,
}

impl<'w> LeafWalk<'w> {
    /// Visits every leaf of a chain. `run` has the frames above it, outermost first; those from
    /// `branch` on are above this branch alone. `holding_frame` is the frame that holds the branch
    /// without polling it.
    fn chain<'c>(
        &mut self,
        chain: &'c Chain,
        holding_frame: Option<FrameRef>,
        branch: usize,
        run: &mut Vec<&'c Frame>,
    ) {
        let above = run.len();
        run.extend(&chain.frames);
        let passed_on = self.pass_on(&chain.frames);
        let mut branches = chain.branches.iter().peekable();
        let holds_only = chain.branches.iter().all(|branch| branch.polled == Polled::No);
        let is_leaf = branches.peek().is_none() || holds_only;
        if is_leaf {
            self.leaf(run, branch, holding_frame);
        }
        for end in above + 1..=run.len() {
            self.beside(&run[..end], holding_frame);
        }
        // What a frame awaits besides other things is not what it is.
        let polled = chain.polled_branches().count();
        let from = if polled > 1 { run.len() } else { branch };
        for branch in branches.filter(|branch| branch.polled != Polled::Ended) {
            let holder = run.last().map(|frame| FrameRef::of(frame));
            let holding_frame = holding_frame.or(holder.filter(|_| branch.polled != Polled::Yes));
            self.chain(branch, holding_frame, from, run);
        }
        run.truncate(above);
        self.passed_on = passed_on;
    }

    /// What is asked of a leaf of this task, below frames that give these wakers.
    fn reading<'r>(&self, leaf: Value, passed_on: &'r FxHashSet<u64>) -> Reading<'r>
    where
        'w: 'r,
    {
        let (program, tasks, waker) = (self.program, self.tasks, self.task.waker_data());
        Reading { program, leaf, tasks, waker, passed_on, inside: None }
    }

    /// Adds the wakers that some frames give to what they poll; those that there were.
    fn pass_on(&mut self, frames: &[Frame]) -> Rc<FxHashSet<u64>> {
        let before = Rc::clone(&self.passed_on);
        for frame in frames {
            let (sites, libraries) = (self.sites, self.leaves.libraries);
            let known =
                self.leaves.waking.entry(frame.site).or_insert_with(|| {
                    libraries.waking(base_path(&sites.get(frame.site).type_name))
                });
            let Some((known, value)) = known.zip(self.value(frame)) else { continue };
            // What cannot be read gives none that are known.
            let given = (known.read)(self.program, value).unwrap_or_default();
            let mut all = FxHashSet::clone(&self.passed_on);
            all.extend(given);
            self.passed_on = Rc::new(all);
        }
        before
    }

    /// What the last frame of a run waits for beside what it polls.
    fn beside(&mut self, run: &[&Frame], holding_frame: Option<FrameRef>) {
        let Some(frame) = run.last() else { return };
        let (sites, libraries) = (self.sites, self.leaves.libraries);
        let known = self.leaves.beside.entry(frame.site).or_insert_with(|| {
            libraries.waiting_beside(base_path(&sites.get(frame.site).type_name))
        });
        let Some((known, value)) = known.zip(self.value(frame)) else { return };
        // One that cannot be read waits for nothing beside, as far as is known.
        let Ok(Some(leaf)) = (known.part)(self.program, value) else { return };
        let passed_on = Rc::clone(&self.passed_on);
        let reading = self.reading(leaf, &passed_on);
        let task = self.task.index;
        for known in self.kept_wakers(&reading) {
            let beside = found_wait((task, sites), run, holding_frame, known, false);
            // A leaf may have it in itself.
            let is_same = |other: &FoundWait| {
                let of = |it: &FoundWait| (it.wait.task, it.wait.leaf, it.seen.kind, it.seen.key);
                of(other) == of(&beside)
            };
            if !self.found.iter().rev().take(MAX_POLLED).any(is_same) {
                self.found.push(beside);
            }
        }
    }

    fn leaf(&mut self, run: &[&Frame], branch: usize, holding_frame: Option<FrameRef>) {
        let Some(frame) = run.last() else { return };
        let (task, sites) = (self.task.index, self.sites);
        let waiting = |known: (ObservedResource, Ty), keeps_waker: bool| {
            found_wait((task, sites), run, holding_frame, known, keeps_waker)
        };
        let stands_there = self.task.state == TaskState::Idle
            && holding_frame.is_none()
            && matches!(
                self.sites.get(frame.site).state,
                FutureState::Suspended | FutureState::Unknown
            );
        let Some(leaf) = self.value(frame) else {
            let ty = self.sites.type_of(frame.site).filter(|_| stands_there);
            self.found.extend(ty.map(|ty| waiting((unknown(ty), ty), false)));
            return;
        };
        let passed_on = Rc::clone(&self.passed_on);
        let reading = self.reading(leaf, &passed_on);
        if let Some(mut known) = self.known(&reading, &run[branch..]) {
            known = self.around(&reading, run, known);
            return self.found.push(waiting(known, false));
        }
        // A library's own future may wait for several things.
        let kept = self.kept_wakers(&reading);
        if kept.is_empty() {
            let keeps_waker = self.keeps_waker(leaf);
            let own = reading.waker;
            let may_share = own != 0 && (keeps_waker || stands_there);
            let shared = Some(&mut self.leaves.shared).filter(|_| may_share);
            if let Some(shared) = shared.and_then(|it| it.of_leaf(self.program, leaf, own)) {
                let known = (shared_with_others(leaf.ty, &shared), leaf.ty);
                let found = FoundWait { shared: Some(shared), ..waiting(known, true) };
                self.found.push(found);
            } else if keeps_waker || (stands_there && !self.is_never_pending(leaf.ty)) {
                self.found.push(waiting((unknown(leaf.ty), leaf.ty), keeps_waker));
            }
        } else {
            self.found.extend(kept.into_iter().map(|known| waiting(known, false)));
        }
    }

    /// Whether nothing ever waits in a future of that type.
    fn is_never_pending(&self, ty: Ty) -> bool {
        let layout = self.program.type_of(ty);
        layout.is_ok_and(|layout| self.leaves.libraries.is_never_pending(base_path(&layout.name)))
    }

    /// What the leaf of a run is known to wait for, and the type of that.
    fn known(&mut self, reading: &Reading<'_>, run: &[&Frame]) -> Option<(ObservedResource, Ty)> {
        let mut found = None;
        for (depth, frame) in run.iter().rev().enumerate() {
            if depth > 0 && !self.is_inner(frame) {
                break;
            }
            let Some(value) = self.value(frame) else { continue };
            for subject in subjects(self.program, value) {
                let known = self.leaves.type_known(self.program, subject.ty);
                let Some(known) = known.filter(|known| !known.is_around) else { continue };
                // What users declare of a future of their own does not hide what else may end it.
                let inside = found.as_ref().filter(|_| known.is_declared_by_user);
                let inside = inside.map(|(seen, _)| seen);
                if let Ok(Some(seen)) = known.read(&Reading { inside, ..*reading }, subject) {
                    found = Some((seen, subject.ty));
                    break;
                }
            }
        }
        found
    }

    /// What is around what was found to be waited for, such as the pool whose semaphore that is; that
    /// itself where nothing is.
    fn around(
        &mut self,
        reading: &Reading<'_>,
        run: &[&Frame],
        (mut inside, ty): (ObservedResource, Ty),
    ) -> (ObservedResource, Ty) {
        for frame in run.iter().rev().skip(1) {
            if !self.is_inner(frame) {
                break;
            }
            let Some(value) = self.value(frame) else { continue };
            for subject in subjects(self.program, value) {
                let known = self.leaves.type_known(self.program, subject.ty);
                let Some(known) = known.filter(|known| known.is_around) else { continue };
                let of_part = Reading { inside: Some(&inside), ..*reading };
                match known.read(&of_part, subject) {
                    Ok(Some(seen)) => return (seen, subject.ty),
                    Ok(None) if may_be_limit(inside.kind) => {
                        let around = known.read(reading, subject).ok().flatten();
                        inside.limit_of = around.map(|around| around.key);
                        return (inside, ty);
                    }
                    _ => {}
                }
            }
        }
        (inside, ty)
    }

    /// Whether a leaf of a type that is not known stores this task's waker.
    fn keeps_waker(&mut self, leaf: Value) -> bool {
        let own = self.task.waker_data();
        if own == 0 {
            return false;
        }
        let program = self.program;
        let paths = self.leaves.wakers.entry(leaf.ty);
        let paths = paths.or_insert_with(|| waker::paths(program, leaf.ty));
        waker::wake(program, leaf, paths, own)
    }

    /// Things in a leaf that keep this task's waker.
    fn kept_wakers(&mut self, reading: &Reading<'_>) -> Vec<(ObservedResource, Ty)> {
        let mut found = Vec::new();
        let mut keys = FxHashSet::default();
        // Its socket or body may be one of many types.
        let objects = reading.leaf.objects(self.program);
        for part in [reading.leaf].into_iter().chain(objects) {
            for (path, known) in &*self.leaves.polled(self.program, part.ty) {
                let mut values = Vec::new();
                let _ = path.each(self.program, part, &mut |value| values.push(value));
                for value in values {
                    let wakers = known.wakers.map(|wakers| wakers(self.program, value));
                    if !matches!(wakers, Some(Ok(wakers)) if wakers.iter().any(|waker| reading.is_own(*waker)))
                    {
                        continue;
                    }
                    if let Ok(Some(seen)) = known.read(reading, value)
                        && keys.insert((seen.kind, seen.key))
                    {
                        found.push((seen, value.ty));
                    }
                }
            }
        }
        found
    }

    /// Whether a frame is of the library that its leaf is of: code of others names what it waits
    /// for differently.
    fn is_inner(&mut self, frame: &Frame) -> bool {
        let (sites, libraries, site) = (self.sites, self.leaves.libraries, frame.site);
        let of_library = *self.leaves.inner.entry(site).or_insert_with(|| {
            !sites.is_user_code(site) && libraries.is_of_known_crate(&sites.get(site).type_name)
        });
        of_library || libraries.has_declared() && self.is_declared(frame)
    }

    /// Whether a frame is of something that the user declared, which may be in their own code.
    fn is_declared(&mut self, frame: &Frame) -> bool {
        let Some(value) = self.value(frame) else { return false };
        let mut subjects = subjects(self.program, value).into_iter();
        subjects.any(|subject| {
            let known = self.leaves.type_known(self.program, subject.ty);
            known.is_some_and(|known| known.is_declared_by_user)
        })
    }

    fn value(&self, frame: &Frame) -> Option<Value> {
        let ty = self.sites.type_of(frame.site)?;
        // What takes no room needs no place, such as `std::future::Pending`.
        let has_place =
            frame.address != 0 || self.program.type_of(ty).is_ok_and(|layout| layout.size == 0);
        has_place.then_some(Value { ty, address: frame.address })
    }
}

/// Whether such a thing may end the wait for something else, as a library makes it.
fn may_be_limit(kind: ResourceKind) -> bool {
    matches!(kind, ResourceKind::Sleep | ResourceKind::Notify | ResourceKind::Cancellation)
}

/// Marks what only ends a wait for an object of a pool, of the waits of one task.
fn mark_limits(found: &mut [FoundWait]) {
    if found.iter().all(|waiting| waiting.seen.limit_of.is_none()) {
        return;
    }
    let is_pool = |waiting: &&FoundWait| waiting.seen.kind == ResourceKind::Pool;
    let pools: Vec<u64> = found.iter().filter(is_pool).map(|waiting| waiting.seen.key).collect();
    for waiting in found {
        waiting.wait.is_limit = waiting.seen.limit_of.is_some_and(|pool| pools.contains(&pool));
    }
}

/// A wait of the last frame of a run.
fn found_wait(
    (task, sites): (TaskIndex, &SiteTable),
    run: &[&Frame],
    holding_frame: Option<FrameRef>,
    (mut seen, named): (ObservedResource, Ty),
    keeps_waker: bool,
) -> FoundWait {
    let nowhere = FrameRef { site: SiteId(0), address: 0 };
    let user = run.iter().rev().find(|frame| sites.is_user_code(frame.site));
    let wait = Wait {
        task,
        resource: ResourceId(0),
        access: seen.access,
        is_granted: seen.is_granted,
        note: seen.note.take(),
        is_polled: holding_frame.is_none(),
        is_limit: false,
        blocks_thread: false,
        holding_frame,
        waker: keeps_waker.then_some(WakerPlace::Leaf),
        leaf: run.last().map_or(nowhere, |last| FrameRef::of(last)),
        user: user.map(|frame| FrameRef::of(frame)),
    };
    FoundWait { seen, named, wait, shared: None }
}

/// What a future of a type that is not known waits for: all of one type are one, since nobody else
/// has to do with it, and there may be a million.
fn unknown(ty: Ty) -> ObservedResource {
    let key = ty.id.0 ^ (ty.module as u64).rotate_right(8);
    ObservedResource { key, ..ObservedResource::without_address(ResourceKind::Other) }
}

/// What a future of a type that is not known shares with others.
fn shared_with_others(ty: Ty, shared: &SharedPointer) -> ObservedResource {
    let value = Value { ty, address: shared.counted.address };
    ObservedResource::new(ResourceKind::OtherEnd, value)
}

/// What an `Arc` points to, as the `self` of `async fn acquire(self: &Arc<Self>)` is one
/// (`library/alloc/src/sync.rs`, Rust 1.95); `None` for what is none.
fn counted(program: &Program<'_>, value: Value) -> Option<Value> {
    let layout = program.type_of(value.ty).ok()?;
    if base_path(&layout.name) != "alloc::sync::Arc" {
        return None;
    }
    let pointer = value.member(program, "ptr").ok()?.member(program, "pointer").ok()?;
    pointer.pointee(program).ok()??.member(program, "data").ok()
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
                let value = value.and_then(|value| value.referent(program, DEEPEST_REFERENCE));
                let Ok(value) = value else { continue };
                found.push(value);
                found.extend(counted(program, value));
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
