//! The other ends of what futures of unknown libraries wait with, by rules.
//!
//! A future that keeps its task's waker in what it shares through an `Arc` is woken by who has that as
//! well: so is every channel, cell and lock made that consists of ends around one `Arc`. The count in
//! the `Arc` says how many there are, and what suspended frames keep says where they are. What an end
//! can do is not known, so all that rests on this says `perhaps`.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::owners::Owners;
use crate::knowledge::expectation::compiler;
use crate::knowledge::{Libraries, waker};
use crate::layout::Type;
use crate::layout::name::base_path;
use crate::report::{Access, FrameRef, Holder, ResourceId, Task, TaskIndex, Within};
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty, Value};
use crate::walk::chains::live_values::{LiveValue, LiveValues};
use crate::walk::chains::sites::Sites;
use crate::walk::search::type_paths::{is_shared, shared_target};
use crate::walk::search::{Finder, SharedPointer};
use crate::walk::waits::Waits;

/// Shared pointers of one value that are looked at, at most.
const MOST_FOUND: usize = 8;
/// Tasks whose frames are searched, at most: of more nobody is said to have an end.
const MOST_TASKS: usize = 100_000;

/// Finds what futures share with others that keeps their wakers; keeps what it learns about types.
pub(crate) struct SharedWakers {
    /// The nearest shared pointers of a type.
    nearest: FxHashMap<Ty, Rc<[Path]>>,
    finder: Finder,
    /// The wakers behind each shared pointer: by the address of its counts.
    known: FxHashMap<u64, Rc<WakersBehind>>,
}

/// By its data pointer where a waker is kept: the innermost pointer that others share; `None` for the
/// one that it is behind.
type WakersBehind = FxHashMap<u64, Option<SharedPointer>>;

impl SharedWakers {
    /// Nothing is known of any type.
    pub(crate) fn of(libraries: Libraries) -> Self {
        let finder = Finder::of_ends(Rc::new(EndTypes::wakers()), libraries);
        Self { nearest: FxHashMap::default(), finder, known: FxHashMap::default() }
    }

    /// What a leaf shares with others and keeps the waker with that data pointer in; `None` where it
    /// keeps that alone, or shares nothing.
    pub(crate) fn of_leaf(
        &mut self,
        program: &Program<'_>,
        leaf: Value,
        own: u64,
    ) -> Option<SharedPointer> {
        let mut handles = Vec::new();
        for path in self.nearest(program, leaf.ty).iter() {
            let _ = path.each(program, leaf, &mut |end| handles.push(end));
        }
        handles.truncate(MOST_FOUND);
        handles.into_iter().find_map(|handle| {
            let pointer = pointer_at(program, handle)?;
            let behind = self.behind(program, pointer);
            let shared = behind.get(&own)?.unwrap_or(pointer);
            // What only the leaf has is not shared.
            shared.counts(program).is_none_or(|counts| counts.strong > 1).then_some(shared)
        })
    }

    fn behind(&mut self, program: &Program<'_>, pointer: SharedPointer) -> Rc<WakersBehind> {
        let address = pointer.counted.address;
        if let Some(known) = self.known.get(&address) {
            return Rc::clone(known);
        }
        self.finder.begin();
        let mut found = self.finder.values_in(program, pointer.counted);
        let mut behind = WakersBehind::default();
        for (place, (value, _)) in (0..).zip(&found.values) {
            let innermost = found.shared.remove(&place).and_then(|mut shared| shared.pop());
            for data in waker::stored(program, *value).unwrap_or_default() {
                behind.entry(data).or_insert(innermost);
            }
        }
        let behind = Rc::new(behind);
        self.known.insert(address, Rc::clone(&behind));
        behind
    }

    fn nearest(&mut self, program: &Program<'_>, ty: Ty) -> Rc<[Path]> {
        let paths = self.nearest.entry(ty).or_insert_with(|| {
            let mut wanted = |ty: &Type| is_shared(&ty.name);
            path::find_all(program, ty, Reach::RUNTIME, MOST_FOUND, &mut wanted).into()
        });
        Rc::clone(paths)
    }
}

/// An `Arc` or `Rc`, with what it points to.
fn pointer_at(program: &Program<'_>, handle: Value) -> Option<SharedPointer> {
    let members = program.type_of(handle.ty).ok()?.members();
    let of = |id| Ty { module: handle.ty.module, id };
    let target = members.iter().find_map(|member| shared_target(program, of(member.ty)))?;
    let address = program.read_pointer(handle.address).ok().filter(|address| *address != 0)?;
    Some(SharedPointer { handle, counted: Value { ty: target, address } })
}

/// What is an end: a type of one of the libraries that has one of the shared pointers in it, or such a
/// pointer itself.
#[derive(Clone, Default)]
pub(crate) struct EndTypes {
    /// The names of the pointers' types.
    pointers: FxHashSet<Rc<str>>,
    /// The first parts of the paths of the types that wait.
    crates: FxHashSet<Rc<str>>,
}

impl EndTypes {
    /// Wakers instead of ends.
    fn wakers() -> Self {
        let names = compiler::WAKER.names().map(Into::into);
        Self { pointers: names.collect(), crates: FxHashSet::default() }
    }

    fn add(&mut self, program: &Program<'_>, pointer: &SharedPointer, leaf: Ty) {
        if let (Ok(handle), Ok(leaf)) = (program.type_of(pointer.handle.ty), program.type_of(leaf))
        {
            self.pointers.insert(handle.name.as_ref().into());
            self.crates.insert(crate_of(&leaf.name).into());
        }
    }

    /// Whether a type is an end.
    pub(crate) fn are(&self, program: &Program<'_>, ty: Ty, layout: &Type) -> bool {
        self.pointers.contains(&*layout.name)
            || (self.crates.contains(crate_of(&layout.name))
                && self.pointer_in(program, ty).is_some())
    }

    /// The way from an end to its pointer.
    fn pointer_in(&self, program: &Program<'_>, ty: Ty) -> Option<Path> {
        let mut wanted = |ty: &Type| self.pointers.contains(&*ty.name);
        path::find(program, ty, Reach::INLINE, &mut wanted)
    }
}

/// The crate of a type, by its path.
fn crate_of(type_name: &str) -> &str {
    base_path(type_name).split("::").next().unwrap_or_default()
}

/// Adds the ends that suspended frames keep of what futures of unknown libraries wait with.
pub(crate) fn add(
    program: &Program<'_>,
    sites: &Sites,
    tasks: &[Task],
    owners: &mut Owners,
    waits: &mut Waits,
) {
    if waits.shared.is_empty() {
        return;
    }
    let mut types = EndTypes::default();
    let mut known: FxHashMap<u64, (ResourceId, FxHashSet<u64>)> = FxHashMap::default();
    for (id, pointer, leaf) in &waits.shared {
        types.add(program, pointer, *leaf);
        let (_, own) = known.entry(pointer.counted.address).or_insert((*id, FxHashSet::default()));
        own.insert(pointer.handle.address);
    }
    if tasks.len() <= MOST_TASKS {
        let types = Rc::new(types);
        let (paths, seen) = (FxHashMap::default(), FxHashSet::default());
        let mut ends = Ends { program, types: &types, paths, known, owners, seen };
        let mut live_values = LiveValues::of_ends(Rc::clone(&types), sites.libraries());
        let mut kept = Vec::new();
        for task in tasks.iter().take_while(|_| !program.is_interrupted()) {
            live_values.of_chain(program, sites, &task.chain, &mut kept);
            for value in kept.drain(..) {
                ends.add(task.index, value, waits);
            }
        }
        ends.count(waits);
    }
}

/// The ends that are found.
struct Ends<'e, 'p> {
    program: &'e Program<'p>,
    types: &'e EndTypes,
    paths: FxHashMap<Ty, Option<Rc<Path>>>,
    /// What is waited with, by the address of its counts, and where the pointers of those who wait
    /// are.
    known: FxHashMap<u64, (ResourceId, FxHashSet<u64>)>,
    owners: &'e mut Owners,
    /// The pointers that were added, each with the outermost one around it.
    seen: FxHashSet<(u64, Option<u64>)>,
}

impl Ends<'_, '_> {
    /// Says of each how many other ends there are.
    fn count(&self, waits: &mut Waits) {
        for (id, pointer, _) in &waits.shared {
            let Some((_, own)) = self.known.get(&pointer.counted.address) else { continue };
            let others = pointer
                .counts(self.program)
                .and_then(|counts| counts.strong.checked_sub(own.len() as u64));
            waits.resources[id.0 as usize].parties = others;
        }
    }

    fn add(&mut self, task: TaskIndex, kept: LiveValue, waits: &mut Waits) {
        let LiveValue { value, frame, variable, may_be_moved, shared, within, holding_frame } =
            kept;
        let program = self.program;
        let path = self.paths.entry(value.ty);
        let path = path.or_insert_with(|| self.types.pointer_in(program, value.ty).map(Rc::new));
        let Some(path) = path.clone() else { return };
        let pointer = path.follow(program, value).ok().flatten();
        let Some(pointer) = pointer.and_then(|handle| pointer_at(program, handle)) else { return };
        let Some((id, own)) = self.known.get(&pointer.counted.address) else { return };
        let all: Vec<SharedPointer> = shared.iter().copied().chain([pointer]).collect();
        if own.contains(&pointer.handle.address) {
            // It waits, so it is there.
            self.owners.add(*id, &all, task, false);
            return;
        }
        self.owners.add(*id, &all, task, may_be_moved);
        let outermost = shared.first().map(|pointer| pointer.handle.address);
        if !self.seen.insert((pointer.handle.address, outermost)) {
            return;
        }
        let guard = waits.spelled(program, value.ty);
        // What it is in that others share: a queue of messages, mostly.
        let shared_with = shared.first().map(|pointer| (pointer.handle.ty, false));
        let within = within.map(|collection| (collection.value.ty, collection.has_messages));
        let within = within
            .or(shared_with)
            .map(|(ty, has_messages)| Within { name: waits.spelled(program, ty), has_messages });
        let frame = FrameRef { site: frame.site, address: frame.address };
        waits.held(
            *id,
            Holder {
                is_static: false,
                task: Some(task),
                frame,
                variable,
                guard,
                access: Access::End,
                may_be_moved,
                shared_end: (!shared.is_empty()).then_some(pointer.handle.address),
                thread: None,
                within,
                holding_frame,
            },
        );
    }
}
